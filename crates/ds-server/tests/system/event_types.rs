//! The 27 event types of the platform: stored, read back, and found by their payloads.

use serde_json::{Value, json};

use crate::service::{Service, event_with};

/// One event type a line, with the payload queries its readers rely on.
const FIXTURE: &str = include_str!("../../../../fixtures/event-types.jsonl");

/// The wire form of a fixture line.
fn wire(line: &Value, correlation_id: &str) -> Value {
    event_with(json!({
        "event_type": line["event_type"],
        "event_category": line["event_category"],
        "event_action": line["event_action"],
        "event_outcome": line["outcome"],
        "actor_type": "service",
        "actor_id": format!("{}-service", line["service"].as_str().unwrap()),
        "resource_type": "Test",
        "correlation_id": correlation_id,
        "event_data": line["data"],
    }))
}

#[tokio::test]
async fn all_event_types_come_back_equal_and_are_found_by_their_payloads() {
    let service = Service::start().await;
    let lines: Vec<Value> = FIXTURE.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(lines.len(), 27);
    let database = service.database.connect().await;
    let mut queries = 0;
    for (index, line) in lines.iter().enumerate() {
        let correlation = format!("fixture-{index}");
        let sent = wire(line, &correlation);
        let reply = service.post(&sent).await;
        assert_eq!(reply.status, 201, "{line}: {:?}", reply.body);
        let answer = service
            .query(&format!("correlation_id={correlation}"))
            .await;
        assert_eq!(answer["pagination"]["total"], 1, "{line}");
        for (name, value) in sent.as_object().unwrap() {
            assert_eq!(&answer["data"][0][name], value, "{name} of {line}");
        }
        for query in line["q"].as_array().unwrap() {
            queries += 1;
            let (key, operator) = (query[0].as_str().unwrap(), query[1].as_str().unwrap());
            let expected = match operator {
                "->>" => line["data"][key].as_str().unwrap().to_owned(),
                _ => line["data"][key].to_string(),
            };
            let cast = if operator == "->>" { "text" } else { "jsonb" };
            let by_key = format!(
                "SELECT count(*) FROM audit_events WHERE correlation_id = $1
                 AND event_data {operator} '{key}' = $2::text::{cast}"
            );
            let found = database
                .query_one(&by_key, &[&correlation, &expected])
                .await
                .unwrap();
            assert_eq!(found.get::<_, i64>(0), 1, "{key} {operator} of {line}");
            let contained = json!({ key: line["data"][key] }).to_string();
            let by_containment = "SELECT count(*) FROM audit_events
                WHERE correlation_id = $1 AND event_data @> $2::text::jsonb";
            let found = database
                .query_one(by_containment, &[&correlation, &contained])
                .await
                .unwrap();
            assert_eq!(found.get::<_, i64>(0), 1, "{key} contained in {line}");
        }
    }
    assert_eq!(queries, 52);
}
