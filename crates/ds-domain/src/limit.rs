//! The bounds of events, notifications and workflows, in one place: validation, table columns and the API
//! document are all checked against these constants.

mod label;
mod workflow;

use jiff::SignedDuration;

pub use label::*;
pub use workflow::*;

/// The bounds of one text field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TextField {
    /// Name in the API.
    pub name: &'static str,
    /// Name of the column.
    pub column: &'static str,
    /// Longest value, in Unicode code points, as `varchar(n)` counts; `None` is an unbounded `text`.
    pub chars_max: Option<usize>,
    /// Whether it must be sent, and not be empty.
    pub required: bool,
    /// Whether `null` may be sent in its place.
    pub nullable: bool,
}

const fn required(name: &'static str, column: &'static str, chars_max: usize) -> TextField {
    TextField {
        name,
        column,
        chars_max: Some(chars_max),
        required: true,
        nullable: false,
    }
}

/// Optional, but `null` is refused because the first contract refuses it.
const fn optional(name: &'static str, chars_max: usize) -> TextField {
    TextField {
        name,
        column: name,
        chars_max: Some(chars_max),
        required: false,
        nullable: false,
    }
}

const fn nullable(name: &'static str, chars_max: usize) -> TextField {
    TextField {
        name,
        column: name,
        chars_max: Some(chars_max),
        required: false,
        nullable: true,
    }
}

/// The text fields of an event, in the order in which the API document lists them.
pub const EVENT_TEXT_FIELDS: &[TextField] = &[
    required("version", "event_version", 10),
    required("event_type", "event_type", 100),
    required("event_category", "event_category", 50),
    required("event_action", "event_action", 50),
    required("event_outcome", "event_outcome", 20),
    required("correlation_id", "correlation_id", 255),
    optional("actor_type", 50),
    optional("actor_id", 255),
    optional("resource_type", 50),
    optional("resource_id", 255),
    nullable("resource_name", 255),
    nullable("namespace", 253),
    nullable("cluster_name", 255),
    nullable("severity", 20),
    nullable("trace_id", 255),
    nullable("span_id", 255),
    nullable("error_code", 50),
    TextField {
        name: "error_message",
        column: "error_message",
        chars_max: Some(ERROR_MESSAGE_CHARS_MAX),
        required: false,
        nullable: true,
    },
];

/// One field that is no plain text.
#[derive(Clone, Copy, Debug)]
pub struct TypedField {
    /// Name in the API, and of the column.
    pub name: &'static str,
    /// JSON type, in the words of JSON Schema.
    pub json_type: &'static str,
    /// What a string must look like, in the words of OpenAPI.
    pub format: Option<&'static str>,
    /// Smallest and largest number.
    pub range: Option<(i32, i32)>,
    /// Whether it must be sent.
    pub required: bool,
    /// Whether `null` may be sent in its place.
    pub nullable: bool,
}

const fn typed(name: &'static str, json_type: &'static str) -> TypedField {
    TypedField {
        name,
        json_type,
        format: None,
        range: None,
        required: false,
        nullable: true,
    }
}

impl TypedField {
    const fn required(self) -> Self {
        Self {
            required: true,
            nullable: false,
            ..self
        }
    }

    const fn formatted(self, format: &'static str) -> Self {
        Self {
            format: Some(format),
            ..self
        }
    }

    const fn within(self, min: i32, max: i32) -> Self {
        Self {
            range: Some((min, max)),
            ..self
        }
    }
}

/// The other fields of an event.
pub const EVENT_TYPED_FIELDS: &[TypedField] = &[
    typed("event_timestamp", "string")
        .formatted("date-time")
        .required(),
    typed("event_data", "object").required(),
    typed("event_id", "string").formatted("uuid"),
    typed("event_metadata", "object"),
    typed("actor_ip", "string").formatted("ip"),
    typed("parent_event_id", "string").formatted("uuid"),
    typed("parent_event_date", "string").formatted("date"),
    typed("duration_ms", "integer").within(0, DURATION_MS_MAX),
    typed("retention_days", "integer").within(1, RETENTION_DAYS_MAX),
    typed("is_sensitive", "boolean"),
];

/// Longest duration, in milliseconds: what the column holds.
pub const DURATION_MS_MAX: i32 = i32::MAX;

/// Longest `error_message`; the column is an unbounded `text`, this keeps stack traces out of rows.
pub const ERROR_MESSAGE_CHARS_MAX: usize = 10_000;

