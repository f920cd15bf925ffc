//! Query parameters of a list of workflows → a filter and a page.

use std::borrow::Cow;

use ds_domain::{
    cursor::Scope,
    label::{MandatoryLabel, Priority, Severity},
    limit::{
        CUSTOM_LABEL_KEY_CHARS_MAX, CUSTOM_LABELS_MAX, FILTER_VALUES_MAX, LABEL_CHARS_MAX,
        PAGE_WORKFLOWS_MAX,
    },
    workflow::{WorkflowFilter, WorkflowStatus},
};

use crate::{
    ParameterErrors, Rule,
    parameter::Breach,
    query::{Given, Query, no_such_word},
};

/// A query of workflows.
pub type WorkflowQuery = Query<WorkflowFilter>;

/// The page of a client that sends `limit=` without a number: what the first contract answers.
const PAGE_ITEMS_FOR_EMPTY_LIMIT: u16 = 50;

/// Custom labels are parameters of this name, each with its key in brackets.
const CUSTOM_LABELS: &str = "custom_labels";

/// Reads the parameters of `GET /api/v1/workflows`.
///
/// `pairs` are the decoded name and value pairs in the order of the query string. Values of a filter
/// that is repeated are alternatives, and so are those that a custom label lists between commas, where
/// two commas stand for one that is part of a value; of anything else the first one counts. Words are
/// spelt as they are stored. Unknown names are ignored.
pub fn parse_workflow_query<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Result<WorkflowQuery, ParameterErrors> {
    let (custom, others): (Vec<_>, Vec<_>) =
        pairs.partition(|(name, _)| name.starts_with(CUSTOM_LABELS));
    let mut given = Given::new(others.into_iter());
    let labels = MandatoryLabel::ALL.iter().map(|label| {
        let values = match label {
            MandatoryLabel::Severity => {
                words(&mut given, "severity", Severity::ALL, Severity::as_str)
            }
            MandatoryLabel::Priority => {
                words(&mut given, "priority", Priority::ALL, Priority::as_str)
            }
            MandatoryLabel::SignalType
            | MandatoryLabel::Component
            | MandatoryLabel::Environment => given.texts(label.as_str(), LABEL_CHARS_MAX),
        };
        (*label, values)
    });
    let labels = labels.filter(|(_, values)| !values.is_empty()).collect();
    let filter = WorkflowFilter {
        statuses: exact(
            &mut given,
            "status",
            WorkflowStatus::ALL,
            WorkflowStatus::as_str,
        ),
        labels,
        custom_labels: custom_labels(&custom, &mut given),
    };
    let scope = scope(&filter);
    given.forget_empty("offset");
    let items = match given.forget_empty("limit") {
        true => PAGE_ITEMS_FOR_EMPTY_LIMIT,
        false => PAGE_WORKFLOWS_MAX,
    };
    let mut query = given.query(filter, scope, items)?;
    // More may be asked for, as ever, and so many are given.
    query.page.limit = query.page.limit.min(PAGE_WORKFLOWS_MAX);
    Ok(query)
}

fn words<T: Ord + Copy + 'static>(
    given: &mut Given<'_>,
    name: &'static str,
    all: &'static [T],
    as_str: fn(T) -> &'static str,
) -> Vec<String> {
    let words = exact(given, name, all, as_str);
    words
        .into_iter()
        .map(|word| as_str(word).to_owned())
        .collect()
}

/// Words of a closed set in the one spelling that the other routes of the catalogue accept.
fn exact<T: Ord + Copy + 'static>(
    given: &mut Given<'_>,
    name: &'static str,
    all: &'static [T],
    as_str: fn(T) -> &'static str,
) -> Vec<T> {
    given.several(name, |value| {
        let found = all.iter().copied().find(|word| as_str(*word) == value);
        found.ok_or_else(|| no_such_word(all.iter().map(|word| as_str(*word))))
    })
}

/// The key of a custom label, if `name` is the name of one.
fn custom_key(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(CUSTOM_LABELS)?;
    rest.strip_prefix('[')?.strip_suffix(']')
}

