//! The loop that runs every worker.

use std::sync::atomic::{AtomicU32, Ordering};

use ds_repository::error::{Cause, StoreError};
use tokio::time::Instant;

use super::*;

const PERIOD: Duration = Duration::from_hours(1);
const BUDGET: Duration = Duration::from_secs(30);

/// Runs a worker whose passes end as `script` says, and notes when each began.
async fn starts_of(script: &[fn() -> Pass]) -> Vec<Duration> {
    starts_every(PERIOD, script).await
}

async fn starts_every(period: Duration, script: &[fn() -> Pass]) -> Vec<Duration> {
    let stop = CancellationToken::new();
    let passes = AtomicU32::new(0);
    let starts = std::sync::Mutex::new(Vec::new());
    let began = Instant::now();
    let pass = || {
        starts.lock().unwrap().push(began.elapsed());
        let index = passes.fetch_add(1, Ordering::SeqCst) as usize;
        if index + 1 == script.len() {
            stop.cancel();
        }
        script[index]()
    };
    run(
        Worker::Partitions,
        period,
        BUDGET,
        SystemClock,
        stop.clone(),
        pass,
    )
    .await;
    starts.into_inner().unwrap()
}

fn succeeds() -> Pass {
    Box::pin(async { Ok(()) })
}

fn fails() -> Pass {
    let cause = Cause::Timeout {
        statement: "ensure_partitions",
        seconds: 1.0,
    };
    Box::pin(async { Err(StoreError::Unavailable(Arc::new(cause)).into()) })
}

fn panics() -> Pass {
    Box::pin(async { panic!("the pass has a defect") })
}

fn hangs() -> Pass {
    Box::pin(std::future::pending())
}

#[tokio::test(start_paused = true)]
async fn passes_are_one_period_apart() {
    let hours = Duration::from_hours;
    assert_eq!(
        starts_of(&[succeeds, succeeds, succeeds]).await,
        [hours(1), hours(2), hours(3)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_pass_is_repeated_soon() {
    assert_eq!(
        starts_of(&[fails, fails, succeeds, succeeds]).await,
        [
            PERIOD,
            PERIOD + RETRY,
            PERIOD + 2 * RETRY,
            2 * PERIOD + 2 * RETRY
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_pass_of_a_busy_worker_that_failed_is_not_repeated_at_once() {
    let period = Duration::from_millis(200);
    assert_eq!(
        starts_every(period, &[succeeds, fails, succeeds, succeeds]).await,
        [
            period,
            2 * period,
            2 * period + RETRY_MIN,
            3 * period + RETRY_MIN
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_hangs_is_cut_off_and_repeated() {
    assert_eq!(
        starts_of(&[hangs, succeeds]).await,
        [PERIOD, PERIOD + BUDGET + RETRY]
    );
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_panics_is_repeated_soon() {
    assert_eq!(
        starts_of(&[panics, succeeds]).await,
        [PERIOD, PERIOD + RETRY]
    );
}

#[tokio::test(start_paused = true)]
async fn a_waiting_worker_stops_at_once() {
    let stop = CancellationToken::new();
    stop.cancel();
    let began = Instant::now();
    run(Worker::Pools, PERIOD, BUDGET, SystemClock, stop, succeeds).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[test]
fn every_worker_has_a_line() {
    let named: Vec<_> = WORKERS.iter().map(|row| row.worker).collect();
    assert_eq!(named, Worker::ALL);
}
