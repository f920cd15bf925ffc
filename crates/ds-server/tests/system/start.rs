//! From nothing to ready, and the ways not to get there.

use std::{io::Write, net::TcpListener};

use ds_testkit::{Durability, PostgresServer, TestDatabase};

use crate::program::{Program, exchange, free_port};

/// The reason a failed start gives, which is its last line.
fn reason(log: &str) -> &str {
    log.lines().last().unwrap()
}

#[tokio::test]
async fn a_server_answers_while_it_waits_for_the_database() {
    let postgres = PostgresServer::start(Durability::Off).await;
    let database = postgres.create_database().await;
    postgres.stop().await;
    let server = Program::on(&database, &[]).spawn();
    server.logged("Waiting for database ").await;
    assert_eq!(server.get("/health/live").await.unwrap().0, 200);
    let (status, body) = server.get("/health/ready").await.unwrap();
    assert_eq!(status, 503);
    assert!(body.contains("starting"), "{body}");
    postgres.restart().await;
    let server = server.ready().await;
    assert_eq!(server.post_event().await.unwrap().0, 201);
}

#[tokio::test]
async fn a_start_gives_up_after_its_time() {
    let ended = Program::new(&[])
        .with("DS_SERVER__HOST", "127.0.0.1")
        .with("DS_SERVER__PORT", free_port().to_string())
        .with("DS_DATABASE__HOST", "127.0.0.1")
        .with("DS_DATABASE__PORT", "1")
        .with("DS_DATABASE__START_RETRY_MAX", "300ms")
        .run()
        .await;
    assert_eq!(ended.code, Some(1));
    let reason = reason(&ended.stderr);
    assert!(
        reason.starts_with(
            "ds-server: gave up on database datastorage on 127.0.0.1 port 1 after 300ms: \
             store is unavailable: "
        ),
        "{reason}"
    );
    assert!(reason.contains("Connection refused"), "{reason}");
}

#[tokio::test]
async fn a_signal_ends_a_start() {
    let server = Program::new(&[])
        .with("DS_SERVER__HOST", "127.0.0.1")
        .with("DS_SERVER__PORT", free_port().to_string())
        .with("DS_DATABASE__HOST", "127.0.0.1")
        .with("DS_DATABASE__PORT", "1")
        .spawn();
    server.logged("Waiting for database ").await;
    server.signal("TERM");
    let (code, log) = server.ended().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("propagation pause"), "{log}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_failure_with_a_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let ended = Program::new(&[])
        .with("DS_SERVER__HOST", "127.0.0.1")
        .with("DS_SERVER__PORT", port.to_string())
        .run()
        .await;
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        reason(&ended.stderr),
        format!(
            "ds-server: cannot listen on 127.0.0.1 port {port} for the API: \
             Address already in use (os error 98)"
        )
    );
}

#[tokio::test]
async fn the_admin_listener_has_health_and_metrics_only() {
    let database = TestDatabase::create().await;
    let admin = free_port();
    let program = Program::on(&database, &[])
        .with("DS_ADMIN__ENABLED", "true")
        .with("DS_ADMIN__HOST", "127.0.0.1")
        .with("DS_ADMIN__PORT", admin.to_string());
    let _server = program.spawn().ready().await;
    for (path, status) in [
        ("/health/ready", 200),
        ("/metrics", 200),
        ("/api/v1/audit/events", 404),
    ] {
        let answer = exchange(admin, "GET", path, "").await.unwrap();
        assert_eq!(answer.0, status, "{path}");
    }
}

#[tokio::test]
async fn a_health_check_says_what_readiness_says() {
    let database = TestDatabase::create().await;
    let program = Program::on(&database, &[]);
    let port = program.port();
    let server = program
        .with("DS_SHUTDOWN__PROPAGATION_PAUSE", "1h")
        .spawn()
        .ready()
        .await;
    let check = || {
        Program::new(&["healthcheck"])
            .with("DS_SERVER__HOST", "0.0.0.0")
            .with("DS_SERVER__PORT", port.to_string())
    };
    let ended = check().run().await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    server.signal("TERM");
    server.logged("Shutting down").await;
    let ended = check().run().await;
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.stderr,
        "ds-server: server is not ready: it answered 503\n"
    );
}

#[tokio::test]
async fn partitions_reach_as_far_as_they_should() {
    let database = TestDatabase::create().await;
    let server = Program::on(&database, &[])
        .with("DS_PARTITIONS__MONTHS_AHEAD", "12")
        .spawn()
        .ready()
        .await;
    let (_, metrics) = server.get("/metrics").await.unwrap();
    let horizon = metrics
        .lines()
        .find_map(|line| line.strip_prefix("datastorage_partition_horizon_days "));
    let horizon: f64 = horizon.unwrap().parse().unwrap();
    assert!((365.0..=397.0).contains(&horizon), "{horizon}");
    let client = database.connect().await;
    let counted = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'audit_events'::regclass";
    let partitions: i64 = client.query_one(counted, &[]).await.unwrap().get(0);
    assert_eq!(partitions, 14);
}

#[tokio::test]
async fn a_queue_that_is_away_keeps_nobody_waiting_but_is_reported() {
    let database = TestDatabase::create().await;
    let server = Program::on(&database, &[])
        .with("DS_REDIS__ADDR", "127.0.0.1:1")
        .spawn()
        .ready()
        .await;
    server.logged("Redis is away").await;
}

#[tokio::test]
async fn any_password_reaches_the_server_unchanged() {
    const PASSWORD: &str = r#"two words ' " \ \\ $HOME %20 päss"#;
    let postgres = PostgresServer::start(Durability::Off).await;
    let database = postgres.create_database().await;
    let client = database.connect().await;
    let quoted = PASSWORD.replace('\'', "''");
    let script = format!(
        "SET password_encryption = 'scram-sha-256';
         SET standard_conforming_strings = on;
         CREATE ROLE odd SUPERUSER LOGIN PASSWORD '{quoted}';"
    );
    client.batch_execute(&script).await.unwrap();
    // The role's own rule goes before those that trust everybody.
    client
        .batch_execute(
            "DO $$ BEGIN EXECUTE format(
                 'COPY (SELECT ''host all odd all scram-sha-256'' UNION ALL
                        SELECT regexp_split_to_table(pg_read_file(%L), E''\\n'')) TO %L',
                 current_setting('hba_file'), current_setting('hba_file')); END $$;
             SELECT pg_reload_conf();",
        )
        .await
        .unwrap();
    let mut secrets = tempfile::NamedTempFile::new().unwrap();
    write!(
        secrets,
        "{}",
        serde_json::json!({ "username": "odd", "password": PASSWORD })
    )
    .unwrap();

    let with_secret = Program::on(&database, &["migrate"])
        .with("DS_DATABASE__SECRETSFILE", secrets.path())
        .with("DS_DATABASE__USERNAMEKEY", "username")
        .run()
        .await;
    assert_eq!(with_secret.code, Some(0), "{}", with_secret.stderr);

    let without = Program::on(&database, &["migrate"])
        .with("DS_DATABASE__USER", "odd")
        .with("DS_DATABASE__START_RETRY_MAX", "0s")
        .run()
        .await;
    assert_eq!(
        without.code,
        Some(1),
        "the rule is in force: {}",
        without.stdout
    );
    assert!(!without.stderr.contains("two words"), "{}", without.stderr);
}
