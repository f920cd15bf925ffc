//! `docs/LIMITS.md`: what bounds an event, a notification, a request and a query.

use anyhow::{Context, Result};
use ds_domain::{
    limit::{self, TextField, TypedField},
    rate,
};

use super::{code, table};

const DEFAULTS: &str = "crates/ds-server/default.yaml";

const INTRODUCTION: &str = "# Limits

What is accepted, from the constants in `crates/ds-domain/src/limit.rs` and the defaults in `crates/ds-server/default.yaml`.
Tests compare the constants with the migrated columns, the validator and the API document.
What goes beyond a limit is refused with 400, a pointer to the member and the name of the rule.

Lengths are in Unicode code points, as the columns count them.
An empty optional text counts as absent; a required one may not be empty, and one of a notification not blank.
Where a column has no bound of its own, the service alone keeps its texts to the length in the table.
";

/// The page.
pub(super) fn page() -> Result<String> {
    let path = ds_testkit::workspace_root().join(DEFAULTS);
    let defaults = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let bounds = BOUNDS
        .iter()
        .map(|(what, most)| vec![(*what).to_owned(), most.to_string()]);
    let table_of = |section| {
        let settings = settings(&defaults, section).into_iter().map(setting);
        table(&["Setting", "Default", "What it bounds"], settings)
    };
    Ok([
        INTRODUCTION,
        &fields(
            "an event",
            limit::EVENT_TEXT_FIELDS,
            limit::EVENT_TYPED_FIELDS,
        ),
        &fields(
            "a notification",
            limit::NOTIFICATION_TEXT_FIELDS,
            limit::NOTIFICATION_TYPED_FIELDS,
        ),
        &fields(
            "a delivery of a notification",
            limit::DELIVERY_TEXT_FIELDS,
            limit::DELIVERY_TYPED_FIELDS,
        ),
        &fields(
            "an action",
            limit::ACTION_TEXT_FIELDS,
            limit::ACTION_TYPED_FIELDS,
        ),
        "\n## Texts of a workflow\n\nThe content is kept byte for byte; `content_hash` has exactly so many characters.\n\n",
        &table(
            &["Field", "Column", "Longest", "Required", "May be `null`"],
            limit::WORKFLOW_TEXT_FIELDS.iter().map(text),
        ),
        "\n## Requests and queries\n\n",
        &table(&["What", "Most"], bounds),
        "\n## Settings\n\nSection `validation` of the configuration. \
         Batches and nesting cannot be set wider than above.\n\n",
        &table_of("validation"),
        "\nSection `catalogue`.\n\n",
        &table_of("catalogue"),
    ]
    .concat())
}

/// The fields of `what`: its texts, and the others.
fn fields(what: &str, texts: &[TextField], others: &[TypedField]) -> String {
    [
        &format!("\n## Texts of {what}\n\n"),
        &*table(
            &["Field", "Column", "Longest", "Required", "May be `null`"],
            texts.iter().map(text),
        ),
        &format!("\n## Other fields of {what}\n\n"),
        &table(
            &["Field", "Type", "Bounds", "Required", "May be `null`"],
            others.iter().map(typed),
        ),
    ]
    .concat()
}

const BOUNDS: &[(&str, usize)] = &[
    ("Events in one batch", limit::BATCH_EVENTS_MAX),
    ("Actions in one batch", limit::BATCH_ACTIONS_MAX),
    (
        "Days that a success rate looks back",
        rate::RANGE_DAYS_MAX as usize,
    ),
    ("Lines of a breakdown", rate::BREAKDOWN_MAX as usize),
    (
        "Revisions that are given back with an action",
        limit::REVISIONS_MAX as usize,
    ),
    (
        "Levels of objects and arrays in a body",
        limit::JSON_DEPTH_MAX,
    ),
    (
        "Object members in one event, nested ones included",
        limit::JSON_MEMBERS_MAX,
    ),
    (
        "Digits of a number when it is written out",
        limit::NUMBER_DIGITS_MAX,
    ),
    (
        "Items on one page of a list",
        limit::PAGE_ITEMS_MAX as usize,
    ),
    (
        "The same when the client does not say",
        limit::PAGE_ITEMS_DEFAULT as usize,
    ),
    ("Values of one filter of a query", limit::FILTER_VALUES_MAX),
    (
        "Bytes of one `data` of a query",
        limit::FILTER_DATA_BYTES_MAX,
    ),
    (
        "Deliveries that are given back with their notification",
        limit::DELIVERIES_MAX as usize,
    ),
    ("Custom labels of a workflow", limit::CUSTOM_LABELS_MAX),
    ("Values of one custom label", limit::CUSTOM_LABEL_VALUES_MAX),
    ("Workflows in one batch", limit::BATCH_WORKFLOWS_MAX),
    (
        "Workflows on one page of a list",
        limit::PAGE_WORKFLOWS_MAX as usize,
    ),
    (
        "Bytes of workflows on one page of a list",
        limit::PAGE_WORKFLOWS_BYTES_MAX,
    ),
    (
        "Versions of a workflow that are listed",
        limit::VERSIONS_LISTED_MAX as usize,
    ),
    (
        "Workflows that a search gives",
        limit::SEARCH_RESULTS_MAX as usize,
    ),
];

