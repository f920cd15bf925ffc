//! Query parameters of the incidents family → a filter, a slice, a period.

use std::borrow::Cow;

use ds_domain::{
    incident::{INCIDENTS_DEFAULT, IncidentFilter, Severity, TrendPeriod},
    limit::PAGE_ITEMS_MAX,
};

use crate::{
    ParameterErrors, ParameterPlace, Rule,
    action::parameter::check_text,
    parameter::{Breach, NoInteger, integer},
    query::{Given, echo},
};

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IncidentSlice {
    /// At most so many incidents.
    pub limit: u16,
    /// After skipping so many.
    pub offset: u64,
}

/// Reads the parameters of `GET /api/v1/incidents`.
///
/// `pairs` are the decoded name and value pairs in the order of the query string. Of a parameter that
/// is repeated the first value counts, an empty one counts as absent, unknown names are ignored.
pub fn parse_incident_query<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Result<(IncidentFilter, IncidentSlice), ParameterErrors> {
    let mut given = Given::new(pairs);
    let limit = limit(&mut given);
    let offset = offset(&mut given);
    let severity = severity(&mut given);
    let filter = IncidentFilter {
        namespace: text(&mut given, "namespace", "namespace"),
        signal_name: text(&mut given, "signal_name", "signal_name"),
        severity,
        cluster: text(&mut given, "cluster", "cluster_name"),
        environment: text(&mut given, "environment", "environment"),
        action_type: text(&mut given, "action_type", "action_type"),
    };
    given.judge((filter, IncidentSlice { limit, offset }))
}

/// Reads the `workflow_id` whose success rate is asked for.
pub fn parse_workflow_id<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Result<String, ParameterErrors> {
    let mut given = Given::new(pairs);
    let workflow_id = text(&mut given, "workflow_id", "workflow_id");
    if workflow_id.is_none() {
        let message = "workflow_id parameter is required";
        given.refuse("workflow_id", Breach::new(Rule::Required, message));
    }
    given.judge(workflow_id.unwrap_or_default())
}

/// Reads the `period` of a trend.
pub fn parse_period<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Result<TrendPeriod, ParameterErrors> {
    let mut given = Given::new(pairs);
    let period = match given.filled("period") {
        None => Some(TrendPeriod::Days7),
        Some(word) => TrendPeriod::from_word(&word),
    };
    if period.is_none() {
        let message = "period must be one of: 7d, 30d, 90d";
        given.refuse("period", Breach::new(Rule::Enum, message));
    }
    given.judge(period.unwrap_or(TrendPeriod::Days7))
}

/// Reads the number of an incident in a path.
pub fn parse_incident_id(text: &str) -> Result<i64, ParameterErrors> {
    integer(text, i64::MIN, i64::MAX).map_err(|fault| {
        let message = format!("incident ID must be a number, got: {}", echo(text));
        let error = fault.breach(message).at(ParameterPlace::Path, "id");
        error.into()
    })
}

/// A text that is compared with `column`.
fn text(given: &mut Given<'_>, name: &'static str, column: &str) -> Option<String> {
    let value = given.filled(name)?;
    check_text(given, name, column, &value);
    Some(value)
}

fn limit(given: &mut Given<'_>) -> u16 {
    let Some(value) = given.filled("limit") else {
        return INCIDENTS_DEFAULT;
    };
    let max = PAGE_ITEMS_MAX;
    let fault = match integer(&value, 1, i64::from(max)) {
        Ok(limit) => return u16::try_from(limit).unwrap_or(max),
        Err(fault) => fault,
    };
    let message = match fault {
        NoInteger::Syntax => "limit must be a number".to_owned(),
        NoInteger::Overflow { .. } | NoInteger::Beyond { .. } => {
            format!("limit must be between 1 and {max}, got {}", echo(&value))
        }
    };
    given.refuse("limit", fault.breach(message));
    INCIDENTS_DEFAULT
}

fn offset(given: &mut Given<'_>) -> u64 {
    let Some(value) = given.filled("offset") else {
        return 0;
    };
    let fault = match integer(&value, 0, i64::MAX) {
        Ok(offset) => return offset.unsigned_abs(),
        Err(fault) => fault,
    };
    let message = match fault {
        NoInteger::Beyond { actual, .. } => format!("offset must be non-negative, got {actual}"),
        NoInteger::Syntax | NoInteger::Overflow { .. } => "offset must be a number".to_owned(),
    };
    given.refuse("offset", fault.breach(message));
    0
}

