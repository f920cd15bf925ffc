//! The events of the benchmark: what varies in them, and their form as a request.
//!
//! References and service get the same events. A text is rendered once and patched for each use,
//! because the generator shares the processors with what it measures.

use jiff::Timestamp;

/// Events are spread over so many correlation ids.
pub(super) const CORRELATIONS: u64 = 20_000;

/// What an event is about.
pub(super) struct Kind {
    pub(super) event_type: &'static str,
    pub(super) category: &'static str,
    pub(super) action: &'static str,
}

/// The kinds, which take turns. The payload is like that of a received signal; the other types are
/// not registered, so that nothing is told about any of them.
pub(super) const KINDS: [Kind; 6] = [
    kind("gateway.signal.received", "gateway", "received"),
    kind("gateway.resource.created", "gateway", "created"),
    kind("notification.digest.sent", "notification", "sent"),
    kind("workflow.step.completed", "workflow", "completed"),
    kind("analysis.rca.completed", "analysis", "completed"),
    kind("orchestration.phase.changed", "orchestration", "transition"),
];

const fn kind(event_type: &'static str, category: &'static str, action: &'static str) -> Kind {
    Kind {
        event_type,
        category,
        action,
    }
}

/// The payload of every event, about 520 bytes; `~` stands for a hexadecimal digit, `%` for a decimal one.
pub(super) const PAYLOAD: &str = r#"{"alert_name":"KubePodCrashLooping","signal_type":"prometheus-alert","signal_fingerprint":"~~~~~~~~~~~~~~~~~~~~~~~~","namespace":"shop-~~","cluster":"edge-~","resource":{"kind":"Deployment","name":"checkout-~~~","api_version":"apps/v1"},"labels":{"app":"checkout","team":"payments","severity":"critical","pod":"checkout-7d9f8b-~~~~~","node":"node-~~"},"is_duplicate":false,"occurrences":1%,"action":"created_crd","crd_name":"rr-~~~~~~~~~~~~","latency_ms":1%%%,"annotations":{"runbook":"KubePodCrashLooping"}}"#;

/// The members beside the payload: `#` is a digit of the correlation id, `@` a character of the time.
fn envelope(kind: &Kind) -> String {
    format!(
        r#"{{"version":"1.0","event_type":"{}","event_timestamp":"@@@@@@@@@@@@@@@@@@@@@@@@@@@","event_category":"{}","event_action":"{}","event_outcome":"success","actor_type":"service","actor_id":"{}-service","resource_type":"Signal","resource_id":"fp-~~~~~~~~","correlation_id":"bench-#####","namespace":"shop-~~","cluster_name":"edge-~","severity":"info","event_data":{PAYLOAD}}}"#,
        kind.event_type, kind.category, kind.action, kind.category
    )
}

/// A correlation id.
pub(super) fn correlation_id(number: u64) -> String {
    format!("bench-{:05}", number % CORRELATIONS)
}

/// One event as a request.
pub(super) fn single(host: &str, client: usize) -> Pattern {
    let body = envelope(&KINDS[client % KINDS.len()]);
    Pattern::new(post(host, "/api/v1/audit/events", &body))
}

/// Many events as one request.
pub(super) fn batch(host: &str, events: usize) -> Pattern {
    let bodies: Vec<String> = (0..events)
        .map(|at| envelope(&KINDS[at % KINDS.len()]))
        .collect();
    let body = format!("[{}]", bodies.join(","));
    Pattern::new(post(host, "/api/v1/audit/events/batch", &body))
}

fn post(host: &str, path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The time, in whole microseconds.
#[expect(
    clippy::disallowed_methods,
    reason = "a client of the service has no `Clock` to take"
)]
pub(super) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// A text with places that are filled anew each time.
#[derive(Clone)]
pub(super) struct Pattern {
    text: Vec<u8>,
    hexadecimal: Vec<usize>,
    decimal: Vec<usize>,
    correlations: Vec<usize>,
    times: Vec<usize>,
}

impl Pattern {
    /// Finds the places.
    pub(super) fn new(text: impl Into<Vec<u8>>) -> Self {
        let text = text.into();
        let all =
            |mark: u8| -> Vec<usize> { (0..text.len()).filter(|at| text[*at] == mark).collect() };
        let first = |mark: u8| -> Vec<usize> {
            let begins = |at: &usize| *at == 0 || text[*at - 1] != mark;
            all(mark).into_iter().filter(begins).collect()
        };
        Self {
            hexadecimal: all(b'~'),
            decimal: all(b'%'),
            correlations: first(b'#'),
            times: first(b'@'),
            text,
        }
    }

    /// Fills every place.
    pub(super) fn fill(&mut self, random: &mut Random, now: Timestamp) -> &[u8] {
        fill_digits(&mut self.text, &self.hexadecimal, 16, random);
        fill_digits(&mut self.text, &self.decimal, 10, random);
        for at in &self.correlations {
            let digits = format!("{:05}", random.below(CORRELATIONS));
            self.text[*at..*at + 5].copy_from_slice(digits.as_bytes());
        }
        if !self.times.is_empty() {
            let time = format!("{now:.6}");
            for at in &self.times {
                self.text[*at..*at + time.len()].copy_from_slice(time.as_bytes());
            }
        }
        &self.text
    }
}

fn fill_digits(text: &mut [u8], places: &[usize], base: u64, random: &mut Random) {
    let mut digits = 0;
    for (nth, at) in places.iter().enumerate() {
        if nth % 12 == 0 {
            digits = random.next();
        }
        let digit = usize::try_from(digits % base).unwrap_or(0);
        text[*at] = b"0123456789abcdef"[digit];
        digits /= base;
    }
}

/// Numbers without order (xorshift64*); not for secrets.
#[derive(Clone)]
pub(super) struct Random(u64);

impl Random {
    /// A sequence of its own for every caller.
    pub(super) fn new() -> Self {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        Self((high ^ low) | 1)
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_request_is_json_of_the_announced_length() {
        let mut random = Random::new();
        for mut pattern in [single("h", 3), batch("h", 7)] {
            let first = pattern.fill(&mut random, now()).to_vec();
            let text = String::from_utf8(first.clone()).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.ends_with(&format!("Content-Length: {}", body.len())));
            assert!(!text.contains(['~', '%', '#', '@']));
            serde_json::from_str::<serde_json::Value>(body).unwrap();
            assert_ne!(pattern.fill(&mut random, now()), first);
        }
    }

    #[test]
    fn the_payload_has_the_size_the_figures_are_based_on() {
        assert!((480..560).contains(&PAYLOAD.len()), "{}", PAYLOAD.len());
    }
}
