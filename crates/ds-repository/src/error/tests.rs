//! Every class of SQLSTATE, and what the server really says.

use ds_testkit::TestDatabase;

use super::*;

#[track_caller]
fn check(state: &str, expected: &Class) {
    assert_eq!(
        classify_state(state, None, Some("a_constraint")),
        *expected,
        "{state}"
    );
}

#[test]
fn every_class_of_sqlstate_has_its_verdict() {
    let refused = Class::Refused(Some("a_constraint".to_owned()));
    // Connection.
    for state in [
        "08000", "08001", "08003", "08004", "08006", "08007", "08P01",
    ] {
        check(state, &Class::Unavailable);
    }
    // Lost against another transaction.
    for state in ["40000", "40001", "40003", "40P01"] {
        check(state, &Class::Unavailable);
    }
    // Out of disk, memory, connections, or configured limits.
    for state in ["53000", "53100", "53200", "53300", "53400"] {
        check(state, &Class::Unavailable);
    }
    // Cancelled, shut down, crashed, starting, dropped, idle for too long.
    for state in [
        "57000", "57014", "57P01", "57P02", "57P03", "57P04", "57P05",
    ] {
        check(state, &Class::Unavailable);
    }
    // The system below the server.
    for state in ["58000", "58030", "58P01", "58P02"] {
        check(state, &Class::Unavailable);
    }
    // A standby, and timeouts of transactions and locks.
    for state in ["25006", "25P03", "25P04", "55P03"] {
        check(state, &Class::Unavailable);
    }
    for state in [
        "22000", "22001", "22003", "22008", "22021", "22P02", "22P05",
    ] {
        check(state, &refused);
    }
    for state in ["23000", "23502", "23503", "23505", "23514", "23P01"] {
        check(state, &refused);
    }
    for state in [
        "00000", "0A000", "25001", "25P02", "26000", "28000", "28P01", "3D000", "3F000", "42501",
        "42601", "42703", "42883", "42P01", "54000", "55000", "55006", "P0001", "XX000", "XX001",
        "XX002", "", "2",
    ] {
        check(state, &Class::Internal);
    }
}

#[test]
fn a_missing_partition_is_told_from_a_violated_check_by_the_missing_name() {
    assert_eq!(classify_state("23514", None, None), Class::Unavailable);
    assert_eq!(
        classify_state("23514", None, Some("c")),
        Class::Refused(Some("c".to_owned()))
    );
}

#[test]
fn a_refused_row_names_the_column_before_the_constraint() {
    let named = |column: Option<&str>, constraint: Option<&str>| {
        classify_state("23502", column, constraint)
    };
    assert_eq!(
        named(Some("severity"), None),
        Class::Refused(Some("severity".to_owned()))
    );
    assert_eq!(
        named(Some("severity"), Some("c")),
        Class::Refused(Some("severity".to_owned()))
    );
    assert_eq!(named(None, None), Class::Refused(None));
}

#[tokio::test]
async fn what_a_failed_insert_may_be_about_is_told_by_its_code() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    for (code, lost, partition, row) in [
        ("40001", true, false, false),
        ("40P01", true, false, false),
        ("23514", false, true, false),
        ("42501", false, true, false),
        ("42809", false, true, false),
        ("55000", false, true, false),
        ("55P03", false, true, false),
        ("XX001", false, true, true),
        ("XX000", false, false, true),
        ("22003", false, false, true),
        ("23502", false, false, true),
        ("54000", false, false, true),
        ("P0001", false, false, true),
        // Nobody in particular.
        ("25006", false, false, false),
        ("42703", false, false, false),
        ("53100", false, false, false),
        ("57014", false, false, false),
        ("58030", false, false, false),
    ] {
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$");
        let source = client.batch_execute(&raise).await.unwrap_err();
        let cause = Cause::driver("raise")(source);
        let verdict = (
            cause.is_lost_race(),
            cause.may_be_partition(),
            cause.may_be_row(),
        );
        assert_eq!(verdict, (lost, partition, row), "{code}");
        assert!(!cause.is_lost_connection(), "{code}");
    }
    client
        .execute("SELECT pg_terminate_backend(pg_backend_pid())", &[])
        .await
        .unwrap_err();
    let source = client.execute("SELECT 1", &[]).await.unwrap_err();
    assert!(Cause::driver("one")(source).is_lost_connection());
}

#[tokio::test]
async fn what_the_server_really_says_is_classified_by_its_code() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    let raise = async |code: &str| {
        // The text speaks of another code: only the code counts.
        let sql = format!(
            "DO $$ BEGIN RAISE EXCEPTION '40001 connection' USING ERRCODE = '{code}'; END $$"
        );
        classify(&client.batch_execute(&sql).await.unwrap_err())
    };
    assert_eq!(raise("53100").await, Class::Unavailable);
    assert_eq!(raise("22003").await, Class::Refused(None));
    assert_eq!(raise("P0001").await, Class::Internal);

    // What the driver cannot encode is nobody's outage.
    let error = client
        .query("SELECT $1::int4", &[&"text"])
        .await
        .unwrap_err();
    assert_eq!(classify(&error), Class::Internal);

    client
        .execute("SELECT pg_terminate_backend(pg_backend_pid())", &[])
        .await
        .unwrap_err();
    let error = client.execute("SELECT 1", &[]).await.unwrap_err();
    assert_eq!(classify(&error), Class::Unavailable);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let url = format!("postgres://u@127.0.0.1:{port}/d");
    let error = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .err()
        .unwrap();
    assert_eq!(classify(&error), Class::Unavailable);
}
