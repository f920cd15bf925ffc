//! `.perf-baseline.json`: the ratios of an earlier run, which later ones must not fall behind.

use std::collections::BTreeMap;
use std::fs::{read_to_string, write};
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::figure::{Better, Figure};

/// How much worse a ratio may be before it counts. Runs on one machine differ by up to 8 %, ratios of
/// two measurements by more.
const TOLERANCE: f64 = 0.20;

/// Ratios by row and property.
pub(super) struct Baseline {
    ratios: BTreeMap<String, f64>,
}

impl Baseline {
    /// The one of this checkout; empty if there is none.
    pub(super) fn read() -> Result<Self> {
        let path = path();
        if !path.exists() {
            return Ok(Self {
                ratios: BTreeMap::new(),
            });
        }
        let text = read_to_string(&path).context("cannot read the baseline")?;
        let ratios = serde_json::from_str(&text);
        Ok(Self {
            ratios: ratios.with_context(|| format!("{} is not a baseline", path.display()))?,
        })
    }

    /// Takes over what was measured, and keeps the rest.
    pub(super) fn update(mut self, figures: &[(u8, Figure)]) -> Result<()> {
        for (row, figure) in figures {
            let ratio = (figure.ratio_value() * 1000.0).round() / 1000.0;
            self.ratios.insert(key(*row, figure), ratio);
        }
        let text = serde_json::to_string_pretty(&self.ratios).context("cannot write JSON")?;
        write(path(), text + "\n").context("cannot write the baseline")
    }

    /// What is worse now, in words.
    pub(super) fn regressions(&self, figures: &[(u8, Figure)]) -> Vec<String> {
        figures
            .iter()
            .filter_map(|(row, figure)| {
                let key = key(*row, figure);
                let before = *self.ratios.get(&key)?;
                let now = figure.ratio_value();
                is_worse(figure.better(), before, now)
                    .then(|| format!("row {key}: {now:.3}, was {before:.3}"))
            })
            .collect()
    }
}

fn is_worse(better: Better, before: f64, now: f64) -> bool {
    match better {
        Better::More => now < before * (1.0 - TOLERANCE),
        Better::Less => now > before * (1.0 + TOLERANCE),
    }
}

fn key(row: u8, figure: &Figure) -> String {
    format!("{row:02} {}", figure.property())
}

fn path() -> PathBuf {
    ds_testkit::workspace_root().join(".perf-baseline.json")
}

#[cfg(test)]
mod tests {
    use super::super::figure::Quantity;
    use super::*;

    #[test]
    fn worse_depends_on_the_direction() {
        assert!(is_worse(Better::More, 0.8, 0.63));
        assert!(!is_worse(Better::More, 0.8, 0.65));
        assert!(!is_worse(Better::More, 0.8, 9.0));
        assert!(is_worse(Better::Less, 1.0, 1.21));
        assert!(!is_worse(Better::Less, 1.0, 0.1));
    }

    #[test]
    fn only_figures_of_the_baseline_are_compared() {
        let ratio = |property, measured| {
            let measured = Quantity(measured, "/s");
            (
                1,
                Figure::ratio(property, measured, ("H", 1.0), Better::More, 0.8),
            )
        };
        let ratios = BTreeMap::from([("01 a".to_owned(), 0.9)]);
        let baseline = Baseline { ratios };
        let regressions = baseline.regressions(&[ratio("a", 0.5), ratio("b", 0.1)]);
        assert_eq!(regressions, ["row 01 a: 0.500, was 0.900"]);
    }
}
