//! Every metric, once. The doc comment of an entry is its help text.

use metrics::{Counter, Gauge, Histogram, Unit};

use crate::{
    BacklogName, BreakerName, ExportEnd, Outcome, Pool, Refusal, Replayed, SpoolRefusal, Stream,
    Table, TraceStatus, Worker, WorkflowOutcome, WorkflowWrite, bucket,
};

/// What kind of series a metric has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values in these buckets.
    Histogram(&'static [f64]),
}

/// One line of the catalogue.
#[derive(Debug)]
pub struct Metric {
    /// Name as exposed.
    pub name: &'static str,
    /// Kind of its series.
    pub kind: Kind,
    /// Unit of its values.
    pub unit: Unit,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// Help text.
    pub help: &'static str,
}

/// Declares the metrics: for each a function that returns its handle, and a line in [`METRICS`].
macro_rules! metrics_catalog {
    (@handle counter) => { Counter };
    (@handle gauge) => { Gauge };
    (@handle histogram) => { Histogram };
    (@make counter $name:literal $($labels:tt)*) => { metrics::counter!($name, $($labels)*) };
    (@make gauge $name:literal $($labels:tt)*) => { metrics::gauge!($name, $($labels)*) };
    (@make histogram $name:literal $($labels:tt)*) => { metrics::histogram!($name, $($labels)*) };
    (@label r#type) => { "type" };
    (@label $label:ident) => { stringify!($label) };
    (@kind counter) => { Kind::Counter };
    (@kind gauge) => { Kind::Gauge };
    (@kind histogram $buckets:expr) => { Kind::Histogram($buckets) };
    ($(
        #[doc = $help:literal]
        $function:ident: $kind:ident($name:literal, $unit:ident $(, $buckets:expr)?)
            [$($label:ident: $label_type:ty),*];
    )+) => {
        /// Every metric, in the order of the documentation.
        pub const METRICS: &[Metric] = &[$(
            Metric {
                name: $name,
                kind: metrics_catalog!(@kind $kind $($buckets)?),
                unit: Unit::$unit,
                labels: &[$(metrics_catalog!(@label $label)),*],
                help: $help.trim_ascii(),
            },
        )+];

        $(
            #[doc = $help]
            pub fn $function($($label: impl Into<$label_type>),*) -> metrics_catalog!(@handle $kind) {
                metrics_catalog!(
                    @make $kind $name $(metrics_catalog!(@label $label) => $label.into()),*
                )
            }
        )+
    };
}

/// A label value that is a constant of the program: never text that a client sent.
pub type Static = &'static str;

/// A label value that names a monthly partition. The accepted window of time bounds how many there
/// are.
pub type Partition = String;

metrics_catalog! {
    /// Audit events by the part of the platform they belong to and what became of them.
    audit_traces: counter("datastorage_audit_traces_total", Count) [service: Static, status: Static];
    /// Time between an event and its row.
    audit_lag: histogram("datastorage_audit_lag_seconds", Seconds, bucket::LAG) [service: Static];
    /// Time to make a write durable.
    write_duration: histogram("datastorage_write_duration_seconds", Seconds, bucket::WRITE) [table: Static];
    /// Actions by what became of them; one that is sent again is not counted again.
    actions: counter("datastorage_action_traces_total", Count) [status: Static];
    /// Broken rules in refused requests, by envelope member and rule.
    validation_failures: counter("datastorage_validation_failures_total", Count) [field: Static, reason: Static];
    /// Ways in which accepted events differ from others of their type; unknown types under one label.
    event_kind_findings: counter("datastorage_event_kind_findings_total", Count) [event_type: Static, rule: Static];
    /// Texts of accepted events from which secrets were taken out, by the rule that found them.
    redactions: counter("datastorage_redactions_total", Count) [rule: Static];
    /// Texts of accepted events that look like markup or SQL; they are stored as they came.
    content_flags: counter("datastorage_content_flags_total", Count) [rule: Static];
    /// Writes to the catalogue of workflows by how they ended.
    workflow_writes: counter("datastorage_workflow_writes_total", Count) [operation: Static, status: Static];
    /// Time of a write to the catalogue of workflows; a batch is one.
    workflow_write_duration: histogram("datastorage_workflow_write_duration_seconds", Seconds, bucket::WRITE) [operation: Static];
    /// Stored workflows whose author was warned, by the broken rule.
    workflow_warnings: counter("datastorage_workflow_warnings_total", Count) [rule: Static];
    /// Time to answer a query from the store.
    query_duration: histogram("datastorage_query_duration_seconds", Seconds, bucket::QUERY) [operation: Static];
    /// Queries by how they ended.
    queries: counter("datastorage_query_total", Count) [operation: Static, status: Static];
    /// Time to find the workflows that suit best.
    search_duration: histogram("datastorage_workflow_search_duration_seconds", Seconds, bucket::QUERY) [];
    /// Workflows that a search gave.
    search_results: histogram("datastorage_workflow_search_results", Count, bucket::RESULTS) [];
    /// Searches that found no workflow.
    search_zero_hits: counter("datastorage_workflow_search_zero_hits_total", Count) [];
    /// Workflows that searches can find, as of the last search.
    search_index_workflows: gauge("datastorage_workflow_search_index_workflows", Count) [];
    /// Times the whole catalogue was read for searches: once per start of the service or of PostgreSQL.
    search_index_loads: counter("datastorage_workflow_search_index_loads_total", Count) [];
    /// Streams of events that are being sent.
    exports_active: gauge("datastorage_exports_active", Count) [];
    /// Streams of events by how they ended.
    exports: counter("datastorage_exports_total", Count) [status: Static];
    /// Streams of events refused because there were too many; each was told when to come again.
    exports_refused: counter("datastorage_exports_refused_total", Count) [];
    /// Requests by route template.
    http_requests: counter("datastorage_http_requests_total", Count) [route: Static, method: Static, status: Static];
    /// Time from the last byte of a request's head to its answer.
    http_request_duration: histogram("datastorage_http_request_duration_seconds", Seconds, bucket::REQUEST) [route: Static, method: Static];
    /// Requests being answered.
    http_requests_in_flight: gauge("datastorage_http_requests_in_flight", Count) [];
    /// Handlers that panicked; each was answered 500.
    http_panics: counter("datastorage_http_panics_total", Count) [];
    /// Open connections.
    http_connections: gauge("datastorage_http_connections", Count) [];
    /// Connections closed at once because the limit was reached.
    http_connections_refused: counter("datastorage_http_connections_refused_total", Count) [];
    /// Connections to PostgreSQL that are open.
    db_connections_open: gauge("datastorage_db_connections_open", Count) [pool: Static];
    /// Connections to PostgreSQL that are in use.
    db_connections_in_use: gauge("datastorage_db_connections_in_use", Count) [pool: Static];
    /// Connections to PostgreSQL that are idle.
    db_connections_idle: gauge("datastorage_db_connections_idle", Count) [pool: Static];
    /// Most connections to PostgreSQL a pool may open.
    db_connections_max: gauge("datastorage_db_connections_max", Count) [pool: Static];
    /// Time spent waiting for a connection from a pool.
    db_connection_wait_duration: histogram("datastorage_db_connection_wait_duration_seconds", Seconds, bucket::REQUEST) [pool: Static];
    /// Rows that one flush stored together.
    flush_rows: histogram("datastorage_ingest_flush_rows", Count, bucket::ROWS) [];
    /// Time of one flush, commit included.
    flush_duration: histogram("datastorage_ingest_flush_duration_seconds", Seconds, bucket::WRITE) [];
    /// Time the first request of a flush has waited for a writer.
    queue_wait: histogram("datastorage_ingest_queue_wait_seconds", Seconds, bucket::REQUEST) [];
    /// Rows that wait for a writer.
    queue_rows: gauge("datastorage_ingest_queue_rows", Count) [];
    /// Bytes that wait for a writer.
    queue_bytes: gauge("datastorage_ingest_queue_bytes", Bytes) [];
    /// Time that a new request has to expect to wait for a writer.
    queue_delay: gauge("datastorage_ingest_queue_delay_seconds", Seconds) [];
    /// Requests that no writer took in time; they were parked or refused.
    queue_expired: counter("datastorage_ingest_queue_expired_total", Count) [];
    /// Writers at work.
    writers_active: gauge("datastorage_ingest_writers_active", Count) [];
    /// Writers that are worth their while at the present speed of the store.
    writers_wanted: gauge("datastorage_ingest_writers_wanted", Count) [];
    /// Writes refused because of overload; each was told when to come again.
    writes_refused: counter("datastorage_ingest_writes_refused_total", Count) [reason: Static];
    /// State of a breaker: 0 closed, 1 half-open, 2 open.
    breaker_state: gauge("datastorage_breaker_state", Count) [breaker: Static];
    /// How often a breaker opened.
    breaker_opened: counter("datastorage_breaker_opened_total", Count) [breaker: Static];
    /// Events made durable in a backlog because the store could not take them.
    parked: counter("datastorage_parked_events_total", Count) [backlog: Static];
    /// Entries of a backlog that were replayed, by what became of them.
    replayed: counter("datastorage_replayed_entries_total", Count) [backlog: Static, outcome: Static];
    /// 1 while the events or actions of a partition cannot be stored although others can.
    partition_failing: gauge("datastorage_partition_failing", Count) [partition: Partition];
    /// Failures to store events or actions of a partition although others can be stored.
    partition_failures: counter("datastorage_partition_failures_total", Count) [partition: Partition];
    /// Entries that wait in the queue, deferred ones included.
    dlq_depth: gauge("datastorage_dlq_depth", Count) [stream: Static];
    /// Bytes of the entries that wait in the queue.
    dlq_bytes: gauge("datastorage_dlq_bytes", Bytes) [stream: Static];
    /// How full the queue is, in entries or bytes, whichever is fuller; at 1 it refuses.
    dlq_capacity_ratio: gauge("datastorage_dlq_capacity_ratio", Count) [stream: Static];
    /// 1 while the queue is at least 80 % full, but less than 90 %.
    dlq_warning: gauge("datastorage_dlq_warning", Count) [stream: Static];
    /// 1 while the queue is at least 90 % full, but less than 95 %.
    dlq_critical: gauge("datastorage_dlq_critical", Count) [stream: Static];
    /// 1 while the queue is at least 95 % full.
    dlq_overflow_imminent: gauge("datastorage_dlq_overflow_imminent", Count) [stream: Static];
    /// Entries that were put into the queue.
    dlq_enqueued: counter("datastorage_dlq_enqueue_total", Count) [stream: Static, r#type: Static];
    /// Entries that the queue did not take because it was full.
    dlq_refused: counter("datastorage_dlq_refused_total", Count) [stream: Static];
    /// Time that the oldest entry has waited in the queue.
    dlq_oldest_age: gauge("datastorage_dlq_oldest_age_seconds", Seconds) [stream: Static];
    /// Entries of the queue that failed and are not due yet.
    dlq_deferred: gauge("datastorage_dlq_deferred", Count) [stream: Static];
    /// Dead letters of the queue.
    dlq_dead_letters: gauge("datastorage_dlq_dead_letters", Count) [stream: Static];
    /// 1 while what the queue acknowledges survives the loss of power.
    dlq_durable: gauge("datastorage_dlq_durable", Count) [];
    /// 1 while the queue is connected.
    dlq_connected: gauge("datastorage_dlq_connected", Count) [];
    /// Entries that wait in the local spool.
    spool_entries: gauge("datastorage_spool_entries", Count) [];
    /// Bytes of the entries that wait in the local spool.
    spool_bytes: gauge("datastorage_spool_bytes", Bytes) [];
    /// How full the local spool is, in entries or bytes, whichever is fuller; at 1 it refuses.
    spool_capacity_ratio: gauge("datastorage_spool_capacity_ratio", Count) [];
    /// Time that the oldest entry has waited in the local spool.
    spool_oldest_age: gauge("datastorage_spool_oldest_age_seconds", Seconds) [];
    /// Entries that were put into the local spool.
    spool_puts: counter("datastorage_spool_puts_total", Count) [];
    /// Entries that the local spool did not take, by what was in the way.
    spool_refused: counter("datastorage_spool_refused_total", Count) [reason: Static];
    /// Dead letters in the local spool.
    spool_dead_letters: gauge("datastorage_spool_dead_letters", Count) [];
    /// Entries that waited in the local spool when it was opened.
    spool_recovered_entries: gauge("datastorage_spool_recovered_entries", Count) [];
    /// Places of the local spool that were found torn, damaged, unreadable or missing when it was opened.
    spool_corruptions: counter("datastorage_spool_corruptions_total", Count) [];
    /// Events of the service itself that were left to be recorded behind an answer.
    audit_events_buffered: counter("audit_events_buffered_total", Count) [service: Static];
    /// Events of the service itself that were dropped: their buffer was full, or no place took them before the end.
    audit_events_dropped: counter("audit_events_dropped_total", Count) [service: Static];
    /// Events of the service itself that were recorded.
    audit_events_written: counter("audit_events_written_total", Count) [service: Static];
    /// Attempts to record events of the service itself that failed; most are repeated.
    audit_batches_failed: counter("audit_batches_failed_total", Count) [service: Static];
    /// Events of the service itself that wait to be recorded.
    audit_buffer_size: gauge("audit_buffer_size", Count) [service: Static];
    /// Most events of the service itself that may wait.
    audit_buffer_capacity: gauge("audit_buffer_capacity", Count) [service: Static];
    /// How full the buffer of such events is; at 1 it drops the newest.
    audit_buffer_utilization: gauge("audit_buffer_utilization_ratio", Count) [service: Static];
    /// Time to record a batch of such events.
    audit_write_duration: histogram("audit_write_duration_seconds", Seconds, bucket::WRITE) [service: Static];
    /// Days from today to the end of the last monthly partition.
    partition_horizon: gauge("datastorage_partition_horizon_days", Count) [];
    /// Passes of a background worker by how they ended.
    worker_passes: counter("datastorage_worker_passes_total", Count) [worker: Static, status: Static];
    /// Unix time of a background worker's last successful pass.
    worker_last_success: gauge("datastorage_worker_last_success_timestamp_seconds", Seconds) [worker: Static];
    /// 1 while the service is ready for traffic.
    ready: gauge("datastorage_ready", Count) [];
    /// Always 1; the label says which build is running.
    build_info: gauge("datastorage_build_info", Count) [version: Static];
}

/// What the service calls itself as a sender of events.
pub const TRAIL: Static = "datastorage";

fn register_exports() {
    for end in ExportEnd::ALL {
        exports(*end).absolute(0);
    }
    exports_refused().absolute(0);
    exports_active().set(0.0);
}

/// The series of the catalogue, and of what the service notes about it.
fn register_workflows() {
    for operation in WorkflowWrite::ALL {
        for outcome in WorkflowOutcome::ALL {
            workflow_writes(*operation, *outcome).absolute(0);
        }
        let _ = workflow_write_duration(*operation);
    }
    search_zero_hits().absolute(0);
    for counter in [
        audit_events_buffered(TRAIL),
        audit_events_dropped(TRAIL),
        audit_events_written(TRAIL),
        audit_batches_failed(TRAIL),
    ] {
        counter.absolute(0);
    }
}

/// Describes every metric to the installed recorder, and starts the series whose labels this crate
/// knows at zero, so that the first increment is visible to `rate()`.
pub fn register(services: impl Iterator<Item = &'static str>) {
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.unit, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.unit, metric.help),
            Kind::Histogram(_) => {
                metrics::describe_histogram!(metric.name, metric.unit, metric.help);
            }
        }
    }
    for service in services {
        for status in TraceStatus::ALL {
            audit_traces(service, *status).absolute(0);
        }
    }
    start_outcomes();
    for pool in Pool::ALL {
        db_connections_open(*pool).set(0.0);
        db_connections_in_use(*pool).set(0.0);
        db_connections_idle(*pool).set(0.0);
    }
    for name in BreakerName::ALL {
        breaker_opened(*name).absolute(0);
        breaker_state(*name).set(0.0);
    }
    for backlog in BacklogName::ALL {
        parked(*backlog).absolute(0);
        for outcome in Replayed::ALL {
            replayed(*backlog, *outcome).absolute(0);
        }
    }
    for reason in Refusal::ALL {
        writes_refused(*reason).absolute(0);
    }
    queue_expired().absolute(0);
    register_exports();
    register_workflows();
    for stream in Stream::ALL {
        dlq_enqueued(*stream, stream.entry()).absolute(0);
        dlq_refused(*stream).absolute(0);
    }
    for reason in SpoolRefusal::ALL {
        spool_refused(*reason).absolute(0);
    }
    spool_puts().absolute(0);
    spool_corruptions().absolute(0);
    for table in Table::ALL {
        let _ = write_duration(*table);
    }
    http_panics().absolute(0);
    http_connections_refused().absolute(0);
    http_connections().set(0.0);
    http_requests_in_flight().set(0.0);
    ready().set(0.0);
}

/// Starts the series of what ended in one way or the other.
fn start_outcomes() {
    for outcome in Outcome::ALL {
        actions(*outcome).absolute(0);
        for worker in Worker::ALL {
            worker_passes(*worker, *outcome).absolute(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_say_their_kind() {
        let mut names: Vec<_> = METRICS.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METRICS.len());
        for metric in METRICS {
            assert_eq!(
                metric.kind == Kind::Counter,
                metric.name.ends_with("_total"),
                "{}",
                metric.name
            );
        }
    }
}
