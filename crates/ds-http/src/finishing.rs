//! Work that is done to its end, whatever becomes of who started it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::runtime::Handle;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

/// Drives `work` in the caller's task, and when the caller is dropped first, in a task of its own.
///
/// A task from the start would be simpler, and cost every write two more trips through the scheduler
/// for the sake of the few whose client leaves.
pub(crate) fn finish<T: Send + 'static>(
    writes: &TaskTracker,
    work: impl Future<Output = T> + Send + 'static,
) -> Finishing<T> {
    Finishing {
        work: Some(Box::pin(work)),
        writes: writes.clone(),
        _counted: writes.token(),
    }
}

/// See [`finish`].
pub(crate) struct Finishing<T: Send + 'static> {
    /// `None` once it has ended.
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    writes: TaskTracker,
    _counted: TaskTrackerToken,
}

impl<T: Send + 'static> Future for Finishing<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.work else {
            return Poll::Pending;
        };
        let output = ready!(work.as_mut().poll(cx));
        self.work = None;
        Poll::Ready(output)
    }
}

impl<T: Send + 'static> Drop for Finishing<T> {
    fn drop(&mut self) {
        // A panic leaves nothing to finish, and a runtime that ends nothing to finish it on.
        if let Some(work) = self.work.take()
            && !std::thread::panicking()
            && let Ok(runtime) = Handle::try_current()
        {
            self.writes.spawn_on(work, &runtime);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_is_finished_although_its_caller_left() {
        let writes = TaskTracker::new();
        let (done, is_done) = oneshot::channel();
        let work = finish(&writes, async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let _ = done.send(());
        });
        let left = tokio::time::timeout(Duration::from_millis(1), work).await;
        left.unwrap_err();
        assert_eq!(writes.len(), 1);
        writes.close();
        writes.wait().await;
        is_done.await.unwrap();
    }

    #[tokio::test]
    async fn work_is_counted_while_its_caller_waits() {
        let writes = TaskTracker::new();
        let work = finish(&writes, async { 7 });
        assert_eq!(writes.len(), 1);
        assert_eq!(work.await, 7);
        assert!(writes.is_empty());
    }

    #[tokio::test]
    async fn work_that_was_never_polled_is_done_too() {
        let writes = TaskTracker::new();
        let (done, is_done) = oneshot::channel();
        drop(finish(&writes, async { done.send(()) }));
        is_done.await.unwrap();
    }
}
