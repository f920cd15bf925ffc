//! Appending: stored exactly once, unchanged, or not at all.

use ds_domain::{event::Parent, month::Month};
use ds_repository::{Appended, error::AppendError};
use futures_util::future::join_all;
use jiff::civil::date;
use uuid::Uuid;

use crate::event::{SAMPLE, Sample, append, assert_same, count, repository};

#[tokio::test]
async fn an_event_comes_back_as_it_was_sent() {
    let (_database, repository) = repository().await;
    let parent = SAMPLE.new_event();
    append(&repository, std::slice::from_ref(&parent))
        .await
        .unwrap();
    let parent = Parent {
        id: parent.event().event_id,
        date: date(2026, 11, 21),
    };
    let more = r#""actor_type": "user", "actor_id": "ana", "actor_ip": "2001:db8::7",
        "resource_type": "Pod", "resource_id": "p-1", "resource_name": "pod / ü 😀",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7",
        "namespace": "prod", "cluster_name": "eu-1", "event_metadata": {"seen": 1},
        "severity": "warning", "duration_ms": 0, "error_code": "E1", "error_message": "it\nbroke",
        "retention_days": 30, "is_sensitive": true,"#;
    let full = Sample {
        more,
        parent: Some(parent),
        ..SAMPLE
    }
    .new_event();
    let bare = Sample {
        more: r#""severity": "","#,
        ..SAMPLE
    }
    .new_event();
    for event in [&full, &bare] {
        let answer = append(&repository, std::slice::from_ref(event))
            .await
            .unwrap();
        assert_eq!(answer, [Appended::Now]);
        let stored = repository
            .find_event(event.event().event_id)
            .await
            .unwrap()
            .unwrap();
        assert_same(&stored.event, event.event());
    }
}

