//! Entries are read as they were written, whoever wrote them.

use ds_domain::limit;
use jiff::{SignedDuration, civil::date};
use proptest::{collection, option, prelude::*};
use serde_json::json;

use super::*;

const NOW: &str = "2026-11-21T10:00:00.123456Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// An event that was accepted as a request with this body.
fn parked(body: &str, limits: &Limits, parent: Option<Parent>) -> Parked {
    let valid = parse_event(body.as_bytes(), now(), limits).unwrap();
    Parked {
        item: Item::Event {
            event: valid.identify(|| Uuid::from_u128(7), parent),
            unresolved_parent: None,
        },
        accepted_at: now(),
        reason: "store \"is\" away\n".to_owned(),
    }
}

fn event(parked: &Parked) -> &Event {
    parked.event().unwrap().event()
}

fn unresolved_parent(parked: &Parked) -> Option<Uuid> {
    match &parked.item {
        Item::Event {
            unresolved_parent, ..
        } => *unresolved_parent,
        Item::Notification(_) => panic!("{parked:?}"),
    }
}

/// Everything there is to see of an entry; payloads by their text.
fn show(parked: &Parked) -> String {
    let event = event(parked);
    format!(
        "{parked:?} {} {:?}",
        event.event_data.as_str(),
        event.event_metadata.as_ref().map(|data| data.as_str())
    )
}

#[track_caller]
fn check_round_trip(parked: &Parked) {
    let text = encode(parked);
    let read = decode(&text).unwrap();
    assert_eq!(show(&read), show(parked));
    assert!(serde_json::from_str::<&RawValue>(&text).is_ok());
    let outline = outline(&text);
    assert_eq!(outline.event_id, Some(event(parked).event_id));
    assert_eq!(outline.accepted_at, Some(parked.accepted_at));
}

fn request(event_data: &str) -> String {
    format!(
        r#"{{"version":"1.0","event_type":"a","event_timestamp":"{NOW}","event_category":"gateway",
            "event_action":"b","event_outcome":"success","correlation_id":"c","event_data":{event_data}}}"#
    )
}

// === what is read is what was written ===

/// Text of up to `chars_max` characters of any kind but NUL.
fn text(chars_min: usize, chars_max: usize) -> impl Strategy<Value = String> {
    let character = prop_oneof![
        8 => any::<char>(),
        2 => (1_u8..0x80).prop_map(char::from),
        1 => Just('"'),
        1 => Just('\\'),
    ];
    let character = character.prop_filter("NUL cannot be stored", |c| *c != '\0');
    let length = prop_oneof![9 => chars_min..=chars_max.min(40), 1 => Just(chars_max)];
    length.prop_flat_map(move |length| {
        collection::vec(character.clone(), length).prop_map(|chars| chars.into_iter().collect())
    })
}

/// The text of a JSON value that a careless parser would change.
fn payload_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1.10".to_owned()),
        Just("-0".to_owned()),
        Just("1E+2".to_owned()),
        Just("9007199254740993".to_owned()),
        "[1-9][0-9]{0,400}(\\.[0-9]{1,400})?",
        text(0, 20).prop_map(|text| json!(text).to_string()),
        Just(r#""\u00e9\ud83d\ude00\/""#.to_owned()),
    ];
    leaf.prop_recursive(6, 40, 4, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(" ,\n"))),
            collection::vec(inner, 0..4).prop_map(|values| {
                let members = values.iter().enumerate();
                let members: Vec<_> = members
                    .map(|(n, value)| format!("\"z{}\" : {value}", 9 - n))
                    .collect();
                format!("{{ {} }}", members.join(","))
            }),
        ]
    })
}

fn payload() -> impl Strategy<Value = String> {
    payload_value().prop_map(|value| format!("{{\"b\":{value} ,\t\"a\":0.0}}"))
}

/// A member of a request: its name and its JSON text.
type Member = (String, String);

