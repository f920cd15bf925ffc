//! The proxy in front of a server that echoes.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::*;

/// Longer than anything here takes, shorter than a test's patience.
const SOON: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_millis(100);

/// Echoes every byte; when told that no more will come, says `!` and closes.
async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("echo://{}/name", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                if tokio::io::copy(&mut read, &mut write).await.is_ok() {
                    let _ = write.write_all(b"!").await;
                }
            });
        }
    });
    url
}

async fn connect(proxy: &ChaosProxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

async fn hear(stream: &mut TcpStream, text: &str) {
    let mut heard = vec![0; text.len()];
    let hearing = timeout(SOON, stream.read_exact(&mut heard)).await;
    hearing.unwrap().unwrap();
    assert_eq!(heard, text.as_bytes());
}

async fn hear_nothing(stream: &mut TcpStream) {
    let heard = timeout(SILENCE, stream.read_u8()).await;
    assert!(heard.is_err(), "{heard:?}");
}

async fn is_reset(stream: &mut TcpStream) -> bool {
    let ended = timeout(SOON, stream.read_u8()).await.unwrap();
    ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn it_passes_everything_through_and_the_end_too() {
    let proxy = ChaosProxy::in_front_of(&echo().await).await.unwrap();
    let mut stream = connect(&proxy).await;
    let long = "x".repeat(300_000);
    let (mut read, mut write) = stream.split();
    let (_, heard) = tokio::join!(
        async {
            write.write_all(long.as_bytes()).await.unwrap();
            write.shutdown().await.unwrap();
        },
        async {
            let mut heard = String::new();
            read.read_to_string(&mut heard).await.unwrap();
            heard
        }
    );
    assert_eq!(heard, long + "!");
}

#[tokio::test]
async fn its_address_replaces_the_server_s() {
    let proxy = ChaosProxy::in_front_of("postgres://ds@127.0.0.1:1/name?x=y")
        .await
        .unwrap();
    assert_eq!(
        proxy.url(),
        format!("postgres://ds@{}/name?x=y", proxy.address())
    );
    // Nobody is there: the client sees its connection end.
    assert!(is_reset(&mut connect(&proxy).await).await);
}

#[tokio::test]
async fn a_cut_resets_those_who_are_connected_and_nobody_else() {
    let proxy = ChaosProxy::in_front_of(&echo().await).await.unwrap();
    let mut before = connect(&proxy).await;
    say(&mut before, "a").await;
    hear(&mut before, "a").await;
    assert_eq!(proxy.connections(), 1);
    proxy.cut();
    assert!(is_reset(&mut before).await);
    let mut after = connect(&proxy).await;
    say(&mut after, "b").await;
    hear(&mut after, "b").await;
}

#[tokio::test]
async fn refused_connections_fail_at_once_and_old_ones_go_on() {
    let proxy = ChaosProxy::in_front_of(&echo().await).await.unwrap();
    let mut before = connect(&proxy).await;
    say(&mut before, "a").await;
    hear(&mut before, "a").await;
    proxy.refuse().await;
    let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    say(&mut before, "b").await;
    hear(&mut before, "b").await;
    proxy.heal().await;
    let mut after = connect(&proxy).await;
    say(&mut after, "c").await;
    hear(&mut after, "c").await;
}

#[tokio::test]
async fn delays_of_both_directions_add_up_and_do_not_pile_up() {
    let proxy = ChaosProxy::in_front_of(&echo().await).await.unwrap();
    let mut stream = connect(&proxy).await;
    proxy.delay(Direction::ToServer, Duration::from_millis(120));
    proxy.delay(Direction::ToClient, Duration::from_millis(80));
    let begun = Instant::now();
    for _ in 0..10 {
        say(&mut stream, "a").await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    hear(&mut stream, "aaaaaaaaaa").await;
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(200), "{took:?}");
    assert!(took < Duration::from_millis(1000), "{took:?}");
}

#[tokio::test]
async fn a_black_hole_accepts_and_is_silent_until_it_is_healed() {
    let proxy = ChaosProxy::in_front_of(&echo().await).await.unwrap();
    let mut before = connect(&proxy).await;
    say(&mut before, "a").await;
    hear(&mut before, "a").await;
    proxy.blackhole();
    let mut during = connect(&proxy).await;
    for stream in [&mut before, &mut during] {
        say(stream, "b").await;
        hear_nothing(stream).await;
    }
    proxy.heal().await;
    hear(&mut before, "b").await;
    hear(&mut during, "b").await;
}

#[tokio::test]
async fn withheld_answers_are_lost_by_a_cut_although_the_server_has_given_them() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("x://{}", listener.local_addr().unwrap());
    let proxy = ChaosProxy::in_front_of(&url).await.unwrap();
    let mut client = connect(&proxy).await;
    let (mut server, _) = listener.accept().await.unwrap();
    proxy.withhold(Direction::ToClient);
    say(&mut client, "request").await;
    hear(&mut server, "request").await;
    say(&mut server, "answer").await;
    hear_nothing(&mut client).await;
    proxy.cut();
    assert!(is_reset(&mut client).await);
    assert!(is_reset(&mut server).await);
}

#[tokio::test]
async fn a_half_closed_connection_still_carries_the_other_direction() {
    let proxy = ChaosProxy::in_front_of(&echo().await).await.unwrap();
    let mut stream = connect(&proxy).await;
    say(&mut stream, "a").await;
    hear(&mut stream, "a").await;
    proxy.half_close(Direction::ToServer);
    hear(&mut stream, "!").await;
    // The client is not told that nobody listens any more.
    say(&mut stream, "swallowed").await;
}

#[tokio::test]
async fn those_who_are_connected_are_cut_off_when_it_goes_away() {
    let proxy = ChaosProxy::in_front_of(&echo().await).await.unwrap();
    let mut stream = connect(&proxy).await;
    say(&mut stream, "a").await;
    hear(&mut stream, "a").await;
    drop(proxy);
    assert!(is_reset(&mut stream).await);
}
