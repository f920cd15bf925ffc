//! `check-config`, and what a refused configuration looks like from outside.

use std::io::Write;

use tempfile::NamedTempFile;

use crate::program::Program;

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[tokio::test]
async fn the_effective_configuration_is_printed_without_secrets() {
    let secrets = file("password: \"hun'ter \\\\2\"\nrole: app\n");
    let path = secrets.path().display().to_string();
    let token = file("s3cret");
    let config = file(&format!(
        "server: {{port: 8081}}\ndatabase: {{secretsFile: {path}, usernameKey: role}}\n\
         redis: {{addr: 'redis:6379', secretsFile: {path}}}\n\
         admin: {{tokenFile: {}}}\n",
        token.path().display()
    ));
    let ended = Program::new(&["check-config"])
        .with("CONFIG_PATH", config.path())
        .with("DS_LOGGING__LEVEL", "warn")
        .with("SHUTDOWN_TIMEOUT", "20s")
        .run()
        .await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    for line in [
        "  port: 8081",
        "  level: warn",
        "  secretsFile: ",
        "# database role: app",
        "# database password: [redacted]",
        "# database connections: 1 to 8 write, 8 answer queries, the rest is for maintenance",
        "# dead letter queue: redis port 6379, database 0, stream audit:dlq, \
         group audit-dlq-workers, at most 300000 entries and 671088640 bytes, \
         durable or not used, password [redacted]",
        "# spool: none",
        "# admin token: [redacted]",
        "# shutdown: 5s pause, 15s drain, 5s workers",
    ] {
        assert!(ended.stdout.contains(line), "{line} in {}", ended.stdout);
    }
    for secret in ["hun'ter", "s3cret"] {
        assert!(!ended.stdout.contains(secret), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn what_is_printed_is_a_configuration_file_of_the_same_effect() {
    let first = Program::new(&["check-config"])
        .with("DS_SERVER__PORT", "8099")
        .with("DS_DATABASE__USER", "000123")
        .with("DS_DATABASE__NAME", "true")
        .run()
        .await;
    let config = file(&first.stdout);
    let path = config.path().to_str().unwrap().to_owned();
    let second = Program::new(&["check-config", "--config", &path])
        .run()
        .await;
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    assert_eq!(first.stdout, second.stdout);
}

#[tokio::test]
async fn every_problem_is_one_line_on_standard_error() {
    let config = file("server: {port: 80}\nlogging: {level: loud}\n");
    let path = config.path().to_str().unwrap().to_owned();
    for command in ["check-config", "serve", "migrate", "healthcheck"] {
        let ended = Program::new(&[command, "--config", &path])
            .with("DS_DATABASE__PROT", "5432")
            .run()
            .await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(78), ""),
            "{command}"
        );
        let expected = format!(
            "ds-server: configuration: unknown key, expected one of append_timeout, \
             conn_max_idle_time, conn_max_lifetime, connect_timeout, host, lock_timeout, \
             max_idle_conns, max_open_conns, migrate_on_start, name, passwordKey, pool_timeout, \
             port, query_timeout, secretsFile, ssl_mode, ssl_root_cert, start_retry_max, user, \
             usernameKey (environment variable DS_DATABASE__PROT)\n\
             ds-server: configuration: server port must be between 1024 and 65535, got: 80 \
             (server.port, {path})\n\
             ds-server: configuration: invalid log level: loud \
             (must be debug, info, warn, or error) (logging.level, {path})\n"
        );
        assert_eq!(ended.stderr, expected, "{command}");
    }
}

#[tokio::test]
async fn a_secret_that_is_missing_is_named_with_its_file() {
    let secrets = file("pasword: hunter2\n");
    let path = secrets.path().display().to_string();
    let ended = Program::new(&["check-config"])
        .with("DS_DATABASE__SECRETSFILE", &path)
        .run()
        .await;
    assert_eq!(ended.code, Some(78));
    assert_eq!(
        ended.stderr,
        format!(
            "ds-server: configuration: password key 'password' not found in database secret file \
             {path} (database.secretsFile, environment variable DS_DATABASE__SECRETSFILE)\n"
        )
    );
}

#[tokio::test]
async fn certificates_are_checked_too() {
    let ended = Program::new(&["check-config"])
        .with("DS_DATABASE__SSL_MODE", "verify-full")
        .with("DS_DATABASE__SSL_ROOT_CERT", "/nowhere/ca.pem")
        .run()
        .await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .stderr
            .contains("cannot read the trusted certificates in /nowhere/ca.pem"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_spool_that_cannot_be_written_to_is_refused_at_start_only() {
    let check = Program::new(&["check-config"])
        .with("DS_SPOOL__DIRECTORY", "/proc/spool")
        .run()
        .await;
    assert_eq!(check.code, Some(0), "{check:?}");
    assert!(check.stdout.contains("# spool: /proc/spool, "), "{check:?}");
    let serve = Program::new(&["serve"])
        .with("DS_SPOOL__DIRECTORY", "/proc/spool")
        .run()
        .await;
    assert_eq!((serve.code, serve.stdout.as_str()), (Some(78), ""));
    assert_eq!(
        serve.stderr,
        "ds-server: configuration: cannot make spool directory /proc/spool: \
         No such file or directory (os error 2) (spool.directory)\n"
    );
}
