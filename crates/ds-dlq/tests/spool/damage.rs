//! Files that are cut, overwritten or gone: what was acknowledged and is not hit is there.

use std::{collections::BTreeSet, fs, os::unix::fs::FileExt, path::Path, sync::Arc};

use ds_dlq::{Backlog, Burial, Spool};
use tokio::task::JoinSet;

use crate::place::{Place, entries, names, present, take_all};

/// Length of the only file after each acknowledged step, and what was there then.
struct Story {
    bytes: Vec<u8>,
    steps: Vec<(u64, BTreeSet<u64>)>,
}

/// Puts of one to three entries, with some that are settled between them.
async fn story(place: &Place, puts: u64) -> Story {
    let (spool, _) = place.open().await;
    let (mut there, mut steps, mut next) = (BTreeSet::new(), Vec::new(), 0);
    let length = || fs::metadata(&place.segments()[0]).unwrap().len();
    for n in 0..puts {
        let end = next + 1 + n % 3;
        spool.put(&entries(next..end)).await.unwrap();
        there.extend(next..end);
        next = end;
        steps.push((length(), there.clone()));
        if n % 5 == 4 {
            let taken = spool.take(1).await.unwrap();
            spool.settle(&names(&taken)).await.unwrap();
            there.pop_first();
            steps.push((length(), there.clone()));
        }
    }
    spool.close().await;
    let bytes = fs::read(&place.segments()[0]).unwrap();
    assert_eq!(bytes.len() as u64, steps.last().unwrap().0);
    Story { bytes, steps }
}

#[tokio::test]
async fn a_log_cut_anywhere_holds_what_was_acknowledged_before() {
    let place = Place::new();
    let story = Arc::new(story(&place, 25).await);
    let length = story.bytes.len() as u64;
    let last = story.steps[story.steps.len() - 3].0;
    // A walk that meets every part of the file, and each byte of the last put and the last note.
    let elsewhere = (0..300).map(|n| n * 7_919 * 31 % last);
    let mut checks = JoinSet::new();
    for cut in elsewhere.chain(last..=length) {
        if checks.len() >= 16 {
            checks.join_next().await.unwrap().unwrap();
        }
        checks.spawn(check_cut(story.clone(), cut));
    }
    while let Some(check) = checks.join_next().await {
        check.unwrap();
    }
}

async fn check_cut(story: Arc<Story>, cut: u64) {
    let place = Place::in_memory();
    fs::create_dir(place.directory()).unwrap();
    let kept = &story.bytes[..usize::try_from(cut).unwrap()];
    let path = place.directory().join("0000000000000001.log");
    fs::write(&path, kept).unwrap();
    let before = story.steps.iter().rev().find(|(end, _)| *end <= cut);
    let (spool, report) = place.open().await;
    let there = present(&spool).await;
    assert_eq!(report.entries, there.len() as u64);
    assert!(report.is_whole(), "{report:?}, cut at {cut}");
    if let Some((end, expected)) = before {
        assert_eq!(there, *expected, "cut at {cut}");
        assert_eq!(report.torn_bytes, cut - end, "cut at {cut}");
        assert_eq!(fs::metadata(&path).unwrap().len(), *end, "cut at {cut}");
    } else {
        assert!(there.is_empty(), "cut at {cut}");
    }
    if !cut.is_multiple_of(16) {
        return;
    }
    // It goes on as if nothing had happened.
    spool.put(&entries([9_000])).await.unwrap();
    spool.close().await;
    let (spool, report) = place.open().await;
    assert_eq!(report.torn_bytes, 0, "said once, cut at {cut}");
    let expected = there.into_iter().chain([9_000]).collect();
    assert_eq!(present(&spool).await, expected, "cut at {cut}");
}

#[tokio::test]
async fn zeros_and_garbage_behind_the_end_cost_nothing() {
    for (tail, is_torn) in [(vec![0; 70_000], true), (vec![0xa5; 70_000], false)] {
        let place = Place::new();
        let story = story(&place, 10).await;
        append(&place.segments()[0], &tail);
        let (spool, report) = place.open().await;
        let there = present(&spool).await;
        assert_eq!(there, story.steps.last().unwrap().1);
        let found = (report.torn_bytes, report.damaged_bytes);
        let expected = if is_torn { (70_000, 0) } else { (0, 70_000) };
        assert_eq!(found, expected);
        assert_eq!(report.is_whole(), is_torn);
    }
}

fn append(path: &Path, bytes: &[u8]) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let end = file.metadata().unwrap().len();
    file.write_all_at(bytes, end).unwrap();
}

