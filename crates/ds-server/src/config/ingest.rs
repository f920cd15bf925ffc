//! Section `ingest`: the bounds of the write path.

use std::time::Duration;

use ds_ingest::Settings;
use serde::{Deserialize, Serialize};

use super::{problem::Problems, scalar};

/// More writers than this only wait for each other.
const WRITERS_MAX: usize = 64;

/// More bytes than this are no bound for a server.
const BYTES_MAX: usize = 1 << 34;

/// How many bytes of memory the events of one byte of a body may need.
const BYTES_IN_MEMORY: usize = 4;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a section of keys")]
pub(super) struct Ingest {
    #[serde(deserialize_with = "scalar::integer")]
    writers_min: i64,
    #[serde(deserialize_with = "scalar::integer")]
    writers_max: i64,
    #[serde(deserialize_with = "scalar::integer")]
    flush_rows_max: i64,
    #[serde(deserialize_with = "scalar::integer")]
    flush_bytes_max: i64,
    flush_timeout: String,
    #[serde(deserialize_with = "scalar::integer")]
    queue_rows_max: i64,
    #[serde(deserialize_with = "scalar::integer")]
    queue_bytes_max: i64,
    queue_wait_max: String,
    queue_delay_max: String,
    #[serde(deserialize_with = "scalar::integer")]
    writes_in_flight_max: i64,
    #[serde(deserialize_with = "scalar::integer")]
    body_bytes_in_flight_max: i64,
}

/// What must fit through the write path in one piece.
pub(super) struct Largest {
    /// Bytes of a request's body.
    pub(super) body_bytes: usize,
    /// Events of a batch.
    pub(super) batch_events: usize,
}

impl Ingest {
    pub(super) fn settings(&self, problems: &mut Problems, largest: &Largest) -> Settings {
        let mut count = |key: &str, value: i64, min: usize, max: usize| {
            problems.integer(&format!("ingest.{key}"), value, min..=max)
        };
        let (body, batch) = (largest.body_bytes, largest.batch_events);
        let writers_min = count("writers_min", self.writers_min, 1, WRITERS_MAX);
        let writers_max = count("writers_max", self.writers_max, writers_min, WRITERS_MAX);
        let flush_rows_max = count("flush_rows_max", self.flush_rows_max, 1, 4_096);
        let flush_bytes_max = count("flush_bytes_max", self.flush_bytes_max, 1 << 16, 1 << 26);
        let queue_rows_max = count("queue_rows_max", self.queue_rows_max, batch, 1_000_000);
        let queue_bytes_max = count(
            "queue_bytes_max",
            self.queue_bytes_max,
            body.saturating_mul(BYTES_IN_MEMORY),
            BYTES_MAX,
        );
        let writes_in_flight_max = count(
            "writes_in_flight_max",
            self.writes_in_flight_max,
            1,
            1_000_000,
        );
        let body_bytes_in_flight_max = count(
            "body_bytes_in_flight_max",
            self.body_bytes_in_flight_max,
            body,
            BYTES_MAX,
        );
        let mut wait = |key: &str, text: &str, min: u64| {
            let range = Duration::from_millis(min)..=MINUTE;
            problems.duration(&format!("ingest.{key}"), text, range)
        };
        Settings {
            writers_min,
            writers_max,
            flush_rows_max,
            flush_bytes_max,
            queue_rows_max,
            queue_bytes_max,
            queue_wait_max: wait("queue_wait_max", &self.queue_wait_max, 10),
            queue_delay_max: wait("queue_delay_max", &self.queue_delay_max, 1),
            writes_in_flight_max,
            body_bytes_in_flight_max,
        }
    }

    /// Longest flush, which is a setting of the store.
    pub(super) fn flush_timeout(&self, problems: &mut Problems) -> Duration {
        problems.duration(
            "ingest.flush_timeout",
            &self.flush_timeout,
            Duration::from_millis(100)..=MINUTE,
        )
    }
}
