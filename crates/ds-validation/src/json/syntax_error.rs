//! Why a text is not JSON.

/// Where and why a text is not JSON.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason} at line {line} column {column}")]
#[non_exhaustive]
pub struct SyntaxError {
    /// What is wrong.
    pub reason: &'static str,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
}

impl SyntaxError {
    /// The error at the place behind `read`.
    pub(super) fn behind(read: &[u8], reason: &'static str) -> Self {
        let line_start = read
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |newline| newline + 1);
        Self {
            reason,
            line: read.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: read.len() - line_start + 1,
        }
    }
}
