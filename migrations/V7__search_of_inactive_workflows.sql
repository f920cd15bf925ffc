-- Searches for workflows that are not active, by the same labels as those for the others. There are
-- few: names whose latest version was disabled, deprecated or archived.
--
-- Locks: SHARE on the catalogue while the index is built, which keeps its writers waiting. The table
-- came with the version before and holds one row per version of a workflow, so that takes moments.
CREATE INDEX idx_remediation_workflow_catalog_inactive_labels
    ON remediation_workflow_catalog ((labels->>'signal_type'), (labels->>'severity'))
    WHERE is_latest_version AND NOT is_search_version;
COMMENT ON INDEX idx_remediation_workflow_catalog_inactive_labels IS
    'What a search narrows by when it is to find workflows that are not active.';
