//! Metrics and log lines that say how full the queue is.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use ds_dlq::{Backlog, PutError, Stream};
use ds_metrics::Exporter;

use crate::ground::{entries, ids, shared, take_all};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn count(&self, text: &str) -> usize {
        String::from_utf8_lossy(&self.0.lock().unwrap())
            .matches(text)
            .count()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[track_caller]
fn check(exporter: &Exporter, name: &str, expected: &str) {
    let exposition = exporter.render();
    let line = format!("datastorage_dlq_{name} {expected}");
    let found = exposition
        .lines()
        .find(|line| line.starts_with(&format!("datastorage_dlq_{name} ")));
    assert_eq!(found, Some(line.as_str()));
}

#[track_caller]
fn check_alerts(exporter: &Exporter, ratio: &str, warning: u8, critical: u8, imminent: u8) {
    check(exporter, "capacity_ratio{stream=\"events\"}", ratio);
    check(exporter, "warning{stream=\"events\"}", &warning.to_string());
    check(
        exporter,
        "critical{stream=\"events\"}",
        &critical.to_string(),
    );
    check(
        exporter,
        "overflow_imminent{stream=\"events\"}",
        &imminent.to_string(),
    );
}

#[tokio::test]
async fn thresholds_are_seen_when_they_are_passed_and_when_they_are_left() {
    let exporter = Exporter::install(std::iter::empty()).unwrap();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    check(
        &exporter,
        "enqueue_total{stream=\"events\",type=\"audit_event\"}",
        "0",
    );

    let (_, queue, mut client) = shared(|settings| settings.entries_max = 20).await;
    check(&exporter, "connected", "1");
    queue.put(&entries(0..15)).await.unwrap();
    check_alerts(&exporter, "0.75", 0, 0, 0);
    queue.put(&entries(15..16)).await.unwrap();
    check_alerts(&exporter, "0.8", 1, 0, 0);
    queue.put(&entries(16..17)).await.unwrap();
    queue.put(&entries(17..18)).await.unwrap();
    check_alerts(&exporter, "0.9", 0, 1, 0);
    queue.put(&entries(18..20)).await.unwrap();
    check_alerts(&exporter, "1", 0, 0, 1);
    let refused = queue.put(&entries(20..22)).await;
    assert!(matches!(refused, Err(PutError::Full)), "{refused:?}");
    check(
        &exporter,
        "enqueue_total{stream=\"events\",type=\"audit_event\"}",
        "20",
    );
    check(&exporter, "refused_total{stream=\"events\"}", "2");
    check(&exporter, "depth{stream=\"events\"}", "20");
    assert_eq!(log.count("queue is filling up"), 1, "once each time");
    assert_eq!(log.count("queue is nearly full"), 1);
    assert_eq!(log.count("queue overflow is imminent"), 1);
    assert_eq!(log.count("depth=20 max=20"), 1);
    assert_eq!(log.count("ratio=\"100.00%\""), 1);
    assert_eq!(log.count("ERROR"), 2);

    let taken = take_all(&queue, 20).await;
    queue.settle(&ids(&taken[..5])).await.unwrap();
    queue.status().await.unwrap();
    check_alerts(&exporter, "0.75", 0, 0, 0);
    assert_eq!(log.count("queue is emptier again"), 1);
    queue.settle(&ids(&taken)).await.unwrap();
    queue.status().await.unwrap();
    check_alerts(&exporter, "0", 0, 0, 0);
    check(&exporter, "bytes{stream=\"events\"}", "0");
    check(&exporter, "oldest_age_seconds{stream=\"events\"}", "0");
    check(&exporter, "durable", "0");
    assert_eq!(log.count("Redis would lose acknowledged entries"), 1);

    let notifications = queue.sibling(Stream::Notifications);
    notifications.status().await.unwrap();
    check(&exporter, "depth{stream=\"notifications\"}", "0");
    client.command(&["PING"]).await.unwrap();
}
