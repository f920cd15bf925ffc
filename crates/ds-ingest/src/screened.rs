//! What was found in the texts of a request's records, to be counted when they are kept.

use ds_metrics::catalog;
use ds_validation::Screening;

/// How many texts each rule found something in.
#[derive(Debug, Default)]
pub(crate) struct Screened {
    redactions: Vec<(&'static str, u64)>,
    flags: Vec<(&'static str, u64)>,
}

/// Most places that are told to the sender of one request.
const TOLD_MAX: usize = 32;

/// Where secrets were taken out of the records of a request, for its sender to be told.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Redacted {
    first: Vec<(usize, String)>,
    total: usize,
}

impl Redacted {
    /// What was taken out of these records.
    pub(crate) fn of<'s>(records: impl Iterator<Item = &'s Screening>) -> Self {
        let mut redacted = Self::default();
        for (index, screening) in records.enumerate() {
            let counts = screening.redactions.counts();
            let count: u64 = counts.map(|(_, count)| count).sum();
            redacted.total += usize::try_from(count).unwrap_or(usize::MAX);
            let places = screening.redactions.iter();
            let room = TOLD_MAX - redacted.first.len();
            let places = places.map(|place| (index, place.pointer.clone()));
            redacted.first.extend(places.take(room));
        }
        redacted
    }

    /// The first places, each a position in the request and a pointer into the record.
    pub fn first(&self) -> &[(usize, String)] {
        &self.first
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.total
    }
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
