//! Signals that arrive from outside.

use super::{
    EventKind, FAILURE, Field, FieldValue::*, SUCCESS, Shape, flat, kind, optional, required,
    shape, texts,
};
use crate::event::EventCategory::Gateway;

#[rustfmt::skip]
pub(super) static KINDS: &[EventKind] = &[
    kind(Gateway, "gateway.signal.received", &["received"], SUCCESS, &[flat(RECEIVED), CONTROLLER, BUILDER, TYPED])
        .says("A signal arrived and was accepted.")
        .such_as(r#"{"alert_name":"MemPressure","signal_fingerprint":"fp-7f01","namespace":"shop","cluster":"edge-3","is_duplicate":false,"action":"created_crd"}"#),
    kind(Gateway, "gateway.signal.deduplicated", &["deduplicated"], SUCCESS, &[flat(DEDUPLICATED), CONTROLLER, BUILDER, TYPED])
        .says("A signal arrived that is already being worked on.")
        .such_as(r#"{"duplicate_of":"fp-7f00","reason":"identical_fingerprint","original_timestamp":"2026-01-05T08:00:00Z","window_seconds":120}"#),
    kind(Gateway, "gateway.storm.detected", &["storm_detected"], SUCCESS, &[flat(STORM), BUILDER])
        .says("So many signals arrived in a short time that they count as one.")
        .such_as(r#"{"storm_id":"storm-17","signal_count":64,"time_window_sec":30,"detection_reason":"threshold_exceeded"}"#),
    kind(Gateway, "gateway.crd.created", &["crd_created", "created"], SUCCESS, &[flat(CRD_CREATED), CONTROLLER, BUILDER, TYPED])
        .says("A custom resource was made for a signal.")
        .such_as(r#"{"crd_name":"sp-71","crd_namespace":"ops","crd_kind":"SignalProcessing","creation_time":"2026-01-05T08:00:01Z"}"#),
    kind(Gateway, "gateway.crd.creation_failed", &["created"], FAILURE, &[CONTROLLER])
        .says("The custom resource for a signal could not be made.")
        .such_as(r#"{"gateway":{"signal_type":"prometheus","alert_name":"MemPressure","namespace":"shop","fingerprint":"fp-7f01","error_message":"admission webhook denied the request"}}"#),
    kind(Gateway, "gateway.signal.rejected", &["rejected"], FAILURE, &[flat(REJECTED), BUILDER])
        .says("A signal arrived that cannot be used.")
        .such_as(r#"{"rejection_reason":"invalid_signal_format","signal_source":"k8s-events","validation_error":"no reason given"}"#),
    kind(Gateway, "gateway.error.occurred", &["error_occurred"], FAILURE, &[flat(ERROR), BUILDER])
        .says("The gateway failed at something.")
        .such_as(r#"{"error_type":"upstream_refused","error_message":"dial failed","retry_count":2,"will_retry":true}"#),
];

const RECEIVED: &[Field] = &[
    required("alert_name", Text),
    required("signal_fingerprint", Text),
    required("namespace", Text),
    required("cluster", Text),
    required("is_duplicate", Boolean),
    required("action", Text),
];

const DEDUPLICATED: &[Field] = &[
    required("duplicate_of", Text),
    required("reason", Text),
    required("original_timestamp", Text),
    required("window_seconds", Integer),
];

const STORM: &[Field] = &[
    required("storm_id", Text),
    required("signal_count", Integer),
    required("time_window_sec", Integer),
    required("detection_reason", Text),
];

const CRD_CREATED: &[Field] = texts!["crd_name", "crd_namespace", "crd_kind", "creation_time"];

const REJECTED: &[Field] = texts!["rejection_reason", "signal_source", "validation_error"];

const ERROR: &[Field] = &[
    required("error_type", Text),
    required("error_message", Text),
    required("retry_count", Integer),
    required("will_retry", Boolean),
];

/// What the gateway itself sends: everything under its own name.
const CONTROLLER: Shape = shape("gateway", &[required("gateway", Object(SIGNAL))]);

const SIGNAL: &[Field] = &[
    required("signal_type", Text),
    required("namespace", Text),
    optional("alert_name", Text),
    optional("fingerprint", Text),
    optional("signal_fingerprint", Text),
    optional("severity", Text),
    optional("resource_kind", Text),
    optional("resource_name", Text),
    optional("remediation_request", Text),
    optional("deduplication_status", Text),
    optional("occurrence_count", Integer),
    optional("error_message", Text),
];

/// The envelope of the builder for gateway events.
const BUILDER: Shape = shape(
    "builder",
    &[
        required("version", Text),
        required("service", Text),
        required("event_type", Text),
        required("timestamp", Text),
        required("data", Object(&[required("gateway", Object(BUILT))])),
    ],
);

const BUILT: &[Field] = &[
    required("signal_type", Text),
    required("storm_detected", Boolean),
    optional("alert_name", Text),
    optional("event_reason", Text),
    optional("fingerprint", Text),
    optional("namespace", Text),
    optional("resource_type", Text),
    optional("resource_name", Text),
    optional("severity", Text),
    optional("priority", Text),
    optional("environment", Text),
    optional("deduplication_status", Text),
    optional("storm_id", Text),
    optional("labels", TextMap),
    optional("source_payload", Text),
];

/// What later gateways send: flat, and with the type repeated inside.
const TYPED: Shape = shape(
    "typed",
    &[
        required("event_type", Text),
        required("signal_type", Text),
        required("signal_name", Text),
        required("namespace", Text),
        required("fingerprint", Text),
        optional("severity", Text),
        optional("resource_kind", Text),
        optional("resource_name", Text),
        optional("remediation_request", Text),
        optional("deduplication_status", Text),
        optional("occurrence_count", Integer),
        optional("signal_labels", TextMap),
        optional("signal_annotations", TextMap),
        optional("original_payload", Any),
    ],
);
