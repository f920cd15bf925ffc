//! A query string: it means the same however it is written.

use std::borrow::Cow;

use ds_validation::query::parse_event_query;

use super::now;

/// Longest text of an error: values are cut.
const ERROR_BYTES_MAX: usize = 300;

/// Checks what a query makes of `data`.
pub fn check(data: &[u8]) {
    let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(data).collect();
    let parsed = parse_event_query(pairs.iter().cloned(), now());
    let mut written = form_urlencoded::Serializer::new(String::new());
    written.extend_pairs(&pairs);
    let written = written.finish();
    let again = parse_event_query(form_urlencoded::parse(written.as_bytes()), now());
    assert_eq!(format!("{again:?}"), format!("{parsed:?}"), "{written}");
    match parsed {
        Ok(query) => assert!((1..=1_000).contains(&query.page.limit), "{query:?}"),
        Err(errors) => {
            assert!(!errors.is_empty(), "a refusal says why");
            for error in errors {
                assert!(error.to_string().len() <= ERROR_BYTES_MAX, "{error:?}");
            }
        }
    }
}
