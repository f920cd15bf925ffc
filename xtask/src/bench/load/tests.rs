//! The two loops, on clients that answer in known ways.

use super::*;

/// Answers after a pause; fails at its last request.
struct Fake {
    pause: Duration,
    left: u32,
}

impl Client for Fake {
    async fn once(&mut self) -> Result<Done> {
        let Some(left) = self.left.checked_sub(1) else {
            anyhow::bail!("the client has had enough");
        };
        self.left = left;
        tokio::time::sleep(self.pause).await;
        Ok(Done::stored(3))
    }
}

fn fakes(count: usize, pause: Duration, requests: u32) -> Vec<Fake> {
    (0..count)
        .map(|_| Fake {
            pause,
            left: requests,
        })
        .collect()
}

#[tokio::test]
async fn a_closed_loop_keeps_every_client_busy() {
    let load = Load::closed(fakes(4, Duration::from_millis(5), u32::MAX));
    let measured = load
        .run(Duration::from_millis(20), Duration::from_millis(300))
        .await
        .unwrap();
    assert!(measured.answered(200) >= 4, "{}", measured.statuses());
    assert_eq!(measured.events(), measured.answered(200) * 3);
    assert!(measured.accepted_ms(50.0) >= 5.0);
}

#[tokio::test]
async fn an_open_loop_counts_latency_from_when_a_request_fell_due() {
    // One client takes 20 ms for each request, and one falls due every 5 ms: the waits add up.
    let load = Load::open(
        fakes(1, Duration::from_millis(20), u32::MAX),
        Pace::Steady(200.0),
    );
    let measured = load.measure(Duration::from_millis(500)).await.unwrap();
    load.stop().await.unwrap();
    assert!(measured.accepted_ms(100.0) > 100.0);
}

#[tokio::test]
async fn a_flood_sends_what_finds_a_free_client() {
    let load = Load::open(
        fakes(1, Duration::from_millis(20), u32::MAX),
        Pace::Flood(2000.0),
    );
    let measured = load.measure(Duration::from_millis(500)).await.unwrap();
    load.stop().await.unwrap();
    assert!(measured.answered(200) < 40);
    // The pause, and what a busy machine adds; waiting for the client is not in it.
    assert!(measured.accepted_ms(50.0) < 100.0);
}

#[tokio::test]
async fn a_failing_client_ends_the_run_with_its_reason() {
    let load = Load::closed(fakes(2, Duration::ZERO, 3));
    let error = load.measure(Duration::from_secs(60)).await.err().unwrap();
    assert_eq!(error.to_string(), "the client has had enough");
}
