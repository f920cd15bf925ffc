//! Query parameters of success rates → dimensions and a range.

use std::borrow::Cow;

use ds_domain::{
    limit::ACTION_TEXT_FIELDS,
    rate::{Dimensions, MIN_SAMPLES_DEFAULT, MIN_SAMPLES_MAX, RANGE_DAYS_MAX, TimeRange},
};

use crate::query::echo;

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

/// A parameter that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{detail}")]
pub struct RateParameterError {
    /// Name of the parameter.
    pub name: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

/// Reads the parameters of `GET /api/v1/success-rate/…`.
///
/// `pairs` are the decoded name and value pairs in the order of the query string. Of a parameter that
/// is repeated the first value counts, an empty one counts as absent, unknown names are ignored.
pub fn parse_rate_query<'a>(
    subject: RateSubject,
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Result<RateQuery, Vec<RateParameterError>> {
    let mut given = Given {
        subject,
        pairs: pairs.collect(),
        errors: Vec::new(),
    };
    let dimensions = given.dimensions();
    let (range, range_given) = given.range();
    let min_samples = given.min_samples();
    match given.errors.is_empty() {
        true => Ok(RateQuery {
            dimensions,
            range,
            range_given,
            min_samples,
        }),
        false => Err(given.errors),
    }
}

/// The parameters as given, and what is wrong with them.
struct Given<'a> {
    subject: RateSubject,
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    errors: Vec<RateParameterError>,
}

impl Given<'_> {
    fn refuse(&mut self, name: &'static str, detail: impl Into<String>) {
        let detail = detail.into();
        self.errors.push(RateParameterError { name, detail });
    }

    fn first(&self, name: &str) -> Option<String> {
        let (_, value) = self.pairs.iter().find(|(given, _)| given == name)?;
        (!value.is_empty()).then(|| value.to_string())
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
        .map(|name| is_known(name).then(|| self.first(name)).flatten());
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
                self.check_text(name, value);
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
        match self.subject {
            RateSubject::IncidentType if incident_type.is_none() => {
                let detail = "incident_type query parameter is required";
                self.refuse("incident_type", detail);
            }
            RateSubject::Workflow if workflow_id.is_none() => {
                self.refuse("workflow_id", "workflow_id query parameter is required");
            }
            RateSubject::MultiDimensional if !is_any => {
                let detail = "at least one dimension filter (incident_type, workflow_id, or \
                              action_type) must be specified";
                self.refuse("incident_type", detail);
            }
            RateSubject::MultiDimensional
                if workflow_version.is_some() && workflow_id.is_none() =>
            {
                let detail = "workflow_version requires workflow_id to be specified";
                self.refuse("workflow_version", detail);
            }
            RateSubject::IncidentType | RateSubject::Workflow | RateSubject::MultiDimensional => {}
        }
    }

    fn check_text(&mut self, name: &'static str, value: &str) {
        let field = ACTION_TEXT_FIELDS.iter().find(|field| field.name == name);
        let chars_max = field.and_then(|field| field.chars_max);
        if value.contains('\0') {
            self.refuse(name, format!("{name} contains a NUL character"));
        } else if let Some(max) = chars_max.filter(|max| value.chars().nth(*max).is_some()) {
            self.refuse(name, format!("{name} must be at most {max} characters"));
        }
    }

    fn range(&mut self) -> (TimeRange, String) {
        let default = || (TimeRange::DEFAULT, TimeRange::DEFAULT.normalised());
        let Some(value) = self.first("time_range") else {
            return default();
        };
        match range(&value) {
            Ok(range) => return (range, value),
            Err(NoRange::Form) => {
                let given = echo(&value);
                self.refuse(
                    "time_range",
                    match self.subject {
                        RateSubject::MultiDimensional => {
                            format!("invalid time_range: invalid time range format: {given}")
                        }
                        RateSubject::IncidentType | RateSubject::Workflow => format!(
                            "invalid time_range format: {given} (expected format: 1h, 24h, 7d, 30d)"
                        ),
                    },
                );
            }
            Err(NoRange::Length) => {
                let given = echo(&value);
                let detail =
                    format!("invalid time_range: must be at most {RANGE_DAYS_MAX}d, got {given}");
                self.refuse("time_range", detail);
            }
        }
        default()
    }

    fn min_samples(&mut self) -> u32 {
        let Some(value) = self.first("min_samples") else {
            return MIN_SAMPLES_DEFAULT;
        };
        let is_multi = self.subject == RateSubject::MultiDimensional;
        let given = echo(&value);
        match value.parse::<i64>() {
            Ok(number) if number <= 0 => self.refuse(
                "min_samples",
                match is_multi {
                    true => "min_samples must be a positive integer".to_owned(),
                    false => format!("invalid min_samples: must be positive, got {number}"),
                },
            ),
            Ok(number) if number > i64::from(MIN_SAMPLES_MAX) => {
                let detail =
                    format!("invalid min_samples: must be at most {MIN_SAMPLES_MAX}, got {given}");
                self.refuse("min_samples", detail);
            }
            Ok(number) => return u32::try_from(number).unwrap_or(MIN_SAMPLES_MAX),
            Err(_) => self.refuse(
                "min_samples",
                match is_multi {
                    true => format!("min_samples must be a valid integer: {given}"),
                    false => {
                        format!("invalid min_samples: must be a positive integer, got {given}")
                    }
                },
            ),
        }
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

    fn parse(
        subject: RateSubject,
        query: &[(&'static str, &'static str)],
    ) -> Result<RateQuery, Vec<String>> {
        let pairs = query.iter().map(|(n, v)| ((*n).into(), (*v).into()));
        parse_rate_query(subject, pairs)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
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
