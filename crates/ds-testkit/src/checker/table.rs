//! The tables that records are stored in, and what their columns are when a record was stored.

/// A table of records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    name: &'static str,
    /// The column with the mark.
    mark: &'static str,
    /// The column with the id, which is one of the form of UUIDs.
    id: &'static str,
    /// Every column, and what it is after `sent.body` was stored: the member, or its default.
    columns: &'static [(&'static str, &'static str)],
}

pub(super) const EVENTS: Table = Table {
    name: "audit_events",
    mark: "correlation_id",
    id: "event_id",
    columns: &[
        (
            "event_id",
            "coalesce((body->>'event_id')::uuid, stored.event_id)",
        ),
        ("event_version", "body->>'version'"),
        ("event_timestamp", "(body->>'event_timestamp')::timestamptz"),
        (
            "event_date",
            "((body->>'event_timestamp')::timestamptz AT TIME ZONE 'UTC')::date",
        ),
        ("event_type", "body->>'event_type'"),
        ("event_category", "body->>'event_category'"),
        ("event_action", "body->>'event_action'"),
        ("event_outcome", "body->>'event_outcome'"),
        ("correlation_id", "body->>'correlation_id'"),
        (
            "actor_type",
            "coalesce(nullif(body->>'actor_type', ''), 'service')",
        ),
        (
            "actor_id",
            "coalesce(nullif(body->>'actor_id', ''), (body->>'event_category') || '-service')",
        ),
        ("actor_ip", "(body->>'actor_ip')::inet"),
        (
            "resource_type",
            "coalesce(nullif(body->>'resource_type', ''), body->>'event_category')",
        ),
        (
            "resource_id",
            "coalesce(nullif(body->>'resource_id', ''), body->>'correlation_id')",
        ),
        ("resource_name", "nullif(body->>'resource_name', '')"),
        ("parent_event_id", "(body->>'parent_event_id')::uuid"),
        ("trace_id", "nullif(body->>'trace_id', '')"),
        ("span_id", "nullif(body->>'span_id', '')"),
        ("namespace", "nullif(body->>'namespace', '')"),
        ("cluster_name", "nullif(body->>'cluster_name', '')"),
        ("event_data", "body->'event_data'"),
        ("event_metadata", "nullif(body->'event_metadata', 'null')"),
        (
            "severity",
            "nullif(coalesce(body->>'severity', 'info'), '')",
        ),
        ("duration_ms", "(body->>'duration_ms')::integer"),
        ("error_code", "nullif(body->>'error_code', '')"),
        ("error_message", "nullif(body->>'error_message', '')"),
        (
            "retention_days",
            "coalesce((body->>'retention_days')::integer, 2555)",
        ),
        (
            "is_sensitive",
            "coalesce((body->>'is_sensitive')::boolean, false)",
        ),
    ],
};

pub(super) const NOTIFICATIONS: Table = Table {
    name: "notification_audit",
    mark: "remediation_id",
    id: "notification_id",
    columns: &[
        ("remediation_id", "body->>'remediation_id'"),
        ("notification_id", "body->>'notification_id'"),
        ("recipient", "body->>'recipient'"),
        ("channel", "lower(body->>'channel')"),
        ("message_summary", "body->>'message_summary'"),
        ("status", "lower(body->>'status')"),
        ("sent_at", "(body->>'sent_at')::timestamptz"),
        ("delivery_status", "nullif(body->>'delivery_status', '')"),
        ("error_message", "nullif(body->>'error_message', '')"),
        (
            "escalation_level",
            "coalesce((body->>'escalation_level')::integer, 0)",
        ),
    ],
};

impl Table {
    /// Compares bodies with what is stored under their marks: mark, id and the columns that differ.
    pub(super) fn comparison(&self) -> String {
        let Self { name, mark, id, .. } = self;
        let differences = self.columns.iter().map(|(column, expected)| {
            format!("CASE WHEN stored.{column} IS DISTINCT FROM ({expected}) THEN '{column}' END")
        });
        let differences: Vec<String> = differences.collect();
        format!(
            "-- checker_compare
WITH sent AS MATERIALIZED (
    SELECT mark, body::jsonb AS body FROM unnest($1::text[], $2::text[]) AS given (mark, body)
)
SELECT sent.mark, stored.{id}::uuid, array_remove(ARRAY[{}], NULL)
FROM sent JOIN {name} stored ON stored.{mark} = sent.mark",
            differences.join(",\n    ")
        )
    }

    /// Rows of one id, which the key of a table in parts cannot rule out.
    pub(super) fn repeated_ids(&self) -> String {
        let Self { name, mark, id, .. } = self;
        format!(
            "-- checker_repeated_ids
SELECT {id}::uuid, count(*), min({mark}) FROM {name} GROUP BY {id} HAVING count(*) > 1"
        )
    }

    /// Rows of each mark.
    pub(super) fn counts(&self) -> String {
        let Self { name, mark, .. } = self;
        format!(
            "-- checker_counts
SELECT {mark}, count(*) FROM {name} WHERE starts_with({mark}, $1) GROUP BY {mark}"
        )
    }
}
