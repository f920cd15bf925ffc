//! How well a workflow that comes into question suits: a score, made of what each label adds.
//!
//! Whole numbers throughout. A label is worth so many thousandths; all of them together are added to
//! the five that every workflow has for its mandatory labels, and a tenth of that is the score:
//! `(5.0 + boost − penalty) / 10`. Nothing is rounded anywhere, so equal is equal.

use crate::label::{ANY, CustomLabels, DetectedLabel, DetectedLabels};

/// What the mandatory labels are worth, which all workflows have that are scored.
const BASE: i32 = 5_000;

/// Most that the custom labels add.
const CUSTOM_BOOST_MAX: u16 = 500;

/// What a custom label is worth that the workflow has.
const CUSTOM: u16 = 50;

/// Thousandths of a label's worth: 100 are 0.10.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Points(pub u16);

/// A score, in ten-thousandths: 5025 is 0.5025.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Total(pub u16);

impl Total {
    /// The best there is.
    pub const MAX: Self = Self(10_000);
}

/// What the labels of a workflow are worth.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Score {
    /// What speaks for it.
    pub boost: Points,
    /// What speaks against it.
    pub penalty: Points,
}

impl Score {
    /// The score: from nothing to one.
    pub fn total(self) -> Total {
        let sum = BASE + i32::from(self.boost.0) - i32::from(self.penalty.0);
        let sum = sum.clamp(0, i32::from(Total::MAX.0));
        Total(u16::try_from(sum).unwrap_or_default())
    }
}

/// The labels that are compared: those that are looked for, or those of a workflow.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'l> {
    /// What was detected, or is expected.
    pub detected: &'l DetectedLabels,
    /// What the customer says.
    pub custom: &'l CustomLabels,
}

/// How what a workflow says about a label fits what is looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fit {
    /// It says the same.
    Exact,
    /// One of the two says `*`.
    Wildcard,
    /// The workflow says nothing about it.
    Absent,
    /// It says something else.
    Different,
    /// Detecting it failed, so that it does not count.
    Unknown,
}

impl Fit {
    /// Every fit, in documentation order.
    pub const ALL: &'static [Self] = &[
        Self::Exact,
        Self::Wildcard,
        Self::Absent,
        Self::Different,
        Self::Unknown,
    ];

    /// The word for it in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Wildcard => "wildcard",
            Self::Absent => "absent",
            Self::Different => "different",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a label comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// It was detected.
    Detected,
    /// The customer chose it.
    Custom,
}

impl Origin {
    /// The word for it in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Detected => "detected",
            Self::Custom => "custom",
        }
    }
}

/// What one label that is looked for does to a score. The boosts of all of them are the boost of the
/// score, and likewise the penalties: where the custom labels have reached the most they can add,
/// the next one adds nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Contribution<'l> {
    /// Where the label comes from.
    pub origin: Origin,
    /// Its name.
    pub label: &'l str,
    /// The value that is looked for.
    pub wanted: &'l str,
    /// How it fits.
    pub fit: Fit,
    /// What it adds.
    pub boost: Points,
    /// What it takes away.
    pub penalty: Points,
}

/// What a detected label is worth.
struct Weight {
    label: DetectedLabel,
    /// When both say the same.
    exact: u16,
    /// When any value is looked for, and the workflow has one.
    any: u16,
    /// When the workflow says something else, or nothing: taken away.
    penalty: u16,
}

const fn weight(label: DetectedLabel, exact: u16) -> Weight {
    Weight {
        label,
        exact,
        any: exact / 2,
        penalty: 0,
    }
}

impl Weight {
    const fn or_minus(self, penalty: u16) -> Self {
        Self { penalty, ..self }
    }
}

