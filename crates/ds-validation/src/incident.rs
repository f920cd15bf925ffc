//! Query parameters of the incidents family → a filter, a slice, a period.

use std::borrow::Cow;

use ds_domain::{
    incident::{INCIDENTS_DEFAULT, IncidentFilter, Severity, TrendPeriod},
    limit::{ACTION_TEXT_FIELDS, PAGE_ITEMS_MAX},
};

use crate::query::echo;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IncidentSlice {
    /// At most so many incidents.
    pub limit: u16,
    /// After skipping so many.
    pub offset: u64,
}

/// A parameter that cannot be used. The first contract has a name for each kind of them.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{detail}")]
pub struct IncidentParameterError {
    /// Which kind.
    pub fault: IncidentFault,
    /// Name of the parameter.
    pub name: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

/// What is wrong with a parameter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IncidentFault {
    /// The limit.
    Limit,
    /// The offset.
    Offset,
    /// The severity.
    Severity,
    /// The id.
    Id,
    /// It has to be there.
    Missing,
    /// Anything else.
    Parameter,
}

/// Reads the parameters of `GET /api/v1/incidents`.
///
/// `pairs` are the decoded name and value pairs in the order of the query string. Of a parameter that
/// is repeated the first value counts, an empty one counts as absent, unknown names are ignored.
pub fn parse_incident_query<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Result<(IncidentFilter, IncidentSlice), Vec<IncidentParameterError>> {
    let mut given = Given::new(pairs);
    let limit = given.limit();
    let offset = given.offset();
    let severity = given.severity();
    let filter = IncidentFilter {
        namespace: given.text("namespace", "namespace"),
        signal_name: given.text("signal_name", "signal_name"),
        severity,
        cluster: given.text("cluster", "cluster_name"),
        environment: given.text("environment", "environment"),
        action_type: given.text("action_type", "action_type"),
    };
    given.end((filter, IncidentSlice { limit, offset }))
}

/// Reads the `workflow_id` whose success rate is asked for.
pub fn parse_workflow_id<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Result<String, Vec<IncidentParameterError>> {
    let mut given = Given::new(pairs);
    let workflow_id = given.text("workflow_id", "workflow_id");
    if workflow_id.is_none() && given.errors.is_empty() {
        let detail = "workflow_id parameter is required";
        given.refuse(IncidentFault::Missing, "workflow_id", detail);
    }
    given.end(workflow_id.unwrap_or_default())
}

/// Reads the `period` of a trend.
pub fn parse_period<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Result<TrendPeriod, Vec<IncidentParameterError>> {
    let mut given = Given::new(pairs);
    let word = given.first("period");
    let period = match word.as_deref() {
        None => Some(TrendPeriod::Days7),
        Some(word) => TrendPeriod::from_word(word),
    };
    if period.is_none() {
        let detail = "period must be one of: 7d, 30d, 90d";
        given.refuse(IncidentFault::Parameter, "period", detail);
    }
    given.end(period.unwrap_or(TrendPeriod::Days7))
}

/// Reads the number of an incident in a path.
pub fn parse_incident_id(text: &str) -> Result<i64, Vec<IncidentParameterError>> {
    text.parse().map_err(|_error: std::num::ParseIntError| {
        let detail = format!("incident ID must be a number, got: {}", echo(text));
        vec![IncidentParameterError {
            fault: IncidentFault::Id,
            name: "id",
            detail,
        }]
    })
}

/// The parameters as given, and what is wrong with them.
struct Given<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    errors: Vec<IncidentParameterError>,
}

