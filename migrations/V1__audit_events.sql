-- The audit trail: one row per event, written once and never changed.
--
-- Names of constraints are an interface: ds-repository hands them on, and callers are told by them
-- which member of an event is wrong. Widths of texts equal ds_domain::limit::EVENT_TEXT_FIELDS; a
-- test compares them.

CREATE TABLE audit_events (
    -- No default: the id exists before the first attempt to store the event, so that a second
    -- attempt can be recognised.
    event_id          uuid          NOT NULL,
    event_version     varchar(10)   NOT NULL DEFAULT '1.0',
    event_timestamp   timestamptz   NOT NULL,
    -- The UTC day of event_timestamp. A generated column cannot be a partition key, and a trigger
    -- runs after the row was routed; so the writer sends it and a CHECK holds it to the truth.
    event_date        date          NOT NULL,
    event_type        varchar(100)  NOT NULL,
    event_category    varchar(50)   NOT NULL,
    event_action      varchar(50)   NOT NULL,
    event_outcome     varchar(20)   NOT NULL,
    actor_type        varchar(50)   NOT NULL,
    actor_id          varchar(255)  NOT NULL,
    actor_ip          inet,
    resource_type     varchar(50)   NOT NULL,
    resource_id       varchar(255)  NOT NULL,
    resource_name     varchar(255),
    correlation_id    varchar(255)  NOT NULL,
    -- No foreign key to the parent. It would make every month undroppable once retention has to
    -- drop it (DROP of a referenced partition fails, DETACH scans every other one), and costs a
    -- probe and a row lock per insert. The writer looks parents up; rows are never deleted singly,
    -- so a parent that was found stays until its month goes.
    parent_event_id   uuid,
    parent_event_date date,
    trace_id          varchar(255),
    span_id           varchar(255),
    namespace         varchar(253),
    cluster_name      varchar(255),
    event_data        jsonb         NOT NULL,
    event_metadata    jsonb,
    severity          varchar(20),
    duration_ms       integer,
    error_code        varchar(50),
    error_message     text,
    retention_days    integer       NOT NULL DEFAULT 2555,
    is_sensitive      boolean       NOT NULL DEFAULT false,
    -- When the row was written, by the store's clock: evidence that no sender can choose.
    recorded_at       timestamptz   NOT NULL DEFAULT clock_timestamp(),

    -- A unique key of a partitioned table must contain the partition key. That one id is not stored
    -- under two dates is therefore the writer's duty: see ds-repository's append.
    CONSTRAINT audit_events_pkey PRIMARY KEY (event_id, event_date),

    CONSTRAINT audit_events_event_timestamp_finite CHECK (isfinite(event_timestamp)),
    -- Names the zone itself, so it means the same in every session.
    CONSTRAINT audit_events_event_date_is_utc_day
        CHECK (event_date = (event_timestamp AT TIME ZONE 'UTC')::date),
    CONSTRAINT audit_events_parent_complete
        CHECK ((parent_event_id IS NULL) = (parent_event_date IS NULL)),
    CONSTRAINT audit_events_event_category_known CHECK (event_category IN (
        'gateway', 'notification', 'analysis', 'signalprocessing', 'workflow', 'execution',
        'orchestration')),
    CONSTRAINT audit_events_event_outcome_known
        CHECK (event_outcome IN ('success', 'failure', 'pending')),
    CONSTRAINT audit_events_event_version_not_empty CHECK (event_version <> ''),
    CONSTRAINT audit_events_event_type_not_empty CHECK (event_type <> ''),
    CONSTRAINT audit_events_event_action_not_empty CHECK (event_action <> ''),
    CONSTRAINT audit_events_actor_type_not_empty CHECK (actor_type <> ''),
    CONSTRAINT audit_events_actor_id_not_empty CHECK (actor_id <> ''),
    CONSTRAINT audit_events_resource_type_not_empty CHECK (resource_type <> ''),
    CONSTRAINT audit_events_resource_id_not_empty CHECK (resource_id <> ''),
    CONSTRAINT audit_events_correlation_id_not_empty CHECK (correlation_id <> ''),
    CONSTRAINT audit_events_event_data_is_object CHECK (jsonb_typeof(event_data) = 'object'),
    CONSTRAINT audit_events_event_metadata_is_object
        CHECK (jsonb_typeof(event_metadata) = 'object'),
    CONSTRAINT audit_events_duration_ms_not_negative CHECK (duration_ms >= 0),
    CONSTRAINT audit_events_retention_days_in_range CHECK (retention_days BETWEEN 1 AND 36525)
) PARTITION BY RANGE (event_date);

COMMENT ON TABLE audit_events IS
    'Audit trail, one row per event. Append only. One partition per UTC month of event_date.';

-- Indexes: why these and no others is measured in docs/decisions/0001-audit-events-indexes.md.
-- There is none on event_date: inside a monthly partition it says nothing that event_timestamp
-- does not, and the planner was seen to combine the two into a plan 27 times slower.

CREATE INDEX idx_audit_events_event_timestamp
    ON audit_events (event_timestamp DESC, event_id DESC);
