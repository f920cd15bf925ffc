//! Where something stands in a body, for reports about it.

use crate::{Rule, Violation, Violations, json::shorten};

/// A place: the pointer to it, and the member of the body that it is in.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pointer: String,
    field: &'static str,
}

impl Place {
    /// The member `field` of the body.
    pub(crate) fn of_field(field: &'static str) -> Self {
        Self {
            pointer: format!("/{field}"),
            field,
        }
    }

    /// The member `name` of the object here.
    pub(crate) fn member(&self, name: &str) -> Place {
        let name = name.replace('~', "~0").replace('/', "~1");
        self.below(&name)
    }

    /// The item `index` of the array here.
    pub(crate) fn item(&self, index: usize) -> Place {
        self.below(&index.to_string())
    }

    fn below(&self, step: &str) -> Place {
        let mut pointer = format!("{}/{step}", self.pointer);
        shorten(&mut pointer);
        Place {
            pointer,
            field: self.field,
        }
    }

    /// Its name in words, as `labels.severity`.
    pub(crate) fn name(&self) -> String {
        self.pointer.trim_start_matches('/').replace('/', ".")
    }

    /// Reports that what is here breaks a rule, unless the reader has reported something about it.
    pub(crate) fn report(&self, rule: Rule, message: impl Into<String>, found: &mut Violations) {
        if !found.has(&self.pointer) {
            found.add(self.violation(rule, message));
        }
    }

    /// The same with the bound that was missed, and what was measured against it.
    pub(crate) fn report_measured(
        &self,
        rule: Rule,
        message: impl Into<String>,
        (bound, actual): (usize, usize),
        found: &mut Violations,
    ) {
        if !found.has(&self.pointer) {
            found.add(self.violation(rule, message).measured(bound, actual));
        }
    }

    fn violation(&self, rule: Rule, message: impl Into<String>) -> Violation {
        Violation::at(self.pointer.clone(), self.field, rule, message)
    }
}