fn yes(is_so: bool) -> String {
    if is_so { "yes" } else { "" }.to_owned()
}

fn text(field: &TextField) -> Vec<String> {
    let longest = field
        .chars_max
        .map_or_else(String::new, |max| max.to_string());
    vec![
        code(field.name),
        code(field.column),
        longest,
        yes(field.required),
        yes(field.nullable),
    ]
}

fn typed(field: &TypedField) -> Vec<String> {
    let form = field
        .format
        .map_or_else(String::new, |format| format!(", {format}"));
    let bounds = match (field.name, field.range) {
        (_, Some((min, max))) => format!("{min} to {max}"),
        ("event_timestamp" | "action_timestamp", None) => format!(
            "at most {} minutes ahead of the server's clock and {} days old, unless set otherwise",
            limit::CLOCK_SKEW_MAX.as_mins(),
            limit::EVENT_AGE_MAX.as_hours() / 24
        ),
        ("sent_at" | "occurred_at", None) => format!(
            "at most {} minutes ahead of the server's clock, unless set otherwise",
            limit::CLOCK_SKEW_MAX.as_mins()
        ),
        (_, None) => String::new(),
    };
    vec![
        code(field.name),
        format!("{}{form}", field.json_type),
        bounds,
        yes(field.required),
        yes(field.nullable),
    ]
}

/// A setting: its key, its default, and the comment above it.
type Setting = (String, String, String);

fn setting((key, default, comment): Setting) -> Vec<String> {
    let words: Vec<&str> = comment.split_whitespace().collect();
    vec![
        code(key),
        code(default),
        words.join(" ").replace('|', "\\|"),
    ]
}

/// The settings of a section of the defaults, which have one line each.
fn settings(yaml: &str, section: &str) -> Vec<Setting> {
    let start = format!("{section}:");
    let lines = yaml.lines().skip_while(|line| *line != start).skip(1);
    let mut settings = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in lines.take_while(|line| line.starts_with("  ") || line.is_empty()) {
        let line = line.trim();
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some((key, default)) = line.split_once(": ") {
            settings.push((key.to_owned(), default.to_owned(), comment.join(" ")));
            comment.clear();
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_with_the_comments_above_them() {
        let yaml = "other:\n  # Not this.\n  a: 1\n\n# About it.\nvalidation:\n  # One.\n  # Two.\n  \
                    b: warn\n  c: 5m\nnext:\n  d: 1\n";
        let expected = [
            ("b".to_owned(), "warn".to_owned(), "One. Two.".to_owned()),
            ("c".to_owned(), "5m".to_owned(), String::new()),
        ];
        assert_eq!(settings(yaml, "validation"), expected);
    }

    fn names<F>(fields: &[F], name: fn(&F) -> &'static str) -> Vec<&'static str> {
        fields.iter().map(name).collect()
    }

    #[test]
    fn the_page_has_every_field_and_setting() {
        let page = page().unwrap();
        // What comes before the first heading has no fields.
        let sections: Vec<&str> = page.split("\n## ").skip(1).collect();
        let expected = [
            names(limit::EVENT_TEXT_FIELDS, |field| field.name),
            names(limit::EVENT_TYPED_FIELDS, |field| field.name),
            names(limit::NOTIFICATION_TEXT_FIELDS, |field| field.name),
            names(limit::NOTIFICATION_TYPED_FIELDS, |field| field.name),
            names(limit::DELIVERY_TEXT_FIELDS, |field| field.name),
            names(limit::DELIVERY_TYPED_FIELDS, |field| field.name),
            names(limit::ACTION_TEXT_FIELDS, |field| field.name),
            names(limit::ACTION_TYPED_FIELDS, |field| field.name),
            names(limit::WORKFLOW_TEXT_FIELDS, |field| field.name),
        ];
        for (section, expected) in sections.iter().zip(expected) {
            let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
            let found: Vec<&str> = rows.map(|row| row.split('`').next().unwrap()).collect();
            assert_eq!(found, expected, "{section}");
        }
        for name in ["event_kinds", "clock_skew_max", "content_hash"] {
            let row = format!("\n| `{name}` |");
            assert_eq!(sections[10].matches(&row).count(), 1, "{name}");
        }
        for row in [
            "| `event_type` | `event_type` | 100 | yes |  |",
            "| `message_summary` | `message_summary` | 1000 | yes |  |",
            "| `escalation_level` | integer | 0 to 100 |  | yes |",
            "| `attempt` | integer | 1 to 2147483647 | yes |  |",
        ] {
            assert!(page.contains(row), "{row}");
        }
    }
}
