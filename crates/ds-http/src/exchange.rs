//! One request and its answer, as the log and the metrics see them.

use std::{error::Error, fmt, sync::Arc};

use ds_ingest::port::Ports;
use ds_metrics::{Outcome, catalog};
use http::{HeaderMap, Method, StatusCode, Uri};
use hyper::body::Body;
use metrics::{Counter, Gauge, Histogram};
use tokio::time::Instant;

use crate::{
    cors,
    endpoint::{Endpoint, Reply},
    problem::Problem,
    request_id::{RequestId, X_REQUEST_ID},
};

/// The route of a request that no endpoint is for.
const UNMATCHED: &str = "unmatched";

/// The status under which a request is reported whose client left before the answer.
const CLIENT_LEFT: &str = "499";

/// The metrics of one endpoint, looked up once.
pub(crate) struct Meter {
    operation: &'static str,
    route: &'static str,
    duration: Histogram,
    requests: Vec<(u16, Counter)>,
}

impl Meter {
    /// The metrics of `endpoint`; its counters start at zero.
    pub(crate) fn of<P: Ports>(endpoint: &Endpoint<P>) -> Self {
        let (route, method) = (endpoint.path, method_label(&endpoint.method));
        let counter = |status: &u16| {
            let label = StatusCode::from_u16(*status).map_or("other", status_label);
            let counter = catalog::http_requests(route, method, label);
            counter.absolute(0);
            (*status, counter)
        };
        let requests = endpoint.statuses.iter().map(counter).collect();
        let duration = catalog::http_request_duration(route, method);
        Self {
            operation: endpoint.operation,
            route,
            duration,
            requests,
        }
    }
}

/// The gauge of requests being answered, looked up once per listener.
pub(crate) fn in_flight() -> Gauge {
    catalog::http_requests_in_flight()
}

/// A request that is being answered. It ends in [`Exchange::finish`], or, when the client leaves
/// first, by being dropped: either way it is logged and counted once.
pub(crate) struct Exchange {
    request_id: RequestId,
    uri: Uri,
    cross_origin: bool,
    closes: bool,
    method: &'static str,
    route: &'static str,
    /// `None` when no endpoint answers.
    meter: Option<Arc<Meter>>,
    request_bytes: usize,
    started: Instant,
    in_flight: Gauge,
    is_finished: bool,
}

impl Exchange {
    /// Begins with the head of a request.
    pub(crate) fn begin(parts: &http::request::Parts, request_id: RequestId, gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self {
            request_id,
            uri: parts.uri.clone(),
            cross_origin: cors::is_cross_origin(&parts.headers),
            closes: false,
            method: method_label(&parts.method),
            route: UNMATCHED,
            meter: None,
            request_bytes: 0,
            started: Instant::now(),
            in_flight: gauge,
            is_finished: false,
        }
    }

    /// Names what the request is for when that is no endpoint.
    pub(crate) fn route(&mut self, route: &'static str) {
        self.route = route;
    }

    /// Names the endpoint the request is for.
    pub(crate) fn meter(&mut self, meter: &Arc<Meter>) {
        self.route = meter.route;
        self.meter = Some(Arc::clone(meter));
    }

