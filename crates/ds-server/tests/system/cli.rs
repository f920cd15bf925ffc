//! Arguments and exit codes.

use crate::program::Program;

async fn check(arguments: &[&str], code: i32, stdout: &str, stderr: &str) {
    let ended = Program::new(arguments).run().await;
    assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
    assert!(ended.stdout.contains(stdout), "{arguments:?}: {ended:?}");
    assert!(ended.stderr.contains(stderr), "{arguments:?}: {ended:?}");
}

#[tokio::test]
async fn help_and_version_succeed() {
    check(&["--help"], 0, "the configuration is refused", "").await;
    check(&["--version"], 0, "ds-server 0.1.0\n", "").await;
    check(&["migrate", "--help"], 0, "--dry-run", "").await;
}

#[tokio::test]
async fn wrong_arguments_are_a_usage_error() {
    check(&["sevre"], 64, "", "unrecognized subcommand 'sevre'").await;
    check(
        &["serve", "--dry-run"],
        64,
        "",
        "unexpected argument '--dry-run'",
    )
    .await;
    check(
        &["--config"],
        64,
        "",
        "a value is required for '--config <FILE>'",
    )
    .await;
}

#[tokio::test]
async fn a_health_check_without_a_server_fails_with_a_sentence() {
    let ended = Program::new(&["healthcheck"])
        .with("DS_SERVER__PORT", "1024")
        .run()
        .await;
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.stderr,
        "ds-server: cannot ask the server on 127.0.0.1 port 1024: \
         Connection refused (os error 111)\n"
    );
}
