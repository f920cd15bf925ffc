//! Notifications as real services write them.

use anyhow::Result;
use serde_json::json;
use uuid::Uuid;

use super::event::timestamp;
use super::random::Random;

/// Texts that are easily lost on the way.
const TEXTS: [&str; 5] = [
    "disk is full",
    "größer 🚀 \u{202e}rtl",
    "'; DROP TABLE notification_audit; --",
    "\\ \" ' ` $1 {} %s",
    " line\nbreak\ttab\u{1} ",
];

const CHANNELS: [&str; 6] = ["email", "Slack", "pagerduty", "SMS", "webhook", "teams"];
const STATUSES: [&str; 5] = ["sent", "Failed", "acknowledged", "escalated", "PENDING"];

/// The text of one notification.
pub(super) fn notification(random: &mut Random, mark: &str, id: Uuid) -> Result<String> {
    let mut body = json!({
        "remediation_id": mark,
        "notification_id": id,
        "recipient": random.pick(&TEXTS),
        "channel": random.pick(&CHANNELS),
        "message_summary": random.pick(&TEXTS),
        "status": random.pick(&STATUSES),
        "sent_at": timestamp(random)?,
    });
    for (name, value) in [
        ("delivery_status", json!(random.pick(&TEXTS))),
        ("error_message", json!("")),
        ("escalation_level", json!(random.below(101))),
    ] {
        if random.percent(30) {
            body[name] = value;
        }
    }
    Ok(body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notifications_are_json_with_their_mark_and_differ() {
        let mut random = Random::new(3);
        let mut members = std::collections::HashSet::new();
        for number in 0..100 {
            let id = Uuid::from_u128(number);
            let text = notification(&mut random, "m-1", id).unwrap();
            let body: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(body["remediation_id"], "m-1");
            assert_eq!(body["notification_id"], json!(id));
            members.extend(body.as_object().unwrap().keys().cloned());
        }
        assert_eq!(members.len(), 10, "{members:?}");
    }
}
