//! A store that goes away and comes back.

use std::time::Duration;

use ds_domain::filter::{Count, EventFilter, Page, Start};
use ds_repository::{
    Repository,
    error::{AppendError, InsertError, StoreError},
    settings::Settings,
};
use ds_testkit::{Durability, PostgresServer};
use jiff::civil::date;

use crate::{
    event::{SAMPLE, append, ensure},
    notification::Note,
};

const PAGE: Page = Page {
    limit: 10,
    start: Start::Offset(0),
    count: Count::Exact,
};

fn is_unavailable(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_))
}

async fn assert_away(repository: &Repository) {
    let appended = append(repository, &[SAMPLE.new_event()]).await.unwrap_err();
    assert!(
        matches!(appended, AppendError::Store(ref error) if is_unavailable(error)),
        "{appended:?}"
    );
    let query = repository
        .query_events(&EventFilter::default(), PAGE)
        .await
        .unwrap_err();
    assert!(is_unavailable(&query), "{query:?}");
    let inserted = repository
        .insert_notification(&Note::default().valid())
        .await;
    let inserted = inserted.unwrap_err();
    assert!(
        matches!(inserted, InsertError::Store(ref error) if is_unavailable(error)),
        "{inserted:?}"
    );
    let ping = repository.ping(Duration::from_secs(1)).await.unwrap_err();
    assert!(is_unavailable(&ping), "{ping:?}");
}

#[tokio::test]
async fn a_server_that_is_down_or_frozen_is_unavailable_and_found_again() {
    let server = PostgresServer::start(Durability::Off).await;
    let database = server.create_database().await;
    let mut settings = Settings::from_url(database.url()).unwrap();
    settings.connect_timeout = Duration::from_millis(500);
    settings.append_timeout = Duration::from_secs(1);
    settings.flush_timeout = Duration::from_secs(1);
    settings.query_timeout = Duration::from_secs(1);
    let repository = Repository::new(settings).unwrap();
    ensure(&repository, date(2026, 11, 21)).await.unwrap();
    let event = SAMPLE.new_event();
    append(&repository, std::slice::from_ref(&event))
        .await
        .unwrap();
    repository.ping(Duration::from_secs(1)).await.unwrap();

    server.kill().await;
    assert_away(&repository).await;
    server.restart().await;
    repository.ping(Duration::from_secs(5)).await.unwrap();
    append(&repository, &[SAMPLE.new_event()]).await.unwrap();

    server.pause().await;
    assert_away(&repository).await;
    server.resume().await;
    append(&repository, &[SAMPLE.new_event()]).await.unwrap();
    repository
        .query_events(&EventFilter::default(), PAGE)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_closed_repository_answers_at_once() {
    let (_database, repository) = crate::event::repository().await;
    repository.tend_pools();
    repository.close();
    let error = repository.find_event(uuid::Uuid::nil()).await.unwrap_err();
    assert!(is_unavailable(&error));
}
