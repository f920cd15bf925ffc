//! The whole exposition, line by line: dashboards and alerts depend on every name and label in it.
//!
//! To accept a change on purpose, run with `UPDATE_EXPOSITION=1` and read the difference.

#![cfg(feature = "exporter")]

use std::collections::BTreeSet;

use ds_metrics::{
    BacklogName, BreakerName, ExportEnd, Exporter, Outcome, Pool, Refusal, Replayed, SpoolRefusal,
    Stream, Table, TraceStatus, Worker, WorkflowOutcome, WorkflowWrite,
    catalog::{self, Kind, METRICS},
};

/// Gives every series of the catalogue a value.
fn touch_every_metric() {
    catalog::audit_traces("gateway", TraceStatus::Success).increment(2);
    catalog::audit_lag("gateway").record(0.3);
    catalog::write_duration(Table::AuditEvents).record(0.004);
    catalog::actions(Outcome::Success).increment(2);
    catalog::validation_failures("event_type", "required").increment(1);
    catalog::event_kind_findings("gateway.signal.received", "unexpected_action").increment(1);
    catalog::redactions("password-json").increment(1);
    catalog::content_flags("xss_detected").increment(1);
    touch_the_catalogue();
    catalog::query_duration("queryAuditEvents").record(0.02);
    catalog::queries("queryAuditEvents", Outcome::Success).increment(1);
    touch_the_exports();
    catalog::http_requests("/api/v1/audit/events", "POST", "201").increment(3);
    catalog::http_request_duration("/api/v1/audit/events", "POST").record(0.006);
    catalog::http_requests_in_flight().set(1.0);
    catalog::http_panics().increment(1);
    catalog::http_connections().set(7.0);
    catalog::http_connections_refused().increment(1);
    for pool in Pool::ALL {
        catalog::db_connections_open(*pool).set(3.0);
        catalog::db_connections_in_use(*pool).set(1.0);
        catalog::db_connections_idle(*pool).set(2.0);
        catalog::db_connections_max(*pool).set(4.0);
    }
    catalog::db_connection_wait_duration(Pool::Write).record(0.0007);
    for stream in Stream::ALL {
        catalog::dlq_depth(*stream).set(850.0);
        catalog::dlq_bytes(*stream).set(900_000.0);
        catalog::dlq_capacity_ratio(*stream).set(0.85);
        catalog::dlq_warning(*stream).set(1.0);
        catalog::dlq_critical(*stream).set(0.0);
        catalog::dlq_overflow_imminent(*stream).set(0.0);
        catalog::dlq_enqueued(*stream, stream.entry()).increment(5);
        catalog::dlq_refused(*stream).increment(1);
        catalog::dlq_oldest_age(*stream).set(12.5);
        catalog::dlq_deferred(*stream).set(2.0);
        catalog::dlq_dead_letters(*stream).set(1.0);
    }
    catalog::dlq_durable().set(1.0);
    catalog::dlq_connected().set(1.0);
    touch_the_write_path();
    catalog::partition_failing("audit_events_2026_11").set(1.0);
    catalog::partition_failures("audit_events_2026_11").increment(1);
    touch_the_spool();
    catalog::partition_horizon().set(97.0);
    for worker in Worker::ALL {
        catalog::worker_passes(*worker, Outcome::Success).increment(1);
        catalog::worker_last_success(*worker).set(1_795_000_000.0);
    }
    catalog::ready().set(1.0);
    catalog::build_info("0.1.0").set(1.0);
}

fn touch_the_catalogue() {
    catalog::workflow_writes(WorkflowWrite::Create, WorkflowOutcome::Success).increment(1);
    catalog::workflow_write_duration(WorkflowWrite::Create).record(0.003);
    catalog::workflow_warnings("content_hash_mismatch").increment(1);
}

fn touch_the_spool() {
    catalog::spool_entries().set(3.0);
    catalog::spool_bytes().set(2_500.0);
    catalog::spool_capacity_ratio().set(0.25);
    catalog::spool_oldest_age().set(12.5);
    catalog::spool_puts().increment(4);
    for reason in SpoolRefusal::ALL {
        catalog::spool_refused(*reason).increment(1);
    }
    catalog::spool_dead_letters().set(1.0);
    catalog::spool_recovered_entries().set(2.0);
    catalog::spool_corruptions().increment(1);
}

fn touch_the_trail() {
    catalog::audit_events_buffered(catalog::TRAIL).increment(9);
    catalog::audit_events_dropped(catalog::TRAIL).increment(1);
    catalog::audit_events_written(catalog::TRAIL).increment(8);
    catalog::audit_batches_failed(catalog::TRAIL).increment(1);
    catalog::audit_buffer_size(catalog::TRAIL).set(3.0);
    catalog::audit_buffer_capacity(catalog::TRAIL).set(50_000.0);
    catalog::audit_buffer_utilization(catalog::TRAIL).set(0.00006);
    catalog::audit_write_duration(catalog::TRAIL).record(0.003);
}

fn touch_the_exports() {
    touch_the_trail();
    catalog::search_duration().record(0.002);
    catalog::search_results().record(7.0);
    catalog::search_zero_hits().increment(1);
    catalog::search_index_workflows().set(200.0);
    catalog::search_index_loads().increment(1);
    catalog::exports_active().set(1.0);
    for end in ExportEnd::ALL {
        catalog::exports(*end).increment(2);
    }
    catalog::exports_refused().increment(1);
}

fn touch_the_write_path() {
    catalog::flush_rows().record(37.0);
    catalog::flush_duration().record(0.003);
    catalog::queue_wait().record(0.0004);
    catalog::queue_rows().set(12.0);
    catalog::queue_bytes().set(9_000.0);
    catalog::queue_delay().set(0.002);
    catalog::queue_expired().increment(1);
    catalog::writers_active().set(2.0);
    catalog::writers_wanted().set(4.0);
    for reason in Refusal::ALL {
        catalog::writes_refused(*reason).increment(1);
    }
    for breaker in BreakerName::ALL {
        catalog::breaker_state(*breaker).set(2.0);
        catalog::breaker_opened(*breaker).increment(1);
    }
    for backlog in BacklogName::ALL {
        catalog::parked(*backlog).increment(4);
        for outcome in Replayed::ALL {
            catalog::replayed(*backlog, *outcome).increment(3);
        }
    }
}

/// The catalogue's part of the exposition, sorted: the exporter keeps no order of series, and the
/// values about the process differ from run to run.
fn sorted(exposition: &str) -> String {
    let is_ours = |line: &&str| !line.is_empty() && !line.contains("process_");
    let lines: BTreeSet<&str> = exposition.lines().filter(is_ours).collect();
    lines.into_iter().flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn the_exposition_is_the_one_that_is_documented() {
    let exporter = Exporter::install(["gateway", "notification"].into_iter()).unwrap();
    touch_every_metric();
    exporter.upkeep();
    let exposition = exporter.render();

    for metric in METRICS {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let line = format!("# TYPE {} {kind}", metric.name);
        assert!(exposition.lines().any(|found| found == line), "{line}");
    }
    assert!(exposition.contains("process_resident_memory_bytes "));
    assert!(exposition.contains("process_open_fds "));

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/exposition.txt");
    let sorted = sorted(&exposition);
    if std::env::var_os("UPDATE_EXPOSITION").is_some() {
        std::fs::write(path, &sorted).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    for (found, expected) in sorted.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(sorted.lines().count(), expected.lines().count());
    assert!(
        Exporter::install(std::iter::empty()).is_err(),
        "there is one recorder"
    );
}
