//! What an ordinary machine may lack, and what a test does about it.

use std::fmt::Display;

/// Set where every test has to run, as in CI.
const EVERYTHING: &str = "DS_TEST_EVERYTHING";

/// What a test needs, if this machine has it. A test that gets `None` has said so and is over.
///
/// # Panics
///
/// When it is lacking where `DS_TEST_EVERYTHING` is set.
#[expect(clippy::print_stderr, reason = "the report of a test")]
pub fn if_there<T, E: Display>(needed: Result<T, E>) -> Option<T> {
    match needed {
        Ok(found) => Some(found),
        Err(reason) if std::env::var_os(EVERYTHING).is_some() => {
            panic!("{EVERYTHING} is set, but {reason:#}")
        }
        Err(reason) => {
            eprintln!("NOT RUN: {reason:#}");
            None
        }
    }
}
