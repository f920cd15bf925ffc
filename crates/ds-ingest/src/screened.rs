//! What was found in the texts of a request's records, to be counted when they are kept.

use ds_metrics::catalog;
use ds_validation::Screening;

/// How many texts each rule found something in.
#[derive(Debug, Default)]
pub(crate) struct Screened {
    redactions: Vec<(&'static str, u64)>,
    flags: Vec<(&'static str, u64)>,
}

impl Screened {
    /// What was found in these records. Most often nothing, which costs nothing.
    pub(crate) fn of<'s>(records: impl Iterator<Item = &'s Screening>) -> Self {
        let mut screened = Self::default();
        for screening in records {
            screened.redactions.extend(screening.redactions.counts());
            screened.flags.extend(screening.flags.counts());
        }
        screened
    }

    /// Counts it.
    pub(crate) fn count(&self) {
        for (rule, count) in &self.redactions {
            catalog::redactions(*rule).increment(*count);
        }
        for (rule, count) in &self.flags {
            catalog::content_flags(*rule).increment(*count);
        }
    }
}
