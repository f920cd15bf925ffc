//! Every row of the contract, and what lies between them.

use std::collections::BTreeMap;

use super::*;
use crate::label::{DetectedSet, GitOpsTool, ServiceMesh};

/// Labels, as `gitOpsManaged gitOpsTool=argocd team=payments,search !pdbProtected`; `!` is a failed
/// detection.
fn labels(text: &str) -> (DetectedLabels, CustomLabels) {
    let (mut detected, mut custom) = (DetectedLabels::default(), BTreeMap::new());
    for word in text.split_whitespace() {
        let label = |name: &str| DetectedLabel::ALL.iter().find(|it| it.as_str() == name);
        match word.split_once('=') {
            None => match word.strip_prefix('!') {
                Some(failed) => detected.failed.insert(*label(failed).unwrap()),
                None => detected.flags.insert(*label(word).unwrap()),
            },
            Some(("gitOpsTool", tool)) => detected.git_ops_tool = GitOpsTool::from_word(tool),
            Some(("serviceMesh", mesh)) => detected.service_mesh = ServiceMesh::from_word(mesh),
            Some((key, values)) => {
                let values = values.split(',').map(str::to_owned).collect();
                custom.insert(key.to_owned(), values);
            }
        }
    }
    (detected, CustomLabels(custom))
}

#[track_caller]
fn check(wanted: &str, offered: &str, boost: u16, penalty: u16, total: u16) {
    let ((wanted_detected, wanted_custom), (own_detected, own_custom)) =
        (labels(wanted), labels(offered));
    let wanted_labels = Labels {
        detected: &wanted_detected,
        custom: &wanted_custom,
    };
    let own = Labels {
        detected: &own_detected,
        custom: &own_custom,
    };
    let found = score(wanted_labels, own);
    let expected = Score {
        boost: Points(boost),
        penalty: Points(penalty),
    };
    assert_eq!(found, expected, "{wanted} | {offered}");
    assert_eq!(found.total(), Total(total), "{wanted} | {offered}");

    let parts = contributions(wanted_labels, own);
    let boosts: u16 = parts.iter().map(|part| part.boost.0).sum();
    let penalties: u16 = parts.iter().map(|part| part.penalty.0).sum();
    assert_eq!((boosts, penalties), (boost, penalty), "{parts:?}");
}

const ALL: &str = "gitOpsManaged gitOpsTool=argocd pdbProtected serviceMesh=istio networkIsolated \
                   helmManaged stateful hpaEnabled";

const TEN: &str = "a=1,2,3,4,5 b=1,2,3,4,5";

#[test]
fn scores_are_those_of_the_contract() {
    let argo = "gitOpsManaged gitOpsTool=argocd";
    check("", ALL, 0, 0, 5_000);
    check(argo, argo, 200, 0, 5_200);
    check(argo, "gitOpsManaged gitOpsTool=flux", 100, 100, 5_000);
    check(argo, "gitOpsManaged", 100, 100, 5_000);
    // The first service takes 0.10 away here.
    check(argo, "gitOpsManaged gitOpsTool=*", 100, 0, 5_100);
    check(argo, "", 0, 200, 4_800);
    check("gitOpsTool=*", "gitOpsTool=argocd", 50, 0, 5_050);
    check("gitOpsTool=*", "", 0, 0, 5_000);
    check("serviceMesh=istio", "serviceMesh=istio", 50, 0, 5_050);
    check("serviceMesh=istio", "serviceMesh=linkerd", 0, 0, 5_000);
    // The first service adds 0.03 here, and likewise for a wildcard of a custom label.
    check("serviceMesh=*", "serviceMesh=istio", 25, 0, 5_025);
    check("team=payments", "team=payments", 50, 0, 5_050);
    check("team=payments", "team=*", 25, 0, 5_025);
    check(ALL, ALL, 390, 0, 5_390);
    let (wanted, offered) = (format!("{ALL} {TEN}"), format!("{ALL} {TEN}"));
    check(&wanted, &offered, 890, 0, 5_890);
}

