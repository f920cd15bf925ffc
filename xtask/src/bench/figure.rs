//! One line of the table: a property, what was measured, and what it is held against.

use serde_json::{Value, json};

/// Which way is better.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Better {
    /// A rate.
    More,
    /// A time, a size.
    Less,
}

impl Better {
    fn sign(self) -> &'static str {
        match self {
            Self::More => "≥",
            Self::Less => "≤",
        }
    }

    /// Whether `value` reaches `limit`.
    fn reaches(self, value: f64, limit: f64) -> bool {
        match self {
            Self::More => value >= limit,
            Self::Less => value <= limit,
        }
    }
}

/// A quantity with its unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quantity(pub(super) f64, pub(super) &'static str);

/// What the limits are compared with.
#[derive(Clone, Copy, Debug)]
enum Judged {
    /// The quotient of what was measured and the reference.
    Ratio,
    /// Their difference.
    Excess,
    /// What was measured, as it is.
    Value,
}

/// A line of the table that was measured.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    property: String,
    measured: Quantity,
    reference: Option<(&'static str, f64)>,
    judged: Judged,
    better: Better,
    must: f64,
    stretch: Option<f64>,
}

impl Figure {
    /// `measured` in proportion to a reference: at least or at most `must` times as much.
    pub(super) fn ratio(
        property: impl Into<String>,
        measured: Quantity,
        reference: (&'static str, f64),
        better: Better,
        must: f64,
    ) -> Self {
        let reference = Some(reference);
        Self::new(property, measured, reference, Judged::Ratio, better, must)
    }

    /// At most `must` more than a reference.
    pub(super) fn excess(
        property: impl Into<String>,
        measured: Quantity,
        reference: (&'static str, f64),
        must: f64,
    ) -> Self {
        let reference = Some(reference);
        Self::new(
            property,
            measured,
            reference,
            Judged::Excess,
            Better::Less,
            must,
        )
    }

    /// At most `must`, on any machine.
    pub(super) fn at_most(property: impl Into<String>, measured: Quantity, must: f64) -> Self {
        Self::new(property, measured, None, Judged::Value, Better::Less, must)
    }

    fn new(
        property: impl Into<String>,
        measured: Quantity,
        reference: Option<(&'static str, f64)>,
        judged: Judged,
        better: Better,
        must: f64,
    ) -> Self {
        Self {
            property: property.into(),
            measured,
            reference,
            judged,
            better,
            must,
            stretch: None,
        }
    }

    /// With a second, harder limit.
    pub(super) fn stretch(mut self, stretch: f64) -> Self {
        self.stretch = Some(stretch);
        self
    }

    pub(super) fn property(&self) -> &str {
        &self.property
    }

    pub(super) fn better(&self) -> Better {
        self.better
    }

    /// Measured over reference; where there is none, over what it must be.
    pub(super) fn ratio_value(&self) -> f64 {
        let reference = self.reference.map_or(self.must, |(_, reference)| reference);
        self.measured.0 / reference
    }

    fn judged_value(&self) -> f64 {
        let Quantity(measured, _) = self.measured;
        match (self.judged, self.reference) {
            (Judged::Ratio, Some((_, reference))) => measured / reference,
            (Judged::Excess, Some((_, reference))) => measured - reference,
            (Judged::Value, _) | (_, None) => measured,
        }
    }

    /// Whether it is what it must be.
    pub(super) fn reaches_must(&self) -> bool {
        self.better.reaches(self.judged_value(), self.must)
    }

    /// Whether it is what it should be; `None` where nothing more than the must is asked.
    pub(super) fn reaches_stretch(&self) -> Option<bool> {
        let stretch = self.stretch?;
        Some(self.better.reaches(self.judged_value(), stretch))
    }

    /// The limit in words.
    fn limit(&self, limit: f64) -> String {
        let sign = self.better.sign();
        let unit = self.measured.1;
        match (self.judged, self.reference) {
            (Judged::Ratio, Some((name, _))) => format!("{sign} {limit:.2} × {name}"),
            (Judged::Excess, Some((name, _))) => format!("{sign} {name} + {limit:.2} {unit}"),
            (Judged::Value, _) | (_, None) => format!("{sign} {} {unit}", short(limit)),
        }
    }

    pub(super) fn must_text(&self) -> String {
        self.limit(self.must)
    }

    pub(super) fn stretch_text(&self) -> String {
        self.stretch
            .map_or("–".to_owned(), |limit| self.limit(limit))
    }

    /// `14237 /s of H 17400 /s`.
    pub(super) fn measured_text(&self) -> String {
        let Quantity(measured, unit) = self.measured;
        let measured = format!("{} {unit}", short(measured));
        match self.reference {
            Some((name, reference)) => format!("{measured} ({name} {})", short(reference)),
            None => measured,
        }
    }

    /// As a row of the JSON line.
    pub(super) fn to_json(&self, row: u8) -> Value {
        json!({
            "row": row,
            "property": self.property,
            "must": self.must_text(),
            "stretch": self.stretch.map(|limit| self.limit(limit)),
            "measured": self.measured.0,
            "ratio": self.ratio_value(),
            "unit": self.measured.1,
            "reference": self.reference.map(|(name, value)| json!({ "name": name, "value": value })),
            "must_reached": self.reaches_must(),
            "stretch_reached": self.reaches_stretch(),
        })
    }
}

/// Three digits that matter, without an exponent.
pub(super) fn short(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// The middle of several; of an even number the mean of the middle two.
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.get(middle) {
        None => f64::NAN,
        Some(upper) if numbers.len() % 2 == 1 => *upper,
        Some(upper) => f64::midpoint(*upper, numbers[middle - 1]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_judged_by_its_own_quantity() {
        let rate = Figure::ratio("r", Quantity(80.0, "/s"), ("H", 100.0), Better::More, 0.8);
        assert!(rate.reaches_must() && rate.reaches_stretch().is_none());
        assert_eq!(rate.clone().stretch(0.95).reaches_stretch(), Some(false));
        assert_eq!(rate.must_text(), "≥ 0.80 × H");
        assert_eq!(rate.measured_text(), "80.0 /s (H 100)");

        let time = Figure::excess("t", Quantity(0.5, "ms"), ("s₁", 0.4), 0.2).stretch(0.05);
        assert!(time.reaches_must());
        assert_eq!(time.reaches_stretch(), Some(false));
        assert_eq!(time.must_text(), "≤ s₁ + 0.20 ms");
        assert!((time.ratio_value() - 1.25).abs() < 1e-9);

        let size = Figure::at_most("m", Quantity(30.0, "MB"), 20.0).stretch(12.0);
        assert!(!size.reaches_must());
        assert_eq!(size.stretch_text(), "≤ 12.0 MB");
        assert!((size.ratio_value() - 1.5).abs() < 1e-9);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
    }
}
