//! One month's partition cannot be written: its events wait, all others do not notice.

use std::sync::Arc;

use ds_testkit::checker::Journal;
use hyper::Method;
use jiff::{SignedDuration, ToSpan, civil::Date, tz::TimeZone};

use crate::{
    actions::{ACTIONS, action},
    program::eventually,
    service::{Service, now},
    stage::{Stage, check_none},
    traffic::{Habits, Traffic},
};

/// Today's month.
struct Month {
    partition: String,
    first: Date,
    next: Date,
}

impl Month {
    fn current() -> Self {
        let first = now().to_zoned(TimeZone::UTC).date().first_of_month();
        Self {
            partition: first.strftime("audit_events_%Y_%m").to_string(),
            first,
            next: first + 1.month(),
        }
    }
}

/// From now to a time in another month, if the widest window of accepted times reaches one. On one or
/// two days at the end of a long month it does not.
fn way_to_another_month() -> Option<SignedDuration> {
    let second = SignedDuration::from_secs(600);
    let month = Month::current();
    let time = |date: Date| date.to_zoned(TimeZone::UTC).unwrap().timestamp();
    let back = time(month.first).duration_since(now()) - second;
    let ahead = time(month.next).duration_since(now()) + second;
    if back > -SignedDuration::from_hours(672) {
        Some(back)
    } else {
        (ahead < SignedDuration::from_hours(24)).then_some(ahead)
    }
}

/// Makes today's month fail by one statement and mends it by another one, under traffic.
async fn check(break_it: impl Fn(&Month) -> String, mend_it: impl Fn(&Month) -> String) {
    let month = Month::current();
    let stage = Stage::shared().await;
    let program = stage
        .program()
        .with("DS_VALIDATION__EVENT_AGE_MAX", "672h")
        .with("DS_VALIDATION__CLOCK_SKEW_MAX", "24h");
    let service = Service::of(program, &stage.database).await;
    let admin = stage.database.connect().await;
    let others = Arc::new(Journal::new("others"));
    let start = |journal, shift| {
        let habits = Habits {
            clients: 3,
            chooses_ids: false,
            shift,
            ..Habits::default()
        };
        Traffic::start(&service, journal, habits)
    };
    let way = way_to_another_month();
    let other_traffic = way.map(|way| start(&others, way));
    let traffic = start(&stage.journal, SignedDuration::ZERO);
    stage.stored_more(20).await;

    admin.batch_execute(&break_it(&month)).await.unwrap();
    stage.accepted(50).await;
    let before = others.tally().stored;
    let failing = format!(
        "datastorage_partition_failing{{partition=\"{}\"}}",
        month.partition
    );
    assert_eq!(service.metric(&failing).await, Some(1.0));
    let (status, body) = service.server().get("/health/ready").await.unwrap();
    assert_eq!(status, 200, "{body}");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["degraded"][0], "partitions_failing", "{body}");
    let named = &body["checks"]["failing_partitions"];
    assert_eq!(named, &serde_json::json!([month.partition]), "{body}");
    if way.is_some() {
        eventually("the other month goes on", async || {
            (others.tally().stored >= before + 50).then_some(())
        })
        .await;
    }

    admin.batch_execute(&mend_it(&month)).await.unwrap();
    stage.stored_more(20).await;
    traffic.stop().await;
    if let Some(traffic) = other_traffic {
        traffic.stop().await;
    }
    stage.check_delivered().await;
    stage.check_statuses(&[201, 202]);
    let statuses = others.statuses();
    assert!(
        statuses.iter().all(|(status, _)| *status == 201),
        "{statuses:?}"
    );
    check_none(&stage.checker().check_stored(&others).await.unwrap());
    assert_eq!(service.metric(&failing).await, Some(0.0));
}

#[tokio::test]
async fn a_detached_partition_holds_up_its_own_month_only() {
    let detach = |month: &Month| {
        format!(
            "ALTER TABLE audit_events DETACH PARTITION {}",
            month.partition
        )
    };
    let attach = |month: &Month| {
        let Month {
            partition,
            first,
            next,
        } = month;
        format!(
            "ALTER TABLE audit_events ATTACH PARTITION {partition}
             FOR VALUES FROM ('{first}') TO ('{next}')"
        )
    };
    check(detach, attach).await;
}

#[tokio::test]
async fn a_locked_partition_holds_up_its_own_month_only() {
    let lock = |month: &Month| {
        format!(
            "BEGIN; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
            month.partition
        )
    };
    check(lock, |_| "COMMIT".to_owned()).await;
}

#[tokio::test]
async fn a_missing_month_of_actions_is_made_again() {
    let service = Service::start().await;
    let month = Month::current();
    let partition = month
        .first
        .strftime("resource_action_traces_y%Ym%m")
        .to_string();
    let post = async |id: &str| {
        let body = action(id).to_string();
        let reply = service.send(Method::POST, ACTIONS, body).await;
        reply.status.as_u16()
    };
    let admin = service.database.connect().await;
    let drop = format!("DROP TABLE {partition}");
    admin.batch_execute(&drop).await.unwrap();
    assert_eq!(post("a").await, 201, "its sender notices nothing");
    let failures = format!("datastorage_partition_failures_total{{partition=\"{partition}\"}}");
    assert_eq!(service.metric(&failures).await, Some(1.0));

    // One that is there, and detached, nobody but an operator can mend.
    let detach = format!("ALTER TABLE resource_action_traces DETACH PARTITION {partition}");
    admin.batch_execute(&detach).await.unwrap();
    assert_eq!(post("b").await, 503);
    let failing = format!("datastorage_partition_failing{{partition=\"{partition}\"}}");
    assert_eq!(service.metric(&failing).await, Some(1.0));
    let (status, body) = service.server().get("/health/ready").await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["degraded"][0], "partitions_failing", "{body}");
    let named = &body["checks"]["failing_partitions"];
    assert_eq!(named, &serde_json::json!([partition]), "{body}");
    let attach = format!(
        "ALTER TABLE resource_action_traces ATTACH PARTITION {partition}
         FOR VALUES FROM ('{}') TO ('{}')",
        month.first, month.next
    );
    admin.batch_execute(&attach).await.unwrap();
    eventually("the action is stored", async || {
        (post("b").await == 201).then_some(())
    })
    .await;
    assert_eq!(service.metric(&failing).await, Some(0.0));
}
