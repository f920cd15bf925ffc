//! Answers without an end in sight: all events of a query, one a line, in bounded memory.
//!
//! A task reads piece after piece, each with a statement of its own, and hands the lines to the
//! connection through a channel that holds one piece. While the client does not read, nothing is read
//! from the store, and no connection to it is held.

use std::sync::Arc;

use ds_domain::{
    cursor::Placed,
    event::StoredEvent,
    filter::{EventFilter, Start},
};
use ds_metrics::{ExportEnd, catalog};
use ds_repository::{Repository, error::StoreError};
use ds_validation::query::EventQuery;
use http::{HeaderValue, Response, header::CONTENT_TYPE};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::Instant,
};

use crate::{
    accept::NDJSON,
    endpoint::Reply,
    exchange::{Chain, outcome},
    problem::Problem,
    reply_body::{Piece, ReplyBody},
    request_id::RequestId,
    wire::event_lines,
};

/// Room for exports: each of them keeps a part of the store busy for a long time.
#[derive(Clone, Debug)]
pub struct Exports(Arc<Semaphore>);

impl Exports {
    /// Room for `exports_max` at a time.
    pub fn new(exports_max: usize) -> Self {
        Self(Arc::new(Semaphore::new(
            exports_max.min(Semaphore::MAX_PERMITS),
        )))
    }

    /// A place for one more, if there is one.
    fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

/// Answers `query` as a stream. The first piece is read before anything is answered, so that a store
/// that is away is told as such.
pub(crate) async fn start(
    exports: &Exports,
    repository: &Repository,
    query: &EventQuery,
    request_id: &RequestId,
) -> Result<Reply, Problem> {
    let Some(place) = exports.enter() else {
        catalog::exports_refused().increment(1);
        return Err(Problem::too_many_exports());
    };
    let mut export = Export::new(repository.clone(), query, place, request_id.clone());
    let first = export.read().await.map_err(Problem::of_query)?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(export.run(first, sender));
    let mut reply = Response::new(ReplyBody::Stream(receiver));
    let media_type = HeaderValue::from_static(NDJSON);
    reply.headers_mut().insert(CONTENT_TYPE, media_type);
    Ok(reply)
}

/// An export under way.
struct Export {
    repository: Repository,
    filter: EventFilter,
    from: Start,
    /// Events that may still be sent.
    left: u64,
    sent: u64,
    begun: Instant,
    request_id: RequestId,
    _active: Active,
}

/// Why an export ended before its end.
enum Stop {
    ClientLeft,
    Store(StoreError),
}

impl Export {
    fn new(
        repository: Repository,
        query: &EventQuery,
        place: OwnedSemaphorePermit,
        request_id: RequestId,
    ) -> Self {
        Self {
            repository,
            filter: query.filter.clone(),
            from: query.page.start,
            left: match query.is_limited {
                true => query.page.limit.into(),
                false => u64::MAX,
            },
            sent: 0,
            begun: Instant::now(),
            request_id,
            _active: Active::new(place),
        }
    }

    /// Reads the next piece; none when that was the last one.
    async fn read(&mut self) -> Result<Vec<StoredEvent>, StoreError> {
        let from = match self.from {
            Start::After(position) => Some(position),
            Start::Offset(_) | Start::Newest | Start::Before(_) => None,
        };
        if self.left == 0 {
            return Ok(Vec::new());
        }
        let started = Instant::now();
        let read = self.repository.export_events(&self.filter, from).await;
        catalog::query_duration("export").record(started.elapsed());
        catalog::queries("export", outcome(&read)).increment(1);
        let mut piece = read?;
        piece.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        if let Some(last) = piece.last() {
            self.from = Start::After(last.position());
        }
        let read = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        self.left -= read;
        self.sent += read;
        Ok(piece)
    }

    /// Sends `first` and everything behind it, and tells how that ended.
    async fn run(mut self, first: Vec<StoredEvent>, client: mpsc::Sender<Piece>) {
        let stop = tokio::select! {
            biased;
            // Not only seen when there is something to send: a statement may take long.
            () = client.closed() => Err(Stop::ClientLeft),
            sent = self.send(first, &client) => sent,
        };
        let end = match &stop {
            Ok(()) => ExportEnd::Complete,
            Err(Stop::ClientLeft) => ExportEnd::ClientLeft,
            Err(Stop::Store(_)) => ExportEnd::BrokenOff,
        };
        catalog::exports(end).increment(1);
        macro_rules! end_line {
            ($level:ident) => {
                tracing::$level!(
                    request_id = self.request_id.as_str(),
                    events = self.sent,
                    duration_ms = self.begun.elapsed().as_secs_f64() * 1e3,
                    outcome = end.as_str(),
                    error = match &stop {
                        Err(Stop::Store(error)) => Some(tracing::field::display(Chain(error))),
                        Ok(()) | Err(Stop::ClientLeft) => None,
                    },
                    "Export ended"
                )
            };
        }
        match end {
            ExportEnd::Complete | ExportEnd::ClientLeft => end_line!(info),
            ExportEnd::BrokenOff => end_line!(warn),
        }
    }

    async fn send(
        &mut self,
        first: Vec<StoredEvent>,
        client: &mpsc::Sender<Piece>,
    ) -> Result<(), Stop> {
        let mut piece = first;
        while !piece.is_empty() {
            let lines = event_lines(&piece).into();
            // The text is enough to hold while the client is waited for.
            drop(piece);
            let sent = client.send(Piece::Data(lines)).await;
            sent.map_err(|_closed| Stop::ClientLeft)?;
            piece = self.read().await.map_err(Stop::Store)?;
        }
        let sent = client.send(Piece::End).await;
        sent.map_err(|_closed| Stop::ClientLeft)
    }
}

/// Counts an export as active, and keeps its place, for as long as it lives.
struct Active(#[expect(dead_code, reason = "held, not used")] OwnedSemaphorePermit);

impl Active {
    fn new(place: OwnedSemaphorePermit) -> Self {
        catalog::exports_active().increment(1.0);
        Self(place)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        catalog::exports_active().decrement(1.0);
    }
}
