//! Lists of workflows: filters, pages that are bounded, and walks through all of them.

use std::collections::BTreeSet;

use ds_domain::{
    filter::{Count, Page, Start},
    label::MandatoryLabel,
    workflow::{WorkflowFilter, WorkflowStatus},
};
use ds_repository::workflow::{NewWorkflow, NoPage};
use serde_json::json;

use crate::catalogue::{catalogue, plain, stored, workflow};

fn page(limit: u16, start: Start) -> Page {
    Page {
        limit,
        start,
        count: Count::Exact,
    }
}

#[tokio::test]
async fn every_filter_of_the_list_finds_its_workflows() {
    let (_database, repository) = catalogue().await;
    let labels = |signal: &str, severity: &str, environment: &str| {
        json!({"labels": {"signal_type": signal, "severity": severity, "component": "pod",
            "environment": environment, "priority": "P1"}})
    };
    let mut odd = labels("Odd'; --", "low", "*");
    odd["custom_labels"] = json!({"team": ["\"a\\", "b"], "a.b": ["x"]});
    stored(
        &repository,
        workflow("a", "1", &labels("OOMKilled", "high", "production")),
    )
    .await;
    stored(
        &repository,
        workflow("b", "1", &labels("OOMKilled", "low", "staging")),
    )
    .await;
    let c = stored(&repository, workflow("c", "1", &odd)).await;
    let archived = json!({"status": "archived", "custom_labels": {"team": ["c"]}});
    stored(&repository, workflow("d", "1", &archived)).await;
    let text = |values: &[&str]| values.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let label = |label, values: &[&str]| WorkflowFilter {
        labels: vec![(label, text(values))],
        ..WorkflowFilter::default()
    };
    let custom = |labels: &[(&str, &[&str])]| WorkflowFilter {
        custom_labels: labels
            .iter()
            .map(|(key, values)| ((*key).to_owned(), text(values)))
            .collect(),
        ..WorkflowFilter::default()
    };
    let statuses = WorkflowFilter {
        statuses: vec![WorkflowStatus::Archived, WorkflowStatus::Disabled],
        ..WorkflowFilter::default()
    };
    let both = WorkflowFilter {
        statuses: vec![WorkflowStatus::Active],
        ..label(MandatoryLabel::Component, &["pod"])
    };
    for (filter, expected) in [
        (WorkflowFilter::default(), "dcba"),
        (statuses, "d"),
        (both, "cba"),
        (label(MandatoryLabel::SignalType, &["Odd'; --"]), "c"),
        (label(MandatoryLabel::SignalType, &["oomkilled"]), ""),
        (label(MandatoryLabel::Severity, &["low", "high"]), "dcba"),
        (label(MandatoryLabel::Environment, &["*"]), "c"),
        (label(MandatoryLabel::Priority, &["P0"]), ""),
        (custom(&[("team", &["\"a\\"])]), "c"),
        (custom(&[("team", &["b", "c"])]), "dc"),
        (custom(&[("team", &["b"]), ("a.b", &["x"])]), "c"),
        (custom(&[("team", &["b"]), ("a.b", &["y"])]), ""),
    ] {
        let found = repository
            .list_workflows(&filter, page(100, Start::Offset(0)))
            .await
            .unwrap();
        let names = found.items.iter().map(|it| it.workflow_name.as_str());
        assert_eq!(names.collect::<String>(), expected, "{filter:?}");
        assert_eq!(found.total.unwrap().count, expected.len() as u64);
    }
    let estimate = Page {
        count: Count::Estimated,
        ..page(2, Start::Newest)
    };
    let all = WorkflowFilter::default();
    let found = repository.list_workflows(&all, estimate).await.unwrap();
    assert_eq!((found.items.len(), found.has_more), (2, true));
    assert!(found.total.unwrap().is_estimate);
    assert_eq!(found.items[1], c);
}

