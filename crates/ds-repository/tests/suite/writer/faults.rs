//! Partitions that fail, flushes that take too long, servers that go away.

use super::*;

/// Groups of three months, of which October fails: alone, in a pair, and with chosen ids.
fn three_months() -> [Vec<NewEvent>; 6] {
    [
        vec![SAMPLE.new_event()],
        vec![OCTOBER.new_event()],
        vec![DECEMBER.new_event(), SAMPLE.new_event()],
        vec![DECEMBER.new_event(), OCTOBER.new_event()],
        vec![OCTOBER.new_event()],
        vec![DECEMBER.new_event()],
    ]
}

#[tokio::test]
async fn a_month_without_its_partition_fails_alone() {
    let (database, repository) = repository().await;
    let client = database.connect().await;
    client
        .batch_execute("ALTER TABLE audit_events DETACH PARTITION audit_events_2026_10")
        .await
        .unwrap();
    let mut writer = repository.writer();
    for more in [vec![], vec![vec![chosen().new_event()]]] {
        let before = count(&database).await;
        let groups: Vec<_> = three_months().into_iter().chain(more).collect();
        let answers = append(&mut writer, &groups).await;
        assert_eq!(&summary(&answers)[..6], "npnppn");
        for at in [1, 3, 4] {
            assert_partition(&answers[at], date(2026, 10, 1));
        }
        assert!(answers.iter().skip(6).all(Result::is_ok));
        let stored = i64::try_from(groups.len() - 3).unwrap() + 1;
        assert_eq!(count(&database).await, before + stored);
    }
    // Of one month only, and large.
    let group: Vec<_> = (0..700).map(|_| OCTOBER.new_event()).collect();
    let answers = append(&mut writer, &[group]).await;
    assert_partition(&answers[0], date(2026, 10, 1));
    client
        .batch_execute(
            "ALTER TABLE audit_events ATTACH PARTITION audit_events_2026_10
                 FOR VALUES FROM ('2026-10-01') TO ('2026-11-01')",
        )
        .await
        .unwrap();
    assert_eq!(
        summary(&append(&mut writer, &three_months()).await),
        "nnnnnn"
    );
}

/// A repository as the service has it, with its limits.
fn hurried(database: &TestDatabase) -> Repository {
    let mut settings = settings(database);
    settings.flush_timeout = Duration::from_secs(2);
    Repository::new(settings).unwrap()
}