#[tokio::test]
async fn payloads_keep_their_numbers_and_their_texts() {
    let (_database, repository) = repository().await;
    // As `jsonb` prints it: members by length and name, one space, numbers with all their digits.
    for (sent, stored) in [
        (r#"{"n":9007199254740993}"#, r#"{"n": 9007199254740993}"#),
        (r#"{"n":0.1000}"#, r#"{"n": 0.1000}"#),
        (
            r#"{"n":-123456789012345678901234567890}"#,
            r#"{"n": -123456789012345678901234567890}"#,
        ),
        (
            r#"{"n":0.12345678901234567890123}"#,
            r#"{"n": 0.12345678901234567890123}"#,
        ),
        (
            r#"{"a":"😀\u2028 ","😀":1}"#,
            "{\"a\": \"😀\u{2028} \", \"😀\": 1}",
        ),
        (
            r#"{"\u2028":"\u0001\"\\"}"#,
            "{\"\u{2028}\": \"\\u0001\\\"\\\\\"}",
        ),
        (
            r#"{"a":{"b":[1,[],{},null,true]}}"#,
            r#"{"a": {"b": [1, [], {}, null, true]}}"#,
        ),
        ("{}", "{}"),
    ] {
        let event = Sample {
            data: sent,
            ..SAMPLE
        }
        .new_event();
        append(&repository, std::slice::from_ref(&event))
            .await
            .unwrap();
        let back = repository
            .find_event(event.event().event_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(back.event.event_data.as_str(), stored);
    }
    let huge = Sample {
        data: r#"{"n":1e400}"#,
        ..SAMPLE
    }
    .new_event();
    append(&repository, std::slice::from_ref(&huge))
        .await
        .unwrap();
    let back = repository
        .find_event(huge.event().event_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        back.event.event_data.as_str(),
        format!(r#"{{"n": 1{}}}"#, "0".repeat(400))
    );
}

#[tokio::test]
async fn the_same_event_again_is_stored_once_and_answered_as_before() {
    let (database, repository) = repository().await;
    let chosen = Sample {
        id: Some(Uuid::new_v4()),
        ..SAMPLE
    }
    .new_event();
    let assigned = SAMPLE.new_event();
    let both = [chosen, assigned];
    assert_eq!(
        append(&repository, &both).await.unwrap(),
        [Appended::Now; 2]
    );
    assert_eq!(
        append(&repository, &both).await.unwrap(),
        [Appended::Before; 2]
    );
    let mixed = [
        SAMPLE.new_event(),
        both[0].clone(),
        SAMPLE.new_event(),
        both[1].clone(),
    ];
    let (now, before) = (Appended::Now, Appended::Before);
    assert_eq!(
        append(&repository, &mixed).await.unwrap(),
        [now, before, now, before]
    );
    assert_eq!(count(&database).await, 4);
}

#[tokio::test]
async fn spelling_of_the_payload_is_not_content_and_everything_else_is() {
    let (database, repository) = repository().await;
    let first = Sample {
        id: Some(Uuid::new_v4()),
        data: r#"{"a": 1.0, "b": [2]}"#,
        ..SAMPLE
    };
    append(&repository, &[first.new_event()]).await.unwrap();
    let same = Sample {
        data: "{\"b\":[2],\"a\":1.00}",
        ..first.clone()
    };
    assert_eq!(
        append(&repository, &[same.new_event()]).await.unwrap(),
        [Appended::Before]
    );
    for other in [
        Sample {
            data: r#"{"a": 1, "b": [3]}"#,
            ..first.clone()
        },
        Sample {
            kind: "other",
            ..first.clone()
        },
        Sample {
            correlation: "rr-2",
            ..first.clone()
        },
        Sample {
            at: "2026-11-21T10:00:00.123457Z",
            ..first.clone()
        },
        Sample {
            at: "2026-11-22T10:00:00.123456Z",
            ..first.clone()
        },
        Sample {
            at: "2026-12-21T10:00:00.123456Z",
            ..first.clone()
        },
        Sample {
            more: r#""severity": "","#,
            ..first.clone()
        },
        Sample {
            more: r#""duration_ms": 0,"#,
            ..first.clone()
        },
        Sample {
            more: r#""actor_ip": "10.0.0.1","#,
            ..first.clone()
        },
        Sample {
            more: r#""event_metadata": {"a": 1},"#,
            ..first.clone()
        },
        Sample {
            more: r#""is_sensitive": true,"#,
            ..first.clone()
        },
    ] {
        let error = append(&repository, &[other.new_event()]).await.unwrap_err();
        assert!(matches!(error, AppendError::Conflict { ref positions } if *positions == [0]));
    }
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn one_conflict_keeps_the_whole_batch_out() {
    let (database, repository) = repository().await;
    let taken = Sample {
        id: Some(Uuid::new_v4()),
        ..SAMPLE
    };
    append(&repository, &[taken.new_event()]).await.unwrap();
    let mut batch: Vec<_> = (0..600).map(|_| SAMPLE.new_event()).collect();
    batch[3] = Sample {
        kind: "other",
        ..taken.clone()
    }
    .new_event();
    batch[7] = taken.new_event();
    batch[599] = Sample {
        at: "2026-12-01T00:00:00Z",
        ..taken
    }
    .new_event();
    let error = append(&repository, &batch).await.unwrap_err();
    assert!(matches!(error, AppendError::Conflict { ref positions } if *positions == [3, 599]));
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn an_id_that_occurs_twice_in_a_batch_is_one_event_or_a_conflict() {
    let (database, repository) = repository().await;
    let event = Sample {
        id: Some(Uuid::new_v4()),
        ..SAMPLE
    };
    let twice = [event.new_event(), event.new_event()];
    let answer = append(&repository, &twice).await.unwrap();
    assert_eq!(answer, [Appended::Now, Appended::Before]);
    assert_eq!(count(&database).await, 1);
    let other = Sample {
        id: Some(Uuid::new_v4()),
        ..SAMPLE
    };
    let dates = [
        other.new_event(),
        Sample {
            at: "2026-12-01T00:00:00Z",
            ..other.clone()
        }
        .new_event(),
    ];
    let error = append(&repository, &dates).await.unwrap_err();
    assert!(matches!(error, AppendError::Conflict { ref positions } if *positions == [1]));
    assert_eq!(count(&database).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_appends_of_one_chosen_id_exactly_one_stores_it() {
    let (database, repository) = repository().await;
    for round in 0..10 {
        let event = Sample {
            id: Some(Uuid::new_v4()),
            ..SAMPLE
        };
        let same: Vec<_> = (0..8).map(|_| [event.new_event()]).collect();
        let answers = join_all(same.iter().map(|one| append(&repository, one))).await;
        let answers: Vec<Appended> = answers
            .into_iter()
            .flat_map(|answer| answer.unwrap())
            .collect();
        let stored = answers
            .iter()
            .filter(|answer| **answer == Appended::Now)
            .count();
        assert_eq!((stored, answers.len()), (1, 8));
        assert_eq!(count(&database).await, 2 * round + 1);

        // The same id under the dates of two partitions and of two days of one.
        let event = Sample {
            id: Some(Uuid::new_v4()),
            ..SAMPLE
        };
        let days = [
            "2026-10-31T23:59:59Z",
            "2026-11-01T00:00:00Z",
            "2026-11-02T00:00:00Z",
        ];
        let dates: Vec<_> = days
            .iter()
            .map(|at| {
                [Sample {
                    at,
                    ..event.clone()
                }
                .new_event()]
            })
            .collect();
        let answers = join_all(dates.iter().map(|one| append(&repository, one))).await;
        let conflicts = answers.iter().filter(|answer| {
            matches!(answer, Err(AppendError::Conflict { positions }) if *positions == [0])
        });
        assert_eq!(conflicts.count(), 2, "{answers:?}");
        assert_eq!(count(&database).await, 2 * round + 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_batches_with_the_same_ids_in_any_order_do_not_fail_one_another() {
    let (database, repository) = repository().await;
    // Above and below the number of ids that are locked one by one.
    for size in [40, 300] {
        let events: Vec<_> = (0..size)
            .map(|_| {
                Sample {
                    id: Some(Uuid::new_v4()),
                    ..SAMPLE
                }
                .new_event()
            })
            .collect();
        let backwards: Vec<_> = events.iter().rev().cloned().collect();
        let before = count(&database).await;
        let batches = [
            &events[..],
            &backwards[..],
            &events[size / 2..],
            &backwards[..size / 3],
        ];
        for answer in join_all(batches.map(|batch| append(&repository, batch))).await {
            answer.unwrap();
        }
        assert_eq!(
            count(&database).await,
            before + i64::try_from(size).unwrap()
        );
    }
}

#[tokio::test]
async fn a_batch_is_stored_in_one_piece_whatever_its_size() {
    let (database, repository) = repository().await;
    for size in [0, 1, 499, 500, 501, 5_000] {
        let before = count(&database).await;
        let batch: Vec<_> = (0..size).map(|_| SAMPLE.new_event()).collect();
        let answer = append(&repository, &batch).await.unwrap();
        assert_eq!(answer, vec![Appended::Now; size]);
        assert_eq!(
            count(&database).await,
            before + i64::try_from(size).unwrap()
        );
    }
    let client = database.connect().await;
    let sql = "SELECT count(DISTINCT xmin::text) FROM audit_events";
    assert_eq!(
        client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0),
        5
    );
}

#[tokio::test]
async fn a_date_without_a_partition_is_the_failure_of_its_month_and_stores_nothing() {
    let (database, repository) = repository().await;
    let far = Sample {
        at: "2027-06-01T00:00:00Z",
        ..SAMPLE
    }
    .new_event();
    let error = append(&repository, &[SAMPLE.new_event(), far])
        .await
        .unwrap_err();
    let AppendError::Partition { month, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(month, Month::of(date(2027, 6, 1)));
    assert_eq!(count(&database).await, 0);
}

#[tokio::test]
async fn a_row_the_table_refuses_names_its_constraint_and_keeps_the_batch_out() {
    let (database, repository) = repository().await;
    let client = database.connect().await;
    client
        .batch_execute(
            "ALTER TABLE audit_events ADD CONSTRAINT audit_events_severity_short
                 CHECK (length(severity) < 5)",
        )
        .await
        .unwrap();
    let event = Sample {
        more: r#""severity": "warning","#,
        ..SAMPLE
    }
    .new_event();
    let error = append(&repository, &[SAMPLE.new_event(), event])
        .await
        .unwrap_err();
    let AppendError::Refused { column, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(column.as_deref(), Some("audit_events_severity_short"));
    assert_eq!(count(&database).await, 0);
    // The connection is as good as before.
    append(&repository, &[SAMPLE.new_event()]).await.unwrap();
}

#[tokio::test]
async fn days_and_partitions_are_those_of_utc_whatever_the_zone_of_the_session() {
    for zone in ["Europe/Madrid", "America/Los_Angeles", "Pacific/Kiritimati"] {
        let (database, repository) = repository().await;
        let client = database.connect().await;
        // The default of the database is not what our sessions use …
        let name = database.name();
        client
            .batch_execute(&format!("ALTER DATABASE {name} SET timezone = '{zone}'"))
            .await
            .unwrap();
        let late = Sample {
            at: "2026-11-30T23:30:00Z",
            ..SAMPLE
        }
        .new_event();
        let early = Sample {
            at: "2026-12-01T00:30:00Z",
            ..SAMPLE
        }
        .new_event();
        append(&repository, &[late, early]).await.unwrap();
        // … and what a session in that zone writes is the same.
        let client = database.connect().await;
        client
            .batch_execute(
                "INSERT INTO audit_events (event_id, event_timestamp, event_date, event_type,
                     event_category, event_action, event_outcome, actor_type, actor_id,
                     resource_type, resource_id, correlation_id, event_data)
                 SELECT gen_random_uuid(), at, (at AT TIME ZONE 'UTC')::date, 't', 'gateway', 'a',
                     'success', 'a', 'a', 'r', 'r', 'c', '{}'
                 FROM (VALUES ('2026-11-30T23:30:00Z'::timestamptz),
                              ('2026-12-01T00:30:00Z'::timestamptz)) AS times (at)",
            )
            .await
            .unwrap();
        let sql = "SELECT event_date::text, tableoid::regclass::text, count(*)
            FROM audit_events GROUP BY 1, 2 ORDER BY 1";
        let rows = client.query(sql, &[]).await.unwrap();
        let found: Vec<(String, String, i64)> = rows
            .iter()
            .map(|row| (row.get(0), row.get(1), row.get(2)))
            .collect();
        let expected = [
            (
                "2026-11-30".to_owned(),
                "audit_events_2026_11".to_owned(),
                2,
            ),
            (
                "2026-12-01".to_owned(),
                "audit_events_2026_12".to_owned(),
                2,
            ),
        ];
        assert_eq!(found, expected, "{zone}");
    }
}