/// Longest id of a notification or remediation, and longest recipient.
pub const NOTIFICATION_NAME_CHARS_MAX: usize = 255;

/// Longest channel or status of a notification; the words there are stay far below it.
pub const NOTIFICATION_WORD_CHARS_MAX: usize = 50;

/// Longest summary or error of a notification; the columns are unbounded `text`.
pub const NOTIFICATION_TEXT_CHARS_MAX: usize = 1_000;

/// Longest answer of whoever delivers notifications; the column is an unbounded `text`.
pub const DELIVERY_STATUS_CHARS_MAX: usize = 255;

/// Highest level a notification can be escalated to.
pub const ESCALATION_LEVEL_MAX: i32 = 100;

/// Highest number of an attempt to deliver a notification: what the column holds.
pub const ATTEMPT_MAX: i32 = i32::MAX;

/// Most deliveries of a notification that are given back with it, the latest ones.
pub const DELIVERIES_MAX: u16 = 1_000;

/// The text fields of a notification, in the order in which the API document lists them.
pub const NOTIFICATION_TEXT_FIELDS: &[TextField] = &[
    required(
        "remediation_id",
        "remediation_id",
        NOTIFICATION_NAME_CHARS_MAX,
    ),
    required(
        "notification_id",
        "notification_id",
        NOTIFICATION_NAME_CHARS_MAX,
    ),
    required("recipient", "recipient", NOTIFICATION_NAME_CHARS_MAX),
    required("channel", "channel", NOTIFICATION_WORD_CHARS_MAX),
    required(
        "message_summary",
        "message_summary",
        NOTIFICATION_TEXT_CHARS_MAX,
    ),
    required("status", "status", NOTIFICATION_WORD_CHARS_MAX),
    nullable("delivery_status", DELIVERY_STATUS_CHARS_MAX),
    nullable("error_message", NOTIFICATION_TEXT_CHARS_MAX),
];

/// The other fields of a notification.
pub const NOTIFICATION_TYPED_FIELDS: &[TypedField] = &[
    typed("sent_at", "string").formatted("date-time").required(),
    typed("escalation_level", "integer").within(0, ESCALATION_LEVEL_MAX),
];

/// The text fields of a delivery, likewise.
pub const DELIVERY_TEXT_FIELDS: &[TextField] = &[
    required("status", "status", NOTIFICATION_WORD_CHARS_MAX),
    nullable("delivery_status", DELIVERY_STATUS_CHARS_MAX),
    nullable("error_message", NOTIFICATION_TEXT_CHARS_MAX),
];

/// The other fields of a delivery.
pub const DELIVERY_TYPED_FIELDS: &[TypedField] = &[
    typed("attempt", "integer")
        .within(1, ATTEMPT_MAX)
        .required(),
    typed("occurred_at", "string")
        .formatted("date-time")
        .required(),
    typed("escalation_level", "integer").within(0, ESCALATION_LEVEL_MAX),
];

/// Longest free text of an action; the columns are unbounded `text`.
pub const ACTION_TEXT_CHARS_MAX: usize = 10_000;

/// Most actions in one batch.
pub const BATCH_ACTIONS_MAX: usize = 500;

/// Most revisions of an action that are given back with it, the latest ones.
pub const REVISIONS_MAX: u16 = 1_000;

/// The text fields of an action, in the order in which the API document lists them.
pub const ACTION_TEXT_FIELDS: &[TextField] = &[
    required("action_id", "action_id", 64),
    required("signal_name", "signal_name", 200),
    required("signal_severity", "signal_severity", 20),
    required("model_used", "model_used", 100),
    required("action_type", "action_type", 50),
    nullable("correlation_id", 255),
    nullable("routing_tier", 20),
    nullable("model_reasoning", ACTION_TEXT_CHARS_MAX),
    nullable("incident_type", 100),
    nullable("alert_name", 255),
    nullable("incident_severity", 20),
    nullable("workflow_id", 64),
    nullable("workflow_version", 20),
    nullable("workflow_execution_id", 64),
    nullable("namespace", 253),
    nullable("cluster_name", 255),
    nullable("environment", 50),
    ACTION_UPDATE_TEXT_FIELDS[0],
    ACTION_UPDATE_TEXT_FIELDS[1],
    ACTION_UPDATE_TEXT_FIELDS[2],
    ACTION_UPDATE_TEXT_FIELDS[3],
];

