//! Events as real services write them, with everything in them that is easily lost on the way.

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::{Builder, Uuid};

use super::random::Random;
use crate::sample;

/// Values of JSON that do not survive a detour through a double or a naive writer.
const DELICATE: [&str; 6] = [
    "9007199254740993",
    "-18446744073709551616",
    "0.10000000000000000000000000001",
    "1e300",
    r#""quote \" backslash \\ newline \n é \u00e9 🜚 \ud83d\ude00""#,
    r#"[[], {}, null, true, {"": [0, -0.0]}]"#,
];

/// Texts that optional members are given.
const TEXTS: [&str; 5] = ["shop", "edge-3", "naïve – ünïcode 🜚", "a'b\"c\\d", "x"];

/// The oldest event is younger than what the service refuses.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(6 * 24);

/// Makes events; some of every type.
#[derive(Clone)]
pub(super) struct Events {
    samples: Vec<Value>,
}

impl Events {
    pub(super) fn load() -> Result<Self> {
        Ok(Self {
            samples: sample::bodies("soak")?,
        })
    }

    /// The text of one event.
    pub(super) fn event(
        &self,
        random: &mut Random,
        mark: &str,
        id: Option<Uuid>,
        parent: Option<Uuid>,
    ) -> Result<String> {
        let mut event = random.pick(&self.samples).clone();
        let data = event["event_data"].take();
        let members = event.as_object_mut().context("a sample is no object")?;
        members.remove("event_data");
        members.insert("correlation_id".to_owned(), json!(mark));
        members.insert("event_timestamp".to_owned(), json!(timestamp(random)?));
        if let Some(id) = id {
            members.insert("event_id".to_owned(), json!(id));
        }
        if let Some(parent) = parent {
            members.insert("parent_event_id".to_owned(), json!(parent));
        }
        for name in [
            "actor_id",
            "resource_id",
            "resource_name",
            "namespace",
            "cluster_name",
        ] {
            if random.percent(20) {
                members.insert(name.to_owned(), json!(random.pick(&TEXTS)));
            }
        }
        for (name, value) in [
            ("actor_type", json!("user")),
            ("actor_ip", json!("2001:db8::17")),
            ("trace_id", json!("4bf92f3577b34da6a3ce929d0e0e4736")),
            ("severity", json!("")),
            ("duration_ms", json!(random.below(1 << 31))),
            ("error_message", json!("it broke: \u{1}\t\"why\"")),
            ("event_metadata", json!({"attempt": random.below(9)})),
            ("retention_days", json!(1 + random.below(36_525))),
            ("is_sensitive", json!(true)),
        ] {
            if random.percent(10) {
                members.insert(name.to_owned(), value);
            }
        }
        let mut text = event.to_string();
        // Put in as text, because a parsed value would have gone through a double already.
        text.pop();
        text.push_str(r#","event_data":{"sample":"#);
        text.push_str(&data.to_string());
        text.push_str(r#","delicate":"#);
        text.push_str(random.pick::<&str>(&DELICATE));
        if random.percent(5) {
            text.push_str(r#","ballast":""#);
            text.push_str(&"ballast ".repeat(random.below(2_000)));
            text.push('"');
        }
        text.push_str("}}");
        Ok(text)
    }

    /// An id as senders choose them: random, or ordered by time.
    pub(super) fn id(random: &mut Random) -> Uuid {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&random.next().to_le_bytes());
        bytes[8..].copy_from_slice(&random.next().to_le_bytes());
        if random.percent(50) {
            return Builder::from_random_bytes(bytes).into_uuid();
        }
        let millis = sample::now()
            .parse::<Timestamp>()
            .map_or(0, Timestamp::as_millisecond);
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        let mut tail = [0; 10];
        tail.copy_from_slice(&bytes[6..]);
        Builder::from_unix_timestamp_millis(millis.unsigned_abs(), &tail).into_uuid()
    }
}

/// Most events are of now, some come late. Whole microseconds, as the table has them.
pub(super) fn timestamp(random: &mut Random) -> Result<Timestamp> {
    let now: Timestamp = sample::now().parse().context("cannot read the time")?;
    let now = Timestamp::from_microsecond(now.as_microsecond()).context("an impossible time")?;
    if random.percent(80) {
        return Ok(now);
    }
    let age = random.duration(std::time::Duration::ZERO, AGE_MAX.unsigned_abs());
    let micros = i64::try_from(age.as_micros()).context("an endless age")?;
    now.checked_sub(SignedDuration::from_micros(micros))
        .context("an impossible time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_json_with_their_mark_and_differ() {
        let events = Events::load().unwrap();
        let mut random = Random::new(3);
        let mut members = std::collections::HashSet::new();
        for _ in 0..300 {
            let id = Events::id(&mut random);
            let text = events.event(&mut random, "m-1", Some(id), None).unwrap();
            let event: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(event["correlation_id"], "m-1");
            assert_eq!(event["event_id"], json!(id));
            assert!(event["event_data"]["sample"].is_object(), "{text}");
            members.extend(event.as_object().unwrap().keys().cloned());
        }
        assert!(members.len() > 20, "{members:?}");
    }

    #[test]
    fn ids_are_of_both_versions() {
        let mut random = Random::new(5);
        let versions: std::collections::BTreeSet<_> = (0..50)
            .map(|_| Events::id(&mut random).get_version_num())
            .collect();
        assert_eq!(versions.into_iter().collect::<Vec<_>>(), [4, 7]);
    }
}
