//! Query parameters of success rates → dimensions and a range.

use std::borrow::Cow;

use ds_domain::rate::{
    Dimensions, MIN_SAMPLES_DEFAULT, MIN_SAMPLES_MAX, RANGE_DAYS_MAX, TimeRange,
};

use crate::{
    ParameterErrors, Rule,
    action::parameter::check_text,
    parameter::{Breach, NoInteger, integer},
    query::{Given, echo},
};

/// What a rate is asked for. The first contract has words of its own for each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RateSubject {
    /// One type of incident.
    IncidentType,
    /// One workflow.
    Workflow,
    /// Any of the dimensions.
    MultiDimensional,
}

/// A rate that is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RateQuery {
    /// About which actions.
    pub dimensions: Dimensions,
    /// How far back.
    pub range: TimeRange,
    /// The same as the client wrote it.
    pub range_given: String,
    /// Fewest actions that make the rate worth anything to the client.
    pub min_samples: u32,
}

/// Reads the parameters of `GET /api/v1/success-rate/…`.
///
/// `pairs` are the decoded name and value pairs in the order of the query string. Of a parameter that
/// is repeated the first value counts, an empty one counts as absent, unknown names are ignored.
pub fn parse_rate_query<'a>(
    subject: RateSubject,
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Result<RateQuery, ParameterErrors> {
    let mut asked = Asked {
        subject,
        given: Given::new(pairs),
    };
    let dimensions = asked.dimensions();
    let (range, range_given) = asked.range();
    let min_samples = asked.min_samples();
    asked.given.judge(RateQuery {
        dimensions,
        range,
        range_given,
        min_samples,
    })
}

/// The parameters of one subject.
struct Asked<'a> {
    subject: RateSubject,
    given: Given<'a>,
}

impl Asked<'_> {
    fn refuse(&mut self, name: &'static str, rule: Rule, message: impl Into<String>) {
        self.given.refuse(name, Breach::new(rule, message));
    }

    fn dimensions(&mut self) -> Dimensions {
        let is_known = |name| {
            matches!(
                (self.subject, name),
                (RateSubject::MultiDimensional, _)
                    | (RateSubject::IncidentType, "incident_type")
                    | (RateSubject::Workflow, "workflow_id" | "workflow_version")
            )
        };
        let [incident_type, workflow_id, workflow_version, action_type] = [
            "incident_type",
            "workflow_id",
            "workflow_version",
            "action_type",
        ]
        .map(|name| is_known(name).then(|| self.given.filled(name)).flatten());
        let dimensions = Dimensions {
            incident_type,
            workflow_id,
            workflow_version,
            action_type,
        };
        self.check_presence(&dimensions);
        for (name, value) in [
            ("incident_type", &dimensions.incident_type),
            ("workflow_id", &dimensions.workflow_id),
            ("workflow_version", &dimensions.workflow_version),
            ("action_type", &dimensions.action_type),
        ] {
            if let Some(value) = value {
                check_text(&mut self.given, name, name, value);
            }
        }
        dimensions
    }

    fn check_presence(&mut self, dimensions: &Dimensions) {
        let Dimensions {
            incident_type,
            workflow_id,
            workflow_version,
            action_type,
        } = dimensions;
        let is_any = incident_type.is_some() || workflow_id.is_some() || action_type.is_some();
        let (name, message) = match self.subject {
            RateSubject::IncidentType if incident_type.is_none() => {
                ("incident_type", "incident_type query parameter is required")
            }
            RateSubject::Workflow if workflow_id.is_none() => {
                ("workflow_id", "workflow_id query parameter is required")
            }
            RateSubject::MultiDimensional if !is_any => (
                "incident_type",
                "at least one dimension filter (incident_type, workflow_id, or action_type) must \
                 be specified",
            ),
            RateSubject::MultiDimensional
                if workflow_version.is_some() && workflow_id.is_none() =>
            {
                (
                    "workflow_version",
                    "workflow_version requires workflow_id to be specified",
                )
            }
            RateSubject::IncidentType | RateSubject::Workflow | RateSubject::MultiDimensional => {
                return;
            }
        };
        self.refuse(name, Rule::Required, message);
    }

    fn range(&mut self) -> (TimeRange, String) {
        let default = || (TimeRange::DEFAULT, TimeRange::DEFAULT.normalised());
        let Some(value) = self.given.filled("time_range") else {
            return default();
        };
        let given = echo(&value);
        let (rule, message) = match (range(&value), self.subject) {
            (Ok(range), _) => return (range, value),
            (Err(NoRange::Form), RateSubject::MultiDimensional) => (
                Rule::Format,
                format!("invalid time_range: invalid time range format: {given}"),
            ),
            (Err(NoRange::Form), RateSubject::IncidentType | RateSubject::Workflow) => (
                Rule::Format,
                format!("invalid time_range format: {given} (expected format: 1h, 24h, 7d, 30d)"),
            ),
            (Err(NoRange::Length), _) => (
                Rule::Range,
                format!("invalid time_range: must be at most {RANGE_DAYS_MAX}d, got {given}"),
            ),
        };
        self.refuse("time_range", rule, message);
        default()
    }

    fn min_samples(&mut self) -> u32 {
        let Some(value) = self.given.filled("min_samples") else {
            return MIN_SAMPLES_DEFAULT;
        };
        let fault = match integer(&value, 1, i64::from(MIN_SAMPLES_MAX)) {
            Ok(number) => return u32::try_from(number).unwrap_or(MIN_SAMPLES_MAX),
            Err(fault) => fault,
        };
        let is_multi = self.subject == RateSubject::MultiDimensional;
        let given = echo(&value);
        let message = match (fault, is_multi) {
            (NoInteger::Beyond { actual, .. }, true) if actual < 1 => {
                "min_samples must be a positive integer".to_owned()
            }
            (NoInteger::Beyond { actual, .. }, false) if actual < 1 => {
                format!("invalid min_samples: must be positive, got {actual}")
            }
            (NoInteger::Beyond { .. }, _) => {
                format!("invalid min_samples: must be at most {MIN_SAMPLES_MAX}, got {given}")
            }
            (NoInteger::Syntax | NoInteger::Overflow { .. }, true) => {
                format!("min_samples must be a valid integer: {given}")
            }
            (NoInteger::Syntax | NoInteger::Overflow { .. }, false) => {
                format!("invalid min_samples: must be a positive integer, got {given}")
            }
        };
        self.given.refuse("min_samples", fault.breach(message));
        MIN_SAMPLES_DEFAULT
    }
}

