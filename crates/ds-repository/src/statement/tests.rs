//! Every statement prepares.

use std::collections::HashSet;

use ds_testkit::TestDatabase;

use super::*;

#[tokio::test]
async fn every_statement_prepares_against_the_migrated_schema() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    for statement in ALL {
        let prepared = client.prepare(statement.sql()).await;
        assert!(
            prepared.is_ok(),
            "{}: {:?}",
            statement.name(),
            prepared.err()
        );
    }
}

#[test]
fn every_statement_begins_with_a_name_of_its_own() {
    let names: HashSet<&str> = ALL.iter().map(|statement| statement.name()).collect();
    assert_eq!(names.len(), ALL.len());
    for statement in ALL {
        let name = statement.name();
        assert!(
            statement.sql().starts_with(&format!("-- {name}\n")),
            "{name}"
        );
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{name}"
        );
    }
}
