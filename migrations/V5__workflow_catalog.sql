-- The catalogue of remediation workflows: one row per version. What a version is never changes;
-- what may change is its status, its counters and which version of a name is on top.
--
-- Names of columns are those of the first service. Names of constraints are an interface, as in V1.
-- Widths of texts equal ds_domain::limit::WORKFLOW_TEXT_FIELDS; a test compares them.
--
-- Locks: new tables lock nothing that is in use.

CREATE TABLE remediation_workflow_catalog (
    workflow_id               uuid         NOT NULL DEFAULT gen_random_uuid(),
    -- Order of arrival, also of versions that arrived within one microsecond. Writers of one name
    -- queue behind a lock, so within a name it is the order of commits, too.
    arrival                   bigint       GENERATED ALWAYS AS IDENTITY,
    workflow_name             varchar(255) NOT NULL,
    version                   varchar(50)  NOT NULL,
    name                      varchar(255) NOT NULL,
    description               text         NOT NULL,
    owner                     varchar(255),
    maintainer                varchar(255),
    content                   text         NOT NULL,
    -- What the author says it is; the service compares it with the content and says so.
    content_hash              varchar(64)  NOT NULL,
    parameters                jsonb,
    execution_engine          varchar(50)  NOT NULL DEFAULT 'tekton',
    container_image           text,
    container_digest          varchar(71),
    labels                    jsonb        NOT NULL DEFAULT '{}',
    custom_labels             jsonb        NOT NULL DEFAULT '{}',
    detected_labels           jsonb        NOT NULL DEFAULT '{}',
    status                    varchar(20)  NOT NULL DEFAULT 'active',
    status_reason             text,
    disabled_at               timestamptz,
    disabled_by               varchar(255),
    disabled_reason           text,
    -- The highest version of its name, whatever its status (ds_domain::workflow::version says which
    -- one is higher). Once a name has a version, exactly one is the latest.
    is_latest_version         boolean      NOT NULL DEFAULT false,
    -- The highest version of its name among those that are active: the one a search finds. It is the
    -- latest one unless that was disabled; a name without active versions has none. Writers keep it
    -- so under the lock of the name, in the transaction that changes a status or adds a version:
    --     what a search offers                        WHERE is_search_version
    --     ... and names whose latest is not active    WHERE is_latest_version
    is_search_version         boolean      NOT NULL DEFAULT false,
    previous_version          varchar(50),
    deprecation_notice        text,
    version_notes             text,
    change_summary            text,
    approved_by               varchar(255),
    approved_at               timestamptz,
    expected_success_rate     numeric(4,3),
    expected_duration_seconds integer,
    actual_success_rate       numeric(4,3),
    total_executions          integer      NOT NULL DEFAULT 0,
    successful_executions     integer      NOT NULL DEFAULT 0,
    created_at                timestamptz  NOT NULL DEFAULT clock_timestamp(),
    updated_at                timestamptz  NOT NULL DEFAULT clock_timestamp(),
    created_by                varchar(255),
    updated_by                varchar(255),

    CONSTRAINT remediation_workflow_catalog_pkey PRIMARY KEY (workflow_id),
    CONSTRAINT uq_workflow_name_version UNIQUE (workflow_name, version),

    CONSTRAINT remediation_workflow_catalog_workflow_name_not_empty CHECK (workflow_name <> ''),
    CONSTRAINT remediation_workflow_catalog_version_not_empty CHECK (version <> ''),
    CONSTRAINT remediation_workflow_catalog_name_not_empty CHECK (name <> ''),
    CONSTRAINT remediation_workflow_catalog_description_not_empty CHECK (description <> ''),
    CONSTRAINT remediation_workflow_catalog_content_not_empty CHECK (content <> ''),
    CONSTRAINT remediation_workflow_catalog_content_hash_length
        CHECK (char_length(content_hash) = 64),
    CONSTRAINT remediation_workflow_catalog_container_digest_form
        CHECK (container_digest ~ '^sha256:[0-9a-f]{64}$'),
    CONSTRAINT remediation_workflow_catalog_parameters_is_object
        CHECK (jsonb_typeof(parameters) = 'object'),
    CONSTRAINT remediation_workflow_catalog_labels_is_object
        CHECK (jsonb_typeof(labels) = 'object'),
    CONSTRAINT remediation_workflow_catalog_custom_labels_is_object
        CHECK (jsonb_typeof(custom_labels) = 'object'),
    CONSTRAINT remediation_workflow_catalog_detected_labels_is_object
        CHECK (jsonb_typeof(detected_labels) = 'object'),
    CONSTRAINT remediation_workflow_catalog_status_known
        CHECK (status IN ('active', 'disabled', 'deprecated', 'archived')),
    CONSTRAINT remediation_workflow_catalog_disabled_at_finite CHECK (isfinite(disabled_at)),
    CONSTRAINT remediation_workflow_catalog_search_version_active
        CHECK (status = 'active' OR NOT is_search_version),
    CONSTRAINT remediation_workflow_catalog_approved_at_finite CHECK (isfinite(approved_at)),
    CONSTRAINT remediation_workflow_catalog_expected_success_rate_in_range
        CHECK (expected_success_rate BETWEEN 0 AND 1),
    CONSTRAINT remediation_workflow_catalog_expected_duration_not_negative
        CHECK (expected_duration_seconds >= 0),
    CONSTRAINT remediation_workflow_catalog_actual_success_rate_in_range
        CHECK (actual_success_rate BETWEEN 0 AND 1),
    CONSTRAINT remediation_workflow_catalog_executions_in_range
        CHECK (successful_executions BETWEEN 0 AND total_executions)
);

