//! What may be changed about a version, and what a change makes of it.

use std::fmt;

use super::WorkflowStatus;

/// What became of a version, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lifecycle {
    /// Whether it is to be used.
    pub status: WorkflowStatus,
    /// Why it has this status.
    pub status_reason: Option<String>,
    /// Who disabled it, while it is disabled.
    pub disabled_by: Option<String>,
    /// Why it was disabled, while it is.
    pub disabled_reason: Option<String>,
    /// What those who still use it are told.
    pub deprecation_notice: Option<String>,
    /// Who changed it last, if they said.
    pub updated_by: Option<String>,
}

/// What is to be changed. What is absent stays as it is, unless it belongs to a status that ends.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Change {
    /// The status it is to have.
    pub status: Option<WorkflowStatus>,
    /// Why. The first contract says it with `disabled_reason`, whatever the status.
    pub status_reason: Option<String>,
    /// Who disables it. The first contract names everybody who changes it so.
    pub disabled_by: Option<String>,
    /// Why it is disabled.
    pub disabled_reason: Option<String>,
    /// What those who still use it are told.
    pub deprecation_notice: Option<String>,
    /// Who changes it.
    pub updated_by: Option<String>,
}

/// A status that cannot follow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ForbiddenChange {
    /// The status that it has.
    pub from: WorkflowStatus,
    /// The status that it was to get.
    pub to: WorkflowStatus,
}

impl fmt::Display for ForbiddenChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from.as_str(), self.to.as_str());
        write!(f, "a workflow that is {from} cannot become {to}")
    }
}

impl std::error::Error for ForbiddenChange {}

impl Lifecycle {
    /// What `change` makes of it; the same if it changes nothing.
    pub fn changed(&self, change: &Change) -> Result<Self, ForbiddenChange> {
        let (from, to) = (self.status, change.status.unwrap_or(self.status));
        if from != to && !from.may_become(to) {
            return Err(ForbiddenChange { from, to });
        }
        let is_new = from != to;
        // What was said about the old status is not true of the new one.
        let kept = |old: &Option<String>| old.clone().filter(|_| !is_new);
        let reason = change.status_reason.as_ref();
        let reason = reason.or(change.disabled_reason.as_ref()).cloned();
        let who = change.updated_by.as_ref();
        let who = who.or(change.disabled_by.as_ref()).cloned();
        let notice = change.deprecation_notice.as_ref();
        let notice = notice.or(self.deprecation_notice.as_ref()).cloned();
        let is_disabled = to == WorkflowStatus::Disabled;
        let of_disabled = |given: &Option<String>, old: &Option<String>| {
            let said = given.clone().or_else(|| kept(old));
            said.filter(|_| is_disabled)
        };
        let next = Self {
            status: to,
            status_reason: reason.or_else(|| kept(&self.status_reason)),
            disabled_by: of_disabled(&change.disabled_by, &self.disabled_by),
            disabled_reason: of_disabled(&change.disabled_reason, &self.disabled_reason),
            deprecation_notice: notice,
            updated_by: who,
        };
        // Who asks for what there is changes nothing, and is nobody who changed it.
        let same = Self {
            updated_by: self.updated_by.clone(),
            ..next.clone()
        };
        let is_unsaid = next.updated_by.is_none() && same == *self;
        Ok(if is_unsaid { same } else { next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active() -> Lifecycle {
        Lifecycle {
            status: WorkflowStatus::Active,
            status_reason: None,
            disabled_by: None,
            disabled_reason: None,
            deprecation_notice: None,
            updated_by: None,
        }
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn disabling() -> Change {
        Change {
            status: Some(WorkflowStatus::Disabled),
            disabled_by: some("ann"),
            disabled_reason: some("it loops"),
            ..Change::default()
        }
    }

    #[test]
    fn disabling_says_who_and_why_and_enabling_forgets_it() {
        let disabled = active().changed(&disabling()).unwrap();
        let expected = Lifecycle {
            status: WorkflowStatus::Disabled,
            status_reason: some("it loops"),
            disabled_by: some("ann"),
            disabled_reason: some("it loops"),
            deprecation_notice: None,
            updated_by: some("ann"),
        };
        assert_eq!(disabled, expected);
        assert_eq!(disabled.changed(&disabling()), Ok(expected), "again");
        let enabling = Change {
            status: Some(WorkflowStatus::Active),
            ..Change::default()
        };
        assert_eq!(disabled.changed(&enabling), Ok(active()));
    }

    #[test]
    fn who_changed_it_is_whoever_did_so_last() {
        let disabled = active().changed(&disabling()).unwrap();
        // The same again by nobody is no change; another reason is one.
        let again = Change {
            updated_by: None,
            disabled_by: None,
            ..disabling()
        };
        assert_eq!(disabled.changed(&again), Ok(disabled.clone()));
        let other = Change {
            status_reason: some("it loops on Mondays"),
            ..again
        };
        let changed = disabled.changed(&other).unwrap();
        assert_eq!(
            (changed.updated_by, changed.disabled_by),
            (None, some("ann"))
        );
        let named = Change {
            updated_by: some("bob"),
            ..Change::default()
        };
        let changed = disabled.changed(&named).unwrap();
        assert_eq!(changed.updated_by, some("bob"));
    }

    #[test]
    fn nothing_asked_is_nothing_changed() {
        let disabled = active().changed(&disabling()).unwrap();
        assert_eq!(disabled.changed(&Change::default()), Ok(disabled.clone()));
    }

    #[test]
    fn a_reason_can_be_said_again_without_a_new_status() {
        let again = Change {
            status_reason: some("it loops on Mondays"),
            disabled_reason: some("it loops forever"),
            updated_by: some("bob"),
            ..disabling()
        };
        let disabled = active().changed(&disabling()).unwrap();
        let changed = disabled.changed(&again).unwrap();
        assert_eq!(changed.status_reason, some("it loops on Mondays"));
        assert_eq!(changed.disabled_reason, some("it loops forever"));
        assert_eq!(changed.updated_by, some("bob"));
    }

    #[test]
    fn who_deprecates_may_say_why_in_the_words_of_the_first_contract() {
        let deprecating = Change {
            status: Some(WorkflowStatus::Deprecated),
            deprecation_notice: some("use v2"),
            ..disabling()
        };
        let expected = Lifecycle {
            status: WorkflowStatus::Deprecated,
            status_reason: some("it loops"),
            deprecation_notice: some("use v2"),
            updated_by: some("ann"),
            ..active()
        };
        assert_eq!(active().changed(&deprecating), Ok(expected));
    }

    #[test]
    fn what_cannot_follow_is_refused_with_both_names() {
        let archived = Lifecycle {
            status: WorkflowStatus::Archived,
            ..active()
        };
        let refused = archived.changed(&disabling()).unwrap_err();
        let expected = "a workflow that is archived cannot become disabled";
        assert_eq!(refused.to_string(), expected);
    }
}
