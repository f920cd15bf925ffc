//! SQL as named constants. Tests prepare every one of them against a migrated database.

/// One statement. Its text starts with `-- name`, so that the name is also what the server logs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement(&'static str);

impl Statement {
    pub(crate) const fn new(sql: &'static str) -> Self {
        Self(sql)
    }

    pub(crate) const fn sql(self) -> &'static str {
        self.0
    }

    /// What errors and metrics call it.
    pub(crate) fn name(self) -> &'static str {
        name_of(self.0)
    }
}

/// The name in the first line of a statement's text.
pub(crate) fn name_of(sql: &'static str) -> &'static str {
    let line = sql.split('\n').next().unwrap_or(sql);
    line.trim_start_matches("-- ")
}

/// Every statement with a constant text; those of lists, whose text depends on the filter, are put
/// together in [`crate::list`].
#[cfg(test)]
pub(crate) const ALL: &[Statement] = &[
    crate::writer::statements::LOCK_FEW,
    crate::writer::statements::LOCK_MANY,
    crate::writer::statements::INSERT,
    crate::writer::statements::COMPARE,
    crate::writer::statements::FIND_LOCKED,
    crate::action::insert::INSERT,
    crate::action::FIND,
    crate::action::UPDATE,
    crate::action::LIST_REVISIONS,
    crate::cursor_key::FIND_CURSOR_KEY,
    crate::incident::FIND,
    crate::incident::COUNT_OUTCOMES,
    crate::incident::BY_NAMESPACE,
    crate::incident::BY_SEVERITY,
    crate::incident::TREND,
    crate::migrate::TAKE_LOCK,
    crate::migrate::HAS_HISTORY,
    crate::migrate::READ_HISTORY,
    crate::notification::INSERT,
    crate::notification::FIND,
    crate::notification::INSERT_DELIVERY,
    crate::notification::FIND_DELIVERY,
    crate::notification::LIST_DELIVERIES,
    crate::partition::LIST,
    crate::partition::ENSURE_EVENTS,
    crate::partition::ENSURE_ACTIONS,
    crate::partition::CLEAN,
    crate::read::PING,
    crate::read::FIND_DATES,
    crate::read::FIND_EVENT,
    crate::read::FIND_EVENTS,
    crate::search::SHOW,
    crate::search::live::LIST_OFFERED,
    crate::search::live::LIST_CHANGED,
    crate::timeline::READ_TIMELINE,
    crate::timeline::FIND_CHILDREN,
    crate::timeline::SUMMARISE,
    crate::workflow::statements::LOCK_NAMES,
    crate::workflow::statements::LOCK_NAME_OF,
    crate::workflow::statements::VERSIONS,
    crate::workflow::statements::VERSIONS_OF,
    crate::workflow::statements::UNMARK,
    crate::workflow::statements::MARK,
    crate::workflow::statements::INSERT,
    crate::workflow::statements::COMPARE,
    crate::workflow::statements::FIND,
    crate::workflow::statements::FIND_LOCKED,
    crate::workflow::statements::LIST_VERSIONS,
    crate::workflow::statements::CHANGE,
    crate::workflow::statements::COUNT,
    crate::workflow::statements::FIND_COUNTED,
];

#[cfg(test)]
mod tests;
