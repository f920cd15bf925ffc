//! A writer stores what many senders sent, and lets none of them pay for another.

mod faults;

use std::time::{Duration, Instant};

use ds_domain::month::Month;
use ds_repository::{
    Appended, Repository, Writer,
    error::{AppendError, Cause, StoreError},
    settings::Settings,
};
use ds_testkit::{Durability, PostgresServer, TestDatabase};
use ds_validation::NewEvent;
use futures_util::future::join_all;
use jiff::civil::{Date, date};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::event::{SAMPLE, Sample, count, ensure, repository, settings};

type Answer = Result<Vec<Appended>, AppendError>;

const OCTOBER: Sample<'static> = Sample {
    at: "2026-10-21T10:00:00Z",
    ..SAMPLE
};
const DECEMBER: Sample<'static> = Sample {
    at: "2026-12-01T10:00:00Z",
    ..SAMPLE
};
const POISON: Sample<'static> = Sample {
    kind: "poison",
    ..SAMPLE
};

async fn append(writer: &mut Writer, groups: &[Vec<NewEvent>]) -> Vec<Answer> {
    let groups: Vec<&[NewEvent]> = groups.iter().map(Vec::as_slice).collect();
    let answers = writer.append(&groups).await;
    assert_eq!(answers.len(), groups.len());
    for (answer, group) in answers.iter().zip(groups) {
        if let Ok(appended) = answer {
            assert_eq!(appended.len(), group.len());
        }
    }
    answers
}

/// One letter per group: what became of it.
fn summary(answers: &[Answer]) -> String {
    let letter = |answer: &Answer| match answer {
        Ok(appended) if appended.contains(&Appended::Before) => 'b',
        Ok(_) => 'n',
        Err(AppendError::Conflict { .. }) => 'c',
        Err(AppendError::Refused { .. }) => 'r',
        Err(AppendError::Partition { .. }) => 'p',
        Err(AppendError::Store(StoreError::Unavailable(_))) => 'u',
        Err(AppendError::Store(StoreError::Internal(_))) => 'i',
    };
    answers.iter().map(letter).collect()
}

#[track_caller]
fn assert_partition(answer: &Answer, first_day: Date) {
    let Err(AppendError::Partition { month, .. }) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(*month, Month::of(first_day));
}

fn chosen() -> Sample<'static> {
    Sample {
        id: Some(Uuid::new_v4()),
        ..SAMPLE
    }
}

fn assigned() -> Sample<'static> {
    Sample {
        assigned: Some(Uuid::new_v4()),
        ..SAMPLE
    }
}

/// Whether an event is stored.
async fn is_stored(repository: &Repository, event: &NewEvent) -> bool {
    let found = repository.find_event(event.event().event_id).await;
    found.unwrap().is_some()
}

/// Makes one partition raise `code` for some of its events.
async fn raise(client: &Client, partition: &str, code: &str, when: &str) {
    let sql = format!(
        "CREATE FUNCTION raise_{code}() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$;
         CREATE TRIGGER raise_{code} BEFORE INSERT ON {partition}
             FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION raise_{code}()"
    );
    client.batch_execute(&sql).await.unwrap();
}

async fn refuse_poison(client: &Client) {
    let sql = "ALTER TABLE audit_events_2026_11
        ADD CONSTRAINT audit_events_no_poison CHECK (event_type <> 'poison')";
    client.batch_execute(sql).await.unwrap();
}

/// Waits until somebody waits for a lock.
async fn await_waiting(client: &Client) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND wait_event_type = 'Lock'";
    while client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn groups_of_all_kinds_share_a_flush_and_are_answered_in_order() {
    let (database, repository) = repository().await;
    let mut writer = repository.writer();
    let known = chosen();
    let groups = [
        vec![SAMPLE.new_event()],
        vec![],
        vec![
            SAMPLE.new_event(),
            chosen().new_event(),
            OCTOBER.new_event(),
        ],
        vec![known.new_event()],
    ];
    let (now, before) = (Appended::Now, Appended::Before);
    let answers = append(&mut writer, &groups).await;
    assert_eq!(summary(&answers), "nnnn");
    // Once more, with something new among it.
    let groups = [
        vec![DECEMBER.new_event(), known.new_event()],
        groups[0].clone(),
        groups[2].clone(),
        vec![SAMPLE.new_event()],
    ];
    let answers = append(&mut writer, &groups).await;
    assert_eq!(answers[0].as_ref().unwrap(), &[now, before]);
    assert_eq!(answers[1].as_ref().unwrap(), &[before]);
    assert_eq!(answers[2].as_ref().unwrap(), &[before; 3]);
    assert_eq!(answers[3].as_ref().unwrap(), &[now]);
    assert_eq!(count(&database).await, 7);
    assert!(writer.append(&[]).await.is_empty());
}