/// Those that can still change.
pub const ACTION_UPDATE_TEXT_FIELDS: &[TextField] = &[
    nullable("execution_status", 20),
    nullable("execution_error", ACTION_TEXT_CHARS_MAX),
    nullable("effectiveness_assessment_method", 50),
    nullable("effectiveness_notes", ACTION_TEXT_CHARS_MAX),
];

/// The other fields of an action.
pub const ACTION_TYPED_FIELDS: &[TypedField] = &[
    typed("action_timestamp", "string")
        .formatted("date-time")
        .required(),
    typed("model_confidence", "number").within(0, 1).required(),
    typed("action_history_id", "integer").formatted("int64"),
    typed("signal_firing_time", "string").formatted("date-time"),
    typed("workflow_step_number", "integer").within(0, i32::MAX),
    typed("ai_selected_workflow", "boolean"),
    typed("ai_chained_workflows", "boolean"),
    typed("ai_manual_escalation", "boolean"),
    typed("signal_labels", "object"),
    typed("signal_annotations", "object"),
    typed("alternative_actions", "array"),
    typed("action_parameters", "object"),
    typed("resource_state_before", "object"),
    typed("ai_workflow_customization", "object"),
    ACTION_UPDATE_TYPED_FIELDS[0],
    ACTION_UPDATE_TYPED_FIELDS[1],
    ACTION_UPDATE_TYPED_FIELDS[2],
    ACTION_UPDATE_TYPED_FIELDS[3],
    ACTION_UPDATE_TYPED_FIELDS[4],
    ACTION_UPDATE_TYPED_FIELDS[5],
    ACTION_UPDATE_TYPED_FIELDS[6],
    ACTION_UPDATE_TYPED_FIELDS[7],
    ACTION_UPDATE_TYPED_FIELDS[8],
    ACTION_UPDATE_TYPED_FIELDS[9],
];

/// Those that can still change.
pub const ACTION_UPDATE_TYPED_FIELDS: &[TypedField] = &[
    typed("execution_start_time", "string").formatted("date-time"),
    typed("execution_end_time", "string").formatted("date-time"),
    typed("execution_duration_ms", "integer").within(0, DURATION_MS_MAX),
    typed("kubernetes_operations", "array"),
    typed("resource_state_after", "object"),
    typed("effectiveness_score", "number").within(0, 1),
    typed("effectiveness_criteria", "object"),
    typed("effectiveness_assessed_at", "string").formatted("date-time"),
    typed("effectiveness_assessment_due", "string").formatted("date-time"),
    typed("follow_up_actions", "array"),
];

/// How far ahead of the server's clock a sender's clock may be.
pub const CLOCK_SKEW_MAX: SignedDuration = SignedDuration::from_mins(5);

/// How old an event may be when it arrives.
pub const EVENT_AGE_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long an event is kept unless the sender asks otherwise: seven years.
pub const RETENTION_DAYS_DEFAULT: i32 = 2_555;

/// Longest retention that can be asked for: a hundred years.
pub const RETENTION_DAYS_MAX: i32 = 36_525;

/// Most events in one batch.
pub const BATCH_EVENTS_MAX: usize = 5_000;

/// Deepest nesting of objects and arrays in a request body.
pub const JSON_DEPTH_MAX: usize = 100;

/// Most object members in one event, nested ones included.
pub const JSON_MEMBERS_MAX: usize = 10_000;

/// Most decimal digits a number may need when written out. PostgreSQL's `numeric` takes many more;
/// this stops nine bytes (`1e130000`) from becoming 130 kB in the table.
pub const NUMBER_DIGITS_MAX: usize = 1_000;

/// Most events on one page of a query.
pub const PAGE_ITEMS_MAX: u16 = 1_000;

/// Events on a page when the client does not say.
pub const PAGE_ITEMS_DEFAULT: u16 = 50;

/// Most values of one parameter of a query.
pub const FILTER_VALUES_MAX: usize = 50;

/// Longest `data` parameter of a query, in bytes.
pub const FILTER_DATA_BYTES_MAX: usize = 4_096;

/// Finds a text field by its name in the API.
pub fn event_text_field(name: &str) -> Option<&'static TextField> {
    EVENT_TEXT_FIELDS.iter().find(|field| field.name == name)
}
