//! Labels as the JSON that is stored.

use ds_domain::{
    json::JsonObject,
    label::{CustomLabels, DetectedLabel, DetectedLabels, MandatoryLabel, MandatoryLabels},
};
use serde_json::{Map, Value};

/// Mandatory labels.
pub(super) fn mandatory(labels: &MandatoryLabels) -> JsonObject {
    let labels = MandatoryLabel::ALL
        .iter()
        .map(|label| (label.as_str(), labels.get(*label).into()));
    object(labels)
}

/// Custom labels.
pub(super) fn custom(labels: &CustomLabels) -> JsonObject {
    object(labels.iter().map(|(key, values)| (key, values.into())))
}

/// Detected labels: what is not expected is left out.
pub(super) fn detected(labels: &DetectedLabels) -> JsonObject {
    let failed = labels.failed.iter().map(|label| label.as_str().into());
    let failed: Vec<Value> = failed.collect();
    let failed = (!failed.is_empty()).then(|| ("failed_detections", Value::from(failed)));
    let said = DetectedLabel::ALL.iter().filter_map(|label| {
        let value = labels.get(*label)?;
        let value = match DetectedLabel::FLAGS.contains(label) {
            true => true.into(),
            false => value.into(),
        };
        Some((label.as_str(), value))
    });
    object(failed.into_iter().chain(said))
}

fn object<'l>(members: impl Iterator<Item = (&'l str, Value)>) -> JsonObject {
    let members = members.map(|(name, value)| (name.to_owned(), value));
    let object = Value::Object(members.collect::<Map<_, _>>());
    JsonObject::from_checked_text(object.to_string())
}

#[cfg(test)]
mod tests {
    use ds_domain::label::{GitOpsTool, Priority, ServiceMesh, Severity};

    use super::*;

    #[test]
    fn labels_are_written_as_the_contract_has_them() {
        let labels = MandatoryLabels {
            signal_type: "OOM\"Killed".to_owned(),
            severity: Severity::High,
            component: "*".to_owned(),
            environment: "production".to_owned(),
            priority: Priority::Any,
        };
        let expected = concat!(
            r#"{"component":"*","environment":"production","priority":"*","severity":"high","#,
            r#""signal_type":"OOM\"Killed"}"#
        );
        assert_eq!(mandatory(&labels).as_str(), expected);
        let labels = CustomLabels([("team".to_owned(), vec!["a\\b".to_owned()])].into());
        assert_eq!(custom(&labels).as_str(), r#"{"team":["a\\b"]}"#);
    }

    #[test]
    fn what_is_not_expected_is_left_out() {
        assert_eq!(detected(&DetectedLabels::default()).as_str(), "{}");
        let labels = DetectedLabels {
            flags: [DetectedLabel::Stateful].into_iter().collect(),
            git_ops_tool: Some(GitOpsTool::Any),
            service_mesh: Some(ServiceMesh::Istio),
            failed: [DetectedLabel::HpaEnabled].into_iter().collect(),
        };
        let expected = concat!(
            r#"{"failed_detections":["hpaEnabled"],"gitOpsTool":"*","serviceMesh":"istio","#,
            r#""stateful":true}"#
        );
        assert_eq!(detected(&labels).as_str(), expected);
    }
}
