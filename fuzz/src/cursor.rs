//! The bytes in a cursor: they are one place in one answer, and are written in one way only.

use ds_domain::{
    cursor::{Cursor, Position, Scope, Side},
    filter::{Start, Timed, Times},
};
use ds_validation::{parse_notification_query, query::parse_event_query};

use super::now;

/// Checks what a cursor makes of `data`, and a question of the texts in it.
pub fn check(data: &[u8]) {
    check_scope(data);
    let Some(cursor) = Cursor::from_bytes(data) else {
        return;
    };
    assert_eq!(cursor.to_bytes(), data, "{cursor:?} is written otherwise");
    let Position { at, id } = cursor.position;
    let is_number = i64::try_from(id.as_u128()).is_ok();
    let numbered = Position::numbered(at, cursor.position.number());
    assert_eq!(numbered == cursor.position, is_number, "{cursor:?}");
    let start = match cursor.side {
        Side::After => Start::After(cursor.position),
        Side::Before => Start::Before(cursor.position),
    };
    let times = Times {
        since: cursor.since,
        until: cursor.until,
    };
    let query = parse_event_query([].into_iter(), now()).expect("no parameter is no fault");
    let query = query.resumed(&cursor);
    assert_eq!((query.page.start, query.filter.times()), (start, times));
    let query = parse_notification_query([].into_iter(), now()).expect("no parameter is no fault");
    let query = query.resumed(&cursor);
    assert_eq!((query.page.start, query.filter.times()), (start, times));
}

/// Texts that are divided otherwise are another question.
fn check_scope(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let scope = |name: &str, value: &str| Scope::of("audit_events").with(name, value);
    let whole = scope(text, "");
    for (index, _) in text.char_indices().take(32) {
        let (name, value) = text.split_at(index);
        let parted = scope(name, value);
        assert_ne!(parted, whole, "parted at {index}");
        assert_ne!(parted.with("", ""), whole, "parted at {index}");
        if index > 0 {
            assert_ne!(scope(value, name), whole, "exchanged at {index}");
        }
    }
}