    /// Notes the size of the body.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.request_bytes = bytes;
    }

    /// Notes that nothing more can be read from the connection.
    pub(crate) fn close(&mut self) {
        self.closes = true;
    }

    /// Completes the answer, logs the request and counts it.
    pub(crate) fn finish(mut self, result: Result<Reply, Problem>) -> Reply {
        let (mut reply, problem) = match result {
            Ok(reply) => (reply, None),
            Err(problem) => {
                let reply = problem.render(self.uri.path(), self.request_id.as_str());
                (reply, Some(problem))
            }
        };
        let headers: &mut HeaderMap = reply.headers_mut();
        headers.insert(X_REQUEST_ID, self.request_id.header());
        cors::mark(headers, self.cross_origin);
        if self.closes {
            let close = http::HeaderValue::from_static("close");
            headers.insert(http::header::CONNECTION, close);
        }
        self.is_finished = true;
        self.count(reply.status());
        if let Some(problem) = &problem {
            problem.count();
        }
        self.log(&reply, problem.as_ref());
        reply
    }

    fn count(&self, status: StatusCode) {
        // A HEAD is counted as such, the slow way: the endpoint's own method is GET.
        let meter = self.meter.as_ref().filter(|_| self.method != "HEAD");
        let known = meter.and_then(|meter| {
            let mut counters = meter.requests.iter();
            let (_, counter) = counters.find(|(known, _)| *known == status.as_u16())?;
            Some((&meter.duration, counter))
        });
        match known {
            Some((duration, counter)) => {
                counter.increment(1);
                duration.record(self.started.elapsed());
            }
            None => self.count_as(status_label(status)),
        }
    }

    fn count_as(&self, status: &'static str) {
        catalog::http_requests(self.route, self.method, status).increment(1);
        let duration = catalog::http_request_duration(self.route, self.method);
        duration.record(self.started.elapsed());
    }

    /// How long it has taken, in milliseconds to the microsecond: more digits are noise.
    fn millis(&self) -> f64 {
        (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e3
    }

    fn log(&self, reply: &Reply, problem: Option<&Problem>) {
        /// The fields are the same at every level; the level of an event must be a constant.
        macro_rules! request_line {
            ($level:ident) => {
                tracing::$level!(
                    request_id = self.request_id.as_str(),
                    method = self.method,
                    route = self.route,
                    operation = self.meter.as_ref().map(|meter| meter.operation),
                    status = reply.status().as_u16(),
                    duration_ms = self.millis(),
                    request_bytes = self.request_bytes,
                    response_bytes = reply.body().size_hint().exact(),
                    error.code = problem.map(Problem::code),
                    error = problem
                        .and_then(Problem::cause)
                        .map(Chain)
                        .map(tracing::field::display),
                    "Answered"
                )
            };
        }
        match (reply.status().as_u16(), problem.and_then(Problem::cause)) {
            (500, Some(_)) => request_line!(error),
            (_, Some(_)) => request_line!(warn),
            (_, None) => request_line!(info),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.in_flight.decrement(1.0);
        if !self.is_finished {
            self.count_as(CLIENT_LEFT);
            tracing::info!(
                request_id = self.request_id.as_str(),
                method = self.method,
                route = self.route,
                status = 499,
                duration_ms = self.millis(),
                request_bytes = self.request_bytes,
                "Client left before the answer"
            );
        }
    }
}

/// An error and its causes on one line. Of each only the first line: what a database adds below it
/// repeats values of rows, which do not belong in logs.
pub(crate) struct Chain<'e>(pub(crate) &'e (dyn Error + Send + Sync + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut next: Option<&dyn Error> = Some(self.0);
        let mut separator = "";
        while let Some(error) = next {
            let text = error.to_string();
            write!(f, "{separator}{}", text.lines().next().unwrap_or_default())?;
            separator = ": ";
            next = error.source();
        }
        Ok(())
    }
}

/// The metric label for how an operation ended.
pub(crate) fn outcome<T, E>(result: &Result<T, E>) -> Outcome {
    match result {
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::Failure,
    }
}

/// Asks the store, and counts how long the answer took and how it ended.
pub(crate) async fn timed<T, E>(
    operation: &'static str,
    asking: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let started = Instant::now();
    let result = asking.await;
    catalog::query_duration(operation).record(started.elapsed());
    catalog::queries(operation, outcome(&result)).increment(1);
    result
}

/// The method as a label; what a client makes up is `other`.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [(Method, &str); 7] = [
        (Method::GET, "GET"),
        (Method::POST, "POST"),
        (Method::HEAD, "HEAD"),
        (Method::OPTIONS, "OPTIONS"),
        (Method::PATCH, "PATCH"),
        (Method::PUT, "PUT"),
        (Method::DELETE, "DELETE"),
    ];
    KNOWN
        .iter()
        .find(|(known, _)| known == method)
        .map_or("other", |(_, label)| label)
}

/// The status as a label.
fn status_label(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200 => "200",
        201 => "201",
        202 => "202",
        204 => "204",
        304 => "304",
        400 => "400",
        403 => "403",
        404 => "404",
        405 => "405",
        408 => "408",
        409 => "409",
        413 => "413",
        415 => "415",
        500 => "500",
        503 => "503",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Failed(&'static str, Option<Box<Failed>>);

    impl fmt::Display for Failed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Failed {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|source| source as _)
        }
    }

    #[test]
    fn a_chain_is_one_line_without_what_databases_add_below() {
        let database = Failed(
            "ERROR: value too long\nDETAIL: Failing row contains (secret)",
            None,
        );
        let error = Failed("store refuses the row", Some(Box::new(database)));
        let expected = "store refuses the row: ERROR: value too long";
        assert_eq!(Chain(&error).to_string(), expected);
    }
}
