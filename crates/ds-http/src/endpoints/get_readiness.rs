//! `GET /health/ready`: whether the process wants traffic.

use std::sync::Arc;

use ds_ingest::{BacklogState, BreakerState, IngestState, port::Ports};
use http::StatusCode;

use crate::{
    Service, State,
    endpoint::{Reply, json},
    problem::Problem,
    wire::{Checks, Ready},
};

pub(super) async fn handle<P: Ports>(service: Arc<Service<P>>) -> Result<Reply, Problem> {
    let refuse = |reason, checks| {
        let answer = Ready::no(reason, checks);
        json(StatusCode::SERVICE_UNAVAILABLE, &answer)
    };
    match service.readiness.state() {
        // Said before the store is asked: a process that leaves must be quick to say so.
        State::ShuttingDown => return refuse("shutting_down", None),
        State::Starting => return refuse("starting", None),
        State::Ready => {}
    }
    let ping = service.repository.ping(service.limits.ping_timeout).await;
    if let Err(error) = &ping {
        tracing::warn!(
            error = error as &dyn std::error::Error,
            "Database is unreachable"
        );
    }
    let state = service.ingest.state();
    let verdict = judge(ping.is_ok(), &state);
    let checks = Checks::new(ping.is_ok(), state, (service.queue_durability)());
    match verdict {
        Ok(degraded) => json(StatusCode::OK, &Ready::yes(degraded, checks)),
        Err(reason) => refuse(reason, Some(checks)),
    }
}

/// What does not work although traffic is welcome, or why it is not.
fn judge(database_answers: bool, state: &IngestState) -> Result<Vec<&'static str>, &'static str> {
    let is_open = |breaker: BreakerState| breaker == BreakerState::Open;
    let takes = |backlog: Option<BacklogState>| backlog.is_some_and(BacklogState::takes);
    let is_away = |backlog: BacklogState| backlog.breaker == BreakerState::Open || !backlog.answers;
    let is_full = |backlog: BacklogState| backlog.is_full;
    let queues = [state.queue, state.notification_queue];
    let any = |is_so: fn(BacklogState) -> bool| queues.into_iter().flatten().any(is_so);
    if !database_answers && !takes(state.queue) && !takes(state.spool) {
        return Err("database_unreachable");
    }
    let troubles = [
        ("database_unreachable", !database_answers),
        // It may answer and yet refuse what is written, as a replica does.
        (
            "store_not_writable",
            database_answers && is_open(state.store),
        ),
        ("partitions_failing", !state.failing_partitions.is_empty()),
        ("queue_unavailable", any(is_away)),
        ("queue_full", any(is_full)),
        ("spool_unavailable", state.spool.is_some_and(is_away)),
        ("spool_full", state.spool.is_some_and(is_full)),
    ];
    let real = troubles.into_iter().filter(|(_, is_real)| *is_real);
    Ok(real.map(|(name, _)| name).collect())
}

#[cfg(test)]
mod tests {
    use BreakerState::{Closed, HalfOpen, Open};

    use super::*;

    type Backlogs = [Option<BreakerState>; 2];

    fn backlog(breaker: BreakerState) -> BacklogState {
        BacklogState {
            breaker,
            answers: true,
            is_full: false,
        }
    }

    #[track_caller]
    fn check(answers: bool, store: BreakerState, [queue, spool]: Backlogs, expected: &str) {
        let state = IngestState {
            store,
            queue: queue.map(backlog),
            spool: spool.map(backlog),
            notification_queue: None,
            failing_partitions: Vec::new(),
            queued_rows: 0,
        };
        let told = match judge(answers, &state) {
            Ok(degraded) => format!("ready {}", degraded.join(" ")),
            Err(reason) => reason.to_owned(),
        };
        assert_eq!(told.trim_end(), expected, "{answers} {state:?}");
    }

    #[test]
    fn traffic_is_welcome_while_the_database_answers() {
        check(true, Closed, [None, None], "ready");
        check(true, HalfOpen, [Some(Closed), None], "ready");
        check(true, Open, [None, None], "ready store_not_writable");
        let backlogs = [Some(Open), Some(Open)];
        let troubles = "ready queue_unavailable spool_unavailable";
        check(true, Closed, backlogs, troubles);
    }

    #[test]
    fn traffic_is_welcome_while_a_backlog_takes_what_the_database_does_not() {
        let parking = "ready database_unreachable";
        check(false, Closed, [Some(Closed), None], parking);
        check(false, Open, [Some(HalfOpen), Some(Closed)], parking);
        check(false, Open, [None, Some(Closed)], parking);
        let parking = "ready database_unreachable queue_unavailable";
        check(false, Open, [Some(Open), Some(Closed)], parking);
    }

    #[test]
    fn traffic_is_not_welcome_when_nobody_takes_events() {
        check(false, Open, [None, None], "database_unreachable");
        check(false, Closed, [Some(Open), None], "database_unreachable");
        check(
            false,
            Open,
            [Some(Open), Some(Open)],
            "database_unreachable",
        );
    }

    #[test]
    fn backlogs_that_are_full_or_silent_are_told() {
        let full = BacklogState {
            is_full: true,
            ..backlog(Closed)
        };
        let silent = BacklogState {
            answers: false,
            ..backlog(Closed)
        };
        let mut state = IngestState {
            store: Closed,
            queue: Some(silent),
            spool: Some(full),
            notification_queue: None,
            failing_partitions: Vec::new(),
            queued_rows: 0,
        };
        let troubles = vec!["queue_unavailable", "spool_full"];
        assert_eq!(judge(true, &state), Ok(troubles));
        state.notification_queue = Some(full);
        let troubles = vec!["queue_unavailable", "queue_full", "spool_full"];
        assert_eq!(judge(true, &state), Ok(troubles));
        state.queue = Some(full);
        assert_eq!(judge(false, &state), Err("database_unreachable"));
    }

    #[test]
    fn partitions_that_fail_are_told() {
        let state = IngestState {
            store: Closed,
            queue: None,
            spool: None,
            notification_queue: None,
            failing_partitions: vec!["audit_events_2026_11".to_owned()],
            queued_rows: 0,
        };
        assert_eq!(judge(true, &state), Ok(vec!["partitions_failing"]));
    }
}