impl<'a> Given<'a> {
    fn new(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Self {
        Self {
            pairs: pairs.collect(),
            errors: Vec::new(),
        }
    }

    fn end<T>(self, found: T) -> Result<T, Vec<IncidentParameterError>> {
        match self.errors.is_empty() {
            true => Ok(found),
            false => Err(self.errors),
        }
    }

    fn refuse(&mut self, fault: IncidentFault, name: &'static str, detail: impl Into<String>) {
        let detail = detail.into();
        self.errors.push(IncidentParameterError {
            fault,
            name,
            detail,
        });
    }

    fn first(&self, name: &str) -> Option<String> {
        let (_, value) = self.pairs.iter().find(|(given, _)| given == name)?;
        (!value.is_empty()).then(|| value.to_string())
    }

    /// A text of the column `column`.
    fn text(&mut self, name: &'static str, column: &str) -> Option<String> {
        let value = self.first(name)?;
        let field = ACTION_TEXT_FIELDS
            .iter()
            .find(|field| field.column == column);
        let chars_max = field.and_then(|field| field.chars_max);
        if value.contains('\0') {
            let detail = format!("{name} contains a NUL character");
            self.refuse(IncidentFault::Parameter, name, detail);
        } else if let Some(max) = chars_max.filter(|max| value.chars().nth(*max).is_some()) {
            let detail = format!("{name} must be at most {max} characters");
            self.refuse(IncidentFault::Parameter, name, detail);
        }
        Some(value)
    }

    fn limit(&mut self) -> u16 {
        let Some(value) = self.first("limit") else {
            return INCIDENTS_DEFAULT;
        };
        let number = value.parse::<i128>();
        let max = PAGE_ITEMS_MAX;
        match number.as_ref().map(|number| u16::try_from(*number)) {
            Ok(Ok(limit)) if (1..=max).contains(&limit) => return limit,
            Ok(_) => {
                let detail = format!("limit must be between 1 and {max}, got {}", echo(&value));
                self.refuse(IncidentFault::Limit, "limit", detail);
            }
            Err(_) => self.refuse(IncidentFault::Limit, "limit", "limit must be a number"),
        }
        INCIDENTS_DEFAULT
    }

    fn offset(&mut self) -> u64 {
        let Some(value) = self.first("offset") else {
            return 0;
        };
        match value.parse::<i64>() {
            Ok(number) => match u64::try_from(number) {
                Ok(offset) => return offset,
                Err(_) => {
                    let detail = format!("offset must be non-negative, got {number}");
                    self.refuse(IncidentFault::Offset, "offset", detail);
                }
            },
            Err(_) => self.refuse(IncidentFault::Offset, "offset", "offset must be a number"),
        }
        0
    }

    fn severity(&mut self) -> Option<Severity> {
        let value = self.first("severity")?;
        let severity = Severity::from_word(&value);
        if severity.is_none() {
            let words: Vec<&str> = Severity::ALL.iter().map(|word| word.as_str()).collect();
            let (words, given) = (words.join(", "), echo(&value));
            let detail = format!("severity must be one of: {words}, got: {given}");
            self.refuse(IncidentFault::Severity, "severity", detail);
        }
        severity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = &'static [(&'static str, &'static str)];

    fn pairs(query: Pairs) -> impl Iterator<Item = (Cow<'static, str>, Cow<'static, str>)> {
        query.iter().map(|(n, v)| ((*n).into(), (*v).into()))
    }

    #[track_caller]
    fn check_refused<T: std::fmt::Debug>(
        found: Result<T, Vec<IncidentParameterError>>,
        expected: &[(IncidentFault, &str)],
    ) {
        let errors = found.unwrap_err();
        let errors: Vec<_> = errors.iter().map(|e| (e.fault, &*e.detail)).collect();
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
    fn what_cannot_be_used_is_named() {
        use IncidentFault::{Id, Limit, Missing, Offset, Parameter};
        let list = |query| parse_incident_query(pairs(query));
        check_refused(
            list(&[("limit", "x"), ("offset", "y"), ("severity", "bad")]),
            &[
                (Limit, "limit must be a number"),
                (Offset, "offset must be a number"),
                (
                    IncidentFault::Severity,
                    "severity must be one of: info, warning, critical, high, medium, low, got: bad",
                ),
            ],
        );
        check_refused(
            list(&[("limit", "0"), ("offset", "-1")]),
            &[
                (Limit, "limit must be between 1 and 1000, got 0"),
                (Offset, "offset must be non-negative, got -1"),
            ],
        );
        check_refused(
            list(&[("limit", "100000")]),
            &[(Limit, "limit must be between 1 and 1000, got 100000")],
        );
        check_refused(
            list(&[("cluster", "a\0")]),
            &[(Parameter, "cluster contains a NUL character")],
        );
        check_refused(
            parse_workflow_id(pairs(&[("workflow_id", "")])),
            &[(Missing, "workflow_id parameter is required")],
        );
        check_refused(
            parse_period(pairs(&[("period", "8d")])),
            &[(Parameter, "period must be one of: 7d, 30d, 90d")],
        );
        check_refused(
            parse_incident_id("7x"),
            &[(Id, "incident ID must be a number, got: 7x")],
        );
        assert_eq!(parse_period(pairs(&[])), Ok(TrendPeriod::Days7));
        assert_eq!(parse_incident_id("-7"), Ok(-7));
    }
}
