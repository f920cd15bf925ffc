//! The bounds of the write path.

use std::time::Duration;

/// Bounds of the write path. What happens when one is met stands with each.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Writers that share small requests however fast the store is. More of them join in where
    /// waiting for the store is what takes the time, where a crowd waits, or a flush hangs.
    pub writers_min: usize,
    /// Most writers, each with a connection of its own.
    pub writers_max: usize,
    /// Most rows a writer takes at once. A request of more rows is still flushed as one.
    pub flush_rows_max: usize,
    /// Most bytes a writer takes at once, as above.
    pub flush_bytes_max: usize,
    /// Most rows that wait for a writer; a request beyond is refused as overload.
    pub queue_rows_max: usize,
    /// Most bytes that wait for a writer; a request beyond is refused as overload.
    pub queue_bytes_max: usize,
    /// Longest wait for a writer; after it the store counts as unavailable for the request.
    pub queue_wait_max: Duration,
    /// Longest wait a new small request may have to expect; beyond it new requests are refused as
    /// overload, before their body is read. Batches may make each other wait for `queue_wait_max`.
    pub queue_delay_max: Duration,
    /// Most writes that are being answered; one more is refused as overload.
    pub writes_in_flight_max: usize,
    /// Most bytes of bodies of writes that are being answered, as above.
    pub body_bytes_in_flight_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            writers_min: 1,
            writers_max: 8,
            flush_rows_max: 256,
            flush_bytes_max: 1024 * 1024,
            queue_rows_max: 20_000,
            queue_bytes_max: 64 * 1024 * 1024,
            queue_wait_max: Duration::from_secs(1),
            queue_delay_max: Duration::from_millis(200),
            writes_in_flight_max: 2048,
            body_bytes_in_flight_max: 128 * 1024 * 1024,
        }
    }
}
