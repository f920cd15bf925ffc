//! The wire forms, member by member.

mod actions;
mod events;
mod notifications;
mod operations;
pub(crate) mod workflows;

use ds_domain::filter::Count;
use ds_repository::{EventPage, Total};
use serde_json::{Value, json};

use super::*;

use events::{full_event, sparse_event};

/// An answer to every kind of request that is answered in JSON, by the name of its schema.
pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let search = vec![search::tests::sample()];
    [
        events::samples(),
        operations::samples(),
        notifications::samples(),
        workflows::samples(),
        actions::samples(),
        search,
    ]
    .concat()
}

/// A page of an answer whose size was estimated.
fn estimated_page() -> (EventPage, Page) {
    let found = EventPage {
        items: vec![full_event(), sparse_event()],
        total: Some(Total {
            count: 12,
            is_estimate: true,
        }),
        has_more: true,
        has_newer: true,
    };
    let page = Page {
        limit: 2,
        start: Start::Offset(4),
        count: Count::Estimated,
    };
    (found, page)
}

fn links() -> Links {
    Links {
        next: Some("/events?cursor=a".to_owned()),
        prev: Some("/events?cursor=b".to_owned()),
    }
}

mod erased {
    /// Anything that can be written as JSON.
    pub(super) trait Json {
        fn json(&self) -> serde_json::Value;
    }

    impl<T: serde::Serialize> Json for T {
        fn json(&self) -> serde_json::Value {
            serde_json::to_value(self).unwrap()
        }
    }
}

fn parsed(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

#[track_caller]
fn check_pagination(total: Option<Total>, start: Start, links: Links, expected: Value) {
    let found = EventPage {
        items: vec![],
        total,
        has_more: links.next.is_some(),
        has_newer: links.prev.is_some(),
    };
    let page = Page {
        limit: 2,
        start,
        count: Count::Exact,
    };
    let pagination = Pagination::new(&found, page, links);
    assert_eq!(serde_json::to_value(pagination).unwrap(), expected);
}

#[test]
fn a_page_says_how_many_events_there_are_and_how_that_is_known() {
    let total = |is_estimate| {
        Some(Total {
            count: 12,
            is_estimate,
        })
    };
    let fourth = Start::Offset(4);
    let none = Links::default;
    check_pagination(
        total(false),
        fourth,
        none(),
        json!({"limit": 2, "offset": 4, "total": 12, "has_more": false}),
    );
    check_pagination(
        total(true),
        fourth,
        none(),
        json!({"limit": 2, "offset": 4, "total": 12, "total_is_estimate": true, "has_more": false}),
    );
    let links = Links {
        next: Some("n".to_owned()),
        prev: Some("p".to_owned()),
    };
    check_pagination(
        None,
        Start::Newest,
        links,
        json!({"limit": 2, "has_more": true, "next": "n", "prev": "p"}),
    );
}

/// The sample that is the answer named `schema`.
fn sample(schema: &str) -> Value {
    let mut samples = samples().into_iter();
    samples.find(|(name, _)| *name == schema).unwrap().1
}
