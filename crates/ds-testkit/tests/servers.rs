//! The servers themselves: databases come and go, and a private server can be taken away and given back.
#![cfg(feature = "database")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ds_testkit::{Durability, PostgresServer, TestDatabase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};

async fn one(client: &Client) -> Result<i32, tokio_postgres::Error> {
    Ok(client.query_one("SELECT 1", &[]).await?.get(0))
}

async fn connect(server: &PostgresServer) -> Client {
    let (client, connection) = server.config().connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn empty_databases_are_apart_and_go_away() {
    let first = TestDatabase::empty().await;
    let second = TestDatabase::empty().await;
    first
        .connect()
        .await
        .batch_execute("CREATE TABLE only_here ()")
        .await
        .unwrap();
    let client = second.connect().await;
    assert!(client.batch_execute("SELECT FROM only_here").await.is_err());

    let name = first.name().to_owned();
    drop(first);
    let left = client
        .query("SELECT 1 FROM pg_database WHERE datname = $1", &[&name])
        .await
        .unwrap();
    assert!(left.is_empty());
}

#[tokio::test]
async fn databases_made_at_once_share_one_migrated_template() {
    let server = PostgresServer::start(Durability::Off).await;
    let (first, second, third) = tokio::join!(
        server.create_database(),
        server.create_database(),
        server.create_database()
    );
    for database in [&first, &second, &third] {
        let client = database.connect().await;
        client
            .batch_execute("SELECT FROM audit_events")
            .await
            .unwrap();
    }
    let query = "SELECT count(*) FROM pg_database WHERE datname LIKE 'ds_template_%'";
    let templates: i64 = connect(&server)
        .await
        .query_one(query, &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(templates, 1);
}

#[tokio::test]
async fn redis_answers() {
    let url = ds_testkit::redis_url().await;
    let mut stream = TcpStream::connect(url.trim_start_matches("redis://"))
        .await
        .unwrap();
    stream.write_all(b"PING\r\n").await.unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
}

#[tokio::test]
async fn server_that_was_killed_comes_back_with_its_data() {
    let server = PostgresServer::start(Durability::Production).await;
    let client = connect(&server).await;
    client.batch_execute("CREATE TABLE kept ()").await.unwrap();
    server.kill().await;
    assert!(one(&client).await.is_err());
    assert!(server.config().connect(NoTls).await.is_err());
    server.restart().await;
    connect(&server)
        .await
        .batch_execute("SELECT FROM kept")
        .await
        .unwrap();
}

#[tokio::test]
async fn server_that_was_stopped_ends_its_sessions() {
    let server = PostgresServer::start(Durability::Off).await;
    let client = connect(&server).await;
    server.stop().await;
    assert!(one(&client).await.is_err());
    server.restart().await;
    assert_eq!(one(&connect(&server).await).await.unwrap(), 1);
}

#[tokio::test]
async fn paused_server_keeps_connections_open_and_silent() {
    let server = PostgresServer::start(Durability::Off).await;
    let client = connect(&server).await;
    server.pause().await;
    let mut asking = std::pin::pin!(one(&client));
    assert!(
        timeout(Duration::from_millis(200), asking.as_mut())
            .await
            .is_err()
    );
    server.resume().await;
    assert_eq!(asking.await.unwrap(), 1);
}