/// A write of several pages of which not all came to the disk before the power was lost.
#[tokio::test]
async fn a_last_put_with_a_hole_costs_itself() {
    let place = Place::new();
    let (spool, _) = place.open().await;
    spool.put(&entries(1..=20)).await.unwrap();
    let before = fs::metadata(&place.segments()[0]).unwrap().len();
    spool.put(&entries(21..=40)).await.unwrap();
    spool.close().await;
    let file = fs::OpenOptions::new()
        .write(true)
        .open(&place.segments()[0])
        .unwrap();
    file.write_all_at(&[0; 4096], before.next_multiple_of(4096))
        .unwrap();
    let (spool, report) = place.open().await;
    assert_eq!(present(&spool).await, (1..=20).collect());
    assert!(report.damaged_bytes > 4096, "{report:?}");
}

#[tokio::test]
async fn a_flipped_byte_in_the_middle_costs_the_put_it_hits() {
    let place = Place::new();
    let (spool, _) = place.open().await;
    let mut ends = Vec::new();
    for n in 0..30 {
        spool.put(&entries([n])).await.unwrap();
        ends.push(fs::metadata(&place.segments()[0]).unwrap().len());
    }
    spool.close().await;
    let length = *ends.last().unwrap();
    for n in 0..60 {
        let at = ends[0] + n * 7_919 * 31 % (length - ends[0]);
        let copy = place.copy();
        flip(&copy.segments()[0], at);
        let hit = ends.iter().filter(|end| **end <= at).count() as u64;
        let (spool, report) = copy.open().await;
        let mut expected: BTreeSet<_> = (0..30).collect();
        expected.remove(&hit);
        assert_eq!(present(&spool).await, expected, "byte {at}");
        assert!(report.damaged_bytes + report.torn_bytes > 0, "byte {at}");
    }
}

fn flip(path: &Path, at: u64) {
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_once_nothing_in_it_waits() {
    let place = Place::with_small_segments();
    let (spool, _) = place.open().await;
    for n in 0..40 {
        spool.put(&entries([n])).await.unwrap();
    }
    spool.close().await;
    flip(&place.segments()[1], 5_000);
    let (spool, report) = place.open().await;
    assert_eq!(report.entries, 39);
    assert!(!report.is_whole());
    let taken = take_all(&spool).await;
    spool.put(&entries([100])).await.unwrap();
    spool.settle(&names(&taken)).await.unwrap();
    assert_eq!(place.files_named("damaged").len(), 1);
    spool.close().await;
    let (spool, report) = place.open().await;
    assert!(report.is_whole(), "said while it was in use: {report:?}");
    assert_eq!(present(&spool).await, BTreeSet::from([100]));
}

#[tokio::test]
async fn missing_and_unreadable_files_cost_what_they_held() {
    let place = Place::with_small_segments();
    let (spool, _) = place.open().await;
    for n in 0..150 {
        spool.put(&entries([n])).await.unwrap();
    }
    spool.close().await;
    let segments = place.segments();
    assert!(segments.len() >= 5, "{segments:?}");
    fs::remove_file(&segments[1]).unwrap();
    fs::remove_file(&segments[3]).unwrap();
    fs::create_dir(&segments[3]).unwrap();
    let (spool, report) = place.open().await;
    assert_eq!(report.missing_files, 1);
    assert_eq!(report.unreadable_files.len(), 1);
    assert_eq!(report.unreadable_files[0].0, segments[3]);
    let there = present(&spool).await;
    assert_eq!(there.len() as u64, report.entries);
    assert!(there.contains(&0) && there.contains(&149) && there.len() > 60);
    spool.put(&entries([1_000])).await.unwrap();
    assert!(present(&spool).await.contains(&1_000));
}

#[tokio::test]
async fn other_files_are_left_alone() {
    let place = Place::new();
    fs::create_dir_all(place.directory().join("lost+found")).unwrap();
    fs::write(place.directory().join("notes.log"), "by hand").unwrap();
    fs::write(place.directory().join("17"), "by hand").unwrap();
    let (spool, report) = place.open().await;
    assert!(report.is_whole(), "{report:?}");
    spool.put(&entries([1])).await.unwrap();
    assert_eq!(
        fs::read(place.directory().join("notes.log")).unwrap(),
        b"by hand"
    );
}

/// Bits that rot while the spool is open are found when the entry is read.
#[tokio::test]
async fn an_entry_that_rotted_is_handed_out_as_unreadable() {
    let place = Place::new();
    let (spool, _) = place.open().await;
    spool.put(&entries(1..=3)).await.unwrap();
    let length = fs::metadata(&place.segments()[0]).unwrap().len();
    flip(&place.segments()[0], length - 100);
    let taken = take_all(&spool).await;
    assert!(taken[0].entry.is_ok() && taken[1].entry.is_ok());
    let error = taken[2].entry.as_ref().unwrap_err();
    assert!(error.to_string().contains("checksum"), "{error}");
    bury(&spool, &taken[2].id).await;
    let letters = spool.dead_letters(None, 1).await.unwrap();
    assert_eq!(letters[0].reason, "cannot be read");
}

async fn bury(spool: &Spool, id: &ds_dlq::EntryId) {
    let burial = Burial {
        id: id.clone(),
        reason: "cannot be read".to_owned(),
    };
    spool.bury(&[burial]).await.unwrap();
}