/// Keys and values, sorted and each once, so that the same question is the same filter.
fn custom_labels(
    pairs: &[(Cow<'_, str>, Cow<'_, str>)],
    given: &mut Given<'_>,
) -> Vec<(String, Vec<String>)> {
    let mut labels: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in pairs {
        let Some(key) = custom_key(name) else {
            given.refuse(
                CUSTOM_LABELS,
                Breach::new(Rule::Type, "value must be an object"),
            );
            return Vec::new();
        };
        let values = split(value);
        match labels.iter_mut().find(|(own, _)| own == key) {
            Some((_, known)) => known.extend(values),
            None => labels.push((key.to_owned(), values)),
        }
    }
    let breaches = breaches(&labels);
    if !breaches.is_empty() {
        for breach in breaches {
            given.refuse(CUSTOM_LABELS, breach);
        }
        return Vec::new();
    }
    for (_, values) in &mut labels {
        values.sort_unstable();
        values.dedup();
    }
    labels.sort_unstable();
    labels
}

/// What is wrong with custom labels.
fn breaches(labels: &[(String, Vec<String>)]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    if labels.len() > CUSTOM_LABELS_MAX {
        let message = format!("there may be at most {CUSTOM_LABELS_MAX} custom labels");
        let breach = Breach::new(Rule::TooMany, message);
        breaches.push(breach.measured(CUSTOM_LABELS_MAX, labels.len()));
    }
    if !labels.iter().all(|(key, _)| is_key(key)) {
        let message = format!(
            "keys are made of 1 to {CUSTOM_LABEL_KEY_CHARS_MAX} ASCII letters, digits, \".\", \"_\" and \"-\""
        );
        breaches.push(Breach::new(Rule::Format, message));
    }
    let all = || labels.iter().flat_map(|(_, values)| values);
    if all().any(String::is_empty) {
        breaches.push(Breach::empty());
    }
    if all().any(|value| value.contains('\0')) {
        breaches.push(Breach::nul());
    }
    let mut counts = labels.iter().map(|(_, values)| values.len());
    if let Some(count) = counts.find(|count| *count > FILTER_VALUES_MAX) {
        breaches.push(Breach::too_many_values(count));
    }
    breaches
}

fn is_key(key: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=CUSTOM_LABEL_KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(is_plain)
}

/// The values between commas. Two commas are one that belongs to a value, so that every value that can
/// be stored can be asked for.
fn split(text: &str) -> Vec<String> {
    let (mut values, mut value) = (Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char == ',' && chars.next_if_eq(&',').is_none() {
            values.push(std::mem::take(&mut value));
        } else {
            value.push(char);
        }
    }
    values.push(value);
    values
}

/// The question that `filter` was read from.
fn scope(filter: &WorkflowFilter) -> Scope {
    let mut scope = Scope::of("workflows");
    for status in &filter.statuses {
        scope = scope.with("status", status.as_str());
    }
    for (label, values) in &filter.labels {
        for value in values {
            scope = scope.with(label.as_str(), value);
        }
    }
    for (key, values) in &filter.custom_labels {
        for value in values {
            scope = scope.with(CUSTOM_LABELS, key).with("value", value);
        }
    }
    scope
}

#[cfg(test)]
mod tests {
    use ds_domain::filter::{Count, Page, Start};

    use super::*;
    use crate::parameter::tests::read;

    fn parse(query: &str) -> Result<WorkflowQuery, Vec<String>> {
        let parsed = parse_workflow_query(form_urlencoded::parse(query.as_bytes()));
        parsed.map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[track_caller]
    fn check_refused(query: &str, reason: &str) {
        let errors = parse(query).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains(reason), "{errors:?}");
    }

    #[test]
    fn nothing_asked_is_the_first_page_of_all() {
        let query = parse("x=y").unwrap();
        assert_eq!(query.filter, WorkflowFilter::default());
        let page = Page {
            limit: 100,
            start: Start::Offset(0),
            count: Count::Exact,
        };
        assert_eq!(query.page, page);
    }

    #[test]
    fn every_filter_is_read() {
        let query = "status=active&status=disabled&environment=production&priority=P0&priority=*\
            &component=pod&signal_type=OOMKilled&severity=high\
            &custom_labels[team]=b,a&custom_labels%5Bteam%5D=c&custom_labels[a.b]=%22%5C";
        let filter = parse(query).unwrap().filter;
        let text = |text: &str| text.to_owned();
        let expected = WorkflowFilter {
            statuses: vec![WorkflowStatus::Active, WorkflowStatus::Disabled],
            labels: vec![
                (MandatoryLabel::SignalType, vec![text("OOMKilled")]),
                (MandatoryLabel::Severity, vec![text("high")]),
                (MandatoryLabel::Component, vec![text("pod")]),
                (MandatoryLabel::Environment, vec![text("production")]),
                (MandatoryLabel::Priority, vec![text("P0"), text("*")]),
            ],
            custom_labels: vec![
                (text("a.b"), vec![text("\"\\")]),
                (text("team"), vec![text("a"), text("b"), text("c")]),
            ],
        };
        assert_eq!(filter, expected);
    }

