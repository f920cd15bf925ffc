//! Query parameters of one remediation's timeline.

use std::borrow::Cow;

use ds_domain::{
    cursor::Scope,
    limit::{PAGE_ITEMS_MAX, event_text_field},
};

use super::{Given, text};
use crate::{ParameterErrors, ParameterPlace, parameter::Breach};

/// Which part of a timeline is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TimelineQuery {
    /// What ties the events together.
    pub correlation_id: String,
    /// At most so many events.
    pub limit: u16,
    /// A cursor that has to be opened before the query can be answered.
    pub cursor: Option<String>,
    /// The question as cursors are bound to it.
    pub scope: Scope,
}

/// Reads the parameters of `GET /api/v1/audit/correlations/{correlation_id}`: the one of the path,
/// decoded, and the pairs of the query string.
pub fn parse_timeline_query<'a>(
    correlation_id: &str,
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Result<TimelineQuery, ParameterErrors> {
    let mut given = Given::new(pairs);
    if let Some(field) = event_text_field("correlation_id") {
        let checked = match correlation_id.contains('\0') {
            true => Err(Breach::nul()),
            false => text(field, correlation_id).map(drop),
        };
        if let Err(breach) = checked {
            given.report(breach.at(ParameterPlace::Path, field.name));
        }
    }
    given.forget_empty("limit");
    let limit = given.integer("limit", 1, i64::from(PAGE_ITEMS_MAX));
    let query = TimelineQuery {
        scope: Scope::of("correlation").with("correlation_id", correlation_id),
        correlation_id: correlation_id.to_owned(),
        // Few remediations have more events than a page holds.
        limit: limit.map_or(PAGE_ITEMS_MAX, |limit| {
            u16::try_from(limit).unwrap_or(PAGE_ITEMS_MAX)
        }),
        cursor: given.cursor().filter(|cursor| !cursor.is_empty()),
    };
    given.judge(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(id: &str, query: &[(&str, &str)]) -> Result<TimelineQuery, Vec<String>> {
        let pairs = query
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        parse_timeline_query(id, pairs)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_timeline_is_asked_for_as_a_whole_or_in_parts() {
        let whole = parse("rr-1", &[]).unwrap();
        assert_eq!((whole.limit, &whole.cursor), (PAGE_ITEMS_MAX, &None));
        let part = parse("rr-1", &[("limit", "7"), ("cursor", "x"), ("other", "y")]).unwrap();
        assert_eq!((part.limit, part.cursor.as_deref()), (7, Some("x")));
        assert_eq!(part.scope, whole.scope);
        assert_ne!(parse("rr-2", &[]).unwrap().scope, whole.scope);
        assert_eq!(parse("a/b ü", &[("cursor", "")]).unwrap().cursor, None);
    }

    #[test]
    fn ids_that_cannot_be_are_refused() {
        let path = "parameter \"correlation_id\" in path has an error: ";
        let long = format!("{path}maximum string length is 255");
        assert_eq!(parse(&"ü".repeat(256), &[]), Err(vec![long]));
        assert!(parse(&"ü".repeat(255), &[]).is_ok());
        let nul = format!("{path}value contains a NUL character");
        let limit = "parameter \"limit\" in query has an error: number must be at least 1";
        let both = Err(vec![nul, limit.to_owned()]);
        assert_eq!(parse("a\0", &[("limit", "0")]), both);
    }
}