COMMENT ON INDEX idx_audit_events_event_timestamp IS
    'Every page of a query: its order, and the walk that low-cardinality filters are applied to.';

CREATE INDEX idx_audit_events_correlation_id
    ON audit_events (correlation_id, event_timestamp DESC);
COMMENT ON INDEX idx_audit_events_correlation_id IS
    'Events of one remediation, with or without a time range.';

CREATE INDEX idx_audit_events_event_type
    ON audit_events (event_type, event_timestamp DESC);
COMMENT ON INDEX idx_audit_events_event_type IS
    'Events of one type: the page, and the total without touching the table.';

CREATE INDEX idx_audit_events_event_data_gin
    ON audit_events USING gin (event_data jsonb_path_ops);
COMMENT ON INDEX idx_audit_events_event_data_gin IS
    'Containment, event_data @> {...}. jsonb_path_ops serves nothing else, and is half the size.';

-- Append only, for everybody but a superuser who disables triggers: also the owner of the table.
-- Row triggers are cloned to every partition, so they also hold for a partition addressed by name;
-- they do not fire on insert and cost it nothing. TRUNCATE has statement triggers only, which a
-- partition does not inherit; audit_events_ensure_partition gives each its own.

CREATE FUNCTION audit_events_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: the audit trail is append only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_events_no_change
    BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_refuse_change();

CREATE TRIGGER audit_events_no_truncate
    BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse_change();

-- Makes the partition of the month that holds `day`; says whether it was missing.
--
-- A function, and one with the rights of its owner, so that the service can keep its partitions
-- ahead of time although its own role may do nothing but SELECT and INSERT.
--
-- The table is made on its own and then attached: CREATE TABLE ... PARTITION OF takes ACCESS
-- EXCLUSIVE on the parent, which waits for every running query and makes every later one wait
-- behind it; ATTACH PARTITION takes SHARE UPDATE EXCLUSIVE, which lets reads and inserts through.
CREATE FUNCTION audit_events_ensure_partition(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
-- Bounds are compared as text.
SET DateStyle = 'ISO, YMD'
AS $$
DECLARE
    parent     CONSTANT regclass := 'audit_events'::regclass;
    first_day  CONSTANT date := date_trunc('month', day::timestamp)::date;
    next_first CONSTANT date := (first_day::timestamp + interval '1 month')::date;
    name       CONSTANT text := 'audit_events_' || to_char(first_day::timestamp, 'YYYY_MM');
    bounds     CONSTANT text := format('FOR VALUES FROM (%L) TO (%L)', first_day, next_first);
    qualified  text;
    existing   regclass;
    attached   text;
BEGIN
    -- Callers queue here, bounded by their lock_timeout; who comes second finds the table.
    PERFORM pg_advisory_xact_lock(('x' || substr(md5('audit_events_ensure_partition'), 1, 16))::bit(64)::bigint);

    SELECT format('%s.%I', relnamespace::regnamespace, name) INTO STRICT qualified
        FROM pg_class WHERE oid = parent;
    existing := to_regclass(qualified);
    IF existing IS NOT NULL THEN
        SELECT pg_get_expr(c.relpartbound, c.oid) INTO attached
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhrelid = existing AND i.inhparent = parent AND NOT i.inhdetachpending;
        IF attached IS DISTINCT FROM bounds THEN
            RAISE EXCEPTION 'table % exists but is not the partition of audit_events %', qualified, bounds
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        RETURN false;
    END IF;

    EXECUTE format(
        'CREATE TABLE %s (LIKE audit_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS '
        'INCLUDING INDEXES INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING STATISTICS)', qualified);
    EXECUTE format(
        'CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse_change()', qualified);
    -- Rights on the parent are enough to use a partition through it; default privileges of the
    -- database must not add others.
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', qualified);
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'datastorage_app') THEN
        EXECUTE format('REVOKE ALL ON %s FROM datastorage_app', qualified);
    END IF;
    EXECUTE format('ALTER TABLE audit_events ATTACH PARTITION %s %s', qualified, bounds);
    RETURN true;
END
$$;

-- A function with its owner's rights must not look names up where its caller says. The schema is
-- the one this migration runs in.
DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION audit_events_ensure_partition(date) SET search_path = pg_catalog, %I, pg_temp',
        current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_events_ensure_partition(date) FROM PUBLIC;

-- The role the service should log in through: it can read and insert, and nothing else. A role is
-- made for the whole cluster, so another database may have made it, also at this very moment.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'datastorage_app') THEN
        BEGIN
            CREATE ROLE datastorage_app NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'role datastorage_app is missing and % may not create it; see migrations/README.md', current_user;
        END;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'datastorage_app') THEN
        GRANT SELECT, INSERT ON audit_events TO datastorage_app;
        GRANT EXECUTE ON FUNCTION audit_events_ensure_partition(date) TO datastorage_app;
        -- The service checks the schema version at start.
        IF to_regclass('refinery_schema_history') IS NOT NULL THEN
            GRANT SELECT ON refinery_schema_history TO datastorage_app;
        END IF;
    END IF;
END
$$;
