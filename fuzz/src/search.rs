//! A search: it is refused with a reason, or means the same when it is written again; and its scores
//! are what their parts add up to.

use ds_domain::{
    score::{Points, Total, contributions, score},
    search::WorkflowSearch,
};
use ds_validation::{Limits, parse_search};
use serde_json::{Value, json};

use super::{
    refusal,
    workflow::{custom, detected, mandatory},
};

/// Checks what [`parse_search`] makes of `data`.
pub fn check(data: &[u8]) {
    match parse_search(data, &Limits::default()) {
        Ok(search) => {
            check_again(&search);
            check_score(&search);
        }
        Err(rejection) => refusal::check(data, &rejection),
    }
}

fn check_again(search: &WorkflowSearch) {
    let mut filters = mandatory(&search.filters.labels);
    let statuses = search.filters.statuses.iter().map(|status| status.as_str());
    filters["status"] = statuses.collect::<Vec<_>>().into();
    filters["custom_labels"] = custom(&search.filters.custom);
    filters["detected_labels"] = detected(&search.filters.detected);
    let written = json!({
        "remediation_id": search.remediation_id,
        "filters": filters,
        "top_k": search.top_k,
        "min_score": Value::from(f64::from(search.min_score.0) / 10_000.0),
        "include_disabled": search.include_disabled,
        "explain": search.explain,
    });
    let written = written.to_string();
    let again = parse_search(written.as_bytes(), &Limits::default());
    let again = again.unwrap_or_else(|error| panic!("{error:?} in {written}"));
    assert_eq!(again, *search, "{written}");
}

/// For a workflow that declares exactly what is looked for.
fn check_score(search: &WorkflowSearch) {
    let labels = search.filters.scored();
    let whole = score(labels, labels);
    assert_eq!(whole.penalty, Points(0), "nothing speaks against it");
    assert!((Total(5_000)..=Total::MAX).contains(&whole.total()));
    let parts = contributions(labels, labels);
    let boost: u16 = parts.iter().map(|part| part.boost.0).sum();
    assert_eq!(Points(boost), whole.boost, "{parts:?}");
}
