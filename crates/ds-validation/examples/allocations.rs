//! Counts what is allocated for an event: `cargo run --release -p ds-validation --example allocations`.
#![expect(clippy::print_stdout, reason = "an example prints")]

#[path = "../benches/validate/bodies.rs"]
mod bodies;

use std::alloc::System;

use ds_validation::{Limits, parse_batch, parse_event};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let (now, limits) = (bodies::now(), Limits::default());
    println!(
        "{:<20}{:>12}{:>20}{:>20}",
        "", "bytes", "allocations", "bytes allocated"
    );
    let events_of = |work: &bodies::Work| -> usize {
        let each = work.bodies.iter().map(|body| {
            if work.is_batch {
                parse_batch(body.as_bytes(), now, &limits).map_or(0, |batch| batch.len())
            } else {
                usize::from(parse_event(body.as_bytes(), now, &limits).is_ok())
            }
        });
        each.sum()
    };
    for work in bodies::all() {
        // What is made once, such as the patterns of secrets, is not an event's.
        assert_eq!(events_of(&work), work.events, "{} is valid", work.name);
        let region = Region::new(ALLOCATOR);
        let events = events_of(&work);
        let change = region.change();
        // A reallocation is an allocation, too.
        let allocations = change.allocations + change.reallocations;
        println!(
            "{:<20}{:>12}{:>20}{:>20}  per event",
            work.name,
            work.bytes() / events,
            allocations / events,
            change.bytes_allocated / events
        );
    }
}