#[tokio::test]
async fn a_locked_month_fails_alone_within_the_time_of_a_flush() {
    let (database, _repository) = repository().await;
    let repository = hurried(&database);
    let client = database.connect().await;
    client
        .batch_execute("BEGIN; LOCK TABLE audit_events_2026_10 IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let mut writer = repository.writer();
    let started = Instant::now();
    let answers = append(&mut writer, &three_months()).await;
    assert_eq!(summary(&answers), "npnppn");
    for at in [1, 3, 4] {
        assert_partition(&answers[at], date(2026, 10, 1));
    }
    assert!(started.elapsed() < Duration::from_secs(2));
    // An id that a sender chose may be stored in the month that nobody can read.
    let groups = [
        vec![SAMPLE.new_event()],
        vec![chosen().new_event()],
        vec![DECEMBER.new_event()],
    ];
    let answers = append(&mut writer, &groups).await;
    assert_eq!(summary(&answers), "npn");
    assert_partition(&answers[1], date(2026, 10, 1));
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(count(&database).await, 6);
    assert_eq!(summary(&append(&mut writer, &groups).await), "bnb");
}

#[tokio::test]
async fn a_month_that_may_not_be_written_fails_alone() {
    let (database, repository) = repository().await;
    let client = database.connect().await;
    for code in ["42501", "55000", "XX001"] {
        raise(&client, "audit_events_2026_10", code, "true").await;
        let mut writer = repository.writer();
        assert_eq!(
            summary(&append(&mut writer, &three_months()).await),
            "npnppn",
            "{code}"
        );
        let drop = format!("DROP FUNCTION raise_{code} CASCADE");
        client.batch_execute(&drop).await.unwrap();
    }
}

#[tokio::test]
async fn losing_against_others_is_tried_again_and_not_for_ever() {
    for (code, times, expected) in [
        ("40001", 2, "nn"),
        ("40P01", 1, "nn"),
        ("40001", 3, "uu"),
        ("40P01", 99, "uu"),
    ] {
        let (database, repository) = repository().await;
        let client = database.connect().await;
        // A sequence remembers how often, whatever is rolled back.
        client
            .batch_execute("CREATE SEQUENCE losses")
            .await
            .unwrap();
        let losing = format!("nextval('losses') <= {times}");
        raise(&client, "audit_events_2026_11", code, &losing).await;
        let mut writer = repository.writer();
        for sample in [SAMPLE, chosen()] {
            client
                .batch_execute("SELECT setval('losses', 1, false)")
                .await
                .unwrap();
            let before = count(&database).await;
            let groups = [vec![sample.new_event()], vec![DECEMBER.new_event()]];
            let answers = append(&mut writer, &groups).await;
            assert_eq!(summary(&answers), expected, "{code} {times}");
            let stored = if expected == "nn" { 2 } else { 0 };
            assert_eq!(count(&database).await, before + stored);
        }
    }
}

#[tokio::test]
async fn a_large_batch_is_stored_in_one_piece_or_not_at_all() {
    let (database, repository) = repository().await;
    refuse_poison(&database.connect().await).await;
    let mut writer = repository.writer();
    let taken = chosen();
    append(&mut writer, &[vec![taken.new_event()]]).await;
    let other = Sample {
        kind: "other",
        ..taken
    };
    for (last, expected) in [
        (POISON.new_event(), "r"),
        (other.new_event(), "c"),
        (
            Sample {
                at: "2027-06-01T00:00:00Z",
                ..SAMPLE
            }
            .new_event(),
            "p",
        ),
        (SAMPLE.new_event(), "n"),
    ] {
        let mut group: Vec<_> = (0..4_999).map(|_| SAMPLE.new_event()).collect();
        group.push(last);
        let before = count(&database).await;
        let answers = append(&mut writer, &[group]).await;
        assert_eq!(summary(&answers), expected);
        let stored = if expected == "n" { 5_000 } else { 0 };
        assert_eq!(count(&database).await, before + stored);
    }
}

#[tokio::test]
async fn what_takes_too_long_is_given_up_and_cancelled_on_the_server() {
    let (database, _repository) = repository().await;
    let client = database.connect().await;
    client
        .batch_execute(
            "CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
             CREATE TRIGGER doze BEFORE INSERT ON audit_events_2026_11
                 FOR EACH ROW EXECUTE FUNCTION doze()",
        )
        .await
        .unwrap();
    let mut settings = settings(&database);
    settings.flush_timeout = Duration::from_millis(500);
    settings.append_timeout = Duration::from_millis(700);
    let mut writer = Repository::new(settings).unwrap().writer();
    let large: Vec<_> = (0..64).map(|_| SAMPLE.new_event()).collect();
    for (group, seconds_max) in [(vec![SAMPLE.new_event()], 0.5), (large, 0.7)] {
        let answers = append(&mut writer, &[group]).await;
        let Err(AppendError::Store(StoreError::Unavailable(cause))) = &answers[0] else {
            panic!("{answers:?}")
        };
        // Either of the two clocks may be the first, where they are set to the same time.
        if let Cause::Timeout { seconds, .. } = **cause {
            assert!((seconds - seconds_max).abs() < f64::EPSILON);
        }
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
            AND wait_event = 'PgSleep'";
        while client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::task::yield_now().await;
        }
    }
    client
        .batch_execute("DROP TRIGGER doze ON audit_events_2026_11")
        .await
        .unwrap();
    let answers = append(&mut writer, &[vec![SAMPLE.new_event()]]).await;
    assert_eq!(summary(&answers), "n");
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_connection_that_was_lost_at_rest_is_replaced_unnoticed() {
    let (database, repository) = repository().await;
    let client = database.connect().await;
    let mut writer = repository.writer();
    for _ in 0..5 {
        let answers = append(&mut writer, &[vec![SAMPLE.new_event()]]).await;
        assert_eq!(summary(&answers), "n");
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND query LIKE '%append_events%'
              AND pid <> pg_backend_pid()";
        let ended: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
        assert_eq!(ended, 1);
    }
}

#[tokio::test]
async fn a_server_killed_in_the_middle_is_unavailable_and_found_again() {
    let server = PostgresServer::start(Durability::Off).await;
    let database = server.create_database().await;
    let settings = Settings {
        flush_timeout: Duration::from_secs(60),
        lock_timeout: Duration::from_secs(60),
        ..Settings::from_url(database.url()).unwrap()
    };
    let repository = Repository::new(settings).unwrap();
    ensure(&repository, date(2026, 11, 21)).await.unwrap();
    let mut writer = repository.writer();
    let groups = [vec![SAMPLE.new_event()], vec![chosen().new_event(); 3]];
    assert_eq!(summary(&append(&mut writer, &groups[..1]).await), "n");

    let client = database.connect().await;
    client
        .batch_execute("BEGIN; LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let watcher = database.connect().await;
    let (answers, ()) = tokio::join!(append(&mut writer, &groups), async {
        await_waiting(&watcher).await;
        server.kill().await;
    });
    assert_eq!(summary(&answers), "uu");
    let again = append(&mut writer, &groups).await;
    assert_eq!(summary(&again), "uu");
    server.restart().await;
    assert_eq!(summary(&append(&mut writer, &groups).await), "bb");
    assert_eq!(count(&database).await, 2);
}

#[tokio::test]
async fn a_frozen_server_is_unavailable_in_time_and_found_again() {
    let server = PostgresServer::start(Durability::Off).await;
    let database = server.create_database().await;
    let settings = Settings {
        flush_timeout: Duration::from_secs(1),
        connect_timeout: Duration::from_secs(1),
        ..Settings::from_url(database.url()).unwrap()
    };
    let repository = Repository::new(settings).unwrap();
    ensure(&repository, date(2026, 11, 21)).await.unwrap();
    let mut writer = repository.writer();
    let groups = [vec![SAMPLE.new_event()], vec![OCTOBER.new_event()]];
    assert_eq!(summary(&append(&mut writer, &groups[..1]).await), "n");
    server.pause().await;
    // The connection that is there, and one that has to be made.
    for _ in 0..2 {
        let started = Instant::now();
        assert_eq!(summary(&append(&mut writer, &groups).await), "uu");
        assert!(started.elapsed() < Duration::from_secs(2));
    }
    server.resume().await;
    let answers = append(&mut writer, &groups).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(count(&database).await, 2);
}
