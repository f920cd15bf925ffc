//! `docs/EVENTS.md`: the kinds of events.

use ds_domain::{
    event::EventCategory,
    kind::{self, EventKind, Field, FieldValue},
};

use super::{code, table};

const INTRODUCTION: &str = "# Events

The types of events that the service knows, from the registry in `crates/ds-domain/src/kind/`.
`GET /api/v1/audit/event-types` serves the same with a JSON Schema of each payload.

The set is open: an event of a type that is not here is accepted like any other.
One of a type that is here is compared with what is here: its category, its action, and its payload, which fits when it fits one of the shapes.
What becomes of an event that differs is the setting `validation.event_kinds`: `off`, `warn` (it is stored, the answer's header `X-Validation-Warnings` says what differs, and `datastorage_event_kind_findings_total` counts it) or `enforce` (400).
Members that are not listed may be there, and `null` counts as absent where a member may be absent.
Outcomes are those that such events naturally have; others are not wrong.
";

/// The page.
pub(super) fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for category in EventCategory::ALL {
        let kinds = || kind::all().filter(|kind| kind.category == *category);
        if kinds().next().is_none() {
            continue;
        }
        page.push_str(&format!("\n## {}\n\n", category.as_str()));
        let columns = ["Type", "Actions", "Outcomes", "What happened"];
        page.push_str(&table(&columns, kinds().map(row)));
        for kind in kinds() {
            page.push_str(&section(kind));
        }
    }
    page
}

fn row(kind: &EventKind) -> Vec<String> {
    let name = kind.event_type;
    let link = format!("[`{name}`](#{})", name.replace('.', ""));
    vec![
        link,
        actions(kind),
        outcomes(kind),
        kind.description.to_owned(),
    ]
}

fn actions(kind: &EventKind) -> String {
    let actions: Vec<String> = kind.actions.iter().map(code).collect();
    actions.join(", ")
}

fn outcomes(kind: &EventKind) -> String {
    let outcomes: Vec<&str> = kind.outcomes.iter().map(|word| word.as_str()).collect();
    outcomes.join(", ")
}

/// The payload of a kind.
fn section(kind: &EventKind) -> String {
    let rows = kind.shapes.iter().map(|shape| {
        let (mut always, mut sometimes) = (Vec::new(), Vec::new());
        members("", shape.fields, true, &mut always, &mut sometimes);
        vec![
            shape.name.to_owned(),
            always.join(", "),
            sometimes.join(", "),
        ]
    });
    format!(
        "\n### `{}`\n\n{}\n\n{}\n```json\n{}\n```\n",
        kind.event_type,
        kind.description,
        table(&["Shape", "Always", "Sometimes"], rows),
        kind.example
    )
}

/// Sorts the members of an object, and of the objects inside, by whether they are always there.
fn members(
    parent: &str,
    fields: &[Field],
    parent_is_there: bool,
    always: &mut Vec<String>,
    sometimes: &mut Vec<String>,
) {
    for field in fields {
        let path = format!("{parent}{}", field.name);
        let is_there = parent_is_there && field.required;
        let inside = match field.value {
            FieldValue::Object(fields) => fields,
            FieldValue::Text
            | FieldValue::Boolean
            | FieldValue::Integer
            | FieldValue::Number
            | FieldValue::Texts
            | FieldValue::Objects
            | FieldValue::TextMap
            | FieldValue::Any => &[],
        };
        // An object is shown by what is in it.
        if inside.is_empty() {
            let entry = format!("`{path}` {}", spoken(field.value));
            if is_there {
                &mut *always
            } else {
                &mut *sometimes
            }
            .push(entry);
        } else {
            members(&format!("{path}."), inside, is_there, always, sometimes);
        }
    }
}

fn spoken(value: FieldValue) -> &'static str {
    match value {
        FieldValue::Text => "string",
        FieldValue::Boolean => "boolean",
        FieldValue::Integer => "integer",
        FieldValue::Number => "number",
        FieldValue::Texts => "strings",
        FieldValue::Objects => "objects",
        FieldValue::TextMap => "object of strings",
        FieldValue::Object(_) => "object",
        FieldValue::Any => "anything",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_row_and_a_section() {
        let page = page();
        for kind in kind::all() {
            let name = kind.event_type;
            assert_eq!(page.matches(&format!("| [`{name}`]")).count(), 1, "{name}");
            assert_eq!(
                page.matches(&format!("### `{name}`\n")).count(),
                1,
                "{name}"
            );
        }
    }

    #[test]
    fn members_of_objects_are_told_by_their_path() {
        let kind = kind::find("gateway.crd.creation_failed").unwrap();
        let section = section(kind);
        let always = "| gateway | `gateway.signal_type` string, `gateway.namespace` string |";
        assert!(section.contains(always), "{section}");
        assert!(
            section.contains("`gateway.occurrence_count` integer"),
            "{section}"
        );
    }
}
