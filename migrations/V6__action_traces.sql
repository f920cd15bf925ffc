-- Action traces: what was done about incidents, how, and with what success. Success rates and the
-- incidents family are read from here.
--
-- What an action is never changes; what became of it can, forward only, and what it was before stays
-- in resource_action_revisions. The words of execution_status, and the widths, are what
-- ds_domain::action and ds_domain::limit say; tests compare them. Names of constraints are an
-- interface, as in V1.
--
-- Locks: new tables lock nothing that is in use.

-- The names that are taken. A unique key of a partitioned table must contain the partition key, so it
-- cannot keep an id from being stored in two months; this table does. It also says in which month to
-- look for an action.
CREATE TABLE resource_action_ids (
    action_id        varchar(64) NOT NULL,
    action_timestamp timestamptz NOT NULL,

    CONSTRAINT resource_action_ids_pkey PRIMARY KEY (action_id)
);

COMMENT ON TABLE resource_action_ids IS
    'One row per action trace: an id is used once, whatever its month.';

CREATE SEQUENCE resource_action_traces_id_seq;

CREATE TABLE resource_action_traces (
    id                              bigint       NOT NULL
        DEFAULT nextval('resource_action_traces_id_seq'),
    -- A number in the sender's books: there is no table of histories here.
    action_history_id               bigint,
    action_id                       varchar(64)  NOT NULL,
    action_timestamp                timestamptz  NOT NULL,
    correlation_id                  varchar(255),
    signal_name                     varchar(200) NOT NULL,
    signal_severity                 varchar(20)  NOT NULL,
    signal_labels                   jsonb,
    signal_annotations              jsonb,
    signal_firing_time              timestamptz,
    model_used                      varchar(100) NOT NULL,
    routing_tier                    varchar(20),
    model_confidence                numeric(4,3) NOT NULL,
    model_reasoning                 text,
    alternative_actions             jsonb,
    action_type                     varchar(50)  NOT NULL,
    action_parameters               jsonb,
    resource_state_before           jsonb,
    incident_type                   varchar(100),
    alert_name                      varchar(255),
    incident_severity               varchar(20),
    -- A free name, no id of the catalogue.
    workflow_id                     varchar(64),
    workflow_version                varchar(20),
    workflow_step_number            integer,
    workflow_execution_id           varchar(64),
    ai_selected_workflow            boolean      NOT NULL DEFAULT false,
    ai_chained_workflows            boolean      NOT NULL DEFAULT false,
    ai_manual_escalation            boolean      NOT NULL DEFAULT false,
    ai_workflow_customization       jsonb,
    namespace                       varchar(253),
    cluster_name                    varchar(255),
    environment                     varchar(50),
    -- From here on: what can still change.
    execution_status                varchar(20)  NOT NULL DEFAULT 'pending',
    execution_start_time            timestamptz,
    execution_end_time              timestamptz,
    execution_duration_ms           integer,
    execution_error                 text,
    kubernetes_operations           jsonb,
    resource_state_after            jsonb,
    effectiveness_score             numeric(4,3),
    effectiveness_criteria          jsonb,
    effectiveness_assessed_at       timestamptz,
    effectiveness_assessment_method varchar(50),
    effectiveness_notes             text,
    effectiveness_assessment_due    timestamptz,
    follow_up_actions               jsonb,
    -- By the store's clock; how often the row was changed, and when last.
    revision                        integer      NOT NULL DEFAULT 0,
    created_at                      timestamptz  NOT NULL DEFAULT now(),
    updated_at                      timestamptz  NOT NULL DEFAULT now(),

    CONSTRAINT resource_action_traces_pkey PRIMARY KEY (id, action_timestamp),
    CONSTRAINT resource_action_traces_action_id_key UNIQUE (action_id, action_timestamp),

    CONSTRAINT resource_action_traces_action_id_not_empty CHECK (action_id <> ''),
    CONSTRAINT resource_action_traces_signal_name_not_empty CHECK (signal_name <> ''),
    CONSTRAINT resource_action_traces_signal_severity_not_empty CHECK (signal_severity <> ''),
    CONSTRAINT resource_action_traces_model_used_not_empty CHECK (model_used <> ''),
    CONSTRAINT resource_action_traces_action_type_not_empty CHECK (action_type <> ''),
    CONSTRAINT resource_action_traces_action_timestamp_finite CHECK (isfinite(action_timestamp)),
    CONSTRAINT resource_action_traces_execution_status_known CHECK (execution_status IN (
        'pending', 'executing', 'completed', 'failed', 'rolled-back')),
    CONSTRAINT resource_action_traces_model_confidence_in_range
        CHECK (model_confidence BETWEEN 0 AND 1),
    CONSTRAINT resource_action_traces_effectiveness_score_in_range
        CHECK (effectiveness_score BETWEEN 0 AND 1),
    CONSTRAINT resource_action_traces_execution_duration_ms_not_negative
        CHECK (execution_duration_ms >= 0),
    CONSTRAINT resource_action_traces_workflow_step_number_not_negative
        CHECK (workflow_step_number >= 0),
    CONSTRAINT resource_action_traces_signal_labels_is_object
        CHECK (jsonb_typeof(signal_labels) = 'object'),
    CONSTRAINT resource_action_traces_signal_annotations_is_object
        CHECK (jsonb_typeof(signal_annotations) = 'object'),
    CONSTRAINT resource_action_traces_alternative_actions_is_array
        CHECK (jsonb_typeof(alternative_actions) = 'array'),
    CONSTRAINT resource_action_traces_action_parameters_is_object
        CHECK (jsonb_typeof(action_parameters) = 'object'),
    CONSTRAINT resource_action_traces_resource_state_before_is_object
        CHECK (jsonb_typeof(resource_state_before) = 'object'),
    CONSTRAINT resource_action_traces_ai_workflow_customization_is_object
        CHECK (jsonb_typeof(ai_workflow_customization) = 'object'),
    CONSTRAINT resource_action_traces_kubernetes_operations_is_array
        CHECK (jsonb_typeof(kubernetes_operations) = 'array'),
    CONSTRAINT resource_action_traces_resource_state_after_is_object
        CHECK (jsonb_typeof(resource_state_after) = 'object'),
    CONSTRAINT resource_action_traces_effectiveness_criteria_is_object
        CHECK (jsonb_typeof(effectiveness_criteria) = 'object'),
    CONSTRAINT resource_action_traces_follow_up_actions_is_array
        CHECK (jsonb_typeof(follow_up_actions) = 'array')
) PARTITION BY RANGE (action_timestamp);

