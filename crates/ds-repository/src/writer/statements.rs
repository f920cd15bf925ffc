//! What a writer says to the server.

use crate::{row::event_columns, statement::Statement};

/// Queues behind other writers of the same ids. The keys come sorted, and who holds the lock over
/// all ids asks for no other, so nobody waits in a circle.
pub(crate) const LOCK_FEW: Statement = Statement::new(
    "-- lock_event_ids
SELECT pg_advisory_xact_lock_shared($1::int4, 0)
UNION ALL
SELECT pg_advisory_xact_lock($2::int4, key) FROM unnest($3::int4[]) AS key",
);

/// Queues behind every other writer of chosen ids.
pub(crate) const LOCK_MANY: Statement = Statement::new(
    "-- lock_all_event_ids
SELECT pg_advisory_xact_lock($1::int4, 0)",
);

/// The arrays of [`Columns`](super::columns::Columns) as rows.
macro_rules! rows_from_arrays {
    () => {
        "unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::date[], $5::text[], $6::text[], \
         $7::text[], $8::text[], $9::text[], $10::text[], $11::inet[], $12::text[], $13::text[], \
         $14::text[], $15::text[], $16::uuid[], $17::date[], $18::text[], $19::text[], \
         $20::text[], $21::text[], $22::jsonb[], $23::jsonb[], $24::text[], $25::int4[], \
         $26::text[], $27::text[], $28::int4[], $29::bool[])"
    };
}

/// Stores rows, but not those whose key is taken. It locks only the partitions it writes to.
pub(crate) const INSERT: Statement = Statement::new(concat!(
    "-- append_events\nINSERT INTO audit_events (",
    event_columns!(),
    ")\nSELECT * FROM ",
    rows_from_arrays!(),
    "\nON CONFLICT DO NOTHING RETURNING event_id",
));

/// Says of each row whether what is stored under its id is the same in everything its sender
/// determines. The date of the parent is not: it is what we looked up. Nor is a trace that the sender
/// does not give: what is stored then is that of a request, and each repetition is a span of its own.
pub(crate) const COMPARE: Statement = Statement::new(concat!(
    "-- compare_events\nSELECT stored.same FROM ",
    rows_from_arrays!(),
    " WITH ORDINALITY AS given (",
    event_columns!(),
    ", position)
CROSS JOIN LATERAL (
    SELECT bool_or(
        (e.event_version, e.event_timestamp, e.event_type, e.event_category, e.event_action,
         e.event_outcome, e.actor_type, e.actor_id, e.actor_ip, e.resource_type, e.resource_id,
         e.resource_name, e.correlation_id, e.parent_event_id, e.namespace, e.cluster_name,
         e.event_data, e.event_metadata, e.severity, e.duration_ms, e.error_code,
         e.error_message, e.retention_days, e.is_sensitive)
        IS NOT DISTINCT FROM
        (given.event_version, given.event_timestamp, given.event_type, given.event_category,
         given.event_action, given.event_outcome, given.actor_type, given.actor_id, given.actor_ip,
         given.resource_type, given.resource_id, given.resource_name, given.correlation_id,
         given.parent_event_id, given.namespace, given.cluster_name, given.event_data,
         given.event_metadata, given.severity, given.duration_ms, given.error_code,
         given.error_message, given.retention_days, given.is_sensitive)
        AND (given.trace_id IS NULL OR given.trace_id IS NOT DISTINCT FROM e.trace_id)
        AND (given.span_id IS NULL OR given.span_id IS NOT DISTINCT FROM e.span_id)
    ) AS same
    FROM audit_events e WHERE e.event_id = given.event_id
) AS stored
ORDER BY given.position",
));

/// The first month whose partition somebody else holds, or waits, to change. By its name: whatever
/// reads its bounds would wait, too.
pub(crate) const FIND_LOCKED: Statement = Statement::new(
    r"-- find_locked_partition
SELECT to_date(right(c.relname, 7), 'YYYY_MM')
FROM pg_locks l
JOIN pg_inherits i ON i.inhrelid = l.relation
JOIN pg_class c ON c.oid = l.relation
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND i.inhparent = to_regclass('audit_events')
  AND c.relname ~ '^audit_events_\d{4}_\d{2}$'
ORDER BY l.granted DESC, 1 LIMIT 1",
);