    #[test]
    fn every_value_can_be_asked_for_whatever_commas_it_has() {
        for (asked, expected) in [
            ("a,b", &["a", "b"][..]),
            ("a,,b", &["a,b"]),
            (",,a", &[",a"]),
            ("a,,", &["a,"]),
            ("a,,,,b", &["a,,b"]),
            ("a,,b,c,,", &["a,b", "c,"]),
            ("a,,,b", &["a,", "b"]),
            (",,", &[","]),
        ] {
            let filter = parse(&format!("custom_labels[k]={asked}")).unwrap().filter;
            assert_eq!(filter.custom_labels[0].1, expected, "{asked}");
        }
        for stored in ["a,b", ",", ",,a", "a,,", "\\,", "a"] {
            let asked = stored.replace(',', ",,");
            assert_eq!(split(&asked), [stored]);
        }
    }

    #[test]
    fn limits_are_those_of_the_first_contract() {
        let limit = |query: &str| parse(query).unwrap().page.limit;
        let limits = [
            "",
            "limit=",
            "limit=7",
            "limit=100",
            "limit=101",
            "limit=1000",
        ];
        assert_eq!(limits.map(limit), [100, 50, 7, 100, 100, 100]);
        check_refused("limit=1001", "at most 1000");
        check_refused("limit=0", "at least 1");
        check_refused("offset=-1", "at least 0");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        check_refused("status=on", "\"active\",\"disabled\"");
        check_refused("severity=*", "\"critical\",\"high\"");
        for other in ["status=ACTIVE", "severity=Critical", "priority=p0"] {
            check_refused(other, "is not one of the allowed values");
        }
        check_refused("environment=", "empty value");
        check_refused("custom_labels[a]=", "custom_labels");
        check_refused("custom_labels[a]=,x", "empty value");
        check_refused("custom_labels[a]=x,", "empty value");
        check_refused("custom_labels=x", "must be an object");
        check_refused("custom_labels[a=x", "must be an object");
        check_refused("custom_labels[]=x", "keys are made of");
        check_refused("custom_labels[a%20b]=x", "keys are made of");
        check_refused("custom_labels[a]=%00", "NUL");
        let many: Vec<String> = (0..11).map(|n| format!("custom_labels[k{n}]=v")).collect();
        check_refused(&many.join("&"), "at most 10 custom labels");
    }

    #[test]
    fn every_rule_that_custom_labels_break_is_told_once() {
        let many: Vec<String> = (0..11)
            .map(|n| format!("custom_labels[k{n}]=,%00,{}", ",v".repeat(50)))
            .collect();
        let query = format!("custom_labels[a%20b]=x&{}", many.join("&"));
        let errors = parse_workflow_query(form_urlencoded::parse(query.as_bytes())).unwrap_err();
        let label = |rule, bound, actual| (CUSTOM_LABELS, rule, bound, actual);
        let expected = [
            label("too_many_items", Some(10), Some(12)),
            label("invalid_format", None, None),
            label("empty", Some(1), Some(0)),
            label("contains_nul", None, None),
            label("too_many_items", Some(50), Some(51)),
        ];
        assert_eq!(read(&errors), expected);
        let errors = parse_workflow_query(form_urlencoded::parse(b"custom_labels=x")).unwrap_err();
        assert_eq!(read(&errors), [label("invalid_type", None, None)]);
    }

    #[test]
    fn different_questions_have_different_scopes() {
        let scope = |query: &str| parse(query).unwrap().scope;
        assert_eq!(
            scope("status=active&limit=1"),
            scope("status=active&offset=2")
        );
        assert_eq!(
            scope("custom_labels[a]=x,y"),
            scope("custom_labels[a]=y&custom_labels[a]=x")
        );
        let different = [
            "",
            "status=active",
            "component=active",
            "custom_labels[a]=x",
            "custom_labels[a]=x,y",
            "custom_labels[a]=x&custom_labels[b]=y",
        ];
        for (at, one) in different.iter().enumerate() {
            for other in &different[at + 1..] {
                assert_ne!(scope(one), scope(other), "{one} and {other}");
            }
        }
    }
}
