//! A query string: it means the same however it is written.

use std::{borrow::Cow, fmt::Debug};

use ds_domain::filter::Page;
use ds_validation::{
    ParameterErrors,
    incident::{parse_incident_query, parse_period, parse_workflow_id},
    parse_notification_query, parse_workflow_query,
    query::parse_event_query,
    rate::{RateSubject, parse_rate_query},
};

use super::now;

/// Longest text of an error: values are cut.
const ERROR_BYTES_MAX: usize = 300;

type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Checks what everything that reads a query string makes of `data`.
pub fn check(data: &[u8]) {
    check_page(check_parser(data, |pairs| {
        parse_event_query(pairs.into_iter(), now()).map(|query| query.page)
    }));
    check_page(check_parser(data, |pairs| {
        parse_notification_query(pairs.into_iter(), now()).map(|query| query.page)
    }));
    check_page(check_parser(data, |pairs| {
        parse_workflow_query(pairs.into_iter()).map(|query| query.page)
    }));
    check_parser(data, |pairs| parse_incident_query(pairs.into_iter()));
    check_parser(data, |pairs| parse_workflow_id(pairs.into_iter()));
    check_parser(data, |pairs| parse_period(pairs.into_iter()));
    for subject in [
        RateSubject::IncidentType,
        RateSubject::Workflow,
        RateSubject::MultiDimensional,
    ] {
        check_parser(data, |pairs| parse_rate_query(subject, pairs.into_iter()));
    }
}

fn check_page(page: Option<Page>) {
    if let Some(page) = page {
        assert!((1..=1_000).contains(&page.limit), "{page:?}");
    }
}

/// What was read, if it was not refused.
fn check_parser<T: Debug>(
    data: &[u8],
    parse: impl Fn(Pairs<'_>) -> Result<T, ParameterErrors>,
) -> Option<T> {
    let pairs: Pairs<'_> = form_urlencoded::parse(data).collect();
    let parsed = parse(pairs.clone());
    let mut written = form_urlencoded::Serializer::new(String::new());
    written.extend_pairs(&pairs);
    let written = written.finish();
    let again = parse(form_urlencoded::parse(written.as_bytes()).collect());
    assert_eq!(format!("{again:?}"), format!("{parsed:?}"), "{written}");
    let errors = match parsed {
        Ok(read) => return Some(read),
        Err(errors) => errors,
    };
    assert!(!errors.is_empty(), "a refusal says why");
    for error in &errors {
        assert!(error.to_string().len() <= ERROR_BYTES_MAX, "{error:?}");
        let is_beyond = error.actual.is_none() || error.actual != error.bound;
        assert!(is_beyond, "{error:?}");
    }
    None
}
