//! The contract of every store, as a test that each has to pass.

use ds_domain::{event::Parent, id::IdSource};
use ds_repository::{Appended, error::AppendError};
use ds_validation::{Limits, NewEvent, SecretMode, TraceContext, parse_event};
use jiff::Timestamp;
use uuid::Uuid;

use super::event_body;
use crate::port::{EventStore, EventWriter};

/// What every store promises. `now` must lie in a month the store has room for; runs on an empty
/// store.
///
/// # Panics
///
/// When the store breaks the contract.
#[expect(clippy::expect_used, reason = "a broken contract must fail the test")]
pub async fn event_store_contract(store: &impl EventStore, now: Timestamp, ids: &impl IdSource) {
    let mut writer = store.writer();
    let (first, second, third) = (ids.next_id(), ids.next_id(), ids.next_id());
    let yesterday = now - jiff::SignedDuration::from_hours(24);

    let appended = append(&mut writer, &[new_event(now, first, "")])
        .await
        .expect("is stored");
    assert_eq!(appended, [Appended::Now], "a new event is stored");
    let appended = append(&mut writer, &[new_event(now, first, "")])
        .await
        .expect("is recognised");
    assert_eq!(
        appended,
        [Appended::Before],
        "the same event again is recognised"
    );

    let other = new_event(now, first, r#","severity":"high""#);
    let outcome = append(&mut writer, &[new_event(now, second, ""), other]).await;
    let is_conflict =
        matches!(&outcome, Err(AppendError::Conflict { positions }) if *positions == [1]);
    assert!(
        is_conflict,
        "other content under a taken id is a conflict: {outcome:?}"
    );
    let moved = append(&mut writer, &[new_event(yesterday, first, "")]).await;
    let is_conflict =
        matches!(&moved, Err(AppendError::Conflict { positions }) if *positions == [0]);
    assert!(
        is_conflict,
        "a taken id is taken under every date: {moved:?}"
    );

    let found = store
        .find_parents(&[first, second])
        .await
        .expect("is answered");
    let expected = [Parent {
        id: first,
        date: ds_domain::time::utc_date(now),
    }];
    assert_eq!(found, expected, "a conflict stores nothing of its batch");

    let batch = [
        new_event(now, third, ""),
        new_event(now, first, ""),
        new_event(now, second, ""),
    ];
    let appended = append(&mut writer, &batch).await.expect("is stored");
    let expected = [Appended::Now, Appended::Before, Appended::Now];
    assert_eq!(
        appended, expected,
        "a repeated batch is completed, in order"
    );

    groups_contract(&mut writer, now, [first, ids.next_id()]).await;
    trace_contract(&mut writer, now, ids.next_id()).await;
    settings_contract(&mut writer, now, [ids.next_id(), ids.next_id()]).await;
}

/// The part about settings that change: `id` is not stored.
#[expect(clippy::expect_used, reason = "a broken contract must fail the test")]
async fn settings_contract(writer: &mut impl EventWriter, now: Timestamp, [id, other]: [Uuid; 2]) {
    let leaky = |id: Uuid, secrets, message: &str| {
        let members = format!(r#","event_id":"{id}","error_message":"{message}""#);
        let mut limits = Limits::default();
        limits.secrets = secrets;
        let event = parse_event(event_body(now, &members).as_bytes(), now, &limits);
        event.expect("the body is valid").identify(|| id, None)
    };
    let message = "<script> password=hunter2";
    let modes = [SecretMode::Off, SecretMode::Redact, SecretMode::Off];
    for (id, modes) in [(id, &modes[..2]), (other, &modes[1..])] {
        for (mode, expected) in modes.iter().zip([Appended::Now, Appended::Before]) {
            let appended = append(writer, &[leaky(id, *mode, message)]).await;
            let appended = appended.expect("what is done about secrets is not content");
            assert_eq!(appended, [expected]);
        }
        let changed = leaky(id, SecretMode::Redact, "password=hunter2");
        let outcome = append(writer, &[leaky(id, SecretMode::Off, message), changed]).await;
        let is_conflict =
            matches!(&outcome, Err(AppendError::Conflict { positions }) if *positions == [1]);
        assert!(
            is_conflict,
            "what stands beside a secret is content: {outcome:?}"
        );
    }
}

/// The part about traces: `id` is not stored.
#[expect(clippy::expect_used, reason = "a broken contract must fail the test")]
async fn trace_contract(writer: &mut impl EventWriter, now: Timestamp, id: Uuid) {
    let in_trace = |span: &str| {
        let header = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span}-01");
        let context = TraceContext::from_traceparent(&header).expect("is a trace");
        let body = event_body(now, &format!(r#","event_id":"{id}""#));
        let event = parse_event(body.as_bytes(), now, &Limits::default());
        let event = event.expect("the body is valid");
        event.in_trace(context).identify(|| id, None)
    };
    let attempts = [
        (in_trace("00f067aa0ba902b7"), Appended::Now),
        (in_trace("00f067aa0ba902b8"), Appended::Before),
        (new_event(now, id, ""), Appended::Before),
    ];
    for (event, expected) in attempts {
        let appended = append(writer, &[event]).await;
        let appended = appended.expect("a request's trace is not the event's content");
        assert_eq!(appended, [expected]);
    }
    let own = new_event(now, id, r#","trace_id":"4bf92f3577b34da6a3ce929d0e0e4737""#);
    let outcome = append(writer, &[own]).await;
    let is_conflict =
        matches!(&outcome, Err(AppendError::Conflict { positions }) if *positions == [0]);
    assert!(is_conflict, "a trace of its own is content: {outcome:?}");
}

/// The part about several groups in one append: `known` is stored, `new` is not.
#[expect(clippy::expect_used, reason = "a broken contract must fail the test")]
async fn groups_contract(writer: &mut impl EventWriter, now: Timestamp, [known, new]: [Uuid; 2]) {
    let other = [new_event(now, known, r#","severity":"high""#)];
    let (same, new) = ([new_event(now, known, "")], [new_event(now, new, "")]);
    let outcomes = writer.append(&[&other, &new, &same]).await;
    let is_conflict =
        matches!(&outcomes[0], Err(AppendError::Conflict { positions }) if *positions == [0]);
    assert!(
        is_conflict,
        "groups are answered in their order: {outcomes:?}"
    );
    let expected = [[Appended::Now], [Appended::Before]];
    for (outcome, expected) in outcomes[1..].iter().zip(expected) {
        let appended = outcome
            .as_ref()
            .expect("a group that fails takes no other with it");
        assert_eq!(*appended, expected);
    }
}

#[expect(clippy::expect_used, reason = "a broken contract must fail the test")]
async fn append(
    writer: &mut impl EventWriter,
    events: &[NewEvent],
) -> Result<Vec<Appended>, AppendError> {
    let mut outcomes = writer.append(&[events]).await;
    assert_eq!(outcomes.len(), 1, "one group, one answer");
    outcomes.pop().expect("has one")
}

fn new_event(at: Timestamp, id: Uuid, more: &str) -> NewEvent {
    let body = event_body(at, &format!(r#","event_id":"{id}"{more}"#));
    match parse_event(body.as_bytes(), at, &Limits::default()) {
        Ok(event) => event.identify(|| id, None),
        Err(error) => unreachable!("the body is valid: {error:?}"),
    }
}