ALTER SEQUENCE resource_action_traces_id_seq OWNED BY resource_action_traces.id;

COMMENT ON TABLE resource_action_traces IS
    'Remediation actions, one row per action. One partition per UTC month of action_timestamp.';

-- Rates are counted from the index alone, where the table has been vacuumed; the columns behind
-- INCLUDE are all that they read. Which is worth that a change of the status also changes indexes:
-- a row is changed once or twice, and counted for months.

CREATE INDEX idx_incident_type_success ON resource_action_traces (incident_type, action_timestamp DESC)
    INCLUDE (workflow_id, workflow_version, execution_status, ai_selected_workflow,
        ai_chained_workflows, ai_manual_escalation)
    WHERE incident_type IS NOT NULL;
COMMENT ON INDEX idx_incident_type_success IS 'Success rates of one type of incident.';

CREATE INDEX idx_workflow_success ON resource_action_traces (workflow_id, action_timestamp DESC)
    INCLUDE (workflow_version, incident_type, execution_status, ai_selected_workflow,
        ai_chained_workflows, ai_manual_escalation)
    WHERE workflow_id IS NOT NULL;
COMMENT ON INDEX idx_workflow_success IS
    'Success rates of one workflow, with or without its version.';

CREATE INDEX idx_action_type_success ON resource_action_traces (action_type, action_timestamp DESC)
    INCLUDE (incident_type, workflow_id, workflow_version, execution_status, ai_selected_workflow,
        ai_chained_workflows, ai_manual_escalation);
COMMENT ON INDEX idx_action_type_success IS 'Success rates of one type of action.';

CREATE INDEX idx_resource_action_traces_action_timestamp
    ON resource_action_traces (action_timestamp DESC, id DESC);
COMMENT ON INDEX idx_resource_action_traces_action_timestamp IS
    'Every page of a list of incidents, and their trend.';

