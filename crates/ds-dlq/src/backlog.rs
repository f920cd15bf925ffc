//! What a place promises in which accepted events and notifications wait for the store.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use ds_validation::{NewEvent, ValidNotification};
use jiff::Timestamp;
use uuid::Uuid;

/// How long a taken entry belongs to its taker: longer than storing it may take. When its taker is
/// gone nobody else gets it before, so it is no longer than that.
pub const LEASE: Duration = Duration::from_secs(20);

/// Something that was accepted and waits for the store.
#[derive(Clone, Debug)]
pub struct Parked {
    /// What waits.
    pub item: Item,
    /// When it was accepted; the rules about time were checked against this instant.
    pub accepted_at: Timestamp,
    /// Why it could not be stored at once.
    pub reason: String,
}

/// What waits for the store.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all of them are events; a box would cost each an allocation to spare the others room"
)]
pub enum Item {
    /// An event.
    Event {
        /// The event, with its id.
        event: NewEvent,
        /// The parent it claims, when nobody has looked it up yet: entries of the first service name
        /// a parent without its date. It must be found, or refused, before the event is stored.
        unresolved_parent: Option<Uuid>,
    },
    /// A notification.
    Notification(ValidNotification),
}

impl Parked {
    /// The event, if it is one.
    pub fn event(&self) -> Option<&NewEvent> {
        match &self.item {
            Item::Event { event, .. } => Some(event),
            Item::Notification(_) => None,
        }
    }
}

/// Names an entry within its backlog, until it is settled.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EntryId(pub String);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An entry that was taken in order to be stored. Until it is settled, deferred, buried or released
/// nobody else gets it, but for when its taker is silent for so long that it must be gone.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its name.
    pub id: EntryId,
    /// What waits, or why nobody can read it.
    pub entry: Result<Parked, Unreadable>,
    /// How often storing it has failed for a reason of its own.
    pub attempts: u32,
}

/// Why an entry cannot be read back.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("entry is unreadable: {0}")]
pub struct Unreadable(pub String);

/// An entry to be tried again, not before some time has passed.
#[derive(Clone, Debug)]
pub struct Deferral {
    /// The entry.
    pub id: EntryId,
    /// The time until it is due.
    pub wait: Duration,
    /// What went wrong this time.
    pub error: String,
}

/// An entry that will never be stored as it is.
#[derive(Clone, Debug)]
pub struct Burial {
    /// The entry.
    pub id: EntryId,
    /// Why.
    pub reason: String,
}

/// One failed attempt to store an entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setback {
    /// When.
    pub at: Timestamp,
    /// What went wrong.
    pub error: String,
}

/// An entry that failed for good, kept for a human to decide.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Its name among the dead letters.
    pub id: EntryId,
    /// Id of the event, if it is one and that can be read.
    pub event_id: Option<Uuid>,
    /// Id of the notification, likewise.
    pub notification_id: Option<String>,
    /// Why it failed.
    pub reason: String,
    /// When it was buried.
    pub buried_at: Timestamp,
    /// When it was accepted, if that can be read.
    pub accepted_at: Option<Timestamp>,
    /// Earlier attempts, the first one first; the oldest are left out when there are many.
    pub history: Vec<Setback>,
    /// The entry as it was read, whatever it is.
    pub content: String,
}

/// How full a backlog is, and who works on it.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Entries that wait, deferred ones included.
    pub entries: u64,
    /// Most entries before the next one is refused.
    pub entries_max: u64,
    /// Bytes of the entries that wait.
    pub bytes: u64,
    /// Most bytes before the next entry is refused.
    pub bytes_max: u64,
    /// Entries that are not due yet.
    pub deferred: u64,
    /// Dead letters.
    pub dead: u64,
    /// When the oldest entry that waits was put here.
    pub oldest: Option<Timestamp>,
    /// Who works on it.
    pub consumers: Vec<Consumer>,
}

/// Somebody who works on a backlog.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Consumer {
    /// Its name.
    pub name: String,
    /// Entries it has taken and not settled.
    pub pending: u64,
    /// How long it has been silent.
    pub idle: Duration,
}

/// A cause that several waiters can be told.
pub type SharedError = Arc<dyn Error + Send + Sync>;

/// A backlog that did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("backlog is unavailable")]
pub struct BacklogError(#[source] pub SharedError);

/// Entries that were not put.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PutError {
    /// There is no room. Nothing was put, and nothing was dropped to make room.
    #[error("backlog is full")]
    Full,
    /// It cannot be reached, does not answer in time, or would not keep what it is given. The
    /// entries may be there all the same: putting them elsewhere, or storing them, is safe.
    #[error("backlog is unavailable")]
    Unavailable(#[source] SharedError),
}

/// A place where what was accepted waits for the store. Every method is bounded in time.
pub trait Backlog: Send + Sync + 'static {
    /// Puts all entries, or none. When it returns they survive the loss of power.
    fn put(&self, entries: &[Parked]) -> impl Future<Output = Result<(), PutError>> + Send;

    /// Takes up to `max` entries that are due, in the order they were put; entries that were
    /// deferred do not keep later ones waiting, nor are they starved by them. An empty answer
    /// means that nothing is due; it does not wait for something to come.
    fn take(&self, max: usize) -> impl Future<Output = Result<Vec<Delivery>, BacklogError>> + Send;

    /// Removes entries that are stored. Those that are gone already are ignored.
    fn settle(&self, ids: &[EntryId]) -> impl Future<Output = Result<(), BacklogError>> + Send;

    /// Puts taken entries back, each to be taken again once it is due, one attempt older.
    fn defer(
        &self,
        deferrals: &[Deferral],
    ) -> impl Future<Output = Result<(), BacklogError>> + Send;

    /// Moves taken entries to the dead letters.
    fn bury(&self, burials: &[Burial]) -> impl Future<Output = Result<(), BacklogError>> + Send;

    /// Puts taken entries back as if they had never been taken.
    fn release(&self, ids: &[EntryId]) -> impl Future<Output = Result<(), BacklogError>> + Send;

    /// How full it is. Also refreshes its metrics.
    fn status(&self) -> impl Future<Output = Result<Status, BacklogError>> + Send;

    /// Up to `max` dead letters after the one named `after`, in the order they were buried.
    fn dead_letters(
        &self,
        after: Option<&EntryId>,
        max: usize,
    ) -> impl Future<Output = Result<Vec<DeadLetter>, BacklogError>> + Send;

    /// Lets a dead letter wait for the store again, as if it had never failed. Says whether there is
    /// one of that name. Not bounded by the room for entries.
    fn revive(&self, id: &EntryId) -> impl Future<Output = Result<bool, BacklogError>> + Send;

    /// Removes a dead letter for good. Says whether there is one of that name.
    fn purge(&self, id: &EntryId) -> impl Future<Output = Result<bool, BacklogError>> + Send;
}
