#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "actions")]
mod action;
mod batch;
mod date_time;
mod decode;
mod draft;
mod envelope;
#[cfg(any(feature = "actions", feature = "notifications", feature = "workflows"))]
mod form;
#[cfg(feature = "actions")]
pub mod incident;
mod json;
mod kind;
#[cfg(feature = "workflows")]
mod label;
mod limits;
pub mod markup;
mod member;
#[cfg(feature = "notifications")]
mod notification;
mod object;
mod parameter;
pub mod query;
#[cfg(feature = "actions")]
pub mod rate;
mod relative_time;
mod repetition;
#[cfg(feature = "sanitize")]
pub mod sanitize;
mod screen;
#[cfg(feature = "workflows")]
mod search;
pub mod secret;
mod trace_context;
mod valid;
mod violation;
#[cfg(feature = "workflows")]
mod workflow;

// Their types are part of this interface.
pub use {ds_domain, jiff, uuid};

#[cfg(feature = "actions")]
pub use action::{
    ActionDraft, ActionUpdateDraft, Actions, ValidAction, ValidActionUpdate, parse_action,
    parse_action_update, parse_actions, validate_action, validate_action_update,
};
pub use batch::parse_batch;
pub use decode::{Rejection, parse_event};
pub use draft::EventDraft;
pub use envelope::validate;
pub use json::SyntaxError;
pub use kind::{KindCheck, KindFinding, KindMode};
pub use limits::Limits;
#[cfg(feature = "notifications")]
pub use notification::{
    DeliveryDraft, NotificationDraft, NotificationQuery, ValidDelivery, ValidNotification,
    parse_delivery, parse_notification, parse_notification_query, validate_delivery,
    validate_notification,
};
pub use object::parse_object;
pub use parameter::{ParameterError, ParameterErrors, ParameterPlace};
pub use screen::{Finding, Findings, MarkupMode, Screening, SecretMode};
#[cfg(feature = "workflows")]
pub use search::parse_search;
pub use trace_context::TraceContext;
pub use valid::{NewEvent, ValidEvent};
pub use violation::{Rule, Violation, Violations};
#[cfg(feature = "workflows")]
pub use workflow::{
    HashMode, ValidWorkflow, WorkflowQuery, parse_executions, parse_workflow, parse_workflow_batch,
    parse_workflow_change, parse_workflow_disabling, parse_workflow_enabling, parse_workflow_query,
};
