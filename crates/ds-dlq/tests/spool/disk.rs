//! A disk that is full, and one that fails.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use ds_dlq::{Backlog, PutError};
use ds_testkit::{Strace, if_there};

use crate::{
    place::{Place, entries, names, present, take_all},
    writer::{TOGETHER, Writer},
};

/// A small disk in memory, unmounted when it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Result<Self, &'static str> {
        fs::create_dir_all(at).unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={size}"))
            .arg("tmpfs")
            .arg(at)
            .status();
        match status {
            Ok(status) if status.success() => Ok(Self(at.to_owned())),
            Ok(_) | Err(_) => Err("this test mounts a tmpfs, which needs root and CAP_SYS_ADMIN"),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_goes_on_when_there_is_space() {
    let place = Place::with_small_segments();
    let Some(_disk) = if_there(SmallDisk::mount(place.directory(), "300k")) else {
        return;
    };
    let (spool, _) = place.open().await;
    let mut acknowledged = BTreeSet::new();
    let mut next = 0;
    for round in 0..3 {
        loop {
            let put = next..next + 3;
            next += 3;
            match spool.put(&entries(put.clone())).await {
                Ok(()) => acknowledged.extend(put),
                Err(PutError::Full) => break,
                Err(PutError::Unavailable(error)) => panic!("{error}"),
            }
        }
        assert!(acknowledged.len() > 150, "{}", acknowledged.len());
        assert_eq!(present(&spool).await, acknowledged, "round {round}");
        // What is settled makes space, although nothing can be written at first.
        let taken = spool.take(100).await.unwrap();
        spool.settle(&names(&taken)).await.unwrap();
        acknowledged = acknowledged.into_iter().skip(100).collect();
        spool.put(&entries([next])).await.unwrap();
        acknowledged.insert(next);
        next += 1;
    }
    spool.close().await;
    let (spool, report) = place.open().await;
    assert!(report.is_whole(), "{report:?}");
    let there = present(&spool).await;
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
    let taken = take_all(&spool).await;
    spool.settle(&names(&taken)).await.unwrap();
    assert!(place.bytes() < 2 * place.settings.segment_bytes);
}

#[tokio::test]
async fn a_disk_filled_by_others_is_no_reason_not_to_start() {
    let place = Place::with_small_segments();
    let Some(_disk) = if_there(SmallDisk::mount(place.directory(), "300k")) else {
        return;
    };
    let (spool, _) = place.open().await;
    spool.put(&entries(1..=3)).await.unwrap();
    spool.close().await;
    let ballast = place.directory().join("ballast");
    fs::write(&ballast, vec![1; 400 * 1024]).unwrap_err();
    let (spool, report) = place.open().await;
    assert_eq!(report.entries, 3);
    let full = spool.put(&entries(4..=4)).await;
    assert!(matches!(full, Err(PutError::Full)), "{full:?}");
    assert_eq!(present(&spool).await, (1..=3).collect());
    fs::remove_file(&ballast).unwrap();
    spool.put(&entries(5..=5)).await.unwrap();
    assert_eq!(present(&spool).await, BTreeSet::from([1, 2, 3, 5]));
}

/// `strace` makes the kernel's answer to a sync an error.
#[tokio::test]
async fn what_was_not_synced_is_not_acknowledged() {
    if if_there(Strace::find()).is_none() {
        return;
    }
    let place = Place::new();
    let trace = place.home().join("trace");
    let prefix = [
        "strace",
        "-f",
        "-y",
        "-e",
        "trace=pwrite64,write,fsync,fdatasync,openat",
        "-e",
        "inject=fsync,fdatasync:error=EIO:when=20+50",
        "-o",
        trace.to_str().unwrap(),
    ];
    let mut writer = Writer::start(&prefix, "one", 0, place.directory());
    let (mut ok, mut away) = (BTreeSet::new(), BTreeSet::new());
    while let Some((word, n)) = writer.next() {
        match word.as_str() {
            "ok" => ok.extend(n..n + TOGETHER),
            "away" => away.extend(n..n + TOGETHER),
            other => panic!("{other} {n}"),
        }
    }
    drop(writer);
    assert!(ok.len() > 300 && !away.is_empty(), "{ok:?} {away:?}");
    check_trace(&fs::read_to_string(&trace).unwrap());
    let (spool, report) = place.open().await;
    assert!(report.is_whole(), "{report:?}");
    let there = present(&spool).await;
    let lost: Vec<_> = ok.difference(&there).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
}

/// Every acknowledgement follows a sync that did not fail, of all that was written before; a file
/// whose sync failed is never written again; and its directory is synced before a new file is used.
fn check_trace(trace: &str) {
    let (mut unsynced, mut failed, mut named) = (BTreeSet::new(), BTreeSet::new(), true);
    let (mut acknowledged, mut failures) = (0, 0);
    for line in trace.lines() {
        let call = line
            .split_once(' ')
            .map_or("", |(_, call)| call.trim_start());
        let path = call
            .split_once('<')
            .and_then(|(_, rest)| rest.split_once('>'));
        let path = path.map_or("", |(path, _)| path).to_owned();
        let is_log = path.ends_with(".log");
        if call.starts_with("openat(") && call.contains(".log\"") && call.contains("O_CREAT") {
            named = false;
        } else if call.starts_with("pwrite64(") && is_log {
            assert!(
                !failed.contains(&path),
                "written after its sync failed: {call}"
            );
            unsynced.insert(path);
        } else if call.contains("sync(") || call.starts_with("fdatasync(") {
            if call.contains("EIO") {
                failures += 1;
                if is_log {
                    // What follows cuts it, and never writes to it again.
                    unsynced.remove(&path);
                    failed.insert(path);
                }
            } else if is_log {
                unsynced.remove(&path);
            } else {
                named = true;
            }
        } else if call.starts_with("write(1<") && call.contains("\\nok ") {
            assert!(unsynced.is_empty(), "acknowledged before its sync: {call}");
            assert!(named, "acknowledged before its name was synced: {call}");
            acknowledged += 1;
        }
    }
    assert!(
        acknowledged > 80 && failures > 0,
        "{acknowledged}, {failures}"
    );
}

/// A failed sync pauses the spool for a moment only.
#[tokio::test]
async fn a_directory_that_goes_away_and_comes_back_is_used_again() {
    let place = Place::new();
    let (spool, _) = place.open().await;
    let hidden = place.home().join("hidden");
    fs::rename(place.directory(), &hidden).unwrap();
    let away = spool.put(&entries([1])).await;
    assert!(matches!(away, Err(PutError::Unavailable(_))), "{away:?}");
    fs::rename(&hidden, place.directory()).unwrap();
    tokio::time::timeout(Duration::from_secs(10), async {
        while spool.put(&entries([2])).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it is tried again");
    assert_eq!(present(&spool).await, BTreeSet::from([2]));
}
