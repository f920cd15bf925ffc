//! Labels of remediation workflows: the situation that one is made for.
//!
//! Three kinds. Mandatory labels decide whether a workflow comes into question at all; detected
//! labels say what its author expects of the surroundings, and custom labels what the customer wants
//! said about it: these two only make it a better or worse match.

use std::collections::BTreeMap;

use crate::event::words;

/// What stands for any value.
pub const ANY: &str = "*";

/// Beginnings of keys of custom labels that the platform keeps to itself.
pub const RESERVED_PREFIXES: &[&str] = &["kubernaut.ai/", "system/"];

words! {
    /// How bad what happened is.
    Severity {
        /// Something is down.
        Critical = "critical",
        /// Something is about to be.
        High = "high",
        /// Something is worse than it should be.
        Medium = "medium",
        /// Something to look at one day.
        Low = "low",
    }
}

words! {
    /// How urgent a remediation is.
    Priority {
        /// At once.
        P0 = "P0",
        /// Soon.
        P1 = "P1",
        /// In its turn.
        P2 = "P2",
        /// When there is nothing else.
        P3 = "P3",
        /// Any of them: of workflows only, not of signals.
        Any = "*",
    }
}

words! {
    /// Names of mandatory labels.
    MandatoryLabel {
        /// What happened, in the words of the system that noticed.
        SignalType = "signal_type",
        /// How bad it is.
        Severity = "severity",
        /// To what kind of thing.
        Component = "component",
        /// Where.
        Environment = "environment",
        /// How urgent it is.
        Priority = "priority",
    }
}

/// The labels that every workflow has, and every search names.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct MandatoryLabels {
    /// What happened; never a wildcard.
    pub signal_type: String,
    /// How bad it is; never a wildcard.
    pub severity: Severity,
    /// To what kind of thing.
    pub component: String,
    /// Where.
    pub environment: String,
    /// How urgent it is.
    pub priority: Priority,
}

impl MandatoryLabels {
    /// The text of a label.
    pub fn get(&self, label: MandatoryLabel) -> &str {
        match label {
            MandatoryLabel::SignalType => &self.signal_type,
            MandatoryLabel::Severity => self.severity.as_str(),
            MandatoryLabel::Component => &self.component,
            MandatoryLabel::Environment => &self.environment,
            MandatoryLabel::Priority => self.priority.as_str(),
        }
    }

    /// Whether a workflow with these labels comes into question for `wanted`: then how many of its
    /// wildcards that takes.
    ///
    /// A wildcard is one on the side of the workflow only. Who looks for `*` finds workflows that
    /// say `*`, and takes no wildcard.
    pub fn fit(&self, wanted: &Self) -> Option<u8> {
        MandatoryLabel::ALL.iter().try_fold(0, |wildcards, label| {
            let (own, wanted) = (self.get(*label), wanted.get(*label));
            match own == wanted {
                true => Some(wildcards),
                false if own == ANY && label.can_be_any() => Some(wildcards + 1),
                false => None,
            }
        })
    }
}

impl MandatoryLabel {
    /// Whether a workflow may leave it open.
    pub const fn can_be_any(self) -> bool {
        match self {
            Self::Component | Self::Environment | Self::Priority => true,
            Self::SignalType | Self::Severity => false,
        }
    }
}

words! {
    /// What can be detected in the surroundings of a resource.
    DetectedLabel {
        /// A GitOps tool looks after it.
        GitOpsManaged = "gitOpsManaged",
        /// Which one.
        GitOpsTool = "gitOpsTool",
        /// A disruption budget protects it.
        PdbProtected = "pdbProtected",
        /// An autoscaler scales it.
        HpaEnabled = "hpaEnabled",
        /// It keeps state.
        Stateful = "stateful",
        /// Helm installed it.
        HelmManaged = "helmManaged",
        /// A network policy isolates it.
        NetworkIsolated = "networkIsolated",
        /// Which service mesh it is part of.
        ServiceMesh = "serviceMesh",
    }
}

impl DetectedLabel {
    /// Those that are there or not, and say no more.
    pub const FLAGS: &'static [Self] = &[
        Self::GitOpsManaged,
        Self::PdbProtected,
        Self::HpaEnabled,
        Self::Stateful,
        Self::HelmManaged,
        Self::NetworkIsolated,
    ];

    /// Those whose detection may be said to have failed. Which tool it is is not detected by itself.
    pub const FALLIBLE: &'static [Self] = &[
        Self::GitOpsManaged,
        Self::PdbProtected,
        Self::HpaEnabled,
        Self::Stateful,
        Self::HelmManaged,
        Self::NetworkIsolated,
        Self::ServiceMesh,
    ];
}

words! {
    /// A GitOps tool.
    GitOpsTool {
        /// Argo CD.
        ArgoCd = "argocd",
        /// Flux.
        Flux = "flux",
        /// Any.
        Any = "*",
    }
}