COMMENT ON TABLE remediation_workflow_catalog IS
    'Versions of remediation workflows. Content is written once; status and counters change.';

CREATE UNIQUE INDEX uq_remediation_workflow_catalog_latest
    ON remediation_workflow_catalog (workflow_name) WHERE is_latest_version;
COMMENT ON INDEX uq_remediation_workflow_catalog_latest IS 'One latest version per name.';

CREATE UNIQUE INDEX uq_remediation_workflow_catalog_search
    ON remediation_workflow_catalog (workflow_name) WHERE is_search_version;
COMMENT ON INDEX uq_remediation_workflow_catalog_search IS 'One version per name that is found.';

CREATE INDEX idx_remediation_workflow_catalog_created_at
    ON remediation_workflow_catalog (created_at DESC, workflow_id DESC);
COMMENT ON INDEX idx_remediation_workflow_catalog_created_at IS
    'Every page of a list: its order, and the walk that filters are applied to.';

CREATE INDEX idx_remediation_workflow_catalog_labels
    ON remediation_workflow_catalog ((labels->>'signal_type'), (labels->>'severity'))
    WHERE is_search_version;
COMMENT ON INDEX idx_remediation_workflow_catalog_labels IS
    'What a search narrows by: the two labels that know no wildcard.';

-- Runs of workflows that were reported under a name of their own, so that a report that is repeated
-- counts once. The sums are in the catalogue.
CREATE TABLE remediation_workflow_executions (
    workflow_id  uuid         NOT NULL,
    execution_id varchar(255) NOT NULL,
    executions   integer      NOT NULL,
    successful   integer      NOT NULL,
    recorded_at  timestamptz  NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT remediation_workflow_executions_pkey PRIMARY KEY (workflow_id, execution_id),
    CONSTRAINT remediation_workflow_executions_workflow_exists
        FOREIGN KEY (workflow_id) REFERENCES remediation_workflow_catalog (workflow_id)
        ON DELETE CASCADE,
    CONSTRAINT remediation_workflow_executions_execution_id_not_empty CHECK (execution_id <> ''),
    CONSTRAINT remediation_workflow_executions_executions_positive CHECK (executions >= 1),
    CONSTRAINT remediation_workflow_executions_successful_in_range
        CHECK (successful BETWEEN 0 AND executions)
);

COMMENT ON TABLE remediation_workflow_executions IS
    'Reports of runs that have a name, each counted once.';

-- Holds a version to what it was when it was made, also for the owner of the table. It runs only for
-- statements that mention one of these columns, so that counting a run costs no look at the content.
CREATE FUNCTION workflow_catalog_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    changed text;
BEGIN
    SELECT o.key INTO changed
        FROM jsonb_each(to_jsonb(OLD)) AS o JOIN jsonb_each(to_jsonb(NEW)) AS n USING (key)
        WHERE o.value IS DISTINCT FROM n.value AND key NOT IN ('status', 'status_reason',
            'disabled_at', 'disabled_by', 'disabled_reason', 'is_latest_version',
            'is_search_version', 'deprecation_notice', 'approved_by', 'approved_at',
            'actual_success_rate', 'total_executions', 'successful_executions', 'updated_at',
            'updated_by')
        ORDER BY key LIMIT 1;
    IF changed IS NOT NULL THEN
        RAISE EXCEPTION 'column % of a workflow cannot change', changed
            USING ERRCODE = 'check_violation',
                CONSTRAINT = 'remediation_workflow_catalog_content_immutable';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER remediation_workflow_catalog_content_immutable
    BEFORE UPDATE OF workflow_id, workflow_name, version, name, description, owner, maintainer,
        content, content_hash, parameters, execution_engine, container_image, container_digest,
        labels, custom_labels, detected_labels, previous_version, version_notes, change_summary,
        expected_success_rate, expected_duration_seconds, created_at, created_by
    ON remediation_workflow_catalog
    FOR EACH ROW EXECUTE FUNCTION workflow_catalog_refuse_change();

-- Which status may follow which; the same again is no change.
CREATE FUNCTION workflow_catalog_check_status() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
        ('active', 'disabled'), ('disabled', 'active'),
        ('active', 'deprecated'), ('deprecated', 'archived')
    ) THEN
        RAISE EXCEPTION 'a workflow that is % cannot become %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation',
                CONSTRAINT = 'remediation_workflow_catalog_status_transition';
    END IF;
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;

CREATE TRIGGER remediation_workflow_catalog_status_transition
    BEFORE UPDATE ON remediation_workflow_catalog
    FOR EACH ROW EXECUTE FUNCTION workflow_catalog_check_status();

-- The service adds versions and changes what may change; it removes nothing.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'datastorage_app') THEN
        GRANT SELECT, INSERT ON remediation_workflow_catalog, remediation_workflow_executions
            TO datastorage_app;
        GRANT UPDATE (status, status_reason, disabled_at, disabled_by, disabled_reason,
            is_latest_version, is_search_version, deprecation_notice, approved_by, approved_at,
            actual_success_rate, total_executions, successful_executions, updated_at, updated_by)
            ON remediation_workflow_catalog TO datastorage_app;
    END IF;
END
$$;
