//! Labels that are accepted, and what is said about others.

use ds_domain::label::CustomLabels;

use super::*;

const PLACE: &str = "custom_labels";

fn read(text: &str) -> Result<CustomLabels, Vec<String>> {
    let mut found = Violations::default();
    let kind = Kind::Object;
    let labels = custom(Value { kind, text }, &Place::of_field(PLACE), &mut found);
    if found.is_empty() {
        return Ok(labels.unwrap());
    }
    let lines = found
        .iter()
        .map(|it| format!("{} {} {}", it.rule.as_str(), it.pointer, it.message));
    Err(lines.collect())
}

#[track_caller]
fn accepts(text: &str) {
    assert!(read(text).is_ok(), "{text}: {:?}", read(text));
}

#[track_caller]
fn refuses(text: &str, expected: &[&str]) {
    assert_eq!(read(text).unwrap_err(), expected, "{text}");
}

#[test]
fn keys_are_those_of_the_contract() {
    accepts(&format!(r#"{{"{}":["v"]}}"#, "k".repeat(63)));
    accepts(r#"{"Team.A_b-9":["v"],".":["v"],"constructor":[]}"#);
    let long = "k".repeat(64);
    refuses(
        &format!(r#"{{"{long}":["v"]}}"#),
        &[&format!(
            "exceeds_max_length /custom_labels/{long} keys have at most 63 characters"
        )],
    );
    let made = r#"keys are made of ASCII letters, digits, ".", "_" and "-""#;
    refuses(
        r#"{"":["v"],"a b":["v"],"ключ":["v"],"a/b":["v"],"a~b":["v"],"a\u0022b":["v"]}"#,
        &[
            "empty /custom_labels/ key is empty",
            &format!("invalid_format /custom_labels/a b {made}"),
            &format!("invalid_format /custom_labels/ключ {made}"),
            &format!("invalid_format /custom_labels/a~1b {made}"),
            &format!("invalid_format /custom_labels/a~0b {made}"),
            &format!("invalid_format /custom_labels/a\"b {made}"),
        ],
    );
}

#[test]
fn the_platform_keeps_some_keys_to_itself() {
    refuses(
        r#"{"kubernaut.ai/team":["v"],"system/x":["v"]}"#,
        &[
            "invalid_format /custom_labels/kubernaut.ai~1team keys that begin with kubernaut.ai/ are reserved",
            "invalid_format /custom_labels/system~1x keys that begin with system/ are reserved",
        ],
    );
    accepts(r#"{"kubernaut.ai":["v"],"system":["v"]}"#);
}

#[test]
fn values_are_those_of_the_contract() {
    accepts(r#"{"k":["\"","\\","a.b","\\u002a","\u002a"],"l":["🦀","'; DROP TABLE x; --"," "]}"#);
    accepts(&format!(r#"{{"k":["{}"]}}"#, "ü".repeat(100)));
    refuses(
        &format!(r#"{{"k":["{}","","a\nb",7,null]}}"#, "ü".repeat(101)),
        &[
            "exceeds_max_length /custom_labels/k/0 maximum string length is 100",
            "empty /custom_labels/k/1 minimum string length is 1",
            "invalid_format /custom_labels/k/2 value contains a character that cannot be printed",
            "invalid_type /custom_labels/k/3 value must be a string",
            "not_nullable /custom_labels/k/4 Value is not nullable",
        ],
    );
    refuses(
        r#"{"k":"v","l":null}"#,
        &[
            "invalid_type /custom_labels/k value must be an array",
            "invalid_type /custom_labels/l value must be an array",
        ],
    );
}

#[test]
fn escapes_are_read_before_anything_is_compared() {
    let labels = read(r#"{"a\u002eb":["\u002a","\\u002a"]}"#).unwrap();
    assert_eq!(labels.values("a.b"), ["*", r"\u002a"]);
}

#[test]
fn there_are_ten_keys_of_five_values() {
    let object = |keys: usize, values: usize| {
        let values: Vec<_> = (0..values).map(|value| format!(r#""v{value}""#)).collect();
        let values = values.join(",");
        let keys: Vec<_> = (0..keys)
            .map(|key| format!(r#""k{key}":[{values}]"#))
            .collect();
        format!("{{{}}}", keys.join(","))
    };
    accepts(&object(10, 5));
    refuses(
        &object(11, 1),
        &["too_many_items /custom_labels there may be at most 10 custom labels"],
    );
    refuses(
        &object(1, 6),
        &["too_many_items /custom_labels/k0 a label has at most 5 values"],
    );
}

#[test]
fn workflows_may_leave_labels_open_and_searches_may_not() {
    let text =
        r#"{"signal_type":"s","severity":"low","component":"*","environment":"*","priority":"*"}"#;
    let kind = Kind::Object;
    let members = Members::of(Value { kind, text }).unwrap();
    let read =
        |side, found: &mut Violations| mandatory(&members, side, &Place::of_field("labels"), found);
    let mut found = Violations::default();
    let labels = read(Side::Workflow, &mut found).unwrap();
    assert_eq!(labels.priority, Priority::Any);
    assert!(found.is_empty());
    assert_eq!(read(Side::Search, &mut found), None);
    assert_eq!(found.iter().next().unwrap().pointer, "/labels/priority");
}

#[test]
fn mandatory_labels_are_bounded() {
    let text = |chars| {
        let name = "s".repeat(chars);
        format!(
            r#"{{"signal_type":"{name}","severity":"low","component":"c","environment":"e","priority":"P0"}}"#
        )
    };
    let read = |text: &str| {
        let kind = Kind::Object;
        let members = Members::of(Value { kind, text }).unwrap();
        let place = Place::of_field("labels");
        mandatory(&members, Side::Workflow, &place, &mut Violations::default())
    };
    assert!(read(&text(255)).is_some());
    assert!(read(&text(256)).is_none());
}
