//! Histories that can be continued, and those that cannot.

use super::*;

fn history_of(versions: &[(u32, &str, u64)]) -> Vec<Migration> {
    let migration = |(version, name, checksum): &(u32, &str, u64)| Migration {
        version: *version,
        name: (*name).to_owned(),
        checksum: *checksum,
    };
    versions.iter().map(migration).collect()
}

#[track_caller]
fn check(applied: &[(u32, &str, u64)], expected: &str) {
    let known = history_of(&[(1, "a", 10), (2, "b", 20), (3, "c", 30)]);
    let verdict = match compare(&history_of(applied), &known) {
        Ok(report) => format!("{} to {}", report.migrations.join(" "), report.version),
        Err(error) => format!("{error:?}"),
    };
    assert_eq!(verdict, expected);
}

#[test]
fn a_history_is_continued_only_where_it_is_a_beginning_of_ours() {
    check(&[], "V1__a V2__b V3__c to 3");
    check(&[(1, "a", 10)], "V2__b V3__c to 3");
    check(&[(1, "a", 10), (2, "b", 20), (3, "c", 30)], " to 3");
    check(&[(1, "a", 11)], "Divergent { version: 1 }");
    check(&[(1, "x", 10)], "Divergent { version: 1 }");
    check(&[(0, "zero", 1), (1, "a", 10)], "Divergent { version: 0 }");
    check(&[(1, "a", 10), (3, "c", 30)], "Missing { version: 2 }");
    check(
        &[(1, "a", 10), (2, "b", 20), (3, "c", 30), (4, "d", 40)],
        "Newer { found: 4, known: 3 }",
    );
}

#[test]
fn the_embedded_migrations_are_numbered_without_a_gap() {
    let versions: Vec<u32> = known().iter().map(|migration| migration.version).collect();
    let expected: Vec<u32> = (1..).take(versions.len()).collect();
    assert_eq!(versions, expected);
    assert!(!versions.is_empty());
}
