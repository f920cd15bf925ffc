//! `POST /api/v1/workflows/search`: finds the workflows that suit best.

use std::sync::Arc;

use ds_ingest::port::Ports;
use ds_metrics::catalog;
use ds_validation::{Limits, ParameterError, Rule, parse_search};
use http::{StatusCode, Uri};
use tokio::time::Instant;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    exchange::outcome,
    problem::Problem,
    trail,
    wire::SearchAnswer,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let explain = explain(&call.uri).map_err(Problem::of_parameters)?;
    let search = parse_search(&call.body, &Limits::default());
    let mut search = search.map_err(Problem::of_search)?;
    search.explain |= explain;
    let started = Instant::now();
    let found = service.repository.search_workflows(&search).await;
    let took = started.elapsed();
    catalog::query_duration("search_workflows").record(took);
    catalog::queries("search_workflows", outcome(&found)).increment(1);
    let found = found.map_err(Problem::of_search_failure)?;
    catalog::search_duration().record(took);
    catalog::search_results().record(f64::from(
        u32::try_from(found.workflows.len()).unwrap_or(u32::MAX),
    ));
    if found.workflows.is_empty() {
        catalog::search_zero_hits().increment(1);
    }
    trail::searched(&service.ingest, &search, &found, took);
    json(StatusCode::OK, &SearchAnswer::new(&search, &found)?)
}

/// Whether the scores are to be explained, by the query string; the body may ask for it, too.
fn explain(uri: &Uri) -> Result<bool, ParameterError> {
    let mut pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let given = pairs.find(|(name, _)| name == "explain");
    match given.as_ref().map(|(_, value)| &**value) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => {
            let message = "value must be a boolean";
            Err(ParameterError::in_query("explain", Rule::Type, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_is_asked_for_or_not() {
        let asked = |query: &str| explain(&format!("/search{query}").parse().unwrap());
        assert_eq!(asked(""), Ok(false));
        assert_eq!(asked("?explain=false&explain=true"), Ok(false));
        assert_eq!(asked("?x=1&explain=true"), Ok(true));
        for query in ["?explain", "?explain=1", "?explain=TRUE"] {
            let error = asked(query).unwrap_err();
            assert_eq!((error.name, error.rule), ("explain", Rule::Type), "{query}");
        }
    }
}