CREATE TABLE resource_action_revisions (
    action_id                       varchar(64) NOT NULL,
    -- 0 is what was recorded first.
    revision                        integer     NOT NULL,
    execution_status                varchar(20) NOT NULL,
    execution_start_time            timestamptz,
    execution_end_time              timestamptz,
    execution_duration_ms           integer,
    execution_error                 text,
    kubernetes_operations           jsonb,
    resource_state_after            jsonb,
    effectiveness_score             numeric(4,3),
    effectiveness_criteria          jsonb,
    effectiveness_assessed_at       timestamptz,
    effectiveness_assessment_method varchar(50),
    effectiveness_notes             text,
    effectiveness_assessment_due    timestamptz,
    follow_up_actions               jsonb,
    superseded_at                   timestamptz NOT NULL DEFAULT now(),

    -- Also the index that the history of an action is read by.
    CONSTRAINT resource_action_revisions_pkey PRIMARY KEY (action_id, revision)
);

COMMENT ON TABLE resource_action_revisions IS
    'What was known about actions before they were changed. Append only.';

-- Lets an action go forward, and keeps what is replaced.
CREATE FUNCTION resource_action_traces_keep_revision() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.execution_status <> OLD.execution_status AND NOT (
        OLD.execution_status = 'pending'
        OR (OLD.execution_status = 'executing' AND NEW.execution_status <> 'pending'))
    THEN
        RAISE EXCEPTION 'an action that is % cannot become %', OLD.execution_status, NEW.execution_status
            USING ERRCODE = 'check_violation', TABLE = 'resource_action_traces',
                CONSTRAINT = 'resource_action_traces_execution_status_forward';
    END IF;
    IF (to_jsonb(NEW) - ARRAY['execution_status', 'execution_start_time', 'execution_end_time',
            'execution_duration_ms', 'execution_error', 'kubernetes_operations',
            'resource_state_after', 'effectiveness_score', 'effectiveness_criteria',
            'effectiveness_assessed_at', 'effectiveness_assessment_method', 'effectiveness_notes',
            'effectiveness_assessment_due', 'follow_up_actions', 'revision', 'updated_at'])
        IS DISTINCT FROM
        (to_jsonb(OLD) - ARRAY['execution_status', 'execution_start_time', 'execution_end_time',
            'execution_duration_ms', 'execution_error', 'kubernetes_operations',
            'resource_state_after', 'effectiveness_score', 'effectiveness_criteria',
            'effectiveness_assessed_at', 'effectiveness_assessment_method', 'effectiveness_notes',
            'effectiveness_assessment_due', 'follow_up_actions', 'revision', 'updated_at'])
    THEN
        RAISE EXCEPTION 'only what became of an action can change'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO resource_action_revisions (action_id, revision, execution_status,
        execution_start_time, execution_end_time, execution_duration_ms, execution_error,
        kubernetes_operations, resource_state_after, effectiveness_score, effectiveness_criteria,
        effectiveness_assessed_at, effectiveness_assessment_method, effectiveness_notes,
        effectiveness_assessment_due, follow_up_actions)
    VALUES (OLD.action_id, OLD.revision, OLD.execution_status, OLD.execution_start_time,
        OLD.execution_end_time, OLD.execution_duration_ms, OLD.execution_error,
        OLD.kubernetes_operations, OLD.resource_state_after, OLD.effectiveness_score,
        OLD.effectiveness_criteria, OLD.effectiveness_assessed_at,
        OLD.effectiveness_assessment_method, OLD.effectiveness_notes,
        OLD.effectiveness_assessment_due, OLD.follow_up_actions);
    NEW.revision := OLD.revision + 1;
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE TRIGGER resource_action_traces_keep_revision
    BEFORE UPDATE ON resource_action_traces
    FOR EACH ROW EXECUTE FUNCTION resource_action_traces_keep_revision();

CREATE FUNCTION resource_actions_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: nothing is lost here', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER resource_action_traces_no_delete
    BEFORE DELETE ON resource_action_traces
    FOR EACH ROW EXECUTE FUNCTION resource_actions_refuse_change();

CREATE TRIGGER resource_action_traces_no_truncate
    BEFORE TRUNCATE ON resource_action_traces
    FOR EACH STATEMENT EXECUTE FUNCTION resource_actions_refuse_change();

