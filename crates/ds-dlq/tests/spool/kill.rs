//! `kill -9` in a stream of puts and settlements: what was acknowledged is there.

use std::collections::BTreeSet;

use crate::{
    place::{Place, present},
    writer::{TOGETHER, Writer},
};

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let place = Place::new();
    let (mut acknowledged, mut gone) = (BTreeSet::new(), BTreeSet::new());
    for round in 1..=6_u64 {
        let first = round * 999_999;
        let mut writer = Writer::start(&[], "many", first, place.directory());
        let mut said = Vec::new();
        // Killed at another moment each time.
        while said.len() < 40 + 37 * usize::try_from(round).unwrap() {
            said.push(writer.next().expect("writes until it is killed"));
        }
        said.extend(writer.kill());
        for (word, number) in said {
            match word.as_str() {
                "ok" => acknowledged.extend(number..number + TOGETHER),
                "gone" => drop(gone.insert(number)),
                other => panic!("{other} {number}"),
            }
        }
        let (spool, report) = place.open().await;
        assert!(report.is_whole(), "{report:?}");
        let there = present(&spool).await;
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        let lost: Vec<_> = lost.into_iter().filter(|n| !gone.contains(n)).collect();
        assert!(lost.is_empty(), "lost {lost:?} in round {round}");
        let whole = there.iter().filter(|n| !gone.contains(n));
        let whole: BTreeSet<_> = whole.map(|n| n - n % TOGETHER).collect();
        for n in whole {
            let put = n..n + TOGETHER;
            let is_whole = put.clone().all(|n| there.contains(&n) || gone.contains(&n));
            assert!(is_whole, "a part of {put:?} in round {round}");
        }
        spool.close().await;
    }
    assert!(acknowledged.len() > 500 && gone.len() > 20);
}
