//! Actions, and what became of one: alone and in an array they are accepted or refused alike.

use ds_validation::{Actions, Limits, Rejection, parse_action_update, parse_actions};
use serde_json::value::RawValue;

use super::{now, refusal};

/// Checks what [`parse_actions`] and [`parse_action_update`] make of `data`.
pub fn check(data: &[u8]) {
    let limits = Limits::default();
    let batch = [b"[", data, b"]"].concat();
    let batched = parse_actions(&batch, now(), &limits);
    match parse_actions(data, now(), &limits) {
        Ok(Actions::One(action)) => {
            check_json(data);
            assert_eq!(batched, Ok(Actions::Batch(vec![*action])));
        }
        Ok(Actions::Batch(actions)) => {
            check_json(data);
            assert!(!actions.is_empty(), "a batch is not empty");
            assert!(batched.is_err(), "an action is no array");
        }
        Err(rejection @ Rejection::Invalid(_)) => {
            refusal::check(data, &rejection);
            if let Ok(Actions::Batch(actions)) = batched {
                assert!(actions.len() > 1, "only a batch accepts it");
            }
        }
        Err(rejection @ Rejection::Malformed(_)) => refusal::check(data, &rejection),
    }
    match parse_action_update(data, &limits) {
        Ok(_) => check_json(data),
        Err(rejection) => refusal::check(data, &rejection),
    }
}

fn check_json(data: &[u8]) {
    let text = std::str::from_utf8(data).expect("what is accepted is UTF-8");
    let other = serde_json::from_str::<&RawValue>(text);
    assert!(other.is_ok(), "what is accepted is JSON: {other:?}");
}
