//! Where new event ids come from.

use uuid::Uuid;

/// A source of UUIDv7 ids.
///
/// The one implementation that reads the operating system's clock and randomness lives in
/// `ds-server`; tests count.
pub trait IdSource: Send + Sync + 'static {
    /// An id that was never given before.
    fn next_id(&self) -> Uuid;
}