/// Why a text is no range.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum NoRange {
    /// It is not a number of hours or days, or that is 0.
    Form,
    /// It is longer than any range may be.
    Length,
}

/// Reads digits and a unit, `h` or `d`.
fn range(text: &str) -> Result<TimeRange, NoRange> {
    let (digits, hours) = match text.strip_suffix('h') {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('d').ok_or(NoRange::Form)?, 24),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NoRange::Form);
    }
    match digits.trim_start_matches('0') {
        "" => Err(NoRange::Form),
        digits => {
            let count = digits.parse::<u32>().ok();
            let hours = count.and_then(|count| count.checked_mul(hours));
            hours.and_then(TimeRange::of_hours).ok_or(NoRange::Length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::tests::read;

    fn judge(
        subject: RateSubject,
        query: &[(&'static str, &'static str)],
    ) -> Result<RateQuery, ParameterErrors> {
        let pairs = query.iter().map(|(n, v)| ((*n).into(), (*v).into()));
        parse_rate_query(subject, pairs)
    }

    fn parse(
        subject: RateSubject,
        query: &[(&'static str, &'static str)],
    ) -> Result<RateQuery, Vec<String>> {
        judge(subject, query)
            .map_err(|errors| errors.iter().map(|error| error.message.clone()).collect())
    }

    #[track_caller]
    fn check_refused(
        subject: RateSubject,
        query: &[(&'static str, &'static str)],
        expected: &[&str],
    ) {
        assert_eq!(parse(subject, query).unwrap_err(), expected);
    }

    #[track_caller]
    fn check_range(text: &'static str, hours: Option<u32>) {
        let expected = hours.and_then(TimeRange::of_hours);
        assert_eq!(range(text).ok(), expected, "{text}");
        for subject in [
            RateSubject::IncidentType,
            RateSubject::Workflow,
            RateSubject::MultiDimensional,
        ] {
            let query = [
                ("incident_type", "i"),
                ("workflow_id", "w"),
                ("time_range", text),
            ];
            let found = parse(subject, &query);
            assert_eq!(found.is_ok(), hours.is_some(), "{text}");
            if let Ok(found) = found {
                assert_eq!((Some(found.range), &*found.range_given), (expected, text));
            }
        }
    }

    #[test]
    fn ranges_are_the_same_everywhere() {
        check_range("1h", Some(1));
        check_range("2h", Some(2));
        check_range("36h", Some(36));
        check_range("5d", Some(120));
        check_range("14d", Some(336));
        check_range("007d", Some(168));
        check_range("3650d", Some(87_600));
        check_range("87600h", Some(87_600));
        for text in [
            "87601h",
            "3651d",
            "99999999d",
            "99999999999999999999h",
            "0d",
            "00h",
            "h",
            "d",
            "7",
            "7w",
            "-7d",
            "+7d",
            "7D",
            "1.5d",
            "7d ",
            " 7d",
            "1d2h",
            "٧d",
            "1h\n",
        ] {
            check_range(text, None);
        }
    }

    #[test]
    fn parameters_are_told_what_is_wrong_in_the_words_of_the_contract() {
        use RateSubject::{IncidentType, Workflow};
        check_refused(
            IncidentType,
            &[("incident_type", "")],
            &["incident_type query parameter is required"],
        );
        check_refused(
            Workflow,
            &[("time_range", "7w"), ("min_samples", "x")],
            &[
                "workflow_id query parameter is required",
                "invalid time_range format: 7w (expected format: 1h, 24h, 7d, 30d)",
                "invalid min_samples: must be a positive integer, got x",
            ],
        );
        check_refused(
            Workflow,
            &[("workflow_id", "w"), ("min_samples", "-3")],
            &["invalid min_samples: must be positive, got -3"],
        );
    }

    #[test]
    fn dimensions_have_words_of_their_own() {
        use RateSubject::{IncidentType, MultiDimensional, Workflow};
        check_refused(
            MultiDimensional,
            &[("workflow_version", "1"), ("time_range", "7w")],
            &[
                "at least one dimension filter (incident_type, workflow_id, or action_type) must \
                 be specified",
                "invalid time_range: invalid time range format: 7w",
            ],
        );
        check_refused(
            MultiDimensional,
            &[
                ("workflow_version", "1"),
                ("action_type", "a"),
                ("min_samples", "0"),
            ],
            &[
                "workflow_version requires workflow_id to be specified",
                "min_samples must be a positive integer",
            ],
        );
        check_refused(
            MultiDimensional,
            &[("action_type", "a"), ("min_samples", "1e3")],
            &["min_samples must be a valid integer: 1e3"],
        );
        check_refused(
            MultiDimensional,
            &[("action_type", "a"), ("min_samples", "2147483648")],
            &["invalid min_samples: must be at most 2147483647, got 2147483648"],
        );
        check_refused(
            IncidentType,
            &[("incident_type", "a\0")],
            &["incident_type contains a NUL character"],
        );
        let long: &'static str = "ü".repeat(65).leak();
        check_refused(
            Workflow,
            &[("workflow_id", long)],
            &["workflow_id must be at most 64 characters"],
        );
    }

    #[test]
    fn every_refusal_names_its_rule_and_what_was_measured() {
        use RateSubject::{MultiDimensional, Workflow};
        let check = |subject, query: &[_], expected: &[_]| {
            let errors = judge(subject, query).unwrap_err();
            assert_eq!(read(&errors), expected);
        };
        let long: &'static str = "ü".repeat(65).leak();
        for subject in [Workflow, MultiDimensional] {
            check(
                subject,
                &[
                    ("workflow_id", long),
                    ("workflow_version", "\0"),
                    ("time_range", "3651d"),
                    ("min_samples", "-3"),
                ],
                &[
                    ("workflow_id", "exceeds_max_length", Some(64), Some(65)),
                    ("workflow_version", "contains_nul", None, None),
                    ("time_range", "out_of_range", None, None),
                    ("min_samples", "out_of_range", Some(1), Some(-3)),
                ],
            );
        }
        let max = i64::from(MIN_SAMPLES_MAX);
        for (value, rule, bound, actual) in [
            ("2147483648", "out_of_range", Some(max), Some(max + 1)),
            ("99999999999999999999", "out_of_range", Some(max), None),
            ("x", "invalid_type", None, None),
        ] {
            check(
                Workflow,
                &[("min_samples", value), ("time_range", "7w")],
                &[
                    ("workflow_id", "required", None, None),
                    ("time_range", "invalid_format", None, None),
                    ("min_samples", rule, bound, actual),
                ],
            );
        }
        check(
            MultiDimensional,
            &[("workflow_version", "1")],
            &[("incident_type", "required", None, None)],
        );
        check(
            MultiDimensional,
            &[("workflow_version", "1"), ("action_type", "a")],
            &[("workflow_version", "required", None, None)],
        );
    }

    #[test]
    fn defaults_stand_in_for_what_is_absent_or_empty() {
        let query = [
            ("workflow_id", "pod-oom"),
            ("workflow_version", ""),
            ("time_range", ""),
            ("min_samples", ""),
            ("incident_type", "of no meaning here"),
        ];
        let found = parse(RateSubject::Workflow, &query).unwrap();
        let expected = RateQuery {
            dimensions: Dimensions {
                workflow_id: Some("pod-oom".to_owned()),
                ..Dimensions::default()
            },
            range: TimeRange::DEFAULT,
            range_given: "7d".to_owned(),
            min_samples: 5,
        };
        assert_eq!(found, expected);
    }
}
