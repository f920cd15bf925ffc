//! The service's side: clients that keep their connection and wait for each answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::measurement::Measurement;
use crate::http::HttpClient;
use crate::sample::{EVENTS, now};

/// The payload of every event, on both sides of the comparison.
pub(super) const EVENT_DATA: &str = r#"{"alert_name":"MemPressure","signal_fingerprint":"fp-7f01","namespace":"shop","cluster":"edge-3","is_duplicate":false,"action":"created_crd"}"#;

/// How the clients run.
pub(super) struct Load {
    pub(super) address: String,
    pub(super) clients: u32,
    pub(super) duration: Duration,
}

/// What a client does over and over; the number is different each time.
#[derive(Clone, Copy)]
enum Work {
    Insert { correlations: u32 },
    Query { correlations: u32 },
}

impl Load {
    /// One event a request.
    pub(super) async fn insert(&self, correlations: u32) -> Result<Measurement> {
        self.run(Work::Insert { correlations })
            .await
            .context("inserting through ds-server failed")
    }

    /// One page a request.
    pub(super) async fn query(&self, correlations: u32) -> Result<Measurement> {
        self.run(Work::Query { correlations })
            .await
            .context("querying ds-server failed")
    }

    async fn run(&self, work: Work) -> Result<Measurement> {
        let counter = Arc::new(AtomicU32::new(1));
        let mut connections = Vec::new();
        for _ in 0..self.clients {
            connections.push(HttpClient::connect(&self.address).await?);
        }
        let begun = Instant::now();
        let deadline = begun + self.duration;
        let tasks: Vec<_> = connections
            .into_iter()
            .map(|client| tokio::spawn(work_until(deadline, client, work, Arc::clone(&counter))))
            .collect();
        let mut micros = Vec::new();
        for task in tasks {
            micros.extend(task.await.context("a client panicked")??);
        }
        let seconds = begun.elapsed().as_secs_f64();
        Measurement::of(micros, seconds).context("not one request was answered")
    }
}

async fn work_until(
    deadline: Instant,
    mut client: HttpClient,
    work: Work,
    counter: Arc<AtomicU32>,
) -> Result<Vec<u64>> {
    let mut micros = Vec::new();
    while Instant::now() < deadline {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let (answer, expected) = match work {
            Work::Insert { correlations } => {
                let body = event(number % correlations + 1);
                (client.post(EVENTS, &body).await?, 201)
            }
            Work::Query { correlations } => {
                // A prime spreads consecutive numbers over the table.
                let correlation = number.wrapping_mul(7919) % correlations + 1;
                let path = format!("{EVENTS}?correlation_id=bench-{correlation}");
                (client.get(&path).await?, 200)
            }
        };
        if answer.status != expected {
            bail!("the answer was {}: {}", answer.status, answer.body);
        }
        micros.push(u64::try_from(begun.elapsed().as_micros()).context("an endless request")?);
    }
    Ok(micros)
}

fn event(correlation: u32) -> String {
    format!(
        r#"{{"version":"1.0","event_type":"gateway.signal.received","event_timestamp":"{}","event_category":"gateway","event_action":"received","event_outcome":"success","correlation_id":"bench-{correlation}","event_data":{EVENT_DATA}}}"#,
        now()
    )
}