/// The members that are text.
fn texts() -> Vec<BoxedStrategy<Option<Member>>> {
    let text_of = |field: &limit::TextField| {
        let name = field.name.to_owned();
        let chars_max = field.chars_max.unwrap_or(1_000).min(1_000);
        let value = match field.name {
            "event_category" => Just("orchestration".to_owned()).boxed(),
            "event_outcome" => Just("pending".to_owned()).boxed(),
            _ => text(usize::from(field.required), chars_max).boxed(),
        };
        let member = value.prop_map(move |text| (name.clone(), json!(text).to_string()));
        if field.required {
            member.prop_map(Some).boxed()
        } else {
            option::of(member).boxed()
        }
    };
    limit::EVENT_TEXT_FIELDS.iter().map(text_of).collect()
}

fn member(
    name: &'static str,
    value: BoxedStrategy<String>,
) -> impl Strategy<Value = Option<Member>> {
    option::of(value.prop_map(move |value| (name.to_owned(), value)))
}

/// The members that are not, but for the two that must be there.
fn typed() -> impl Strategy<Value = [Option<Member>; 6]> {
    let id = any::<u128>().prop_map(|id| json!(Uuid::from_u128(id)).to_string());
    let ip = any::<std::net::IpAddr>().prop_map(|ip| json!(ip).to_string());
    let duration = (0..=i32::MAX).prop_map(|millis| millis.to_string());
    let retention = (1..=limit::RETENTION_DAYS_MAX).prop_map(|days| days.to_string());
    let flag = any::<bool>().prop_map(|flag| flag.to_string());
    let members = (
        member("event_id", id.boxed()),
        member("event_metadata", payload().boxed()),
        member("actor_ip", ip.boxed()),
        member("duration_ms", duration.boxed()),
        member("retention_days", retention.boxed()),
        member("is_sensitive", flag.boxed()),
    );
    members.prop_map(|(a, b, c, d, e, f)| [a, b, c, d, e, f])
}

fn members() -> impl Strategy<Value = Vec<Member>> {
    let age_max = i64::try_from(limit::EVENT_AGE_MAX.as_micros()).unwrap();
    let at =
        (0..age_max).prop_map(|age| json!(now() - SignedDuration::from_micros(age)).to_string());
    (texts(), typed(), at, payload()).prop_map(|(texts, typed, at, data)| {
        let required = [
            ("event_timestamp".to_owned(), at),
            ("event_data".to_owned(), data),
        ];
        texts
            .into_iter()
            .chain(typed)
            .flatten()
            .chain(required)
            .collect()
    })
}

proptest! {
    #[test]
    fn every_accepted_event_comes_back_unchanged(
        members in members(),
        parent in option::of(any::<u128>().prop_map(Uuid::from_u128)),
        reason in text(0, 200),
    ) {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let parent = parent.map(|id| Parent { id, date: date(2026, 2, 3) });
        let mut parked = parked(&format!("{{{}}}", members.join(",")), &Limits::default(), parent);
        parked.reason = reason;
        check_round_trip(&parked);
    }
}

#[test]
fn an_event_at_every_bound_comes_back() {
    let members = limit::JSON_MEMBERS_MAX - 8;
    let many: Vec<_> = (0..members).map(|n| format!("\"{n}\":0")).collect();
    let deep = limit::JSON_DEPTH_MAX - 1;
    let deep = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
    let digits = "9".repeat(limit::NUMBER_DIGITS_MAX);
    for data in [
        format!("{{{}}}", many.join(",")),
        format!("{{\"a\":{deep}}}"),
        format!("{{\"a\":{digits}}}"),
    ] {
        check_round_trip(&parked(&request(&data), &Limits::default(), None));
    }
}

#[test]
fn bounds_that_were_wider_once_refuse_nothing() {
    let mut limits = Limits::default();
    limits.event_age_max = SignedDuration::from_hours(24 * 28);
    limits.json_members_max = 1_000_000;
    let many: Vec<_> = (0..100_000).map(|n| format!("\"{n}\":0")).collect();
    let body = request(&format!("{{{}}}", many.join(",")));
    let body = body.replace(NOW, "2026-10-25T00:00:00+02:00");
    check_round_trip(&parked(&body, &limits, None));
}