/// The weights, the heaviest first.
const WEIGHTS: [Weight; 8] = [
    weight(DetectedLabel::GitOpsManaged, 100).or_minus(100),
    weight(DetectedLabel::GitOpsTool, 100).or_minus(100),
    weight(DetectedLabel::PdbProtected, 50),
    weight(DetectedLabel::ServiceMesh, 50),
    weight(DetectedLabel::NetworkIsolated, 30),
    weight(DetectedLabel::HelmManaged, 20),
    weight(DetectedLabel::Stateful, 20),
    weight(DetectedLabel::HpaEnabled, 20),
];

/// The score of a workflow with the labels `offered` for who looks for `wanted`.
pub fn score(wanted: Labels<'_>, offered: Labels<'_>) -> Score {
    let mut score = Score::default();
    weigh(wanted, offered, &mut |contribution| {
        score.boost.0 += contribution.boost.0;
        score.penalty.0 += contribution.penalty.0;
    });
    score
}

/// What each label that is looked for does to the score, in the order in which they count.
pub fn contributions<'l>(wanted: Labels<'l>, offered: Labels<'_>) -> Vec<Contribution<'l>> {
    let mut contributions = Vec::new();
    weigh(wanted, offered, &mut |contribution| {
        contributions.push(contribution);
    });
    contributions
}

fn weigh<'l>(wanted: Labels<'l>, offered: Labels<'_>, tell: &mut impl FnMut(Contribution<'l>)) {
    for weight in &WEIGHTS {
        weigh_detected(weight, wanted.detected, offered.detected, tell);
    }
    let mut left = CUSTOM_BOOST_MAX;
    for (key, values) in wanted.custom.iter() {
        let own = offered.custom.values(key);
        for (at, value) in values.iter().enumerate() {
            // Asking twice does not make it worth more.
            if values.iter().take(at).any(|other| other == value) {
                continue;
            }
            let contribution = weigh_custom(key, value, own, left);
            left -= contribution.boost.0;
            tell(contribution);
        }
    }
}

fn weigh_detected<'l>(
    weight: &Weight,
    wanted: &'l DetectedLabels,
    offered: &DetectedLabels,
    tell: &mut impl FnMut(Contribution<'l>),
) {
    let Some(value) = wanted.get(weight.label) else {
        return;
    };
    let own = offered.get(weight.label);
    let (fit, boost, penalty) = if wanted.failed.contains(weight.label) {
        (Fit::Unknown, 0, 0)
    } else {
        match own {
            Some(own) if value == ANY => (fit(own == ANY), weight.any, 0),
            None if value == ANY => (Fit::Absent, 0, 0),
            Some(own) if own == value => (Fit::Exact, weight.exact, 0),
            // It requires one and does not say which: nothing speaks against it.
            Some(ANY) => (Fit::Wildcard, 0, 0),
            Some(_) => (Fit::Different, 0, weight.penalty),
            None => (Fit::Absent, 0, weight.penalty),
        }
    };
    tell(Contribution {
        origin: Origin::Detected,
        label: weight.label.as_str(),
        wanted: value,
        fit,
        boost: Points(boost),
        penalty: Points(penalty),
    });
}

const fn fit(is_exact: bool) -> Fit {
    match is_exact {
        true => Fit::Exact,
        false => Fit::Wildcard,
    }
}

fn weigh_custom<'l>(key: &'l str, value: &'l str, own: &[String], left: u16) -> Contribution<'l> {
    let has = |value: &str| own.iter().any(|own| own == value);
    let (fit, boost) = match (has(value), has(ANY), own.is_empty()) {
        (true, _, _) => (Fit::Exact, CUSTOM),
        (false, true, _) => (Fit::Wildcard, CUSTOM / 2),
        (false, false, true) => (Fit::Absent, 0),
        (false, false, false) => (Fit::Different, 0),
    };
    Contribution {
        origin: Origin::Custom,
        label: key,
        wanted: value,
        fit,
        boost: Points(boost.min(left)),
        penalty: Points(0),
    }
}

#[cfg(test)]
mod tests;
