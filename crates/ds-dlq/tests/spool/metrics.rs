//! What the metrics say of a spool. One test: they are the process's.

use std::{fs, io::Write, time::Duration};

use ds_dlq::{Backlog, Burial};
use ds_metrics::Exporter;

use crate::place::{Place, entries, start};

#[tokio::test]
async fn metrics_follow_what_happens() {
    let exporter = Exporter::install(std::iter::empty()).unwrap();
    let check = |expected: &[&str]| {
        let exposition = exporter.render();
        for line in expected {
            let line = format!("datastorage_spool_{line}");
            assert!(
                exposition.lines().any(|l| l == line),
                "{line}\n{exposition}"
            );
        }
    };
    let mut place = Place::new();
    place.settings.entries_max = 4;
    let (spool, _) = place.open().await;
    check(&["entries 0", "puts_total 0", "corruptions_total 0"]);

    spool.put(&entries(1..=3)).await.unwrap();
    spool.put(&entries(4..=5)).await.unwrap_err();
    let status = spool.status().await.unwrap();
    let bytes = format!("bytes {}", status.bytes);
    check(&[&bytes, "entries 3", "puts_total 3", "capacity_ratio 0.75"]);
    check(&[
        r#"refused_total{reason="entries"} 2"#,
        "oldest_age_seconds 0",
    ]);

    let taken = spool.take(1).await.unwrap();
    let burial = Burial {
        id: taken[0].id.clone(),
        reason: "row is refused".to_owned(),
    };
    spool.bury(&[burial]).await.unwrap();
    place.clock.set(start() + Duration::from_secs(90));
    spool.status().await.unwrap();
    check(&["entries 2", "dead_letters 1", "oldest_age_seconds 90"]);
    spool.close().await;

    let mut log = fs::OpenOptions::new();
    let mut log = log.append(true).open(&place.segments()[0]).unwrap();
    log.write_all(&[0xff]).unwrap();
    place.open().await;
    check(&["recovered_entries 2", "corruptions_total 1"]);
}
