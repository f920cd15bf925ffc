-- Messages to people: one record per notification, and the history of its deliveries. Both are
-- written once and never changed: what became of a notification later is a row of the history.
--
-- The words of channel and status, and the widths, are what ds_domain::notification and
-- ds_domain::limit say; tests compare them. Names of constraints are an interface, as in V1.
--
-- Locks: new tables lock nothing that is in use.

CREATE TABLE notification_audit (
    id               bigint       GENERATED ALWAYS AS IDENTITY,
    remediation_id   varchar(255) NOT NULL,
    notification_id  varchar(255) NOT NULL,
    recipient        varchar(255) NOT NULL,
    channel          varchar(50)  NOT NULL,
    message_summary  text         NOT NULL,
    status           varchar(50)  NOT NULL,
    sent_at          timestamptz  NOT NULL,
    delivery_status  text,
    error_message    text,
    escalation_level integer      NOT NULL DEFAULT 0,
    -- By the store's clock. The two are equal for ever, because a record is never updated; clients
    -- of the first service know both.
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),

    CONSTRAINT notification_audit_pkey PRIMARY KEY (id),
    CONSTRAINT notification_audit_notification_id_key UNIQUE (notification_id),

    CONSTRAINT notification_audit_remediation_id_not_empty CHECK (remediation_id <> ''),
    CONSTRAINT notification_audit_notification_id_not_empty CHECK (notification_id <> ''),
    CONSTRAINT notification_audit_recipient_not_empty CHECK (recipient <> ''),
    CONSTRAINT notification_audit_message_summary_not_empty CHECK (message_summary <> ''),
    CONSTRAINT notification_audit_channel_known
        CHECK (channel IN ('email', 'slack', 'pagerduty', 'sms', 'webhook', 'teams')),
    CONSTRAINT notification_audit_status_known
        CHECK (status IN ('sent', 'failed', 'acknowledged', 'escalated', 'pending')),
    CONSTRAINT notification_audit_sent_at_finite CHECK (isfinite(sent_at)),
    CONSTRAINT notification_audit_escalation_level_in_range
        CHECK (escalation_level BETWEEN 0 AND 100)
);

COMMENT ON TABLE notification_audit IS
    'Messages that were sent to people, one row per notification. Append only.';

CREATE INDEX idx_notification_audit_sent_at ON notification_audit (sent_at DESC, id DESC);
COMMENT ON INDEX idx_notification_audit_sent_at IS
    'Every page of a list: its order, and the walk that other filters are applied to.';

CREATE INDEX idx_notification_audit_remediation_id
    ON notification_audit (remediation_id, sent_at DESC, id DESC);
COMMENT ON INDEX idx_notification_audit_remediation_id IS 'Notifications of one remediation.';

CREATE TABLE notification_deliveries (
    id               bigint       GENERATED ALWAYS AS IDENTITY,
    notification_id  varchar(255) NOT NULL,
    -- Counted by the sender, so that one that hears no answer can ask again.
    attempt          integer      NOT NULL,
    status           varchar(50)  NOT NULL,
    occurred_at      timestamptz  NOT NULL,
    delivery_status  text,
    error_message    text,
    escalation_level integer,
    recorded_at      timestamptz  NOT NULL DEFAULT now(),

    CONSTRAINT notification_deliveries_pkey PRIMARY KEY (id),
    -- Also the index that the history of a notification is read by.
    CONSTRAINT notification_deliveries_attempt_key UNIQUE (notification_id, attempt),
    CONSTRAINT notification_deliveries_notification_exists
        FOREIGN KEY (notification_id) REFERENCES notification_audit (notification_id),

    CONSTRAINT notification_deliveries_attempt_positive CHECK (attempt >= 1),
    CONSTRAINT notification_deliveries_status_known
        CHECK (status IN ('sent', 'failed', 'acknowledged', 'escalated', 'pending')),
    CONSTRAINT notification_deliveries_occurred_at_finite CHECK (isfinite(occurred_at)),
    CONSTRAINT notification_deliveries_escalation_level_in_range
        CHECK (escalation_level BETWEEN 0 AND 100)
);

COMMENT ON TABLE notification_deliveries IS
    'What became of notifications, one row per attempt. Append only.';

CREATE FUNCTION notifications_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: the audit trail is append only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER notification_audit_no_change
    BEFORE UPDATE OR DELETE ON notification_audit
    FOR EACH ROW EXECUTE FUNCTION notifications_refuse_change();

CREATE TRIGGER notification_audit_no_truncate
    BEFORE TRUNCATE ON notification_audit
    FOR EACH STATEMENT EXECUTE FUNCTION notifications_refuse_change();

CREATE TRIGGER notification_deliveries_no_change
    BEFORE UPDATE OR DELETE ON notification_deliveries
    FOR EACH ROW EXECUTE FUNCTION notifications_refuse_change();

CREATE TRIGGER notification_deliveries_no_truncate
    BEFORE TRUNCATE ON notification_deliveries
    FOR EACH STATEMENT EXECUTE FUNCTION notifications_refuse_change();

-- Identity columns need no right on their sequence.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'datastorage_app') THEN
        GRANT SELECT, INSERT ON notification_audit, notification_deliveries TO datastorage_app;
    END IF;
END
$$;
