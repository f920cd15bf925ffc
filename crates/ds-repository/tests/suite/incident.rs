//! Incidents: lists, aggregates and days without any.

use ds_domain::incident::{IncidentFilter, Severity, TrendPeriod};
use ds_repository::Repository;
use ds_validation::incident::IncidentSlice;
use jiff::civil::date;

use crate::{
    action::{at, insert},
    event::repository,
};

/// Incidents whose numbers are their age in hours.
async fn seed(repository: &Repository) {
    for (hours, more) in [
        r#", "namespace": "prod", "cluster_name": "east", "workflow_id": "w", "execution_status": "completed""#,
        r#", "namespace": "prod", "environment": "production", "workflow_id": "w""#,
        r#", "namespace": "größer 🚀", "workflow_id": "w", "execution_status": "failed""#,
        r#", "workflow_id": "v", "execution_status": "completed""#,
    ]
    .into_iter()
    .enumerate()
    {
        let time = format!("2026-11-21T{:02}:00:00Z", 9 - hours);
        insert(repository, &[at(&time, &hours.to_string(), more)]).await.unwrap();
    }
}

#[tokio::test]
async fn a_list_is_filtered_and_newest_first() {
    let (database, repository) = repository().await;
    seed(&repository).await;
    let client = database.connect().await;
    client
        .batch_execute(
            "INSERT INTO resource_action_traces (action_id, action_timestamp, signal_name,
                 signal_severity, model_used, model_confidence, action_type)
             VALUES ('4', '2026-11-20Z', 'CPU', 'low', 'm', 1, 'restart')",
        )
        .await
        .unwrap();
    let find = async |filter: IncidentFilter, limit, offset| {
        let slice = IncidentSlice { limit, offset };
        let page = repository.list_incidents(&filter, slice).await.unwrap();
        let ids: Vec<String> = page
            .incidents
            .into_iter()
            .map(|it| it.action.action_id)
            .collect();
        (ids.concat(), page.total)
    };
    let some = |text: &str| Some(text.to_owned());
    let all = IncidentFilter::default;
    assert_eq!(find(all(), 100, 0).await, ("01234".to_owned(), 5));
    assert_eq!(find(all(), 2, 1).await, ("12".to_owned(), 5));
    assert_eq!(find(all(), 2, 7).await, (String::new(), 5));
    for (filter, expected) in [
        (
            IncidentFilter {
                namespace: some("prod"),
                ..all()
            },
            "01",
        ),
        (
            IncidentFilter {
                namespace: some("größer 🚀"),
                ..all()
            },
            "2",
        ),
        (
            IncidentFilter {
                cluster: some("east"),
                ..all()
            },
            "0",
        ),
        (
            IncidentFilter {
                environment: some("production"),
                ..all()
            },
            "1",
        ),
        (
            IncidentFilter {
                signal_name: some("CPU"),
                ..all()
            },
            "4",
        ),
        (
            IncidentFilter {
                severity: Some(Severity::Critical),
                ..all()
            },
            "0123",
        ),
        (
            IncidentFilter {
                severity: Some(Severity::High),
                ..all()
            },
            "",
        ),
        (
            IncidentFilter {
                action_type: some("restart"),
                ..all()
            },
            "4",
        ),
        (
            IncidentFilter {
                action_type: some("' OR true --"),
                ..all()
            },
            "",
        ),
        (
            IncidentFilter {
                namespace: some("prod"),
                cluster: some("east"),
                ..all()
            },
            "0",
        ),
    ] {
        let (ids, total) = find(filter.clone(), 100, 0).await;
        assert_eq!(ids, expected, "{filter:?}");
        assert_eq!(usize::try_from(total).unwrap(), expected.len());
    }
}

#[tokio::test]
async fn aggregates_count_what_is_there() {
    let (database, repository) = repository().await;
    seed(&repository).await;
    let client = database.connect().await;
    client
        .batch_execute(
            "INSERT INTO resource_action_traces (action_id, action_timestamp, signal_name,
                 signal_severity, model_used, model_confidence, action_type)
             SELECT severity, '2026-11-15T23:59:59.999999Z', 's', severity, 'm', 1, 't'
             FROM unnest(ARRAY['low', 'zzz', 'info', 'high', 'medium', 'Alpha']) AS severity",
        )
        .await
        .unwrap();
    let outcomes = repository.count_outcomes("w").await.unwrap();
    assert_eq!(
        (outcomes.total, outcomes.completed, outcomes.failed),
        (3, 1, 1)
    );
    assert_eq!(repository.count_outcomes("x").await.unwrap().total, 0);
    let told = |groups: Vec<ds_domain::incident::Group>| {
        let told = groups
            .into_iter()
            .map(|group| format!("{}={}", group.name, group.count));
        told.collect::<Vec<_>>().join(" ")
    };
    let by_namespace = repository.count_by_namespace().await.unwrap();
    assert_eq!(told(by_namespace), "prod=2 größer 🚀=1");
    let by_severity = repository.count_by_severity().await.unwrap();
    assert_eq!(
        told(by_severity),
        "critical=4 high=1 medium=1 low=1 Alpha=1 info=1 zzz=1"
    );

    let today = date(2026, 11, 21);
    let week = repository
        .count_by_day(today, TrendPeriod::Days7)
        .await
        .unwrap();
    let counts: Vec<u64> = week.iter().map(|day| day.count).collect();
    assert_eq!(counts, [6, 0, 0, 0, 0, 0, 4]);
    assert_eq!((week[0].date, week[6].date), (date(2026, 11, 15), today));
    // The same instants, whatever the zone of the database.
    client
        .batch_execute(&format!(
            "ALTER DATABASE {} SET TimeZone = 'Asia/Tokyo'",
            database.name()
        ))
        .await
        .unwrap();
    let fresh = Repository::new(crate::event::settings(&database)).unwrap();
    assert_eq!(
        fresh.count_by_day(today, TrendPeriod::Days7).await.unwrap(),
        week
    );
    let quarter = repository
        .count_by_day(today, TrendPeriod::Days90)
        .await
        .unwrap();
    assert_eq!((quarter.len(), quarter[0].date), (90, date(2026, 8, 24)));
    assert_eq!(
        repository
            .count_by_day(today, TrendPeriod::Days30)
            .await
            .unwrap()
            .len(),
        30
    );
}