fn severity(given: &mut Given<'_>) -> Option<Severity> {
    let value = given.filled("severity")?;
    let severity = Severity::from_word(&value);
    if severity.is_none() {
        let words: Vec<&str> = Severity::ALL.iter().map(|word| word.as_str()).collect();
        let (words, word) = (words.join(", "), echo(&value));
        let message = format!("severity must be one of: {words}, got: {word}");
        given.refuse("severity", Breach::new(Rule::Enum, message));
    }
    severity
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::tests::{Read, read};

    type Pairs = &'static [(&'static str, &'static str)];

    fn pairs(query: Pairs) -> impl Iterator<Item = (Cow<'static, str>, Cow<'static, str>)> {
        query.iter().map(|(n, v)| ((*n).into(), (*v).into()))
    }

    /// Checks what is told of each parameter: its name and rule, bound and actual, and the message.
    #[track_caller]
    fn check_refused<T: std::fmt::Debug>(
        found: Result<T, ParameterErrors>,
        expected: &[(Read, &str)],
    ) {
        let errors = found.unwrap_err();
        let messages = errors.iter().map(|error| &*error.message);
        let errors: Vec<_> = read(&errors).into_iter().zip(messages).collect();
        assert_eq!(errors, expected);
    }

    #[test]
    fn every_filter_is_read() {
        let found = parse_incident_query(pairs(&[
            ("namespace", "größer 🚀"),
            ("signal_name", "' OR true --"),
            ("severity", "high"),
            ("cluster", "east"),
            ("environment", "production"),
            ("action_type", "scale_up"),
            ("limit", "1000"),
            ("offset", "7"),
            ("limit", "1"),
        ]));
        let some = |text: &str| Some(text.to_owned());
        let filter = IncidentFilter {
            namespace: some("größer 🚀"),
            signal_name: some("' OR true --"),
            severity: Some(Severity::High),
            cluster: some("east"),
            environment: some("production"),
            action_type: some("scale_up"),
        };
        let slice = IncidentSlice {
            limit: 1_000,
            offset: 7,
        };
        assert_eq!(found, Ok((filter, slice)));
        let nothing = parse_incident_query(pairs(&[("limit", ""), ("severity", ""), ("x", "y")]));
        let slice = IncidentSlice {
            limit: 100,
            offset: 0,
        };
        assert_eq!(nothing, Ok((IncidentFilter::default(), slice)));
    }

    #[test]
    fn pages_and_severities_that_cannot_be_are_named_in_the_words_of_the_contract() {
        let list = |query| parse_incident_query(pairs(query));
        let number = |name| (name, "invalid_type", None, None);
        let range = |name, bound, actual| (name, "out_of_range", Some(bound), actual);
        let words = "severity must be one of: info, warning, critical, high, medium, low, got: bad";
        check_refused(
            list(&[("limit", "x"), ("offset", "y"), ("severity", "bad")]),
            &[
                (number("limit"), "limit must be a number"),
                (number("offset"), "offset must be a number"),
                (("severity", "invalid_enum", None, None), words),
            ],
        );
        let between = "limit must be between 1 and 1000, got 0";
        let negative = "offset must be non-negative, got -1";
        check_refused(
            list(&[("limit", "0"), ("offset", "-1")]),
            &[
                (range("limit", 1, Some(0)), between),
                (range("offset", 0, Some(-1)), negative),
            ],
        );
        const MUCH: &str = "99999999999999999999";
        let between = "limit must be between 1 and 1000, got 99999999999999999999";
        check_refused(
            list(&[("limit", MUCH), ("offset", MUCH)]),
            &[
                (range("limit", 1_000, None), between),
                (range("offset", i64::MAX, None), "offset must be a number"),
            ],
        );
    }

    #[test]
    fn texts_and_words_that_cannot_be_are_named_in_the_words_of_the_contract() {
        let long: &'static str = "ü".repeat(256).leak();
        let texts: Pairs = Vec::leak(vec![("cluster", long), ("environment", "a\0")]);
        let message = "cluster must be at most 255 characters";
        let nul = "environment contains a NUL character";
        check_refused(
            parse_incident_query(pairs(texts)),
            &[
                (
                    ("cluster", "exceeds_max_length", Some(255), Some(256)),
                    message,
                ),
                (("environment", "contains_nul", None, None), nul),
            ],
        );
        let message = "workflow_id parameter is required";
        check_refused(
            parse_workflow_id(pairs(&[("workflow_id", "")])),
            &[(("workflow_id", "required", None, None), message)],
        );
        let message = "period must be one of: 7d, 30d, 90d";
        check_refused(
            parse_period(pairs(&[("period", "8d")])),
            &[(("period", "invalid_enum", None, None), message)],
        );
        let message = "incident ID must be a number, got: 7x";
        check_refused(
            parse_incident_id("7x"),
            &[(("id", "invalid_type", None, None), message)],
        );
        assert_eq!(parse_period(pairs(&[])), Ok(TrendPeriod::Days7));
        assert_eq!(parse_incident_id("-7"), Ok(-7));
    }
}
