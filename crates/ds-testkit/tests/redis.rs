//! A Redis server of one's own is taken away and given back.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ds_testkit::{RedisClient, RedisDurability, RedisServer, Reply};
use tokio::time::timeout;

async fn put(server: &RedisServer) {
    let mut client = RedisClient::connect(server.url()).await.unwrap();
    let reply = client.command(&["XADD", "kept", "1-1", "key", "value"]);
    assert_eq!(reply.await.unwrap(), Reply::Bulk(b"1-1".to_vec()));
}

async fn kept(server: &RedisServer) -> Vec<Vec<u8>> {
    let mut client = RedisClient::connect(server.url()).await.unwrap();
    let reply = client.command(&["XRANGE", "kept", "-", "+"]).await.unwrap();
    reply.pieces().into_iter().map(Into::into).collect()
}

#[tokio::test]
async fn entries_of_a_durable_server_survive_its_violent_end() {
    let server = RedisServer::start(RedisDurability::Always).await;
    put(&server).await;
    server.kill().await;
    assert!(RedisClient::connect(server.url()).await.is_err());
    server.restart().await;
    assert_eq!(
        kept(&server).await,
        [&b"1-1"[..], &b"key"[..], &b"value"[..]]
    );
}

#[tokio::test]
async fn entries_of_a_forgetful_server_do_not() {
    let server = RedisServer::start(RedisDurability::None).await;
    put(&server).await;
    server.stop().await;
    server.restart().await;
    assert!(kept(&server).await.is_empty());
}

#[tokio::test]
async fn durability_is_the_one_that_was_asked_for() {
    for (durability, expected) in [
        (RedisDurability::None, [&b"no"[..], b"everysec"]),
        (RedisDurability::EverySecond, [b"yes", b"everysec"]),
        (RedisDurability::Always, [b"yes", b"always"]),
    ] {
        let server = RedisServer::start(durability).await;
        let mut client = RedisClient::connect(server.url()).await.unwrap();
        for (setting, value) in ["appendonly", "appendfsync"].into_iter().zip(expected) {
            let reply = client.command(&["CONFIG", "GET", setting]).await.unwrap();
            assert_eq!(reply.pieces(), [setting.as_bytes(), value]);
        }
    }
}

#[tokio::test]
async fn paused_server_keeps_connections_open_and_silent() {
    let server = RedisServer::start(RedisDurability::None).await;
    let mut client = RedisClient::connect(server.url()).await.unwrap();
    server.pause().await;
    {
        let mut asking = std::pin::pin!(client.command(&["PING"]));
        let silent = timeout(Duration::from_millis(200), asking.as_mut()).await;
        assert!(silent.is_err());
        server.resume().await;
        assert_eq!(asking.await.unwrap(), Reply::Status("PONG".to_owned()));
    }
    server.pause().await;
    // One that is frozen can be stopped all the same.
    server.restart().await;
    assert!(client.command(&["PING"]).await.is_err());
}
