//! What every list does that can be walked through by cursor: opening the cursor it is asked with, and
//! answering a page with links to its neighbours.

use ds_domain::{
    cursor::Placed,
    filter::{Start, Timed},
};
use ds_repository::{Listing, Repository};
use ds_validation::query::Query;
use http::{StatusCode, Uri, header::LINK};
use serde::Serialize;

use crate::{
    endpoint::{Reply, json},
    links::Links,
    problem::Problem,
    wire::{List, Pagination},
};

/// `query`, going on where its cursor says, if it has one.
pub(crate) async fn resumed<F: Timed>(
    repository: &Repository,
    query: Query<F>,
) -> Result<Query<F>, Problem> {
    let Some(text) = &query.cursor else {
        return Ok(query);
    };
    let key = repository.cursor_key().await.map_err(Problem::of_query)?;
    let cursor = key.open(text, &query.scope);
    let cursor = cursor.ok_or_else(Problem::of_cursor)?;
    Ok(query.resumed(&cursor))
}

/// The answer to `query`, which was asked at `uri`: the page that was `found`, each item as `element`
/// says it.
pub(crate) async fn answer<'f, F: Timed, T: Placed, E: Serialize>(
    repository: &Repository,
    uri: &Uri,
    query: &Query<F>,
    found: &'f Listing<T>,
    element: impl Fn(&'f T) -> Result<E, Problem>,
) -> Result<Reply, Problem> {
    let list = |pagination| {
        let data = found.items.iter().map(element);
        let data = data.collect::<Result<_, _>>()?;
        json(StatusCode::OK, &List { data, pagination })
    };
    answer_as(repository, uri, query, found, list).await
}

/// The same, the list with what is said about the page as `write` writes it.
pub(crate) async fn answer_as<F: Timed, T: Placed>(
    repository: &Repository,
    uri: &Uri,
    query: &Query<F>,
    found: &Listing<T>,
    write: impl FnOnce(Pagination) -> Result<Reply, Problem>,
) -> Result<Reply, Problem> {
    let links = links(repository, uri, query, found).await?;
    let header = links.header();
    let mut reply = write(Pagination::new(found, query.page, links))?;
    reply
        .headers_mut()
        .extend(header.map(|links| (LINK, links)));
    Ok(reply)
}

/// The links of a page. One that was asked for by its offset does without them when the key of
/// cursors cannot be read: clients of the first contract do not know them.
pub(crate) async fn links<F: Timed, T: Placed>(
    repository: &Repository,
    uri: &Uri,
    query: &Query<F>,
    found: &Listing<T>,
) -> Result<Links, Problem> {
    match (repository.cursor_key().await, query.page.start) {
        (Ok(key), _) => Ok(Links::of(uri, query, found, key)),
        (Err(_), Start::Offset(_)) => Ok(Links::default()),
        (Err(error), Start::Newest | Start::After(_) | Start::Before(_)) => {
            Err(Problem::of_query(error))
        }
    }
}
