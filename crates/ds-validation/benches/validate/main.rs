//! What it costs to turn a body into valid events: `cargo bench -p ds-validation --bench validate`.

mod bodies;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use ds_validation::{Limits, parse_batch, parse_event};

use bodies::Work;

/// The allocator of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("validate");
    let limits = Limits::default();
    for work in bodies::all() {
        let bytes = u64::try_from(work.bytes()).unwrap_or(u64::MAX);
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(work.name, |bencher| {
            bencher.iter(|| assert_eq!(events(black_box(&work), &limits), work.events));
        });
    }
    group.finish();
    criterion.final_summary();
}

/// Reads all bodies; how many events are in them.
fn events(work: &Work, limits: &Limits) -> usize {
    let now = bodies::now();
    let mut events = 0;
    for body in &work.bodies {
        events += if work.is_batch {
            black_box(parse_batch(body.as_bytes(), now, limits)).map_or(0, |batch| batch.len())
        } else {
            usize::from(black_box(parse_event(body.as_bytes(), now, limits)).is_ok())
        };
    }
    events
}
