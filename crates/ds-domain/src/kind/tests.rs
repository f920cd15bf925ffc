//! The registry is consistent.

use std::collections::BTreeSet;

use super::*;
use crate::limit;

/// The catalogue of event types, one sample a line.
const CATALOGUE: &str = include_str!("../../../../fixtures/event-types.jsonl");

fn chars_max(field: &str) -> usize {
    limit::event_text_field(field).unwrap().chars_max.unwrap()
}

#[test]
fn a_type_has_one_kind_which_is_found() {
    let types: BTreeSet<&str> = all().map(|kind| kind.event_type).collect();
    assert_eq!(types.len(), all().count());
    for kind in all() {
        let found = find(kind.event_type).unwrap();
        assert!(std::ptr::eq(found, kind), "{}", kind.event_type);
        assert!(kind.event_type.len() <= chars_max("event_type"));
    }
    assert!(find("gateway.signal").is_none());
    assert!(find("").is_none());
}

#[test]
fn each_list_has_kinds_of_one_category() {
    for kinds in KINDS {
        let categories: BTreeSet<_> = kinds.iter().map(|kind| kind.category).collect();
        assert_eq!(categories.len(), 1, "{categories:?}");
    }
}

#[test]
fn each_kind_says_what_it_is() {
    for kind in all() {
        let name = kind.event_type;
        assert!(kind.description.ends_with('.'), "{name}");
        assert!(
            !kind.actions.is_empty() && !kind.outcomes.is_empty(),
            "{name}"
        );
        assert!(!kind.shapes.is_empty(), "{name}");
        for action in kind.actions {
            assert!(action.len() <= chars_max("event_action"), "{name}");
        }
        let example: serde_json::Value = serde_json::from_str(kind.example).unwrap();
        assert!(!example.as_object().unwrap().is_empty(), "{name}");
        let shapes: BTreeSet<&str> = kind.shapes.iter().map(|shape| shape.name).collect();
        assert_eq!(shapes.len(), kind.shapes.len(), "{name}: shapes have names");
    }
}

/// Deepest field below `fields`, which are checked on the way.
fn depth(fields: &[Field], name: &str) -> usize {
    let names: BTreeSet<&str> = fields.iter().map(|field| field.name).collect();
    assert_eq!(names.len(), fields.len(), "{name} names a field twice");
    let below = fields.iter().map(|field| {
        // A pointer and a header can repeat it as it is.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        assert!(field.name.bytes().all(is_plain), "{name}: {}", field.name);
        match field.value {
            FieldValue::Object(fields) => depth(fields, name),
            FieldValue::Text
            | FieldValue::Boolean
            | FieldValue::Integer
            | FieldValue::Number
            | FieldValue::Texts
            | FieldValue::Objects
            | FieldValue::TextMap
            | FieldValue::Any => 0,
        }
    });
    1 + below.max().unwrap_or_default()
}

#[test]
fn shapes_are_no_deeper_than_a_check_looks() {
    for kind in all() {
        for shape in kind.shapes {
            assert!(depth(shape.fields, kind.event_type) <= FIELD_DEPTH_MAX);
        }
    }
}

#[test]
fn the_catalogue_is_registered() {
    let mut types = BTreeSet::new();
    for line in CATALOGUE.lines() {
        let sample: serde_json::Value = serde_json::from_str(line).unwrap();
        let kind = find(sample["event_type"].as_str().unwrap()).unwrap();
        types.insert(kind.event_type);
        assert_eq!(sample["event_category"], kind.category.as_str(), "{line}");
        assert_eq!(sample["event_action"], kind.actions[0], "{line}");
        let outcomes: Vec<&str> = kind.outcomes.iter().map(|word| word.as_str()).collect();
        assert!(
            outcomes.contains(&sample["outcome"].as_str().unwrap()),
            "{line}"
        );
        assert_eq!(kind.shapes[0].name, "catalogue", "{line}");
    }
    assert_eq!(types.len(), 27);
}