#[tokio::test]
async fn assigned_ids_need_one_statement_and_one_commit() {
    let (database, repository) = repository().await;
    let mut writer = repository.writer();
    let groups: Vec<_> = (0..100).map(|_| vec![SAMPLE.new_event()]).collect();
    assert_eq!(
        summary(&append(&mut writer, &groups).await),
        "n".repeat(100)
    );
    let groups: Vec<_> = groups
        .into_iter()
        .chain([vec![SAMPLE.new_event()]])
        .collect();
    let answers = append(&mut writer, &groups).await;
    assert_eq!(summary(&answers), format!("{}n", "b".repeat(100)));
    let client = database.connect().await;
    let sql = "SELECT count(DISTINCT xmin::text), count(*) FROM audit_events";
    let row = client.query_one(sql, &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), (2_i64, 101_i64));
    // The writer has one connection, and keeps it.
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND query ~ '^-- (append|compare)_events' AND pid <> pg_backend_pid()";
    let sessions: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(sessions, 1);
}

#[tokio::test]
async fn a_bad_row_among_a_hundred_groups_is_refused_alone() {
    let (database, repository) = repository().await;
    refuse_poison(&database.connect().await).await;
    let mut writer = repository.writer();
    for bad in [0, 41, 99] {
        for sample in [SAMPLE, chosen()] {
            let mut groups: Vec<_> = (0..100).map(|_| vec![SAMPLE.new_event()]).collect();
            groups[50] = vec![sample.new_event()];
            groups[bad] = vec![POISON.new_event()];
            let before = count(&database).await;
            let answers = append(&mut writer, &groups).await;
            let mut expected = "n".repeat(100);
            expected.replace_range(bad..=bad, "r");
            assert_eq!(summary(&answers), expected);
            let Err(AppendError::Refused { column, .. }) = &answers[bad] else {
                panic!()
            };
            assert_eq!(column.as_deref(), Some("audit_events_no_poison"));
            assert_eq!(count(&database).await, before + 99);
        }
    }
}

#[tokio::test]
async fn a_group_with_a_bad_row_is_refused_as_a_whole_and_no_other() {
    let (database, repository) = repository().await;
    refuse_poison(&database.connect().await).await;
    let mut writer = repository.writer();
    let mut groups: Vec<Vec<NewEvent>> = (0..20)
        .map(|_| vec![SAMPLE.new_event(), DECEMBER.new_event()])
        .collect();
    groups[7].push(POISON.new_event());
    groups[13] = vec![SAMPLE.new_event(), POISON.new_event(), chosen().new_event()];
    let answers = append(&mut writer, &groups).await;
    assert_eq!(summary(&answers), "nnnnnnnrnnnnnrnnnnnn");
    assert_eq!(count(&database).await, 36);
    assert!(!is_stored(&repository, &groups[7][0]).await);
}

#[tokio::test]
async fn a_row_that_breaks_the_store_breaks_it_for_nobody_else() {
    let (database, repository) = repository().await;
    let client = database.connect().await;
    raise(
        &client,
        "audit_events_2026_11",
        "P0001",
        "NEW.event_type = 'poison'",
    )
    .await;
    let mut writer = repository.writer();
    let mut groups: Vec<_> = (0..10).map(|_| vec![SAMPLE.new_event()]).collect();
    groups[4] = vec![POISON.new_event()];
    assert_eq!(summary(&append(&mut writer, &groups).await), "nnnninnnnn");
    assert_eq!(count(&database).await, 9);
}

#[tokio::test]
async fn a_conflict_leaves_nothing_of_its_group_and_everything_of_the_others() {
    let (database, repository) = repository().await;
    let mut writer = repository.writer();
    for taken in [chosen(), assigned()] {
        let first = vec![vec![taken.new_event()]];
        assert_eq!(summary(&append(&mut writer, &first).await), "n");
        let before = count(&database).await;
        let other = Sample {
            kind: "other",
            ..taken.clone()
        };
        let groups = [
            vec![SAMPLE.new_event()],
            vec![SAMPLE.new_event(), other.new_event(), chosen().new_event()],
            vec![other.new_event()],
            vec![SAMPLE.new_event(), taken.new_event()],
            vec![chosen().new_event()],
        ];
        let answers = append(&mut writer, &groups).await;
        assert_eq!(summary(&answers), "nccbn");
        for (answer, at) in [(&answers[1], 1), (&answers[2], 0)] {
            let Err(AppendError::Conflict { positions }) = answer else {
                panic!("{answer:?}")
            };
            assert_eq!(*positions, [at]);
        }
        assert_eq!(count(&database).await, before + 3);
        for event in [&groups[1][0], &groups[1][2]] {
            assert!(!is_stored(&repository, event).await);
        }
    }
}

