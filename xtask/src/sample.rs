//! Sample events: one of each type in `fixtures/event-types.jsonl`, posted and read back.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::HttpClient;

/// Where events are written and queried.
pub(crate) const EVENTS: &str = "/api/v1/audit/events";

/// Request bodies, one of each event type, under one correlation id.
pub(crate) fn bodies(correlation_id: &str) -> Result<Vec<Value>> {
    let path = ds_testkit::workspace_root().join("fixtures/event-types.jsonl");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| body(&serde_json::from_str(line)?, correlation_id))
        .collect()
}

/// A correlation id nobody else uses.
pub(crate) fn correlation_id() -> String {
    format!("sample-{}", Uuid::new_v4())
}

/// Posts every sample, reads all back by correlation id and compares; how many there were.
pub(crate) async fn check(address: &str, correlation_id: &str) -> Result<usize> {
    let mut client = HttpClient::connect(address).await?;
    let mut expected = Vec::new();
    for body in bodies(correlation_id)? {
        let answer = client.post(EVENTS, &body.to_string()).await?;
        if answer.status != 201 {
            bail!(
                "posting {} was answered {}: {}",
                body["event_type"],
                answer.status,
                answer.body
            );
        }
        let receipt: Value =
            serde_json::from_str(&answer.body).context("the receipt is not JSON")?;
        expected.push((receipt["event_id"].clone(), body));
    }
    let path = format!("{EVENTS}?correlation_id={correlation_id}&limit=100");
    let answer = client.get(&path).await?;
    if answer.status != 200 {
        bail!("GET {path} was answered {}: {}", answer.status, answer.body);
    }
    let page: Value = serde_json::from_str(&answer.body).context("the page is not JSON")?;
    let stored = page["data"].as_array().context("the page has no data")?;
    if stored.len() != expected.len() {
        bail!(
            "{} events were stored, {} are found",
            expected.len(),
            stored.len()
        );
    }
    for (id, body) in &expected {
        let event = stored.iter().find(|event| event["event_id"] == *id);
        compare(
            body,
            event.with_context(|| format!("event {id} is not found"))?,
        )?;
    }
    Ok(expected.len())
}

/// The fields whose form the service must not touch.
fn compare(sent: &Value, found: &Value) -> Result<()> {
    let fields = [
        "event_type",
        "event_category",
        "event_action",
        "event_outcome",
        "correlation_id",
        "event_data",
    ];
    for field in fields {
        if sent[field] != found[field] {
            bail!(
                "{field} of {} was {}, came back as {}",
                sent["event_type"],
                sent[field],
                found[field]
            );
        }
    }
    Ok(())
}

fn body(fixture: &Value, correlation_id: &str) -> Result<Value> {
    if fixture["event_type"].as_str().is_none() {
        bail!("a fixture without event_type: {fixture}");
    }
    Ok(json!({
        "version": "1.0",
        "event_type": fixture["event_type"],
        "event_timestamp": now(),
        "event_category": fixture["event_category"],
        "event_action": fixture["event_action"],
        "event_outcome": fixture["outcome"],
        "correlation_id": correlation_id,
        "event_data": fixture["data"],
    }))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a client of the service has no `Clock` to take"
)]
pub(crate) fn now() -> String {
    jiff::Timestamp::now().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fixture_becomes_a_body() {
        let bodies = bodies("c").unwrap();
        assert!(!bodies.is_empty());
        for body in bodies {
            assert_eq!(body["correlation_id"], "c");
            assert!(body["event_data"].is_object(), "{body}");
            assert!(body["event_outcome"].is_string(), "{body}");
        }
    }
}
