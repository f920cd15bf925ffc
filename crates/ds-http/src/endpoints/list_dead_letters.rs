//! `GET /api/v1/admin/dlq/dead-letters`: what failed for good, page by page.

use std::sync::Arc;

use ds_domain::event::EventOutcome;
use ds_ingest::port::Ports;
use ds_validation::{ParameterError, ParameterErrors, Rule};
use http::{StatusCode, Uri};
use serde_json::json;

use crate::{
    Service,
    admin::{self, Inquiry, LetterId},
    endpoint::{Call, Reply, json},
    problem::Problem,
    wire::DeadLetters,
};

/// Dead letters of one page.
pub(super) const LIMIT_DEFAULT: usize = 50;
pub(super) const LIMIT_MAX: usize = 500;

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let (after, limit) = parameters(&call.uri).map_err(Problem::of_parameters)?;
    let page = admin::list(&service.ingest, after.as_ref(), limit).await;
    let inquiry = Inquiry {
        event_type: "datastorage.dead_letter.listed",
        action: "listed",
        outcome: match page.unreachable.is_empty() {
            true => EventOutcome::Success,
            false => EventOutcome::Failure,
        },
        resource_type: "dead_letter",
        resource_id: "all".to_owned(),
        data: json!({
            "after": after.map(|id| id.to_string()),
            "limit": limit,
            "count": page.letters.len(),
        }),
    };
    admin::note(&service, &call.request_id, &inquiry).await;
    json(StatusCode::OK, &DeadLetters::new(page))
}

/// Where the page begins, and how long it may be.
fn parameters(uri: &Uri) -> Result<(Option<LetterId>, usize), ParameterErrors> {
    let (mut after, mut limit) = (None, None);
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        match &*name {
            "after" => after = after.or(Some(value)),
            "limit" => limit = limit.or(Some(value)),
            _ => {}
        }
    }
    let mut errors = ParameterErrors::default();
    let limit = match limit.as_deref().map(self::limit).transpose() {
        Ok(limit) => limit.unwrap_or(LIMIT_DEFAULT),
        Err(error) => {
            errors.add(error);
            LIMIT_DEFAULT
        }
    };
    let cursor = after.as_deref().and_then(LetterId::parse);
    if after.is_some() && cursor.is_none() {
        let message =
            "string doesn't match \"queue:<id>\", \"spool:<id>\" or \"notifications:<id>\"";
        errors.add(ParameterError::in_query("after", Rule::Format, message));
    }
    errors.judge((cursor, limit))
}

fn limit(text: &str) -> Result<usize, ParameterError> {
    let error = |rule| {
        let message = format!("number must be from 1 to {LIMIT_MAX}");
        ParameterError::in_query("limit", rule, message)
    };
    match text.parse::<i64>() {
        Ok(number) => match usize::try_from(number) {
            Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
            Ok(_) | Err(_) => {
                let bound = if number < 1 { 1 } else { LIMIT_MAX };
                Err(error(Rule::Range).measured(bound, number))
            }
        },
        Err(_) => Err(error(Rule::Type)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Result<(Option<&str>, usize), &[&str]>) {
        let uri: Uri = format!("/x{query}").parse().unwrap();
        let told = |error: &ParameterError| {
            let (name, rule) = (error.name, error.rule.as_str());
            match (error.bound, error.actual) {
                (Some(bound), Some(actual)) => format!("{name} {rule} {bound} {actual}"),
                _ => format!("{name} {rule}"),
            }
        };
        let read = parameters(&uri)
            .map(|(after, limit)| (after.map(|id| id.to_string()), limit))
            .map_err(|errors| errors.iter().map(told).collect::<Vec<_>>());
        let expected = expected.map(|(after, limit)| (after.map(str::to_owned), limit));
        let expected = expected.map_err(|errors| errors.iter().map(ToString::to_string).collect());
        assert_eq!(read, expected, "{query}");
    }

    #[test]
    fn a_page_has_bounds() {
        check("", Ok((None, 50)));
        check("?limit=500&after=queue:1-0", Ok((Some("queue:1-0"), 500)));
        check("?after=spool%3A7&after=queue:1", Ok((Some("spool:7"), 50)));
        check("?limit=0", Err(&["limit out_of_range 1 0"]));
        check("?limit=501", Err(&["limit out_of_range 500 501"]));
        let neither = ["limit invalid_type", "after invalid_format"];
        check("?limit=&after=", Err(&neither));
        check(
            "?limit=-1&after=7",
            Err(&["limit out_of_range 1 -1", "after invalid_format"]),
        );
    }
}
