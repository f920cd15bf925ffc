//! Enrichment and categorisation of signals.

use super::{
    ENDED, EventKind, FAILURE, Field, FieldValue::*, PENDING, SUCCESS, flat, kind, optional,
    required, shape, texts,
};
use crate::event::EventCategory::SignalProcessing;

#[rustfmt::skip]
pub(super) static KINDS: &[EventKind] = &[
    kind(SignalProcessing, "signalprocessing.enrichment.started", &["started"], PENDING, &[flat(STARTED)])
        .says("A signal is being enriched with what the cluster knows.")
        .such_as(r#"{"signal_id":"sig-71","enricher_type":"owner_chain","input_labels":["tier:web"],"expected_output":"owner_refs"}"#),
    kind(SignalProcessing, "signalprocessing.enrichment.completed", &["completed", "enrichment"], SUCCESS, &[flat(ENRICHED), shape("controller", CONTEXT)])
        .says("A signal has been enriched with what the cluster knows.")
        .such_as(r#"{"signal_id":"sig-71","labels_added":["kind:deployment"],"duration_ms":88,"enricher_used":"owner_chain"}"#),
    kind(SignalProcessing, "signalprocessing.categorization.completed", &["completed"], SUCCESS, &[flat(CATEGORISED)])
        .says("A signal has been put into a category.")
        .such_as(r#"{"signal_id":"sig-71","category":"capacity","confidence":0.81,"labels":["tier:web"]}"#),
    kind(SignalProcessing, "signalprocessing.error.occurred", &["error_occurred", "error"], FAILURE, &[flat(ERROR), shape("controller", FAILED)])
        .says("Processing of a signal failed.")
        .such_as(r#"{"error_type":"owner_lookup_denied","error_message":"rbac","signal_id":"sig-71"}"#),
    kind(SignalProcessing, "signalprocessing.signal.processed", &["processed"], ENDED, &[shape("controller", PROCESSED)])
        .says("Processing of a signal has ended.")
        .such_as(r#"{"phase":"Completed","signal":"MemPressure","severity":"critical","environment":"production","priority":"P1","has_owner_chain":true,"owner_chain_length":2,"degraded_mode":false}"#),
    kind(SignalProcessing, "signalprocessing.phase.transition", &["phase_transition"], SUCCESS, &[shape("controller", TRANSITION)])
        .says("Processing of a signal went from one phase to the next.")
        .such_as(r#"{"signal":"MemPressure","from_phase":"Enriching","to_phase":"Classifying"}"#),
    kind(SignalProcessing, "signalprocessing.classification.decision", &["classification"], SUCCESS, &[shape("controller", CONTEXT)])
        .says("Environment and priority of a signal were decided.")
        .such_as(r#"{"signal":"MemPressure","environment":"production","environment_source":"namespace-labels","priority":"P1","priority_source":"rego-policy"}"#),
    kind(SignalProcessing, "signalprocessing.business.classified", &["classification"], SUCCESS, &[shape("controller", CONTEXT)])
        .says("The business that a signal matters to was decided.")
        .such_as(r#"{"signal":"MemPressure","business_unit":"payments","criticality":"high","sla_requirement":"gold"}"#),
];

const STARTED: &[Field] = &[
    required("signal_id", Text),
    required("enricher_type", Text),
    required("input_labels", Texts),
    required("expected_output", Text),
];

const ENRICHED: &[Field] = &[
    required("signal_id", Text),
    required("labels_added", Texts),
    required("duration_ms", Integer),
    required("enricher_used", Text),
];

const CATEGORISED: &[Field] = &[
    required("signal_id", Text),
    required("category", Text),
    required("confidence", Number),
    required("labels", Texts),
];

const ERROR: &[Field] = texts!["error_type", "error_message", "signal_id"];

/// What the controller adds to any of its events, as far as it knows.
macro_rules! controller {
    ($($own:expr),* $(,)?) => {
        &[
            $($own,)*
            optional("severity", Text),
            optional("environment", Text),
            optional("environment_source", Text),
            optional("priority", Text),
            optional("priority_source", Text),
            optional("criticality", Text),
            optional("sla_requirement", Text),
            optional("business_unit", Text),
            optional("has_owner_chain", Boolean),
            optional("owner_chain_length", Integer),
            optional("degraded_mode", Boolean),
            optional("has_pdb", Boolean),
            optional("has_hpa", Boolean),
            optional("has_namespace", Boolean),
            optional("has_pod", Boolean),
            optional("has_deployment", Boolean),
            optional("duration_ms", Integer),
        ]
    };
}

const CONTEXT: &[Field] = controller![
    optional("phase", Text),
    optional("signal", Text),
    optional("error", Text)
];

const PROCESSED: &[Field] = controller![
    required("phase", Text),
    required("signal", Text),
    optional("error", Text)
];

const FAILED: &[Field] = controller![
    required("phase", Text),
    optional("signal", Text),
    required("error", Text)
];

const TRANSITION: &[Field] = &[
    required("from_phase", Text),
    required("to_phase", Text),
    optional("phase", Text),
    optional("signal", Text),
];
