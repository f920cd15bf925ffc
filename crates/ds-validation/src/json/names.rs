//! The member names of one object.

use std::{borrow::Cow, collections::HashSet};

/// How many names are compared one by one before a set is built: most objects are small.
const LINEAR_MAX: usize = 16;

/// The names seen so far.
#[derive(Default)]
pub(super) struct Names<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    /// Adds a name; `false` when it was there already.
    pub(super) fn insert(&mut self, name: Cow<'a, str>) -> bool {
        if self.few.len() < LINEAR_MAX {
            let is_new = !self.few.contains(&name);
            if is_new {
                self.few.push(name);
            }
            return is_new;
        }
        !self.few.contains(&name) && self.many.insert(name)
    }
}
