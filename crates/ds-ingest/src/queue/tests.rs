//! Who gets to a writer, and when.

use ds_validation::Limits;
use futures_util::FutureExt;
use jiff::Timestamp;
use uuid::Uuid;

use super::{state::LONG_WAIT, *};
use crate::testing::event_body;

fn settings() -> Settings {
    Settings {
        writers_min: 2,
        writers_max: 2,
        flush_rows_max: 4,
        queue_rows_max: 20,
        ..Settings::default()
    }
}

fn request(rows: usize) -> Request {
    let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    let body = event_body(now, "");
    let event = ds_validation::parse_event(body.as_bytes(), now, &Limits::default()).unwrap();
    let events = (0..rows).map(|_| event.clone().identify(Uuid::nil, None));
    Request {
        events: Arc::new(events.collect()),
        bytes: rows * 100,
        queued: Instant::now(),
        answer: oneshot::channel().0,
    }
}

/// What a writer takes: the lane, and the rows of each request.
fn take(queue: &Queue) -> Option<(Lane, Vec<usize>)> {
    match queue.take() {
        Found::Work(work) => {
            let rows = work.requests.iter().map(|r| r.events.len()).collect();
            Some((work.lane, rows))
        }
        Found::Nothing | Found::End => None,
    }
}

#[tokio::test]
async fn a_writer_takes_what_is_queued_up_to_its_bound() {
    let queue = Queue::new(settings());
    for rows in [1, 1, 1, 3, 1] {
        queue.push(Lane::Live, request(rows)).unwrap();
    }
    assert_eq!(take(&queue), Some((Lane::Live, vec![1, 1, 1])));
    assert_eq!(take(&queue), Some((Lane::Live, vec![3, 1])));
    assert_eq!(take(&queue), None);
    assert_eq!(queue.level().rows, 0);
}

#[tokio::test]
async fn no_more_writers_work_than_are_worth_it() {
    let queue = Queue::new(settings());
    for _ in 0..12 {
        queue.push(Lane::Live, request(1)).unwrap();
    }
    assert!(take(&queue).is_some() && take(&queue).is_some());
    assert_eq!(take(&queue), None, "two are at work");
    queue.finish(Lane::Live, 4, Duration::from_millis(1));
    assert!(take(&queue).is_some());
}

