//! What was found in the texts of an event.

/// Most places that are listed for one event; what is done is done in all of them.
const LISTED_MAX: usize = 100;

/// What a screening found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Screening {
    /// Secrets that were taken out.
    pub redactions: Findings,
    /// Markup and SQL, which stay.
    pub flags: Findings,
}

/// One place where a rule found something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// RFC 6901 pointer to the text. It repeats no secret.
    pub pointer: String,
    /// The envelope member it is in.
    pub field: &'static str,
    /// The rule's name.
    pub rule: &'static str,
}

/// The first hundred places, and how many there are by rule.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Findings {
    listed: Vec<Finding>,
    counts: Vec<(&'static str, u64)>,
}

impl Findings {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The places, in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.listed.iter()
    }

    /// How many places each rule found, those included that are not listed.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.counts.iter().copied()
    }

    /// Adds a place. Its pointer is made only when it is listed.
    pub(crate) fn add(
        &mut self,
        field: &'static str,
        rule: &'static str,
        pointer: impl FnOnce() -> String,
    ) {
        match self.counts.iter_mut().find(|(name, _)| *name == rule) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((rule, 1)),
        }
        if self.listed.len() < LISTED_MAX {
            let pointer = pointer();
            self.listed.push(Finding {
                pointer,
                field,
                rule,
            });
        }
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.listed.into_iter()
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
