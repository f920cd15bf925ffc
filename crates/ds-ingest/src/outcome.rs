//! Why events were not appended, told to everybody who waits for the same flush.

use std::sync::Arc;

use ds_dlq::SharedError;
use ds_domain::month::Month;
use ds_repository::{
    Appended,
    error::{AppendError, StoreError},
};

/// What became of a request's events, in their order.
pub(crate) type Outcome = Result<Vec<Appended>, NotAppended>;

/// Why a request's events were not appended.
#[derive(Clone, Debug)]
pub(crate) enum NotAppended {
    /// Ids are taken by events with other content; positions in the request.
    Conflict { positions: Vec<usize> },
    /// The table refuses a row: the request's fault.
    Refused {
        column: Option<String>,
        cause: SharedError,
    },
    /// The events of this month cannot be stored at present; others can.
    Partition { month: Month, cause: SharedError },
    /// Nothing can be stored at present.
    Unavailable(SharedError),
    /// The store failed for a reason that does not pass.
    Internal(SharedError),
    /// More is asked for than can be done.
    Overloaded,
}

/// Reasons of the write path's own not to ask the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Unasked {
    /// Its breaker is open.
    #[error("store failed lately and is not asked again yet")]
    BreakerOpen,
    /// The month's breaker is open.
    #[error("partition failed lately and is not asked again yet")]
    PartitionOpen,
    /// Nobody had time.
    #[error("no writer took the request in time")]
    Waited,
    /// The process is ending.
    #[error("write path is closed")]
    Closed,
    /// A defect of ours.
    #[error("writer ended without an answer")]
    WriterLost,
}

impl From<Unasked> for NotAppended {
    fn from(reason: Unasked) -> Self {
        let cause: SharedError = Arc::new(reason);
        match reason {
            Unasked::WriterLost => Self::Internal(cause),
            Unasked::BreakerOpen | Unasked::PartitionOpen | Unasked::Waited | Unasked::Closed => {
                Self::Unavailable(cause)
            }
        }
    }
}

impl From<AppendError> for NotAppended {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict { positions } => Self::Conflict { positions },
            AppendError::Refused { ref column, .. } => Self::Refused {
                column: column.clone(),
                cause: Arc::new(error),
            },
            AppendError::Partition { month, .. } => Self::Partition {
                month,
                cause: Arc::new(error),
            },
            AppendError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for NotAppended {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(Arc::new(error)),
            StoreError::Internal(_) => Self::Internal(Arc::new(error)),
        }
    }
}