#[tokio::test]
async fn a_crowd_has_more_writers_while_their_flushes_stay_large() {
    let queue = Queue::new(Settings {
        writers_min: 1,
        writers_max: 8,
        ..settings()
    });
    let push = |rows: usize| {
        for _ in 0..rows {
            queue.push(Lane::Live, request(1)).unwrap();
        }
    };
    push(11);
    for _ in 0..2 {
        assert_eq!(take(&queue), Some((Lane::Live, vec![1; 4])));
    }
    assert_eq!(take(&queue), None, "three can wait for company");
    push(17);
    for _ in 0..2 {
        assert_eq!(take(&queue), Some((Lane::Live, vec![1; 4])));
    }
    assert_eq!(take(&queue), None, "more would only be in each other's way");
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_hangs_holds_up_nobody_else() {
    let queue = Queue::new(Settings {
        writers_min: 1,
        writers_max: 8,
        ..settings()
    });
    queue.push(Lane::Live, request(1)).unwrap();
    take(&queue).unwrap();
    queue.push(Lane::Live, request(1)).unwrap();
    assert_eq!(take(&queue), None, "the first may be ready any moment");
    tokio::time::advance(LONG_WAIT).await;
    assert_eq!(take(&queue), Some((Lane::Live, vec![1])));
}

#[tokio::test]
async fn small_requests_find_a_writer_beside_large_ones() {
    let queue = Queue::new(Settings {
        writers_max: 8,
        ..settings()
    });
    for _ in 0..3 {
        queue.push(Lane::Alone, request(5)).unwrap();
    }
    assert_eq!(take(&queue), Some((Lane::Alone, vec![5])));
    assert_eq!(take(&queue), Some((Lane::Alone, vec![5])));
    assert_eq!(take(&queue), None);
    queue.push(Lane::Live, request(1)).unwrap();
    assert_eq!(take(&queue), Some((Lane::Live, vec![1])));
}

#[tokio::test]
async fn one_writer_is_kept_for_small_requests() {
    let queue = Queue::new(settings());
    queue.push(Lane::Alone, request(6)).unwrap();
    queue.push(Lane::Alone, request(6)).unwrap();
    queue.push(Lane::Live, request(1)).unwrap();
    assert_eq!(take(&queue), Some((Lane::Alone, vec![6])));
    assert_eq!(take(&queue), Some((Lane::Live, vec![1])));
    queue.finish(Lane::Live, 1, Duration::from_millis(1));
    assert_eq!(take(&queue), None, "the other large one has to wait");
    queue.finish(Lane::Alone, 6, Duration::from_millis(1));
    assert_eq!(take(&queue), Some((Lane::Alone, vec![6])));
}

#[tokio::test(start_paused = true)]
async fn backlogs_neither_block_live_traffic_nor_starve() {
    let queue = Queue::new(settings());
    for _ in 0..9 {
        queue.push(Lane::Replay, request(1)).unwrap();
        queue.push(Lane::Live, request(1)).unwrap();
    }
    assert_eq!(take(&queue), Some((Lane::Live, vec![1; 4])));
    assert_eq!(take(&queue), Some((Lane::Replay, vec![1; 4])));
    queue.finish(Lane::Live, 4, Duration::from_millis(1));
    assert_eq!(take(&queue), Some((Lane::Live, vec![1; 4])));
    queue.finish(Lane::Live, 4, Duration::from_millis(1));
    assert_eq!(take(&queue), Some((Lane::Live, vec![1])));
    queue.finish(Lane::Live, 1, Duration::from_millis(1));
    assert_eq!(take(&queue), None, "live traffic is expected to go on");
    tokio::time::advance(Duration::from_millis(20)).await;
    assert_eq!(
        take(&queue),
        Some((Lane::Replay, vec![1; 4])),
        "nobody else waits"
    );
}

#[tokio::test]
async fn the_queue_is_bounded_in_rows_and_bytes() {
    let queue = Queue::new(settings());
    queue.push(Lane::Live, request(20)).unwrap();
    assert_eq!(queue.push(Lane::Live, request(1)), Err(NotQueued::Full));
    assert_eq!(
        take(&queue),
        Some((Lane::Live, vec![20])),
        "a request is not split"
    );
    let small = Settings {
        queue_bytes_max: 250,
        ..settings()
    };
    let queue = Queue::new(small);
    queue.push(Lane::Live, request(2)).unwrap();
    assert_eq!(queue.push(Lane::Live, request(1)), Err(NotQueued::Full));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_too_long_is_taken_out() {
    let queue = Queue::new(settings());
    queue.push(Lane::Live, request(1)).unwrap();
    queue.push(Lane::Alone, request(5)).unwrap();
    tokio::time::advance(Duration::from_millis(600)).await;
    queue.push(Lane::Live, request(1)).unwrap();
    assert!(queue.expire().is_empty());
    tokio::time::advance(Duration::from_millis(600)).await;
    assert_eq!(queue.expire().len(), 2);
    assert_eq!(queue.level().rows, 1);
}

#[tokio::test]
async fn a_closed_queue_is_emptied_and_ends() {
    let queue = Queue::new(settings());
    queue.push(Lane::Live, request(1)).unwrap();
    queue.close();
    assert_eq!(queue.push(Lane::Live, request(1)), Err(NotQueued::Closed));
    assert!(take(&queue).is_some());
    assert!(matches!(queue.take(), Found::End));
}

#[tokio::test]
async fn the_end_reaches_writers_that_fell_asleep_before_the_queue_was_empty() {
    let queue = Queue::new(settings());
    for _ in 0..12 {
        queue.push(Lane::Live, request(1)).unwrap();
    }
    assert!(take(&queue).is_some() && take(&queue).is_some());
    queue.close();
    // Woken by the end, it finds the others at work and something left that it may not take.
    queue.changed().await;
    assert!(matches!(queue.take(), Found::Nothing));
    let mut asleep = std::pin::pin!(queue.changed());
    assert!(asleep.as_mut().now_or_never().is_none());
    queue.finish(Lane::Live, 4, Duration::from_millis(1));
    assert!(take(&queue).is_some());
    assert!(matches!(queue.take(), Found::End));
    asleep.await;
    assert!(matches!(queue.take(), Found::End));
}

#[tokio::test]
async fn a_failed_flush_teaches_nothing_about_the_next_ones() {
    let queue = Queue::new(settings());
    queue.push(Lane::Live, request(4)).unwrap();
    queue.push(Lane::Live, request(4)).unwrap();
    take(&queue).unwrap();
    let before = queue.level();
    assert_eq!(before.writers_active, 1);
    queue.fail(Lane::Live);
    let after = queue.level();
    assert_eq!((after.writers_active, after.delay), (0, before.delay));
    assert_eq!(after.writers_wanted, before.writers_wanted);
    take(&queue).unwrap();
    queue.push(Lane::Live, request(4)).unwrap();
    queue.finish(Lane::Live, 4, Duration::from_secs(2));
    assert!(queue.level().delay > before.delay);
}
