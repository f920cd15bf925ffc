//! Whole events: what becomes of their texts and their metadata.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    Limits, MarkupMode, Rejection, Rule, SecretMode, ValidEvent, parse_batch, parse_event,
};

const NOW: &str = "2026-11-21T10:00:00Z";

fn body(changes: &Value) -> String {
    let mut event = json!({
        "version": "1.0", "event_type": "gateway.signal.received", "event_timestamp": NOW,
        "event_category": "gateway", "event_action": "received", "event_outcome": "success",
        "correlation_id": "rr-1", "event_data": { "a": 1 },
    });
    let members = event.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    event.to_string()
}

/// An event whose payload is this text.
fn with_payload(payload: &str) -> String {
    body(&json!({})).replace(r#"{"a":1}"#, payload)
}

fn limits(secrets: SecretMode) -> Limits {
    Limits {
        secrets,
        ..Limits::default()
    }
}

fn parse(body: &str) -> ValidEvent {
    let parsed = parse_event(body.as_bytes(), NOW.parse().unwrap(), &Limits::default());
    parsed.unwrap_or_else(|rejection| panic!("{rejection:?} for {body}"))
}

fn payload(event: &ValidEvent) -> &str {
    event.event.event_data.as_str()
}

fn metadata(event: &ValidEvent) -> Value {
    let metadata = event.event.event_metadata.as_ref();
    metadata.map_or(Value::Null, |json| {
        serde_json::from_str(json.as_str()).unwrap()
    })
}

/// The redactions of the payload, and what it becomes.
#[track_caller]
fn check(sent: &str, stored: &str, redactions: &[(&str, &str)]) {
    let event = parse(&with_payload(sent));
    assert_eq!(payload(&event), stored);
    let expected: Vec<Value> = redactions
        .iter()
        .map(|(pointer, rule)| json!({ "pointer": format!("/event_data{pointer}"), "rule": rule }))
        .collect();
    let expected = match expected.is_empty() {
        true => Value::Null,
        false => json!({ "redactions": expected }),
    };
    assert_eq!(metadata(&event), expected);
    // Sent again as it was stored, nothing more happens to it.
    assert_eq!(payload(&parse(&with_payload(stored))), stored);
}

#[test]
fn what_is_no_secret_stays_byte_for_byte() {
    check(
        "{ \"n\" : 1.50e+3 ,\t\"url\":\"postgres:\\/\\/app:hunter2@db\\/shop \\u00e9\\ud83d\\ude00\" , \"z\":[ ] }",
        "{ \"n\" : 1.50e+3 ,\t\"url\":\"postgres:\\/\\/app:[REDACTED]@db\\/shop \\u00e9\\ud83d\\ude00\" , \"z\":[ ] }",
        &[("/url", "postgresql-url")],
    );
    check(
        r#"{"m":"é said \"password=h\u0075nter2\"\nand left 😀"}"#,
        r#"{"m":"é said \"password=[REDACTED]\"\nand left 😀"}"#,
        &[("/m", "password-plain")],
    );
}

#[test]
fn a_name_says_that_its_value_is_a_secret() {
    check(
        r#"{"user":"ann","password":"hunter2","deep":[{"API-Key":"x"}]}"#,
        r#"{"user":"ann","password":"[REDACTED]","deep":[{"API-Key":"[REDACTED]"}]}"#,
        &[
            ("/password", "password-json"),
            ("/deep/0/API-Key", "api-key-json"),
        ],
    );
    check(
        r#"{"p\u0061ssword":"hun\"ter2","tok\u0065n":"a\\b"}"#,
        r#"{"p\u0061ssword":"[REDACTED]","tok\u0065n":"[REDACTED]"}"#,
        &[("/password", "password-json"), ("/token", "token-json")],
    );
    check(
        r#"{"password":31415926,"passwords":3,"invalid_password":12,"token":["a1","b2"]}"#,
        r#"{"password":"[REDACTED]","passwords":3,"invalid_password":12,"token":["[REDACTED]","[REDACTED]"]}"#,
        &[
            ("/password", "password-json"),
            ("/token/0", "token-json"),
            ("/token/1", "token-json"),
        ],
    );
    check(
        r#"{"Authorization":["Bearer 9944b09199c62bcf9418"],"headers":{"authorization":"9944b09199c62bcf9418"}}"#,
        r#"{"Authorization":["Bearer [REDACTED]"],"headers":{"authorization":"[REDACTED]"}}"#,
        &[
            ("/Authorization/0", "bearer-token"),
            ("/headers/authorization", "authorization-header"),
        ],
    );
}

#[test]
fn a_name_that_is_no_secret_s_says_nothing() {
    for payload in [
        r#"{"password":"","token":null,"secret":{"name":"db"},"api_key":true}"#,
        r#"{"password":"required","token":"expired","secret":"shop/db-credentials"}"#,
        r#"{"tokens_used":1834,"max_tokens":"4096","continue_token":"abc123","secretName":"db"}"#,
        r#"{"password":"${DB_PASSWORD}","kind":"Secret","data":{"phase":"rotated"}}"#,
        r#"{"name":"DB_HOST","value":"db.shop.svc","valueFrom":{"key":"password"}}"#,
        r#"{"action":"delete_pod","query":"select","note":"risk-based"}"#,
    ] {
        check(payload, payload, &[]);
    }
}

#[test]
fn members_that_make_a_secret_together_are_seen_together() {
    check(
        r#"{"env":[{"name":"DB_PASSWORD","value":"hunter2"},{"value":"t","name":"GITHUB_TOKEN"},{"name":"HOST","value":"db"}]}"#,
        r#"{"env":[{"name":"DB_PASSWORD","value":"[REDACTED]"},{"value":"[REDACTED]","name":"GITHUB_TOKEN"},{"name":"HOST","value":"db"}]}"#,
        &[
            ("/env/0/value", "password-json"),
            ("/env/1/value", "token-json"),
        ],
    );
    check(
        r#"{"o":{"data":{"u/r":"YWRtaW4="},"stringData":{"p":"letmein"},"kind":"Secret","metadata":{"name":"YWRtaW4="}}}"#,
        r#"{"o":{"data":{"u/r":"[REDACTED]"},"stringData":{"p":"[REDACTED]"},"kind":"Secret","metadata":{"name":"YWRtaW4="}}}"#,
        &[
            ("/o/data/u~1r", "k8s-secret-object"),
            ("/o/stringData/p", "k8s-secret-object"),
        ],
    );
}

#[test]
fn json_in_a_text_is_read_as_json() {
    check(
        r#"{"m":"{\"p\\u0061ssword\":\"hun\\\"ter2Xyz9\",\"n\":[1, 2]}"}"#,
        r#"{"m":"{\"p\\u0061ssword\":\"[REDACTED]\",\"n\":[1, 2]}"}"#,
        &[("/m", "password-json")],
    );
    check(
        r#"{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"v1\",\"data\":{\"k\":\"aHVudGVyMg==\"},\"kind\":\"Secret\"}\n"}}"#,
        r#"{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"v1\",\"data\":{\"k\":\"[REDACTED]\"},\"kind\":\"Secret\"}\n"}}"#,
        &[(
            "/annotations/kubectl.kubernetes.io~1last-applied-configuration",
            "k8s-secret-object",
        )],
    );
    check(
        r#"{"m":"{\"pwd=x\":1,\"pwd=y\":{\"env\":\"{\\\"token\\\":\\\"a,b\\\"}\"}}"}"#,
        r#"{"m":"{\"pwd=[REDACTED]\":1,\"pwd=[REDACTED]\":{\"env\":\"{\\\"token\\\":\\\"[REDACTED]\\\"}\"}}"}"#,
        &[("/m", "password-plain"), ("/m", "token-json")],
    );
}

#[test]
fn an_object_may_hold_the_secret_that_its_name_promises() {
    check(
        r#"{"password":{"value":"hunter2","old":"a1","hint":"b"},"tokens":[],"api_key":[{"Plain_Text":"c1"}],"secret":{"value":"d1","name":"db","new":"db-2"}}"#,
        r#"{"password":{"value":"[REDACTED]","old":"[REDACTED]","hint":"b"},"tokens":[],"api_key":[{"Plain_Text":"[REDACTED]"}],"secret":{"value":"[REDACTED]","name":"db","new":"db-2"}}"#,
        &[
            ("/password/value", "password-json"),
            ("/password/old", "password-json"),
            ("/api_key/0/Plain_Text", "api-key-json"),
            ("/secret/value", "secret-json"),
        ],
    );
}

#[test]
fn names_are_cleaned_too_and_stay_apart() {
    let token = |n| format!("gh{}_16C7e42F292c6912E7710c838347Ae178B4{n}", "p");
    check(
        &format!(
            r#"{{"{}":1,"{}":{{"password":"x"}},"a":"[REDACTED]#9"}}"#,
            token(1),
            token(2)
        ),
        r##"{"[REDACTED]":1,"[REDACTED]#2":{"password":"[REDACTED]"},"a":"[REDACTED]#9"}"##,
        &[
            ("/[REDACTED]", "github-token"),
            ("/[REDACTED]#2", "github-token"),
            ("/[REDACTED]#2/password", "password-json"),
        ],
    );
}

#[test]
fn a_cleaned_name_takes_the_place_of_no_other() {
    let token = |n| format!("gh{}_16C7e42F292c6912E7710c838347Ae178B4{n}", "p");
    let (first, second) = (token(1), token(2));
    check(
        &format!(r##"{{"{first}":1,"[REDACTED]#2":2,"{second}":3}}"##),
        r##"{"[REDACTED]":1,"[REDACTED]#2":2,"[REDACTED]#3":3}"##,
        &[
            ("/[REDACTED]", "github-token"),
            ("/[REDACTED]#3", "github-token"),
        ],
    );
    // In whatever order they come, each keeps its value.
    check(
        &format!(r##"{{"{second}":3,"[REDACTED]":2,"{first}":1}}"##),
        r##"{"[REDACTED]#3":3,"[REDACTED]":2,"[REDACTED]#2":1}"##,
        &[
            ("/[REDACTED]#3", "github-token"),
            ("/[REDACTED]#2", "github-token"),
        ],
    );
    // Objects are apart already.
    check(
        &format!(r##"{{"a":[{{"{first}":1}},{{"[REDACTED]":2,"{first}":{{"pwd":"x"}}}}]}}"##),
        r##"{"a":[{"[REDACTED]":1},{"[REDACTED]":2,"[REDACTED]#2":{"pwd":"[REDACTED]"}}]}"##,
        &[
            ("/a/0/[REDACTED]", "github-token"),
            ("/a/1/[REDACTED]#2", "github-token"),
            ("/a/1/[REDACTED]#2/pwd", "password-json"),
        ],
    );
    check(
        r##"{"postgres://u:[REDACTED]@h/db":1,"postgres://u:one@h/db":2,"postgres://u:[REDACTED]@h/db#2":3}"##,
        r##"{"postgres://u:[REDACTED]@h/db":1,"postgres://u:[REDACTED]@h/db#3":2,"postgres://u:[REDACTED]@h/db#2":3}"##,
        &[("/postgres:~1~1u:[REDACTED]@h~1db#3", "postgresql-url")],
    );
    let text = body(&json!({ "event_metadata": { first: 1, "[REDACTED]": 2, "<script>": 3 } }));
    assert_eq!(
        metadata(&parse(&text)),
        json!({
            "[REDACTED]#2": 1, "[REDACTED]": 2, "<script>": 3,
            "redactions": [{ "pointer": "/event_metadata/[REDACTED]#2", "rule": "github-token" }],
            "flags": [{ "pointer": "/event_metadata/<script>", "rule": "xss_detected" }],
        })
    );
}

#[test]
fn pointers_go_into_the_document_as_it_is_stored() {
    let text = format!(
        r##"{{"[REDACTED]":0,"gh{}_16C7e42F292c6912E7710c838347Ae178B41":{{"<script>":"<script>"}}}}"##,
        "p"
    );
    let event = parse(&with_payload(&text));
    let places = |findings: &crate::Findings| -> Vec<String> {
        let places = findings.iter().map(|finding| finding.pointer.clone());
        places.collect()
    };
    let inner = "/event_data/[REDACTED]#2/<script>";
    assert_eq!(places(&event.screening().flags), [inner, inner]);
    // What is stored as it is has pointers that say so.
    let off = parse_event(
        with_payload(&text).as_bytes(),
        NOW.parse().unwrap(),
        &limits(SecretMode::Off),
    )
    .unwrap();
    let inner = format!(
        "/event_data/gh{}_16C7e42F292c6912E7710c838347Ae178B41/<script>",
        "p"
    );
    assert_eq!(places(&off.screening().flags), [inner.clone(), inner]);
}

#[test]
fn texts_of_the_envelope_are_cleaned_and_still_fit() {
    let event = parse(&body(&json!({
        "error_message": "dial redis://:hunter2@cache:6379: refused",
        "error_code": format!("{}pwd=x", "e".repeat(44)),
        "actor_id": "token=abc123",
        "event_metadata": { "note": "password=hunter2", "n": 1 },
    })));
    let stored = &event.event;
    assert_eq!(
        stored.error_message.as_deref(),
        Some("dial redis://:[REDACTED]@cache:6379: refused")
    );
    assert_eq!(
        stored.error_code.as_deref(),
        Some("e".repeat(44) + "pwd=x").as_deref(),
        "no key"
    );
    assert_eq!(stored.actor_id, "token=[REDACTED]");
    assert_eq!(
        metadata(&event),
        json!({
            "note": "password=[REDACTED]", "n": 1,
            "redactions": [
                { "pointer": "/actor_id", "rule": "token-plain" },
                { "pointer": "/error_message", "rule": "redis-url" },
                { "pointer": "/event_metadata/note", "rule": "password-plain" },
            ],
        })
    );
    let event = parse(&body(
        &json!({ "error_code": format!("{} pwd=x", "e".repeat(44)) }),
    ));
    assert_eq!(
        event.event.error_code.as_deref(),
        Some("[REDACTED]"),
        "51 characters would not fit"
    );
    let event = parse(&body(&json!({ "version": "pwd=hunter" })));
    assert_eq!(event.event.version, "[REDACTED]");
}

#[test]
fn markup_is_noted_and_kept() {
    let sent = json!({
        "correlation_id": "rr-'; DROP TABLE audit_events; --",
        "event_data": { "html": ["<script>alert(1)</script>"], "<img src=x onerror=y>": 1 },
        "event_metadata": {},
    });
    let event = parse(&body(&sent));
    assert_eq!(event.correlation_id(), sent["correlation_id"]);
    assert_eq!(
        serde_json::from_str::<Value>(payload(&event)).unwrap(),
        sent["event_data"]
    );
    assert_eq!(
        metadata(&event),
        json!({ "flags": [
            { "pointer": "/correlation_id", "rule": "sql_injection_detected" },
            { "pointer": "/event_data/<img src=x onerror=y>", "rule": "xss_detected" },
            { "pointer": "/event_data/html/0", "rule": "xss_detected" },
        ] })
    );
    let counts: Vec<_> = event.screening().flags.counts().collect();
    assert_eq!(counts, [("sql_injection_detected", 1), ("xss_detected", 2)]);
    // As encoders for HTML write it.
    let event = parse(&with_payload(r#"{"a":"\u003cscript\u003ealert(1)"}"#));
    assert_eq!(metadata(&event)["flags"][0]["pointer"], "/event_data/a");
}

#[test]
fn notes_of_senders_are_added_to() {
    let metadata_of = |metadata: &str| {
        let text = body(&json!({ "error_message": "password=hunter2" }));
        let text = text.replacen('{', &format!(r#"{{"event_metadata":{metadata},"#), 1);
        let parsed = parse_event(text.as_bytes(), NOW.parse().unwrap(), &Limits::default());
        parsed.map(|event| event.event.event_metadata.unwrap().as_str().to_owned())
    };
    let entry = r#"{"pointer":"/error_message","rule":"password-plain"}"#;
    for (sent, stored) in [
        ("{}", format!(r#"{{"redactions":[{entry}]}}"#)),
        ("{ }", format!(r#"{{ "redactions":[{entry}]}}"#)),
        (
            "{ \"a\" : [1] }",
            format!("{{ \"a\" : [1] ,\"redactions\":[{entry}]}}"),
        ),
        (
            "{\"redactions\":[]}",
            format!(r#"{{"redactions":[{entry}]}}"#),
        ),
        (
            r#"{"redactions" : [ {"x":[1]} ] , "z":{"redactions":0}}"#,
            format!(r#"{{"redactions" : [ {{"x":[1]}} ,{entry}] , "z":{{"redactions":0}}}}"#),
        ),
    ] {
        assert_eq!(metadata_of(sent).unwrap(), stored, "{sent}");
    }
    let Err(Rejection::Invalid(found)) = metadata_of(r#"{"r\u0065dactions":{"a":1},"flags":"b"}"#)
    else {
        panic!("only lists can be added to")
    };
    let found: Vec<_> = found
        .iter()
        .map(|one| (one.pointer.as_str(), one.rule))
        .collect();
    assert_eq!(
        found,
        [
            ("/event_metadata/flags", Rule::Type),
            ("/event_metadata/redactions", Rule::Type),
        ]
    );
}

#[test]
fn a_secret_can_be_refused_and_is_not_repeated() {
    let text = body(&json!({
        "error_message": "password=hunter2",
        "event_data": { "url": "redis://:hunter2@cache" },
    }));
    let refused = parse_event(
        text.as_bytes(),
        NOW.parse().unwrap(),
        &limits(SecretMode::Reject),
    );
    let Err(Rejection::Invalid(found)) = refused else {
        panic!("it is refused")
    };
    let lines: Vec<_> = found
        .iter()
        .map(|one| (one.pointer.as_str(), one.field, one.rule))
        .collect();
    assert_eq!(
        lines,
        [
            ("/error_message", "error_message", Rule::ContainsSecret),
            ("/event_data/url", "event_data", Rule::ContainsSecret),
        ]
    );
    assert!(found.to_string().contains("rule redis-url"));
    assert!(!found.to_string().contains("hunter2"));
}

#[test]
fn what_is_turned_off_is_not_done() {
    let text = body(
        &json!({ "error_message": "password=hunter2 <script>", "event_metadata": { "flags": 1 } }),
    );
    let off = Limits {
        secrets: SecretMode::Off,
        markup: MarkupMode::Off,
        ..Limits::default()
    };
    for limits in [off, Limits::widest()] {
        let event = parse_event(text.as_bytes(), NOW.parse().unwrap(), &limits).unwrap();
        assert_eq!(
            event.event.error_message.as_deref(),
            Some("password=hunter2 <script>")
        );
        assert_eq!(metadata(&event), json!({ "flags": 1 }));
    }
    let text = text.replace(r#","event_metadata":{"flags":1}"#, "");
    let event = parse_event(
        text.as_bytes(),
        NOW.parse().unwrap(),
        &limits(SecretMode::Off),
    )
    .unwrap();
    assert_eq!(
        event.event.error_message.as_deref(),
        Some("password=hunter2 <script>")
    );
    assert_eq!(metadata(&event)["flags"][0]["rule"], "xss_detected");
}

#[test]
fn every_event_of_a_batch_is_looked_at() {
    let clean = body(&json!({}));
    let dirty = body(&json!({ "error_message": "password=hunter2" }));
    let text = format!(" [ {clean} , {dirty} , {clean} ] ");
    let events = parse_batch(text.as_bytes(), NOW.parse().unwrap(), &Limits::default()).unwrap();
    let found: Vec<bool> = events
        .iter()
        .map(|event| !event.screening().redactions.is_empty())
        .collect();
    assert_eq!(found, [false, true, false]);
}

#[test]
fn a_draft_that_was_never_text_is_looked_at_too() {
    let draft = crate::EventDraft {
        error_message: Some("password=hunter2".to_owned()),
        ..crate::EventDraft::default()
    };
    let found =
        crate::validate(draft, NOW.parse().unwrap(), &limits(SecretMode::Reject)).unwrap_err();
    assert!(
        found.iter().any(|one| one.rule == Rule::ContainsSecret),
        "{found}"
    );
}

#[test]
fn only_so_many_places_are_listed() {
    let payload = format!("[{}]", vec![r#""pwd=a1""#; 1_000].join(","));
    let event = parse(&with_payload(&format!(r#"{{"list":{payload}}}"#)));
    assert!(!self::payload(&event).contains("a1"));
    assert_eq!(
        metadata(&event)["redactions"].as_array().unwrap().len(),
        100
    );
    let counts: Vec<_> = event.screening().redactions.counts().collect();
    assert_eq!(counts, [("password-plain", 1_000)]);
}

/// JSON with a fair share of secrets.
pub(crate) fn documents() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        prop::sample::select(vec![
            "password=hunter2",
            "redis://:pw@h",
            "ok",
            "a\"b\\c\n",
            "<script>",
            "é😀",
            "Secret",
            "DB_PASSWORD",
            "YWRtaW4=",
            "Bearer 9944b09199c62bcf9418",
            "token: \"a b\"",
            "[REDACTED]",
            "{\"token\":\"x\"}",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ];
    let name = prop_oneof![
        prop::sample::select(vec![
            "password",
            "token",
            "data",
            "kind",
            "name",
            "value",
            "a/b~c",
            "Authorization"
        ])
        .prop_map(str::to_owned),
        "[a-z\"\\\\é]{0,4}",
        prop::sample::select(vec![
            "pwd=x",
            "pwd=y",
            "pwd=z",
            "pwd=[REDACTED]",
            "pwd=[REDACTED]#2",
            "pwd=[REDACTED]#3",
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        text.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..1_000).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    let document = leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    document.prop_map(|value| json!({ "root": value }))
}

/// How many values of each type there are: redaction changes texts, and numbers that are passwords.
fn shape(value: &Value) -> (usize, usize) {
    let add = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
    match value {
        Value::Array(items) => items.iter().map(shape).fold((1, 0), add),
        Value::Object(members) => members.values().map(shape).fold((1, members.len()), add),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (1, 0),
    }
}

/// The values that no rule takes for a secret, sorted.
fn untouched(value: &Value) -> Vec<String> {
    let mut found: Vec<String> = match value {
        Value::Array(items) => items.iter().flat_map(untouched).collect(),
        Value::Object(members) => members.values().flat_map(untouched).collect(),
        Value::Number(number) if number.as_i64().is_none_or(|n| n.abs() >= 1_000) => Vec::new(),
        Value::String(_) => Vec::new(),
        Value::Null | Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
    };
    found.sort_unstable();
    found
}

proptest! {
    #[test]
    fn a_cleaned_payload_is_json_of_the_same_shape_and_stays_as_it_is(document in documents()) {
        let sent = document.to_string();
        let event = parse(&with_payload(&sent));
        let stored = payload(&event);
        let cleaned: Value = serde_json::from_str(stored).unwrap();
        prop_assert_eq!(shape(&cleaned), shape(&document));
        prop_assert_eq!(untouched(&cleaned), untouched(&document));
        prop_assert_eq!(event.screening().redactions.is_empty(), stored == sent);
        let again = parse(&with_payload(stored));
        prop_assert_eq!(payload(&again), stored);
        prop_assert!(again.screening().redactions.is_empty(), "{:?}", again.screening());
        for finding in &event.screening().redactions {
            let place = cleaned.pointer(&finding.pointer["/event_data".len()..]);
            prop_assert!(place.is_some() || finding.pointer.contains('…'), "{}", finding.pointer);
        }
    }
}
