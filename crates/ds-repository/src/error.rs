//! What can go wrong at the store, classified where the driver's error is seen.

use std::{error::Error as _, io, sync::Arc};

use ds_domain::month::Month;
use tokio_postgres::error::SqlState;

/// The store did not do what it was asked. Cheap to clone: one failure is told to everybody who
/// shared a transaction.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is overloaded or gave up in time: trying again later may work.
    #[error("store is unavailable")]
    Unavailable(#[source] Arc<Cause>),
    /// It refused for a reason that trying again will not change: a defect of ours or of the schema.
    #[error("store failed")]
    Internal(#[source] Arc<Cause>),
}

/// What the driver or the pool said.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The driver.
    #[error("statement {statement} failed")]
    Driver {
        /// Name of the statement.
        statement: &'static str,
        /// The error.
        source: tokio_postgres::Error,
    },
    /// A connection outside of the pools could not be made.
    #[error("cannot connect")]
    Connect(#[source] tokio_postgres::Error),
    /// The pool had no connection to give.
    #[error("no connection")]
    Pool(#[from] deadpool_postgres::PoolError),
    /// It took too long.
    #[error("{statement} took longer than {seconds} s")]
    Timeout {
        /// What was waited for.
        statement: &'static str,
        /// The budget.
        seconds: f64,
    },
    /// A migration.
    #[error("migration failed")]
    Migration(#[source] refinery::Error),
    /// The store answered something that cannot be.
    #[error("{statement} answered what cannot be: {what}")]
    Impossible {
        /// Name of the statement.
        statement: &'static str,
        /// What it answered.
        what: &'static str,
    },
}

/// An append that stored nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// Events with these ids are stored already, with other content. Positions in the group.
    #[error("event ids are taken by other events")]
    Conflict {
        /// Positions in the group.
        positions: Vec<usize>,
    },
    /// The partition of one month cannot be written, or read, at present; events that need only
    /// others can be stored. Trying again later may work.
    ///
    /// It is the month of an event of the group, but for one case: an id that a sender chose is
    /// looked for in every month, so one month that cannot be read keeps such events of all months
    /// out.
    #[error("partition of {month} is unavailable")]
    Partition {
        /// The month.
        month: Month,
        /// What the driver said.
        #[source]
        cause: Arc<Cause>,
    },
    /// The table refuses a row (SQLSTATE classes 22 and 23): the sender's fault, never parked.
    #[error("store refuses the row")]
    Refused {
        /// The column or constraint it names.
        column: Option<String>,
        /// What the driver said.
        #[source]
        cause: Arc<Cause>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A record that was not inserted.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InsertError {
    /// The table refuses it (SQLSTATE classes 22 and 23): the sender's fault, never parked.
    #[error("store refuses the record")]
    Refused {
        /// The column or constraint it names.
        column: Option<String>,
        /// What the driver said.
        #[source]
        cause: Arc<Cause>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The database does not have the schema this binary was built for.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Migrations are missing.
    #[error(
        "database is at schema version {found}, this binary needs {needed}: run `ds-server migrate`"
    )]
    Older {
        /// Version of the database.
        found: u32,
        /// Version of the binary.
        needed: u32,
    },
    /// The database is ahead.
    #[error("database is at schema version {found}, newer than this binary's {known}")]
    Newer {
        /// Version of the database.
        found: u32,
        /// Version of the binary.
        known: u32,
    },
    /// An applied migration differs from the one in this binary.
    #[error("applied migration V{version} differs from the one in this binary")]
    Divergent {
        /// Its version.
        version: u32,
    },
    /// A migration was skipped: later ones are applied.
    #[error("migration V{version} is not applied although later ones are")]
    Missing {
        /// Its version.
        version: u32,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whose fault a failure is, and whether trying again can help.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Class {
    /// Trying again later may work.
    Unavailable,
    /// The row is at fault; the column or constraint, where the server names it.
    Refused(Option<String>),
    /// A defect of ours or of the schema.
    Internal,
}

impl Cause {
    pub(crate) fn driver(statement: &'static str) -> impl Fn(tokio_postgres::Error) -> Self {
        move |source| Self::Driver { statement, source }
    }

    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Driver { source, .. } | Self::Connect(source) => classify(source),
            Self::Pool(error) => classify_pool(error),
            Self::Timeout { .. } => Class::Unavailable,
            Self::Migration(error) => classify_migration(error),
            Self::Impossible { .. } => Class::Internal,
        }
    }

    /// Whether the statement lost against another transaction: at once it may win.
    pub(crate) fn is_lost_race(&self) -> bool {
        matches!(self.state(), Some("40001" | "40P01"))
    }

    /// Whether, of a statement that stores rows, the partition may be what failed: it is missing or
    /// detached, locked by somebody, not ours to write, in no state to be written, or damaged.
    pub(crate) fn may_be_partition(&self) -> bool {
        match self.state() {
            Some("23514") => self.is_missing_partition(),
            Some(state) => matches!(
                state,
                "42501" | "42809" | "55000" | "55006" | "55P03" | "XX001" | "XX002"
            ),
            None => false,
        }
    }

    /// Whether a row found no partition: its month's is missing or detached.
    pub(crate) fn is_missing_partition(&self) -> bool {
        self.state() == Some("23514") && self.class() == Class::Unavailable
    }

    /// Whether, of a statement that stores rows, one of them may be what failed.
    pub(crate) fn may_be_row(&self) -> bool {
        let raised = |state: &str| matches!(state.get(..2), Some("54" | "P0" | "XX"));
        matches!(self.class(), Class::Refused(_)) || self.state().is_some_and(raised)
    }

    /// Whether the connection was gone, or its server going, so that a new one may do.
    pub(crate) fn is_lost_connection(&self) -> bool {
        match self {
            Self::Driver { .. } => match self.state() {
                Some(state) => state.starts_with("08") || state.starts_with("57P"),
                None => self.class() == Class::Unavailable,
            },
            Self::Connect(_)
            | Self::Pool(_)
            | Self::Timeout { .. }
            | Self::Migration(_)
            | Self::Impossible { .. } => false,
        }
    }

    fn state(&self) -> Option<&str> {
        self.code().map(SqlState::code)
    }

    /// The server's code, if it was the server that spoke.
    pub(crate) fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Driver { source, .. } | Self::Connect(source) => source.code(),
            Self::Pool(_) | Self::Timeout { .. } | Self::Migration(_) | Self::Impossible { .. } => {
                None
            }
        }
    }
}

impl From<Cause> for StoreError {
    fn from(cause: Cause) -> Self {
        match cause.class() {
            Class::Unavailable => Self::Unavailable(Arc::new(cause)),
            // Nothing but an append or an insert has a sender whose fault it could be.
            Class::Refused(_) | Class::Internal => Self::Internal(Arc::new(cause)),
        }
    }
}

impl From<Cause> for AppendError {
    fn from(cause: Cause) -> Self {
        match cause.class() {
            Class::Refused(column) => Self::Refused {
                column,
                cause: Arc::new(cause),
            },
            Class::Unavailable | Class::Internal => Self::Store(cause.into()),
        }
    }
}

impl From<Cause> for InsertError {
    fn from(cause: Cause) -> Self {
        match cause.class() {
            Class::Refused(column) => Self::Refused {
                column,
                cause: Arc::new(cause),
            },
            Class::Unavailable | Class::Internal => Self::Store(cause.into()),
        }
    }
}

impl From<Cause> for SchemaError {
    fn from(cause: Cause) -> Self {
        Self::Store(cause.into())
    }
}

/// Sorts an error of the driver, by SQLSTATE and never by its text.
pub(crate) fn classify(error: &tokio_postgres::Error) -> Class {
    if let Some(said) = error.as_db_error() {
        return classify_state(said.code().code(), said.column(), said.constraint());
    }
    if error.is_closed() {
        return Class::Unavailable;
    }
    // Without a word of the server it is the network, unless the driver could not even encode what
    // it was given, which it reports as invalid input.
    match error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
    {
        Some(io) if io.kind() != io::ErrorKind::InvalidInput => Class::Unavailable,
        Some(_) | None => Class::Internal,
    }
}

fn classify_state(state: &str, column: Option<&str>, constraint: Option<&str>) -> Class {
    let (class, _) = state.split_at_checked(2).unwrap_or((state, ""));
    match (class, state) {
        // A missing partition has the code of a violated CHECK, and no constraint to name.
        (_, "23514") if constraint.is_none() => Class::Unavailable,
        ("22" | "23", _) => Class::Refused(column.or(constraint).map(str::to_owned)),
        // Connection, conflict with another transaction, resources, operator, system.
        ("08" | "40" | "53" | "57" | "58", _) => Class::Unavailable,
        // A standby that was promoted away from under us; timeouts of transaction and lock.
        (_, "25006" | "25P03" | "25P04" | "55P03") => Class::Unavailable,
        _ => Class::Internal,
    }
}

fn classify_pool(error: &deadpool_postgres::PoolError) -> Class {
    use deadpool_postgres::PoolError;
    match error {
        PoolError::Timeout(_) | PoolError::Closed => Class::Unavailable,
        PoolError::Backend(error) => classify(error),
        PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => Class::Internal,
    }
}

fn classify_migration(error: &refinery::Error) -> Class {
    let driver = error
        .source()
        .and_then(|source| source.downcast_ref::<tokio_postgres::Error>());
    driver.map_or(Class::Internal, classify)
}

#[cfg(test)]
mod tests;
