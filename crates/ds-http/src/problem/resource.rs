//! Members of a problem that only some resources have.

use std::collections::BTreeMap;

use serde::Serialize;

/// What the first contract says of some resources, and names them by instead of by their path.
#[derive(Debug, Default, Serialize)]
pub(super) struct Resource {
    #[serde(rename = "resource")]
    pub(super) name: &'static str,
    /// What is wrong with each field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) field_errors: BTreeMap<&'static str, String>,
    /// The field whose value another one has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<&'static str>,
    /// That value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
    /// Whether the other one is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identical: Option<bool>,
    /// Whether sending it again is worth it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) retry: bool,
}
