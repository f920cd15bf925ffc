//! Any order of operations, crashes included, leaves the entries that a plain map would hold.

use std::{collections::BTreeMap, time::Duration};

use ds_dlq::{Backlog, Burial, Deferral, Delivery, Spool};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::place::{Place, entries, number, take_all};

#[derive(Clone, Debug)]
enum Step {
    Put(u64),
    Settle(usize),
    Defer(usize, bool),
    Bury(usize),
    Revive(usize),
    Purge(usize),
    /// The process is killed and another one starts.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..12_u64).prop_map(Step::Put),
        4 => (1..30_usize).prop_map(Step::Settle),
        2 => ((1..4_usize), any::<bool>()).prop_map(|(n, is_long)| Step::Defer(n, is_long)),
        2 => (1..4_usize).prop_map(Step::Bury),
        1 => (0..4_usize).prop_map(Step::Revive),
        1 => (0..4_usize).prop_map(Step::Purge),
        1 => Just(Step::Crash),
    ]
}

/// What must be there: attempts of what waits, and dead letters.
#[derive(Debug, Default, PartialEq)]
struct Model {
    next: u64,
    waiting: BTreeMap<u64, u32>,
    dead: BTreeMap<u64, usize>,
}

impl Model {
    fn number(delivery: &Delivery) -> u64 {
        number(delivery.entry.as_ref().unwrap())
    }
}

async fn apply(step: &Step, model: &mut Model, spool: &Spool) {
    match step {
        Step::Put(n) => {
            let numbers = model.next..model.next + n;
            spool.put(&entries(numbers.clone())).await.unwrap();
            model.waiting.extend(numbers.map(|n| (n, 0)));
            model.next += n;
        }
        Step::Settle(n) => {
            let taken = spool.take(*n).await.unwrap();
            let ids: Vec<_> = taken.iter().map(|d| d.id.clone()).collect();
            spool.settle(&ids).await.unwrap();
            for delivery in &taken {
                assert!(model.waiting.remove(&Model::number(delivery)).is_some());
            }
        }
        Step::Defer(n, is_long) => {
            let taken = spool.take(*n).await.unwrap();
            let wait = Duration::from_secs(if *is_long { 3600 } else { 0 });
            let deferral = |delivery: &Delivery| Deferral {
                id: delivery.id.clone(),
                wait,
                error: "no route to host".to_owned(),
            };
            let deferrals: Vec<_> = taken.iter().map(deferral).collect();
            spool.defer(&deferrals).await.unwrap();
            for delivery in &taken {
                *model.waiting.get_mut(&Model::number(delivery)).unwrap() += 1;
            }
        }
        Step::Bury(n) => {
            let taken = spool.take(*n).await.unwrap();
            let burial = |delivery: &Delivery| Burial {
                id: delivery.id.clone(),
                reason: "row is refused".to_owned(),
            };
            let burials: Vec<_> = taken.iter().map(burial).collect();
            spool.bury(&burials).await.unwrap();
            for delivery in &taken {
                let attempts = model.waiting.remove(&Model::number(delivery)).unwrap();
                let history = usize::try_from(attempts).unwrap().min(8);
                model.dead.insert(Model::number(delivery), history);
            }
        }
        Step::Revive(n) => wake(*n, true, model, spool).await,
        Step::Purge(n) => wake(*n, false, model, spool).await,
        Step::Crash => unreachable!("done where the files are"),
    }
}

/// Revives or purges a dead letter, if there are so many.
async fn wake(n: usize, is_revived: bool, model: &mut Model, spool: &Spool) {
    let letters = spool.dead_letters(None, 100).await.unwrap();
    let Some(letter) = letters.get(n) else {
        return;
    };
    let number = u64::try_from(letter.event_id.unwrap().as_u128()).unwrap();
    assert_eq!(model.dead.remove(&number), Some(letter.history.len()));
    if is_revived {
        assert!(spool.revive(&letter.id).await.unwrap());
        model.waiting.insert(number, 0);
    } else {
        assert!(spool.purge(&letter.id).await.unwrap());
    }
}

async fn check(model: &Model, place: &Place) {
    let copy = place.copy();
    copy.clock
        .set(crate::place::start() + Duration::from_secs(3600));
    let (spool, report) = copy.open().await;
    copy.clock.set(crate::place::start());
    assert!(report.is_whole() && report.torn_bytes == 0, "{report:?}");
    let all = take_all(&spool).await;
    let waiting = all.iter().map(|d| (Model::number(d), d.attempts));
    assert_eq!(waiting.collect::<BTreeMap<_, _>>(), model.waiting);
    assert_eq!(all.len(), model.waiting.len());
    let letters = spool.dead_letters(None, 1_000).await.unwrap();
    let dead = letters.iter().map(|letter| {
        let number = letter.event_id.unwrap().as_u128();
        (u64::try_from(number).unwrap(), letter.history.len())
    });
    assert_eq!(dead.collect::<BTreeMap<_, _>>(), model.dead);
}

async fn run(steps: Vec<Step>) {
    let mut place = Place::with_small_segments();
    place.settings.segment_bytes = 8 * 1024;
    let mut model = Model::default();
    let (mut spool, _) = place.open().await;
    for step in steps {
        if matches!(step, Step::Crash) {
            check(&model, &place).await;
            place = place.copy();
            spool = place.open().await.0;
        } else {
            apply(&step, &mut model, &spool).await;
        }
    }
    check(&model, &place).await;
    let status = spool.status().await.unwrap();
    assert_eq!(status.entries, model.waiting.len() as u64);
    // Notes of attempts are live as well, and not among the bytes of entries: a rough bound is meant
    // to find what grows without one.
    let live = status.bytes + (status.entries + status.dead) * 3_000;
    let bound = 2 * live + 200_000;
    assert!(place.bytes() < bound, "{} of {bound} bytes", place.bytes());
}

#[test]
fn any_order_of_operations_and_crashes_leaves_what_a_map_would_hold() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let config = ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let steps = prop::collection::vec(step(), 1..120);
    TestRunner::new(config)
        .run(&steps, |steps| {
            runtime.block_on(run(steps));
            Ok(())
        })
        .unwrap();
}
