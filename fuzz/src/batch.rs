//! A batch: its events are those that would have been accepted one by one.

use ds_validation::{Limits, parse_batch, parse_event};

use super::{event::show, now, refusal};

/// Checks what [`parse_batch`] makes of `data`, and of `data` as the one event of a batch.
pub fn check(data: &[u8]) {
    let limits = Limits::default();
    match parse_batch(data, now(), &limits) {
        Ok(events) => assert!(!events.is_empty(), "a batch is not empty"),
        Err(rejection) => refusal::check(data, &rejection),
    }
    let batch = [b"[", data, b"]"].concat();
    let batched = parse_batch(&batch, now(), &limits);
    if let Ok(single) = parse_event(data, now(), &limits) {
        let batched = batched.unwrap_or_else(|error| panic!("only a batch refuses it: {error:?}"));
        let batched: Vec<String> = batched.iter().map(show).collect();
        assert_eq!(batched, [show(&single)]);
    } else if let Ok(batched) = batched {
        assert!(batched.len() > 1, "only a batch accepts it");
    }
}