#[tokio::test]
async fn a_walk_meets_each_workflow_once_while_others_are_added() {
    let (_database, repository) = catalogue().await;
    let several: Vec<NewWorkflow> = (0..50).map(|n| plain(&format!("w{n}"), "1")).collect();
    repository.create_workflows(&several).await.unwrap();
    let mut seen = BTreeSet::new();
    let mut start = Start::Newest;
    loop {
        let one_page = Page {
            count: Count::None,
            ..page(7, start)
        };
        let filter = WorkflowFilter::default();
        let found = repository.list_workflows(&filter, one_page).await.unwrap();
        for item in &found.items {
            assert!(
                seen.insert(item.workflow_id),
                "{} twice",
                item.workflow_name
            );
        }
        stored(&repository, plain("more", &seen.len().to_string())).await;
        let Some(last) = found.items.last().filter(|_| found.has_more) else {
            break;
        };
        start = Start::After(ds_domain::cursor::Placed::position(last));
    }
    assert_eq!(seen.len(), 50);
}

#[tokio::test]
async fn a_page_is_never_too_large_and_none_skips_a_workflow() {
    const MIB: usize = 1024 * 1024;
    let (_database, repository) = catalogue().await;
    let mut names = Vec::new();
    for n in 0..12 {
        let more = match n {
            // By itself larger than a page.
            5 => json!({"parameters": {"x": "ü".repeat(5 * MIB)}}),
            _ => json!({"content": "x".repeat(MIB / 2), "parameters": {"x": "x".repeat(MIB / 2)}}),
        };
        let new = workflow(&format!("w{n:02}"), "1", &more);
        names.push(stored(&repository, new).await.workflow_name);
    }
    names.reverse();
    let filter = WorkflowFilter::default();
    let ask = async |count, start| {
        let page = Page {
            count,
            ..page(100, start)
        };
        repository.list_workflows(&filter, page).await
    };
    let named = |found: &ds_repository::workflow::WorkflowPage| {
        let names = found.items.iter().map(|it| it.workflow_name.clone());
        names.collect::<Vec<_>>()
    };
    for count in [Count::None, Count::Exact, Count::Estimated] {
        let (mut seen, mut start) = (Vec::new(), Start::Newest);
        let mut sizes = Vec::new();
        let last = loop {
            let found = ask(count, start).await.unwrap();
            sizes.push(found.items.len());
            seen.extend(named(&found));
            let last = found.items.last().unwrap();
            start = Start::After(ds_domain::cursor::Placed::position(last));
            if !found.has_more {
                break ds_domain::cursor::Placed::position(last);
            }
        };
        assert_eq!((&seen, &*sizes), (&names, &[6, 1, 5][..]), "{count:?}");
        // And back, from the last one to the first.
        let (mut back, mut start) = (vec![seen[11].clone()], Start::Before(last));
        loop {
            let found = ask(count, start).await.unwrap();
            assert!(found.has_more);
            back.splice(0..0, named(&found));
            let first = found.items.first().unwrap();
            start = Start::Before(ds_domain::cursor::Placed::position(first));
            if !found.has_newer {
                break;
            }
        }
        assert_eq!(back, names, "{count:?}");
    }
    for (limit, offset, expected) in [
        (100, 0, Err(6)),
        (7, 0, Err(6)),
        (6, 0, Ok(6)),
        (2, 5, Err(1)),
        (1, 6, Ok(1)),
        (100, 7, Ok(5)),
        (100, 12, Ok(0)),
    ] {
        for count in [Count::None, Count::Exact] {
            let page = Page {
                count,
                ..page(limit, Start::Offset(offset))
            };
            let found = repository.list_workflows(&filter, page).await;
            let found = found.map(|found| {
                let is_last = offset + found.items.len() as u64 >= 12;
                assert_eq!(found.has_more, !is_last, "{limit} {offset} {count:?}");
                found.items.len()
            });
            let found = found.map_err(|error| match error {
                NoPage::TooLarge { fitting } => fitting,
                NoPage::Store(error) => panic!("{error:?}"),
            });
            assert_eq!(found, expected, "{limit} {offset} {count:?}");
        }
    }
}

#[tokio::test]
async fn a_list_of_versions_counts_all_and_gives_what_fits() {
    const MIB: usize = 1024 * 1024;
    let (_database, repository) = catalogue().await;
    for n in 0..6 {
        let more = json!({"parameters": {"x": "x".repeat(5 * MIB)}});
        let version = n.to_string();
        stored(&repository, workflow("restart", &version, &more)).await;
    }
    let found = repository.list_versions("restart", 1_000).await.unwrap();
    assert_eq!((found.versions.len(), found.total), (3, 6));
    assert_eq!(found.versions[0].version, "5");
    let found = repository.list_versions("restart", 2).await.unwrap();
    assert_eq!((found.versions.len(), found.total), (2, 6));
}
