//! The straight line from a request to its answer.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use ds_ingest::port::Ports;
use ds_metrics::catalog;
use futures_util::FutureExt;
use http::{
    HeaderMap, Request, StatusCode, Uri,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use hyper::body::{Body, Incoming};
use metrics::Gauge;
use percent_encoding::percent_decode_str;
use tokio_util::task::TaskTracker;

use crate::{
    RequestLimits, Service, Surface, body, cors,
    endpoint::{Call, Endpoint, Handling, Kind, Reply},
    exchange::{self, Exchange},
    finishing::finish,
    problem::Problem,
    readiness::State,
    request_id::RequestId,
    route::{Found, Routes},
};

/// Largest body of a question: a search with all the labels it may have, each character escaped, takes
/// a third of it.
const QUESTION_BYTES_MAX: usize = 256 * 1024;

/// What the requests of one listener share.
pub(crate) struct App<P: Ports> {
    pub(crate) service: Arc<Service<P>>,
    pub(crate) routes: Routes<P>,
    /// The writes that were started; they outlive their connections.
    pub(crate) writes: TaskTracker,
    pub(crate) in_flight: Gauge,
}

impl<P: Ports> App<P> {
    /// An app with the endpoints of `surface`.
    pub(crate) fn new(service: Arc<Service<P>>, surface: Surface) -> Self {
        let routes = Routes::new(surface.endpoints());
        Self {
            service,
            routes,
            writes: TaskTracker::new(),
            in_flight: exchange::in_flight(),
        }
    }
}

/// Answers one request.
pub(crate) async fn dispatch<P: Ports>(app: &App<P>, request: Request<Incoming>) -> Reply {
    let (parts, body) = request.into_parts();
    let request_id = RequestId::of(&parts.headers, app.service.ingest.ids());
    let mut exchange = Exchange::begin(&parts, request_id.clone(), app.in_flight.clone());

    let answer = match cors::preflight(&parts) {
        Some(reply) => {
            exchange.route("preflight");
            Ok(reply)
        }
        None => match app.routes.find(&parts.method, parts.uri.path()) {
            Found::Endpoint { served, parameter } => {
                exchange.meter(&served.meter);
                let call = Call {
                    uri: parts.uri,
                    headers: parts.headers,
                    request_id,
                    path_parameter: parameter,
                    body: Bytes::new(),
                };
                return serve(app, &served.endpoint, call, body, exchange).await;
            }
            Found::OtherMethods { template, allow } => {
                exchange.route(template);
                Err(Problem::method_not_allowed(allow))
            }
            Found::Nothing => Err(Problem::no_route()),
        },
    };
    end(answer, exchange, &parts.headers, body, &app.service.limits).await
}

/// Ends an exchange whose body nobody needs.
async fn end(
    answer: Result<Reply, Problem>,
    mut exchange: Exchange,
    headers: &HeaderMap,
    body: Incoming,
    limits: &RequestLimits,
) -> Reply {
    if !body::discard(body, headers, limits).await {
        exchange.close();
    }
    exchange.finish(answer)
}

/// Lets the endpoint answer.
async fn serve<P: Ports>(
    app: &App<P>,
    endpoint: &Endpoint<P>,
    call: Call,
    body: Incoming,
    mut exchange: Exchange,
) -> Reply {
    let service = Arc::clone(&app.service);
    let limits = &service.limits;
    if !is_query_text(endpoint, &call.uri) {
        let problem = Err(Problem::query_not_text());
        return end(problem, exchange, &call.headers, body, limits).await;
    }
    if endpoint.needs_store && service.readiness.state() == State::Starting {
        // The schema may be another one than this process knows.
        let problem = Err(Problem::starting());
        return end(problem, exchange, &call.headers, body, limits).await;
    }
    match endpoint.kind {
        Kind::Read => {
            if !body::discard(body, &call.headers, limits).await {
                exchange.close();
            }
            settle((endpoint.handle)(service, call), exchange).await
        }
        Kind::Command => {
            if !body::discard(body, &call.headers, limits).await {
                exchange.close();
            }
            let handling = (endpoint.handle)(service, call);
            finish(&app.writes, settle(handling, exchange)).await
        }
        Kind::Question => {
            let limits = RequestLimits {
                body_bytes_max: limits.body_bytes_max.min(QUESTION_BYTES_MAX),
                ..*limits
            };
            match receive(endpoint.kind, call, body, exchange, &limits).await {
                Ok((call, exchange)) => settle((endpoint.handle)(service, call), exchange).await,
                Err(reply) => reply,
            }
        }
        Kind::Write | Kind::Amend => write(app, endpoint, call, body, exchange).await,
    }
}

/// Whether the query is text. Decoders would put U+FFFD for what is not, which may be stored.
fn is_query_text<P: Ports>(endpoint: &Endpoint<P>, uri: &Uri) -> bool {
    let is_read = endpoint
        .statuses
        .contains(&StatusCode::BAD_REQUEST.as_u16());
    !is_read
        || percent_decode_str(uri.query().unwrap_or_default())
            .decode_utf8()
            .is_ok()
}

/// Takes the body, if there is room for one more, and lets the endpoint record it.
async fn write<P: Ports>(
    app: &App<P>,
    endpoint: &Endpoint<P>,
    call: Call,
    body: Incoming,
    mut exchange: Exchange,
) -> Reply {
    let service = Arc::clone(&app.service);
    let limits = &service.limits;
    let bytes = body::bytes_at_most(&body, limits);
    let admission = match service.ingest.admit(bytes) {
        Ok(admission) => admission,
        Err(overloaded) => {
            if !body::dismiss(body, &call.headers, limits).await {
                exchange.close();
            }
            return exchange.finish(Err(Problem::overloaded(overloaded)));
        }
    };
    let (call, exchange) = match receive(endpoint.kind, call, body, exchange, limits).await {
        Ok(received) => received,
        Err(reply) => return reply,
    };
    let handling = (endpoint.handle)(Arc::clone(&service), call);
    finish(&app.writes, async move {
        let reply = settle(handling, exchange).await;
        drop(admission);
        reply
    })
    .await
}

/// Takes the body into the call. When there is none to work with the exchange ends.
async fn receive(
    kind: Kind,
    mut call: Call,
    body: Incoming,
    mut exchange: Exchange,
    limits: &RequestLimits,
) -> Result<(Call, Exchange), Reply> {
    let may_be_empty = kind == Kind::Amend;
    let is_empty = may_be_empty && body.is_end_stream();
    if !is_empty && let Err(problem) = check_media(&call.headers, &body) {
        return Err(end(Err(problem), exchange, &call.headers, body, limits).await);
    }
    match body::read(body, &call.headers, limits).await {
        Ok(bytes) => call.body = bytes,
        Err(error) => {
            exchange.close();
            return Err(exchange.finish(Err(Problem::of_body(error))));
        }
    }
    exchange.received(call.body.len());
    if call.body.is_empty() && !may_be_empty {
        return Err(exchange.finish(Err(Problem::body_missing())));
    }
    Ok((call, exchange))
}

/// Runs a handler to its end and completes the answer.
async fn settle(handling: Handling, exchange: Exchange) -> Reply {
    // What a panicking handler leaves behind is dropped with it; what it shares with others is made
    // of pools and atomics, which stay usable.
    let result = AssertUnwindSafe(handling)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| {
            catalog::http_panics().increment(1);
            Err(Problem::panicked(panic_text(&*panic)))
        });
    exchange.finish(result)
}

/// The text of a panic.
fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text")
}

/// Checks that there is a body that claims to be JSON, before it is read.
fn check_media(headers: &HeaderMap, body: &Incoming) -> Result<(), Problem> {
    if body.is_end_stream() {
        return Err(Problem::body_missing());
    }
    if let Some(coding) = headers.get(CONTENT_ENCODING)
        && !coding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        return Err(Problem::encoded(coding.as_bytes()));
    }
    let given = headers
        .get(CONTENT_TYPE)
        .map(http::HeaderValue::as_bytes)
        .unwrap_or_default();
    let essence = given.split(|byte| *byte == b';').next().unwrap_or_default();
    if essence
        .trim_ascii()
        .eq_ignore_ascii_case(b"application/json")
    {
        return Ok(());
    }
    Err(Problem::not_json(given))
}
