//! Query strings of lists of notifications.

use ds_domain::{
    filter::{Count, Page, Start},
    limit::FILTER_VALUES_MAX,
};

use super::*;

fn parse(query: &[(&'static str, &'static str)]) -> Result<NotificationQuery, Vec<String>> {
    let pairs = query.iter().map(|(n, v)| ((*n).into(), (*v).into()));
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    parse_notification_query(pairs, now)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[track_caller]
fn check_refused(query: &[(&'static str, &'static str)], reason: &str) {
    let errors = parse(query).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains(reason), "{errors:?}");
}

#[test]
fn nothing_asked_is_the_first_page_of_all() {
    let query = parse(&[]).unwrap();
    let page = Page {
        limit: 50,
        start: Start::Offset(0),
        count: Count::Exact,
    };
    assert_eq!(
        (query.filter, query.page),
        (NotificationFilter::default(), page)
    );
    assert_eq!(
        parse(&[("x", "y")]),
        parse(&[]),
        "unknown names are ignored"
    );
}

#[test]
fn values_of_one_filter_are_alternatives() {
    let query = [
        ("remediation_id", "rr-1"),
        ("channel", "Slack"),
        ("channel", "sms"),
        ("status", "sent"),
        ("recipient", "' OR true --"),
        ("remediation_id", "größer 🚀"),
        ("since", "24h"),
        ("until", "2026-11-21"),
        ("limit", "1000"),
        ("offset", "7"),
        ("limit", "3"),
    ];
    let asked = parse(&query).unwrap();
    let expected = NotificationFilter {
        remediation_ids: vec!["größer 🚀".to_owned(), "rr-1".to_owned()],
        channels: vec![Channel::Slack, Channel::Sms],
        statuses: vec![NotificationStatus::Sent],
        recipients: vec!["' OR true --".to_owned()],
        since: "2026-11-20T10:00:00Z".parse().ok(),
        until: "2026-11-21T00:00:00Z".parse().ok(),
    };
    assert_eq!(asked.filter, expected);
    let page = (asked.page.limit, asked.page.start);
    assert_eq!(page, (1000, Start::Offset(7)));
}

#[test]
fn what_cannot_be_used_is_named() {
    check_refused(&[("remediation_id", "")], "empty value");
    check_refused(&[("recipient", "a\0")], "NUL");
    check_refused(&[("channel", "pigeon")], "\"email\",\"slack\"");
    check_refused(&[("status", "")], "empty value");
    check_refused(&[("since", "soon")], "invalid time format: soon");
    check_refused(&[("until", "")], "empty value");
    check_refused(&[("limit", "0")], "at least 1");
    check_refused(&[("limit", "1001")], "at most 1000");
    check_refused(&[("limit", "")], "invalid integer");
    check_refused(&[("count", "all")], "\"exact\",\"estimated\"");
    check_refused(&[("cursor", "x"), ("offset", "1")], "combined with cursor");
    check_refused(&[("offset", "-1")], "at least 0");
    check_refused(
        &[("recipient", "a"); FILTER_VALUES_MAX + 1],
        "more than 50 values",
    );
    let long: &'static str = "ü".repeat(256).leak();
    check_refused(&[("recipient", long)], "maximum string length is 255");
    assert_eq!(
        parse(&[("limit", "x"), ("since", "y")]).unwrap_err().len(),
        2
    );
}

#[test]
fn a_walk_begins_at_the_newest_and_counts_nothing_unless_asked() {
    let walk = parse(&[("cursor", ""), ("limit", "7")]).unwrap();
    let page = Page {
        limit: 7,
        start: Start::Newest,
        count: Count::None,
    };
    assert_eq!((walk.page, walk.cursor), (page, None));
    let walk = parse(&[("cursor", "x"), ("count", "estimated")]).unwrap();
    let cursor = walk.cursor.as_deref();
    assert_eq!((cursor, walk.page.count), (Some("x"), Count::Estimated));
}

#[test]
fn a_cursor_is_bound_to_every_filter_and_to_nothing_else() {
    let scope = |query: &[(&'static str, &'static str)]| parse(query).unwrap().scope;
    let scopes = [
        scope(&[]),
        Scope::of("audit_events"),
        scope(&[("remediation_id", "sent")]),
        scope(&[("recipient", "sent")]),
        scope(&[("recipient", "sent"), ("recipient", "email")]),
        scope(&[("status", "sent")]),
        scope(&[("channel", "email")]),
        scope(&[("channel", "sms")]),
        scope(&[("since", "24h")]),
        scope(&[("since", "23h")]),
        scope(&[("until", "24h")]),
    ];
    for (index, one) in scopes.iter().enumerate() {
        assert!(!scopes[index + 1..].contains(one), "{index}");
    }
    let same = [
        [("channel", "SMS"), ("channel", "email"), ("limit", "7")],
        [("channel", "email"), ("channel", "sms"), ("count", "none")],
        [("channel", "sms"), ("channel", "Email"), ("cursor", "x")],
    ];
    assert_eq!(scope(&same[0]), scope(&same[1]));
    assert_eq!(scope(&same[0]), scope(&same[2]));
}