#[test]
fn what_is_not_known_yet_stays_unknown() {
    let mut parked = parked(&request("{}"), &Limits::default(), None);
    if let Item::Event {
        unresolved_parent, ..
    } = &mut parked.item
    {
        *unresolved_parent = Some(Uuid::from_u128(9));
    }
    check_round_trip(&parked);
}

#[test]
fn a_trace_that_came_with_the_request_is_still_known_as_such() {
    let body = request("{}");
    let valid = parse_event(body.as_bytes(), now(), &Limits::default()).unwrap();
    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let context = ds_validation::TraceContext::from_traceparent(header).unwrap();
    let mut parked = parked(&body, &Limits::default(), None);
    let in_trace = valid
        .in_trace(context)
        .identify(|| Uuid::from_u128(7), None);
    if let Item::Event { event, .. } = &mut parked.item {
        *event = in_trace;
    }
    check_round_trip(&parked);
    let read = decode(&encode(&parked)).unwrap();
    assert!(read.event().unwrap().trace_is_propagated());
    assert_eq!(event(&read).span_id.as_deref(), Some("00f067aa0ba902b7"));
}

#[test]
fn the_form_is_the_one_that_is_documented() {
    let parked = parked(&request(r#"{"n":1.10}"#), &Limits::default(), None);
    assert_eq!(
        encode(&parked),
        concat!(
            r#"{"format":1,"type":"audit_event","accepted_at":"2026-11-21T10:00:00.123456Z","#,
            r#""reason":"store \"is\" away\u000a","sender_chose_id":false,"event":{"#,
            r#""event_id":"00000000-0000-0000-0000-000000000007","version":"1.0","event_type":"a","#,
            r#""event_timestamp":"2026-11-21T10:00:00.123456Z","event_category":"gateway","#,
            r#""event_action":"b","event_outcome":"success","correlation_id":"c","#,
            r#""actor_type":"service","actor_id":"gateway-service","resource_type":"gateway","#,
            r#""resource_id":"c","severity":"info","retention_days":2555,"is_sensitive":false,"#,
            r#""event_data":{"n":1.10}}}"#,
        )
    );
}

#[test]
fn what_is_no_entry_is_refused_without_repeating_it() {
    let whole = encode(&parked(&request("{}"), &Limits::default(), None));
    for text in [
        String::new(),
        "secret".to_owned(),
        "{}".to_owned(),
        whole.replace("\"format\":1", "\"format\":2"),
        whole.replace("audit_event", "other"),
        whole.replace("\"event_type\":\"a\"", "\"event_type\":\"\\u0000secret\""),
        whole.replace("\"event_id\"", "\"event_no\""),
        whole[..whole.len() - 1].to_owned(),
    ] {
        let Unreadable(reason) = decode(&text).unwrap_err();
        assert!(!reason.is_empty());
        assert!(!reason.contains("secret"), "{reason}");
    }
    assert_eq!(outline("secret"), Outline::default());
}

// === the first service's entries ===

/// The fixtures: entries of the first service, one a line.
const FIXTURES: &str = include_str!("../../fixtures/go-queue.jsonl");

#[test]
fn entries_of_the_first_service_are_read_in_full() {
    let read: Vec<_> = FIXTURES
        .lines()
        .map(|line| decode_legacy(line).unwrap())
        .collect();
    assert!(read.len() >= 10);
    for parked in &read {
        let again = decode(&encode(parked)).unwrap();
        assert_eq!(show(&again), show(parked));
        let chosen = parked.event().unwrap().sender_chose_id();
        assert!(!chosen, "it chose the ids itself");
    }

    let full = &read[0];
    assert_eq!(
        full.accepted_at,
        "2026-11-21T09:30:00.987654Z".parse().unwrap()
    );
    assert_eq!(
        full.reason,
        "failed to connect to `host=postgres`: connection refused"
    );
    assert_eq!(unresolved_parent(full), Some(Uuid::from_u128(0xabc)));
    let event = event(full);
    assert_eq!(event.parent, None, "its date is not known");
    assert_eq!(
        event.event_id.to_string(),
        "6f3d4c1e-0f5a-4f0e-9b57-3f0c1d2e4a01"
    );
    assert_eq!(
        event.event_timestamp,
        "2026-11-21T09:29:59.123456Z".parse().unwrap()
    );
    assert_eq!(
        event.event_data.as_str(),
        r#"{"alert_name":"MemPressure","big":9007199254740993,"rate":1.10}"#
    );
    assert_eq!(
        event.event_metadata.as_ref().unwrap().as_str(),
        r#"{"schema":"v1"}"#
    );
    assert_eq!(event.actor_ip, Some("10.0.0.7".parse().unwrap()));
    assert_eq!(event.resource_name.as_deref(), Some("checkout-7f8"));
    assert_eq!(
        event.trace_id.as_deref(),
        Some("4bf92f3577b34da6a3ce929d0e0e4736")
    );
    assert_eq!(event.span_id.as_deref(), Some("00f067aa0ba902b7"));
    assert_eq!(event.namespace.as_deref(), Some("shop"));
    assert_eq!(event.cluster_name.as_deref(), Some("edge-3"));
    assert_eq!(event.severity.as_deref(), Some("critical"));
    assert_eq!(event.duration_ms, Some(1_250));
    assert_eq!(event.error_code.as_deref(), Some("E42"));
    assert_eq!(
        event.error_message.as_deref(),
        Some("it broke <badly> & twice")
    );
    assert_eq!(event.retention_days, 90);
    assert!(event.is_sensitive);
}

#[test]
fn what_the_first_service_left_out_has_its_meaning() {
    let read: Vec<_> = FIXTURES
        .lines()
        .map(|line| decode_legacy(line).unwrap())
        .collect();
    let least = event(&read[1]);
    assert_eq!(
        least.event_data.as_str(),
        "{}",
        "no data is an empty object"
    );
    assert_eq!(least.severity, None, "its default was applied before");
    assert_eq!(least.retention_days, limit::RETENTION_DAYS_DEFAULT);
    assert_eq!((least.duration_ms, &least.event_metadata), (None, &None));
    assert_eq!(unresolved_parent(&read[1]), None);
    for parked in &read[2..5] {
        assert_eq!(event(parked).event_data.as_str(), "{}");
    }
    let zoned = &read[5];
    assert_eq!(
        zoned.accepted_at,
        "2026-11-21T09:30:05.000001Z".parse().unwrap()
    );
    assert_eq!(
        event(zoned).event_timestamp,
        "2026-11-20T19:00:00.5Z".parse().unwrap()
    );
    assert_eq!(event(&read[6]).event_action, "größer 🚀 \u{202e}rtl");
}

#[test]
fn entries_that_could_never_be_stored_say_why() {
    let first = FIXTURES.lines().next().unwrap();
    for (from, to, why) in [
        ("\"audit_event\"", "\"other_audit\"", "other_audit"),
        (
            "\"version\":\"1.0\"",
            "\"version\":\"1.0.0-alpha.12\"",
            "maximum string length is 10",
        ),
        (
            "\"actor_ip\":\"10.0.0.7\"",
            "\"actor_ip\":\"nowhere\"",
            "format \"ip\"",
        ),
        ("\"event_data\":\"", "\"event_data\":\"!", "not base64"),
        // `{},"x":1` in base64: it must not become members of the event.
        (
            "\"event_data\":\"eyJhbGVydF9uYW1lIjoiTWVtUHJlc3N1cmUiLCJiaWciOjkwMDcxOTkyNTQ3NDA5OTMsInJhdGUiOjEuMTB9\"",
            "\"event_data\":\"e30sIngiOjE=\"",
            "not JSON",
        ),
        ("\"event_id\"", "\"event_no\"", "no id"),
        ("{\"type\"", "{\"typo\"", "not an entry"),
    ] {
        assert!(first.contains(from), "{from}");
        let Unreadable(reason) = decode_legacy(&first.replacen(from, to, 1)).unwrap_err();
        assert!(reason.contains(why), "{reason}");
    }
    let outline = outline(first);
    assert!(outline.event_id.is_some() && outline.accepted_at.is_some());
}

// === notifications ===

#[test]
fn a_notification_comes_back_unchanged() {
    for parked in [
        crate::testing::parked_notification("nt-1", "#großer 🚀 kanal", now()),
        crate::testing::parked_notification("a/b?c", "' OR true --", now()),
    ] {
        let text = encode(&parked);
        let read = decode(&text).unwrap();
        assert_eq!(format!("{read:?}"), format!("{parked:?}"));
        let outline = outline(&text);
        let Item::Notification(valid) = &parked.item else {
            panic!("{parked:?}")
        };
        let name = &valid.notification().notification_id;
        assert_eq!(outline.notification_id.as_ref(), Some(name));
        assert_eq!((outline.event_id, outline.accepted_at), (None, Some(now())));
    }
}

#[test]
fn the_form_of_a_notification_is_the_one_that_is_documented() {
    let parked = crate::testing::parked_notification("nt-1", "ann", now());
    assert_eq!(
        encode(&parked),
        concat!(
            r#"{"format":1,"type":"notification_audit","#,
            r#""accepted_at":"2026-11-21T10:00:00.123456Z","reason":"store is unavailable","#,
            r#""notification":{"remediation_id":"rr-1","notification_id":"nt-1","recipient":"ann","#,
            r#""channel":"slack","message_summary":"line\u000abreak \u001f é","status":"failed","#,
            r#""sent_at":"2026-11-21T10:00:00.123456Z","error_message":"too \"late\"","#,
            r#""escalation_level":2}}"#,
        )
    );
}

/// A notification as the first service left it.
const LEGACY_NOTIFICATION: &str = r#"{"type":"notification_audit","payload":{"id":0,
    "remediation_id":"rr-1","notification_id":"nt-1","recipient":"ann@example.org","channel":"Email",
    "message_summary":"done","status":"sent","sent_at":"2024-01-01T00:00:00.123456789+01:00",
    "delivery_status":"","escalation_level":0,"created_at":"0001-01-01T00:00:00Z",
    "updated_at":"0001-01-01T00:00:00Z"},"timestamp":"2026-11-21T09:30:00.987654321Z",
    "retry_count":0,"last_error":"connection refused"}"#;

#[test]
fn a_notification_of_the_first_service_is_read_in_full() {
    let read = decode_legacy(LEGACY_NOTIFICATION).unwrap();
    assert_eq!(read.reason, "connection refused");
    let Item::Notification(valid) = &read.item else {
        panic!("{read:?}")
    };
    let notification = valid.notification();
    assert_eq!(notification.notification_id, "nt-1");
    assert_eq!(notification.channel.as_str(), "email");
    assert_eq!(notification.delivery_status, None);
    let sent_at = "2023-12-31T23:00:00.123456Z".parse().unwrap();
    assert_eq!(notification.sent_at, sent_at);
    let again = decode(&encode(&read)).unwrap();
    assert_eq!(format!("{again:?}"), format!("{read:?}"));
    let outline = outline(LEGACY_NOTIFICATION);
    assert_eq!(outline.notification_id.as_deref(), Some("nt-1"));

    let blank = LEGACY_NOTIFICATION.replace("ann@example.org", " ");
    let Unreadable(reason) = decode_legacy(&blank).unwrap_err();
    assert!(reason.contains("recipient is required"), "{reason}");
}
