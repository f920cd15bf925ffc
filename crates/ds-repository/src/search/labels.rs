//! Labels as they are stored, read to be compared.
//!
//! They were valid when they were written. What is there nevertheless that no label can be says
//! nothing, and one such row takes nothing away from the others.

use std::collections::BTreeMap;

use ds_domain::label::{
    CustomLabels, DetectedLabel, DetectedLabels, DetectedSet, GitOpsTool, MandatoryLabel,
    MandatoryLabels, Priority, ServiceMesh, Severity,
};
use serde_json::{Map, Value};

/// Mandatory labels; `None` if one is missing or cannot be looked for.
pub(super) fn mandatory(text: &str) -> Option<MandatoryLabels> {
    let labels = members(text);
    let word = |label: MandatoryLabel| labels.get(label.as_str()).and_then(Value::as_str);
    let text = |label| word(label).map(str::to_owned);
    Some(MandatoryLabels {
        signal_type: text(MandatoryLabel::SignalType)?,
        severity: Severity::from_word(word(MandatoryLabel::Severity)?)?,
        component: text(MandatoryLabel::Component)?,
        environment: text(MandatoryLabel::Environment)?,
        priority: Priority::from_word(word(MandatoryLabel::Priority)?)?,
    })
}

/// Detected labels.
pub(super) fn detected(text: &str) -> DetectedLabels {
    let labels = members(text);
    let word = |label: DetectedLabel| labels.get(label.as_str()).and_then(Value::as_str);
    let is_set = |label: &&DetectedLabel| labels.get(label.as_str()) == Some(&Value::Bool(true));
    let failed = labels.get("failed_detections").and_then(Value::as_array);
    let names = failed.into_iter().flatten().filter_map(Value::as_str);
    let failed = names.filter_map(DetectedLabel::from_word);
    DetectedLabels {
        flags: DetectedLabel::FLAGS
            .iter()
            .filter(is_set)
            .copied()
            .collect(),
        git_ops_tool: word(DetectedLabel::GitOpsTool).and_then(GitOpsTool::from_word),
        service_mesh: word(DetectedLabel::ServiceMesh).and_then(ServiceMesh::from_word),
        failed: failed.collect::<DetectedSet>(),
    }
}

/// Custom labels.
pub(super) fn custom(text: &str) -> CustomLabels {
    let labels = members(text).into_iter().filter_map(|(key, values)| {
        let values = values.as_array()?.iter().filter_map(Value::as_str);
        Some((key, values.map(str::to_owned).collect()))
    });
    CustomLabels(labels.collect::<BTreeMap<_, _>>())
}

fn members(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_they_were_written() {
        let read = detected(
            r#"{"gitOpsManaged":true,"stateful":false,"gitOpsTool":"flux","serviceMesh":"*",
                "failed_detections":["pdbProtected"]}"#,
        );
        let flags: Vec<_> = read.flags.iter().collect();
        assert_eq!(flags, [DetectedLabel::GitOpsManaged]);
        assert_eq!(read.git_ops_tool, Some(GitOpsTool::Flux));
        assert_eq!(read.service_mesh, Some(ServiceMesh::Any));
        assert!(read.failed.contains(DetectedLabel::PdbProtected));
        let read = custom(r#"{"team":["a","\\u002a"],"none":[]}"#);
        assert_eq!(read.values("team"), ["a", r"\u002a"]);
        assert!(read.values("none").is_empty());
    }

    #[test]
    fn what_nobody_can_look_for_is_not_read() {
        let text = r#"{"signal_type":"a \"b\"","severity":"low","component":"*","environment":"e",
            "priority":"*","x":1}"#;
        let read = mandatory(text).unwrap();
        assert_eq!(
            (&*read.signal_type, read.severity),
            ("a \"b\"", Severity::Low)
        );
        assert_eq!((&*read.component, read.priority), ("*", Priority::Any));
        for (part, other) in [
            ("low", "*"),
            ("\"*\",\"x", "\"p\",\"x"),
            ("component", "c"),
            ("\"e\"", "7"),
        ] {
            assert_eq!(mandatory(&text.replace(part, other)), None, "{part}");
        }
    }

    #[test]
    fn what_no_label_can_be_says_nothing() {
        let read = detected(r#"{"gitOpsManaged":"true","gitOpsTool":"","serviceMesh":7,"x":1}"#);
        assert!(read.is_empty());
        let read = custom(r#"{"team":"a","squad":[7,"b"]}"#);
        assert!(read.values("team").is_empty());
        assert_eq!(read.values("squad"), ["b"]);
    }
}
