//! A query string: it means the same however it is written.

use std::{borrow::Cow, fmt::Debug};

use ds_validation::{
    ParameterErrors, parse_notification_query,
    query::{Query, parse_event_query},
};

use super::now;

/// Longest text of an error: values are cut.
const ERROR_BYTES_MAX: usize = 300;

type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Checks what a query of events, and one of notifications, makes of `data`.
pub fn check(data: &[u8]) {
    check_parser(data, |pairs| parse_event_query(pairs.into_iter(), now()));
    check_parser(data, |pairs| {
        parse_notification_query(pairs.into_iter(), now())
    });
}

fn check_parser<F: Debug>(
    data: &[u8],
    parse: impl Fn(Pairs<'_>) -> Result<Query<F>, ParameterErrors>,
) {
    let pairs: Pairs<'_> = form_urlencoded::parse(data).collect();
    let parsed = parse(pairs.clone());
    let mut written = form_urlencoded::Serializer::new(String::new());
    written.extend_pairs(&pairs);
    let written = written.finish();
    let again = parse(form_urlencoded::parse(written.as_bytes()).collect());
    assert_eq!(format!("{again:?}"), format!("{parsed:?}"), "{written}");
    match parsed {
        Ok(query) => assert!((1..=1_000).contains(&query.page.limit), "{query:?}"),
        Err(errors) => {
            assert!(!errors.is_empty(), "a refusal says why");
            for error in &errors {
                assert!(error.to_string().len() <= ERROR_BYTES_MAX, "{error:?}");
                let is_beyond = error.actual.is_none() || error.actual != error.bound;
                assert!(is_beyond, "{error:?}");
            }
        }
    }
}
