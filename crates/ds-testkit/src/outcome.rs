//! What tests are told of a failure.

use std::fmt::Debug;

/// The value, or the end of the test: tests want a reason, not a `Result`.
#[expect(
    clippy::panic,
    reason = "a test without its server must fail, and say why"
)]
pub(crate) fn succeed<T, E: Debug>(outcome: Result<T, E>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("{error:?}"),
    }
}