#[tokio::test]
async fn an_id_twice_in_one_flush_is_stored_once_and_the_later_one_compared() {
    let (database, repository) = repository().await;
    let mut writer = repository.writer();
    for sample in [chosen(), assigned(), chosen(), assigned()] {
        let other = Sample {
            kind: "other",
            ..sample.clone()
        };
        let moved = Sample {
            at: OCTOBER.at,
            ..sample.clone()
        };
        let before = count(&database).await;
        let groups = [
            vec![sample.new_event()],
            vec![sample.new_event()],
            vec![other.new_event()],
            vec![moved.new_event()],
            vec![SAMPLE.new_event(), sample.new_event()],
            vec![SAMPLE.new_event(), moved.new_event()],
            vec![SAMPLE.new_event()],
        ];
        assert_eq!(summary(&append(&mut writer, &groups).await), "nbccbcn");
        assert_eq!(count(&database).await, before + 3);
    }
}

#[tokio::test]
async fn an_id_whose_first_group_is_refused_is_free_for_the_next() {
    let (database, repository) = repository().await;
    refuse_poison(&database.connect().await).await;
    let mut writer = repository.writer();
    for sample in [chosen(), assigned()] {
        let taken = Sample {
            id: Some(Uuid::new_v4()),
            ..SAMPLE
        };
        append(&mut writer, &[vec![taken.new_event()]]).await;
        let conflict = Sample {
            kind: "other",
            ..taken
        };
        let poison = Sample {
            kind: "poison",
            ..sample.clone()
        };
        let groups = [
            vec![sample.new_event(), conflict.new_event()],
            vec![poison.new_event()],
            vec![sample.new_event()],
            vec![sample.new_event()],
        ];
        let answers = append(&mut writer, &groups).await;
        assert_eq!(summary(&answers), "crnb");
    }
    assert_eq!(count(&database).await, 4);
    // Found out only after it was stored, and taken back.
    let (taken, first) = (assigned(), assigned());
    let other = |sample: &Sample<'static>| Sample {
        kind: "other",
        ..sample.clone()
    };
    append(&mut writer, &[vec![taken.new_event()]]).await;
    let groups = [
        vec![first.new_event(), other(&taken).new_event()],
        vec![other(&first).new_event()],
    ];
    assert_eq!(summary(&append(&mut writer, &groups).await), "cn");
    assert_eq!(count(&database).await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_with_the_same_ids_at_the_same_time_store_each_once() {
    let (database, repository) = repository().await;
    let days = [
        "2026-10-31T23:59:59Z",
        "2026-11-01T00:00:00Z",
        "2026-11-02T00:00:00Z",
    ];
    for round in 0..5_i64 {
        // Of each id three dates, each with a different neighbour first.
        let ids: Vec<Uuid> = (0..30).map(|_| Uuid::new_v4()).collect();
        let flushes: Vec<Vec<Vec<NewEvent>>> = (0..4)
            .map(|turn| {
                let mut groups: Vec<_> = ids
                    .iter()
                    .enumerate()
                    .map(|(at, id)| {
                        let event = Sample {
                            id: Some(*id),
                            at: days[(at + turn) % 3],
                            ..SAMPLE
                        };
                        vec![event.new_event()]
                    })
                    .collect();
                groups.rotate_left(turn * 7);
                groups.push(vec![SAMPLE.new_event()]);
                groups
            })
            .collect();
        let appending = flushes.iter().map(async |groups| {
            let mut writer = repository.writer();
            append(&mut writer, groups).await
        });
        let answers: String = join_all(appending)
            .await
            .iter()
            .map(|it| summary(it))
            .collect();
        let stored = answers.chars().filter(|letter| *letter == 'n').count();
        assert_eq!(stored, 34, "{answers}");
        assert!(
            answers.chars().all(|letter| "nbc".contains(letter)),
            "{answers}"
        );
        assert_eq!(count(&database).await, (round + 1) * 34);
    }
    let client = database.connect().await;
    let twice = "SELECT count(*) FROM (
        SELECT FROM audit_events GROUP BY event_id HAVING count(*) > 1) AS ids";
    let twice: i64 = client.query_one(twice, &[]).await.unwrap().get(0);
    assert_eq!(twice, 0);
}
