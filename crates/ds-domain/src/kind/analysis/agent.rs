//! What the agent that talks to models sends. Its types have no dots.

use crate::{
    event::EventCategory::Analysis,
    kind::{ENDED, EventKind, Field, FieldValue::*, SUCCESS, kind, optional, required, shape},
};

#[rustfmt::skip]
pub(in crate::kind) static KINDS: &[EventKind] = &[
    kind(Analysis, "llm_request", &["llm_request_sent"], SUCCESS, &[shape("agent", REQUEST)])
        .says("A prompt was sent to a model.")
        .such_as(r#"{"event_id":"4f0c","incident_id":"inc-71","model":"m-small","prompt_length":2048,"prompt_preview":"You are","toolsets_enabled":["kubernetes/core"],"mcp_servers":[]}"#),
    kind(Analysis, "llm_response", &["llm_response_received"], ENDED, &[shape("agent", RESPONSE)])
        .says("A model answered.")
        .such_as(r#"{"event_id":"4f0d","incident_id":"inc-71","has_analysis":true,"analysis_length":512,"analysis_preview":"The limit","tokens_used":1140,"tool_call_count":2}"#),
    kind(Analysis, "llm_tool_call", &["tool_invoked"], SUCCESS, &[shape("agent", TOOL_CALL)])
        .says("A model used a tool.")
        .such_as(r#"{"event_id":"4f0e","incident_id":"inc-71","tool_call_index":0,"tool_name":"search_workflow_catalog","tool_arguments":{"query":"OOMKilled"},"tool_result":{"total":1}}"#),
    kind(Analysis, "workflow_validation_attempt", &["validation_executed"], ENDED, &[shape("agent", VALIDATION)])
        .says("The workflow that a model chose was checked.")
        .such_as(r#"{"event_id":"4f0f","incident_id":"inc-71","attempt":1,"max_attempts":3,"is_valid":false,"errors":["workflow not found"],"workflow_id":"wf-71","is_final_attempt":false}"#),
];

const REQUEST: &[Field] = &[
    required("event_id", Text),
    required("incident_id", Text),
    required("model", Text),
    required("prompt_length", Integer),
    required("prompt_preview", Text),
    optional("max_tokens", Integer),
    optional("toolsets_enabled", Texts),
    optional("mcp_servers", Texts),
];

const RESPONSE: &[Field] = &[
    required("event_id", Text),
    required("incident_id", Text),
    required("has_analysis", Boolean),
    required("analysis_length", Integer),
    required("analysis_preview", Text),
    optional("tokens_used", Integer),
    optional("tool_call_count", Integer),
];

const TOOL_CALL: &[Field] = &[
    required("event_id", Text),
    required("incident_id", Text),
    required("tool_call_index", Integer),
    required("tool_name", Text),
    // A tool may return nothing.
    optional("tool_result", Any),
    optional("tool_arguments", Object(&[])),
    optional("tool_result_preview", Text),
];

const VALIDATION: &[Field] = &[
    required("event_id", Text),
    required("incident_id", Text),
    required("attempt", Integer),
    required("max_attempts", Integer),
    required("is_valid", Boolean),
    optional("errors", Texts),
    optional("validation_errors", Text),
    optional("workflow_id", Text),
    optional("workflow_name", Text),
    optional("human_review_reason", Text),
    optional("is_final_attempt", Boolean),
];