#[test]
fn every_detected_label_has_its_weight() {
    check("gitOpsManaged", "gitOpsManaged", 100, 0, 5_100);
    check("gitOpsManaged", "pdbProtected", 0, 100, 4_900);
    check("gitOpsTool=flux", "gitOpsTool=flux", 100, 0, 5_100);
    check("gitOpsTool=flux", "gitOpsTool=argocd", 0, 100, 4_900);
    check("gitOpsTool=*", "gitOpsTool=*", 50, 0, 5_050);
    for (label, boost) in [
        ("pdbProtected", 50),
        ("networkIsolated", 30),
        ("helmManaged", 20),
        ("stateful", 20),
        ("hpaEnabled", 20),
    ] {
        check(label, label, boost, 0, 5_000 + boost);
        check(label, "", 0, 0, 5_000);
        check("", label, 0, 0, 5_000);
    }
    check("serviceMesh=linkerd", "serviceMesh=*", 0, 0, 5_000);
    check("serviceMesh=*", "serviceMesh=*", 25, 0, 5_025);
    check("serviceMesh=*", "", 0, 0, 5_000);
}

#[test]
fn what_could_not_be_detected_does_not_count() {
    check("gitOpsManaged !gitOpsManaged", "", 0, 0, 5_000);
    check("gitOpsManaged !gitOpsManaged", "gitOpsManaged", 0, 0, 5_000);
    check(
        "serviceMesh=istio !serviceMesh",
        "serviceMesh=istio",
        0,
        0,
        5_000,
    );
    check(
        "pdbProtected stateful !pdbProtected",
        "pdbProtected stateful",
        20,
        0,
        5_020,
    );
    // It is what was looked for that may be unknown, not what the author of a workflow expects.
    check("pdbProtected", "pdbProtected !pdbProtected", 50, 0, 5_050);
}

#[test]
fn each_value_of_a_custom_label_counts_once() {
    check("team=a,b", "team=b,a", 100, 0, 5_100);
    check("team=a,b", "team=a", 50, 0, 5_050);
    check("team=a,b", "team=a,*", 75, 0, 5_075);
    check("team=a,a,a", "team=a", 50, 0, 5_050);
    check("team=a", "squad=a", 0, 0, 5_000);
    check("team=*", "team=*", 50, 0, 5_050);
    check("team=*", "team=a", 0, 0, 5_000);
    // What looks like the escape of a star is no star.
    check(r"team=a", r"team=\u002a", 0, 0, 5_000);
}

#[test]
fn custom_labels_add_a_half_at_most() {
    let wanted: Vec<String> = (0..10).map(|key| format!("k{key}=1,2,3,4,5")).collect();
    let wanted = wanted.join(" ");
    check(&wanted, &wanted, 500, 0, 5_500);
    let both = format!("{ALL} {wanted}");
    check(&both, &both, 890, 0, 5_890);
    // The last one that adds anything adds what is left.
    check(&format!("{TEN} c=1"), &format!("{TEN} c=1"), 500, 0, 5_500);
    check(&format!("{TEN} c=1"), "a=* b=* c=1", 300, 0, 5_300);
}

#[test]
fn scores_stay_between_nothing_and_one() {
    let score = |boost, penalty| {
        Score {
            boost: Points(boost),
            penalty: Points(penalty),
        }
        .total()
    };
    assert_eq!(score(u16::MAX, 0), Total::MAX);
    assert_eq!(score(0, u16::MAX), Total(0));
}

#[test]
fn every_detected_label_has_one_weight() {
    let weighed: DetectedSet = WEIGHTS.iter().map(|weight| weight.label).collect();
    assert_eq!(weighed.iter().count(), DetectedLabel::ALL.len());
    assert_eq!(WEIGHTS.len(), DetectedLabel::ALL.len());
}

#[test]
fn contributions_say_how_each_label_fits() {
    let (wanted_detected, wanted_custom) =
        labels("gitOpsManaged gitOpsTool=argocd stateful !stateful team=a,b,c");
    let (own_detected, own_custom) = labels("gitOpsTool=* team=b");
    let found = contributions(
        Labels {
            detected: &wanted_detected,
            custom: &wanted_custom,
        },
        Labels {
            detected: &own_detected,
            custom: &own_custom,
        },
    );
    let found: Vec<_> = found
        .iter()
        .map(|part| (part.origin, part.label, part.wanted, part.fit))
        .collect();
    let expected = [
        (Origin::Detected, "gitOpsManaged", "true", Fit::Absent),
        (Origin::Detected, "gitOpsTool", "argocd", Fit::Wildcard),
        (Origin::Detected, "stateful", "true", Fit::Unknown),
        (Origin::Custom, "team", "a", Fit::Different),
        (Origin::Custom, "team", "b", Fit::Exact),
        (Origin::Custom, "team", "c", Fit::Different),
    ];
    assert_eq!(found, expected);
}
