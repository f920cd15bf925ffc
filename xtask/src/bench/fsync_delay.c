/* Storage that takes 2 ms longer to sync: preloaded into PostgreSQL by row 20 of `cargo xtask bench`. */

#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void delay(void)
{
    struct timespec pause = {0, 2 * 1000 * 1000};
    nanosleep(&pause, 0);
}

int fdatasync(int fd)
{
    int result = (int) syscall(SYS_fdatasync, fd);
    delay();
    return result;
}

int fsync(int fd)
{
    int result = (int) syscall(SYS_fsync, fd);
    delay();
    return result;
}