CREATE TRIGGER resource_action_ids_no_change
    BEFORE UPDATE OR DELETE ON resource_action_ids
    FOR EACH ROW EXECUTE FUNCTION resource_actions_refuse_change();

CREATE TRIGGER resource_action_ids_no_truncate
    BEFORE TRUNCATE ON resource_action_ids
    FOR EACH STATEMENT EXECUTE FUNCTION resource_actions_refuse_change();

CREATE TRIGGER resource_action_revisions_no_change
    BEFORE UPDATE OR DELETE ON resource_action_revisions
    FOR EACH ROW EXECUTE FUNCTION resource_actions_refuse_change();

CREATE TRIGGER resource_action_revisions_no_truncate
    BEFORE TRUNCATE ON resource_action_revisions
    FOR EACH STATEMENT EXECUTE FUNCTION resource_actions_refuse_change();

-- Makes the partition of the month that holds `day`; says whether it was missing. As
-- audit_events_ensure_partition does it, and for the same reasons; see V1.
CREATE FUNCTION resource_action_traces_ensure_partition(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
-- Bounds are compared as text, and they are instants.
SET DateStyle = 'ISO, YMD'
SET TimeZone = 'UTC'
AS $$
DECLARE
    parent     CONSTANT regclass := 'resource_action_traces'::regclass;
    first_day  CONSTANT date := date_trunc('month', day::timestamp)::date;
    next_first CONSTANT date := (first_day::timestamp + interval '1 month')::date;
    name       CONSTANT text := 'resource_action_traces_' || to_char(first_day::timestamp, '"y"YYYY"m"MM');
    bounds     CONSTANT text := format('FOR VALUES FROM (%L) TO (%L)',
        first_day::timestamptz, next_first::timestamptz);
    qualified  text;
    existing   regclass;
    attached   text;
BEGIN
    PERFORM pg_advisory_xact_lock(
        ('x' || substr(md5('resource_action_traces_ensure_partition'), 1, 16))::bit(64)::bigint);

    SELECT format('%s.%I', relnamespace::regnamespace, name) INTO STRICT qualified
        FROM pg_class WHERE oid = parent;
    existing := to_regclass(qualified);
    IF existing IS NOT NULL THEN
        SELECT pg_get_expr(c.relpartbound, c.oid) INTO attached
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhrelid = existing AND i.inhparent = parent AND NOT i.inhdetachpending;
        IF attached IS DISTINCT FROM bounds THEN
            RAISE EXCEPTION 'table % exists but is not the partition of resource_action_traces %',
                qualified, bounds USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        RETURN false;
    END IF;

    EXECUTE format(
        'CREATE TABLE %s (LIKE resource_action_traces INCLUDING DEFAULTS INCLUDING CONSTRAINTS '
        'INCLUDING INDEXES INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING STATISTICS)', qualified);
    EXECUTE format(
        'CREATE TRIGGER resource_action_traces_no_truncate BEFORE TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION resource_actions_refuse_change()', qualified);
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', qualified);
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'datastorage_app') THEN
        EXECUTE format('REVOKE ALL ON %s FROM datastorage_app', qualified);
    END IF;
    EXECUTE format('ALTER TABLE resource_action_traces ATTACH PARTITION %s %s', qualified, bounds);
    RETURN true;
END
$$;

-- A function with its owner's rights must not look names up where its caller says.
DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION resource_action_traces_ensure_partition(date) SET search_path = pg_catalog, %I, pg_temp',
        current_schema());
END
$$;

REVOKE ALL ON FUNCTION resource_action_traces_ensure_partition(date) FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'datastorage_app') THEN
        GRANT SELECT, INSERT ON resource_action_ids, resource_action_traces, resource_action_revisions
            TO datastorage_app;
        GRANT UPDATE (execution_status, execution_start_time, execution_end_time,
            execution_duration_ms, execution_error, kubernetes_operations, resource_state_after,
            effectiveness_score, effectiveness_criteria, effectiveness_assessed_at,
            effectiveness_assessment_method, effectiveness_notes, effectiveness_assessment_due,
            follow_up_actions) ON resource_action_traces TO datastorage_app;
        GRANT USAGE ON SEQUENCE resource_action_traces_id_seq TO datastorage_app;
        GRANT EXECUTE ON FUNCTION resource_action_traces_ensure_partition(date) TO datastorage_app;
    END IF;
END
$$;
