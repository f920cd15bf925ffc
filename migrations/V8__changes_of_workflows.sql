-- Which transaction added or changed a version last: for readers that keep what a search needs in
-- memory, and ask before each search for what their copy lacks. A transaction's number and a snapshot
-- say that exactly, in whatever order transactions commit; a clock or a sequence would not.
--
-- Locks: the column has no default, so adding it is short. Rows from before have no number; nobody has a
-- copy of them that is older.

ALTER TABLE remediation_workflow_catalog ADD COLUMN changed_in xid8;

COMMENT ON COLUMN remediation_workflow_catalog.changed_in IS
    'The transaction that last changed what a search sees of it; none since this column was added.';

CREATE FUNCTION workflow_catalog_note_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_in := pg_current_xact_id();
    RETURN NEW;
END
$$;

-- Not for statements that only count runs. Always, also for rows that a replication or a restore writes:
-- numbers of another server's transactions say nothing here.
CREATE TRIGGER remediation_workflow_catalog_note_change
    BEFORE INSERT OR UPDATE OF workflow_id, status, is_latest_version, is_search_version, labels,
        custom_labels, detected_labels, created_at, changed_in
    ON remediation_workflow_catalog
    FOR EACH ROW EXECUTE FUNCTION workflow_catalog_note_change();
ALTER TABLE remediation_workflow_catalog
    ENABLE ALWAYS TRIGGER remediation_workflow_catalog_note_change;

-- Locks: SHARE on the catalogue while the index is built, which keeps its writers waiting for moments.
CREATE INDEX idx_remediation_workflow_catalog_changed_in
    ON remediation_workflow_catalog (changed_in);
COMMENT ON INDEX idx_remediation_workflow_catalog_changed_in IS
    'What was changed since a snapshot.';

-- Searches narrowed by them. Locks: ACCESS EXCLUSIVE, for a moment. A binary of before that still runs
-- meanwhile reads the whole table instead.
DROP INDEX idx_remediation_workflow_catalog_labels;
DROP INDEX idx_remediation_workflow_catalog_inactive_labels;
