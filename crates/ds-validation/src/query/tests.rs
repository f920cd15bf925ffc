//! Query strings, and what is wrong with them.

use ds_domain::{cursor::Position, filter::Count, limit::FILTER_VALUES_MAX};
use uuid::Uuid;

use super::*;
use crate::parameter::tests::read;

fn judge(query: &[(&str, &str)]) -> Result<EventQuery, ParameterErrors> {
    let pairs = query
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    parse_event_query(pairs, "2026-11-21T10:00:00Z".parse().unwrap())
}

fn parse(query: &[(&str, &str)]) -> Result<EventQuery, Vec<String>> {
    judge(query).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn schema(name: &str, reason: &str) -> String {
    format!("parameter \"{name}\" in query has an error: {reason}")
}

#[track_caller]
fn refuses(name: &str, value: &str, expected: &str) {
    assert_eq!(
        parse(&[(name, value)]),
        Err(vec![expected.to_owned()]),
        "{name}={value}"
    );
}

#[track_caller]
fn pages(query: &[(&str, &str)], limit: u16, offset: u64) {
    let page = Page {
        limit,
        start: Start::Offset(offset),
        count: Count::Exact,
    };
    assert_eq!(parse(query).unwrap().page, page, "{query:?}");
}

#[test]
fn pages_have_the_defaults_of_the_contract() {
    pages(&[], 50, 0);
    pages(&[("limit", "")], 100, 0);
    pages(&[("offset", "")], 50, 0);
    pages(&[("limit", "1000"), ("offset", "7")], 1000, 7);
    pages(&[("limit", "2"), ("limit", "3")], 2, 0);
    for (query, is_limited) in [
        (&[][..], false),
        (&[("limit", "7")], true),
        (&[("limit", "")], true),
    ] {
        assert_eq!(parse(query).unwrap().is_limited, is_limited, "{query:?}");
    }
}

#[test]
fn the_size_of_the_answer_is_counted_as_asked() {
    let count = |word| parse(&[("count", word)]).map(|query| query.page.count);
    assert_eq!(count("exact"), Ok(Count::Exact));
    assert_eq!(count("estimated"), Ok(Count::Estimated));
    assert_eq!(count("none"), Ok(Count::None));
    let words = r#"value is not one of the allowed values ["exact","estimated","none"]"#;
    refuses("count", "", &schema("count", words));
    refuses("count", "None", &schema("count", words));
}

#[test]
fn filters_are_taken_literally_and_unknown_names_ignored() {
    let query = [
        ("correlation_id", "a' OR 1=1 --"),
        ("service", "x"),
        ("event_outcome", "failure"),
        ("namespace", "ünïcödé 😀 \u{202e}%_"),
        ("limit", "7"),
    ];
    let filter = parse(&query).unwrap().filter;
    assert_eq!(filter.values_of("correlation_id"), ["a' OR 1=1 --"]);
    assert_eq!(filter.values_of("event_outcome"), ["failure"]);
    assert_eq!(filter.values_of("namespace"), ["ünïcödé 😀 \u{202e}%_"]);
    assert_eq!(filter.texts.len(), 3);
    assert!(filter.values_of("severity").is_empty());
}

#[test]
fn every_text_filter_can_be_asked_for_up_to_the_length_of_its_member() {
    for field in filter::text_filters() {
        if field.name == "event_outcome" {
            continue;
        }
        let chars_max = field.chars_max.unwrap();
        let longest = "ü".repeat(chars_max);
        let filter = parse(&[(field.name, &longest)]).unwrap().filter;
        assert_eq!(filter.values_of(field.name), std::slice::from_ref(&longest));
        let reason = format!("maximum string length is {chars_max}");
        refuses(field.name, &(longest + "ü"), &schema(field.name, &reason));
    }
}

#[test]
fn the_values_of_one_name_are_alternatives_in_one_order() {
    let one = parse(&[("severity", "b"), ("severity", "a"), ("severity", "b")]);
    assert_eq!(
        one.as_ref().unwrap().filter.values_of("severity"),
        ["a", "b"]
    );
    let other = parse(&[("severity", "a"), ("severity", "b")]);
    assert_eq!(one, other, "and it is the same question");
    let many: Vec<String> = (0..=FILTER_VALUES_MAX).map(|n| n.to_string()).collect();
    let query: Vec<_> = many.iter().map(|value| ("actor_id", &**value)).collect();
    let all_but_one = parse(&query[1..]).unwrap().filter;
    assert_eq!(all_but_one.values_of("actor_id").len(), FILTER_VALUES_MAX);
    let reason = "parameter has more than 50 values";
    assert_eq!(parse(&query), Err(vec![schema("actor_id", reason)]));
    // Every rule that a value breaks is told, and told once.
    let wrong = ["a", "", "\0", "", "b\0"].map(|value| ("severity", value));
    let reasons = [
        "empty value is not allowed",
        "value contains a NUL character",
    ];
    assert_eq!(
        parse(&wrong),
        Err(reasons.map(|it| schema("severity", it)).into())
    );
}

#[test]
fn parents_are_ids() {
    let id = "0193f3a1-0000-7000-8000-000000000001";
    let parents = parse(&[("parent_event_id", id)]).unwrap().filter.parents;
    assert_eq!(parents, [id.parse::<Uuid>().unwrap()]);
    let reason = "string doesn't match the format \"uuid\"";
    for wrong in ["7", "0193f3a1000070008000000000000001", "'; --"] {
        refuses("parent_event_id", wrong, &schema("parent_event_id", reason));
    }
}

#[test]
fn payloads_are_asked_for_by_an_object_that_is_kept_as_sent() {
    let text = r#"{"n": 9007199254740993, "labels": {"app": "a'); DROP"}}"#;
    let data = parse(&[("data", text), ("data", "{}")])
        .unwrap()
        .filter
        .data;
    let texts: Vec<_> = data.iter().map(JsonObject::as_str).collect();
    assert_eq!(texts, [text, "{}"]);
    let check = |text: &str, reason: &str| refuses("data", text, &schema("data", reason));
    check("[]", "value must be an object");
    check("7", "value must be an object");
    check(
        "{",
        "value is not JSON: unexpected end of input at line 1 column 2",
    );
    check(
        "{} {}",
        "value is not JSON: trailing characters at line 1 column 4",
    );
    check(r#"{"a":1,"a":2}"#, "object names this member twice");
    check(r#"{"a":"\u0000"}"#, "string contains a NUL character");
    check(r#"{"a":1e5000}"#, "number needs too many digits");
    check("\0", "value contains a NUL character");
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
    check(&deep, "nesting is deeper than 100 levels");
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(FILTER_DATA_BYTES_MAX));
    check(&long, "value is longer than 4096 bytes");
}

#[test]
fn a_walk_begins_at_the_newest_event_and_counts_nothing_unless_asked() {
    let walk = parse(&[("cursor", ""), ("offset", "0"), ("limit", "7")]).unwrap();
    let page = Page {
        limit: 7,
        start: Start::Newest,
        count: Count::None,
    };
    assert_eq!((walk.page, walk.cursor), (page, None));
    let walk = parse(&[("cursor", "x"), ("cursor", "y"), ("count", "exact")]).unwrap();
    assert_eq!(walk.cursor.as_deref(), Some("x"));
    assert_eq!(walk.page.count, Count::Exact);
    let both = parse(&[("cursor", ""), ("offset", "1")]);
    let reason = "offset cannot be combined with cursor";
    assert_eq!(both, Err(vec![schema("offset", reason)]));
}

#[test]
fn a_resumed_walk_keeps_the_times_it_began_with() {
    let query = parse(&[("since", "24h"), ("severity", "high"), ("cursor", "x")]).unwrap();
    let cursor = Cursor {
        side: Side::Before,
        position: Position {
            at: "2026-11-21T09:00:00Z".parse().unwrap(),
            id: Uuid::from_u128(7),
        },
        since: Some("2026-11-20T09:30:00Z".parse().unwrap()),
        until: None,
    };
    let resumed = query.clone().resumed(&cursor);
    assert_ne!(resumed.filter.since, query.filter.since);
    assert_eq!(resumed.filter.since, cursor.since);
    assert_eq!(resumed.filter.texts, query.filter.texts);
    assert_eq!(resumed.page.start, Start::Before(cursor.position));
    assert_eq!((resumed.cursor, resumed.scope), (None, query.scope));
}

#[test]
fn a_cursor_is_bound_to_every_filter_and_to_nothing_else() {
    let scope = |query: &[(&str, &str)]| parse(query).unwrap().scope;
    let id = "0193f3a1-0000-7000-8000-000000000001";
    let mut scopes = vec![scope(&[])];
    for name in filter::TEXT_FILTERS {
        scopes.push(scope(&[(name, "success")]));
    }
    for (name, value) in [
        ("parent_event_id", id),
        ("data", "{}"),
        ("since", "24h"),
        ("since", "23h"),
        ("until", "24h"),
    ] {
        scopes.push(scope(&[(name, value)]));
    }
    scopes.push(scope(&[("severity", "a"), ("severity", "b")]));
    for (index, one) in scopes.iter().enumerate() {
        assert!(!scopes[index + 1..].contains(one), "{index}");
    }
    let paging = [
        ("limit", "7"),
        ("count", "none"),
        ("cursor", "x"),
        ("service", "y"),
    ];
    assert_eq!(scope(&paging), scope(&[]));
}

#[test]
fn bad_parameters_are_refused_by_name() {
    refuses("limit", "0", &schema("limit", "number must be at least 1"));
    refuses("limit", "-5", &schema("limit", "number must be at least 1"));
    refuses(
        "limit",
        "1001",
        &schema("limit", "number must be at most 1000"),
    );
    refuses(
        "offset",
        "-1",
        &schema("offset", "number must be at least 0"),
    );
    let syntax = "value abc: an invalid integer: invalid syntax";
    refuses("limit", "abc", &schema("limit", syntax));
    let range = "value 99999999999999999999: an invalid integer: value out of range";
    refuses("offset", "99999999999999999999", &schema("offset", range));
    refuses(
        "event_type",
        "",
        &schema("event_type", "empty value is not allowed"),
    );
    refuses(
        "severity",
        "a\0b",
        &schema("severity", "value contains a NUL character"),
    );
    let words = r#"value is not one of the allowed values ["success","failure","pending"]"#;
    refuses("event_outcome", "Success", &schema("event_outcome", words));
    let time = "invalid time format: soon (expected: 24h, 7d, or RFC3339 timestamp)";
    refuses("since", "soon", &schema("since", time));
    assert_eq!(
        parse(&[("limit", "0"), ("until", "x")]).unwrap_err().len(),
        2
    );
}

#[test]
fn every_refusal_names_its_rule_and_what_was_measured() {
    #[track_caller]
    fn check(name: &'static str, value: &str, rule: Rule, measured: Option<(i64, i64)>) {
        let errors = judge(&[(name, value)]).unwrap_err();
        let (bound, actual) = measured.unzip();
        assert_eq!(
            read(&errors),
            [(name, rule.as_str(), bound, actual)],
            "{value}"
        );
    }
    check("limit", "0", Rule::Range, Some((1, 0)));
    check("limit", "-5", Rule::Range, Some((1, -5)));
    check("limit", "1001", Rule::Range, Some((1_000, 1_001)));
    check("limit", "1e3", Rule::Type, None);
    check("offset", "-1", Rule::Range, Some((0, -1)));
    check("event_type", "", Rule::Empty, Some((1, 0)));
    check(
        "event_type",
        &"ü".repeat(300),
        Rule::TooLong,
        Some((100, 300)),
    );
    check("severity", "a\0", Rule::Nul, None);
    check("event_outcome", "won", Rule::Enum, None);
    check("count", "", Rule::Enum, None);
    check("parent_event_id", "7", Rule::Format, None);
    check("since", "soon", Rule::Time, None);
    check("until", "", Rule::Empty, Some((1, 0)));
    check("data", "{", Rule::Format, None);
    check("data", "[]", Rule::Type, None);
    check("data", r#"{"a":1,"a":2}"#, Rule::DuplicateKey, None);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
    check("data", &deep, Rule::TooDeep, Some((100, 101)));
    check(
        "data",
        &" ".repeat(5_000),
        Rule::TooLong,
        Some((4_096, 5_000)),
    );
    let overflow = judge(&[("offset", "99999999999999999999")]).unwrap_err();
    let expected = ("offset", "out_of_range", Some(i64::MAX), None);
    assert_eq!(read(&overflow), [expected]);
    let many = judge(&[("actor_id", "a"); 51]).unwrap_err();
    assert_eq!(
        read(&many),
        [("actor_id", "too_many_items", Some(50), Some(51))]
    );
    let both = judge(&[("cursor", ""), ("offset", "1")]).unwrap_err();
    assert_eq!(read(&both), [("offset", "mutually_exclusive", None, None)]);
}