words! {
    /// A service mesh.
    ServiceMesh {
        /// Istio.
        Istio = "istio",
        /// Linkerd.
        Linkerd = "linkerd",
        /// Any.
        Any = "*",
    }
}

/// A set of detected labels.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct DetectedSet(u8);

impl DetectedSet {
    /// Adds one.
    pub fn insert(&mut self, label: DetectedLabel) {
        self.0 |= 1 << label as u8;
    }

    /// Whether it is there.
    pub const fn contains(self, label: DetectedLabel) -> bool {
        self.0 & (1 << label as u8) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them, in documentation order.
    pub fn iter(self) -> impl Iterator<Item = DetectedLabel> {
        let labels = DetectedLabel::ALL.iter().copied();
        labels.filter(move |label| self.contains(*label))
    }
}

impl FromIterator<DetectedLabel> for DetectedSet {
    fn from_iter<I: IntoIterator<Item = DetectedLabel>>(labels: I) -> Self {
        let mut set = Self::default();
        labels.into_iter().for_each(|label| set.insert(label));
        set
    }
}

/// What was detected around a resource, or what the author of a workflow expects there. What is
/// absent was not detected, or is not expected.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct DetectedLabels {
    /// The flags that are set; of [`DetectedLabel::FLAGS`].
    pub flags: DetectedSet,
    /// The tool.
    pub git_ops_tool: Option<GitOpsTool>,
    /// The mesh.
    pub service_mesh: Option<ServiceMesh>,
    /// What could not be detected, so that nothing is known about it; of
    /// [`DetectedLabel::FALLIBLE`].
    pub failed: DetectedSet,
}

impl DetectedLabels {
    /// What a label says; `true` of a flag that is set.
    pub fn get(&self, label: DetectedLabel) -> Option<&'static str> {
        match label {
            DetectedLabel::GitOpsTool => self.git_ops_tool.map(GitOpsTool::as_str),
            DetectedLabel::ServiceMesh => self.service_mesh.map(ServiceMesh::as_str),
            DetectedLabel::GitOpsManaged
            | DetectedLabel::PdbProtected
            | DetectedLabel::HpaEnabled
            | DetectedLabel::Stateful
            | DetectedLabel::HelmManaged
            | DetectedLabel::NetworkIsolated => self.flags.contains(label).then_some("true"),
        }
    }

    /// Whether they say nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Labels that customers choose: keys, each with a few values.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct CustomLabels(pub BTreeMap<String, Vec<String>>);

impl CustomLabels {
    /// The values of a key; none if it is not there.
    pub fn values(&self, key: &str) -> &[String] {
        self.0.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// Each key with its values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        let pairs = self.0.iter();
        pairs.map(|(key, values)| (key.as_str(), values.as_slice()))
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(component: &str, environment: &str, priority: Priority) -> MandatoryLabels {
        MandatoryLabels {
            signal_type: "OOMKilled".to_owned(),
            severity: Severity::High,
            component: component.to_owned(),
            environment: environment.to_owned(),
            priority,
        }
    }

    #[track_caller]
    fn check(own: (&str, &str, Priority), fit: Option<u8>) {
        let wanted = labels("pod", "production", Priority::P1);
        assert_eq!(labels(own.0, own.1, own.2).fit(&wanted), fit, "{own:?}");
    }

    #[test]
    fn wildcards_of_a_workflow_stand_for_any_component_environment_and_priority() {
        check(("pod", "production", Priority::P1), Some(0));
        check(("*", "production", Priority::P1), Some(1));
        check(("pod", "*", Priority::P1), Some(1));
        check(("pod", "production", Priority::Any), Some(1));
        check(("*", "*", Priority::Any), Some(3));
        check(("node", "*", Priority::Any), None);
        check(("*", "Production", Priority::Any), None);
        check(("*", "*", Priority::P0), None);
    }

    #[test]
    fn signal_and_severity_are_never_left_open() {
        let wanted = labels("pod", "production", Priority::P1);
        let mut own = wanted.clone();
        own.signal_type = ANY.to_owned();
        assert_eq!(own.fit(&wanted), None);
        let mut own = wanted.clone();
        own.severity = Severity::Low;
        assert_eq!(own.fit(&wanted), None);
    }

    #[test]
    fn who_asks_for_a_wildcard_finds_only_wildcards() {
        let wanted = labels("*", "production", Priority::P1);
        assert_eq!(wanted.fit(&wanted), Some(0));
        let own = labels("pod", "production", Priority::P1);
        assert_eq!(own.fit(&wanted), None);
    }

    #[test]
    fn sets_hold_what_was_put_into_them() {
        let mut set: DetectedSet = [DetectedLabel::ServiceMesh].into_iter().collect();
        assert!(!set.contains(DetectedLabel::GitOpsManaged) && !set.is_empty());
        set.insert(DetectedLabel::GitOpsManaged);
        let all: Vec<_> = set.iter().collect();
        let both = [DetectedLabel::GitOpsManaged, DetectedLabel::ServiceMesh];
        assert_eq!(all, both);
    }
}
