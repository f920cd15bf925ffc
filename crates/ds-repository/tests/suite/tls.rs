//! Protected connections: every mode against servers that speak TLS, or do not.

use std::{path::PathBuf, time::Duration};

use ds_repository::{
    Repository,
    settings::{Settings, SettingsError, TlsMode},
};
use ds_testkit::{Durability, PostgresServer};

fn certificate(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/certificates")
        .join(name)
}

/// A server that offers TLS with the certificate for `localhost`.
async fn protected_server() -> PostgresServer {
    let server = PostgresServer::start(Durability::Off).await;
    let (client, connection) = server
        .config()
        .connect(tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    for name in ["server.pem", "server.key"] {
        // Written by the server itself, which may run as another user and insists on the mode.
        let text = std::fs::read_to_string(certificate(name)).unwrap();
        let copy = format!(
            "COPY (SELECT regexp_split_to_table('{}', '\\n'))
             TO PROGRAM 'umask 077 && cat > {name}'",
            text.trim()
        );
        client.batch_execute(&copy).await.unwrap();
    }
    for (name, value) in [("cert_file", "server.pem"), ("key_file", "server.key")] {
        client
            .batch_execute(&format!("ALTER SYSTEM SET ssl_{name} = '{value}'"))
            .await
            .unwrap();
    }
    client
        .batch_execute("ALTER SYSTEM SET ssl = on")
        .await
        .unwrap();
    drop(client);
    server.restart().await;
    server
}

/// Whether a connection succeeds.
async fn connects(url: &str, host: &str, tls: TlsMode, authority: Option<&str>) -> bool {
    let mut settings = Settings::from_url(url).unwrap();
    settings.host = host.to_owned();
    settings.tls = tls;
    settings.tls_root_certificates = authority.map(certificate);
    let repository = Repository::new(settings).unwrap();
    repository.ping(Duration::from_secs(10)).await.is_ok()
}

#[tokio::test]
async fn each_mode_checks_what_it_says_and_no_more() {
    let server = protected_server().await;
    let ours = Some("authority.pem");
    let other = Some("other-authority.pem");
    for (host, tls, authority, expected) in [
        ("localhost", TlsMode::VerifyFull, ours, true),
        ("127.0.0.1", TlsMode::VerifyFull, ours, false),
        ("localhost", TlsMode::VerifyFull, other, false),
        ("127.0.0.1", TlsMode::VerifyCa, ours, true),
        ("127.0.0.1", TlsMode::VerifyCa, other, false),
        ("127.0.0.1", TlsMode::Require, None, true),
        ("127.0.0.1", TlsMode::Prefer, None, true),
        ("127.0.0.1", TlsMode::Disable, None, true),
    ] {
        let connected = connects(server.url(), host, tls, authority).await;
        assert_eq!(connected, expected, "{host} {tls:?} {authority:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_by_every_mode_that_asks_for_it() {
    let server = PostgresServer::start(Durability::Off).await;
    let ours = Some("authority.pem");
    for (tls, authority, expected) in [
        (TlsMode::Disable, None, true),
        (TlsMode::Prefer, None, true),
        (TlsMode::Require, None, false),
        (TlsMode::VerifyCa, ours, false),
        (TlsMode::VerifyFull, ours, false),
    ] {
        let connected = connects(server.url(), "127.0.0.1", tls, authority).await;
        assert_eq!(connected, expected, "{tls:?}");
    }
}

#[test]
fn verifying_needs_certificates_that_can_be_read() {
    let settings = |file: Option<&str>| {
        let mut settings = Settings::from_url("postgres://u@h/d").unwrap();
        settings.tls = TlsMode::VerifyFull;
        settings.tls_root_certificates = file.map(certificate);
        Repository::new(settings).err().unwrap()
    };
    assert!(matches!(settings(None), SettingsError::CertificatesMissing));
    assert!(matches!(
        settings(Some("no-such.pem")),
        SettingsError::Certificates { .. }
    ));
    assert!(matches!(
        settings(Some("server.key")),
        SettingsError::CertificatesMissing
    ));
}
