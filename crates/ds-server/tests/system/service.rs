//! A running `ds-server`, and what a client says to it.

use std::sync::Arc;

use ds_testkit::TestDatabase;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode, body::Bytes, header::HeaderMap};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};

use crate::program::{PATIENCE, Program, Server};

/// One process of the service, on its own database.
pub(crate) struct Service {
    server: Server,
    caller: Caller,
    pub(crate) database: Arc<TestDatabase>,
}

/// Somebody who talks to the API on one port, whichever process listens there.
#[derive(Clone)]
pub(crate) struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    port: u16,
}

impl Caller {
    /// Sends a request as a JSON client; `None` when there was no answer.
    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Option<Reply> {
        let request = self
            .request(method, path)
            .body(Full::new(body.into()))
            .unwrap();
        self.try_exchange(request).await
    }

    /// A request to this port, with the content type of JSON.
    pub(crate) fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port))
            .header("content-type", "application/json")
    }

    /// Sends any request; `None` when there was no answer.
    pub(crate) async fn try_exchange(&self, request: Request<Full<Bytes>>) -> Option<Reply> {
        let exchange = async {
            let response = self.client.request(request).await.ok()?;
            let (head, body) = response.into_parts();
            let body = body.collect().await.ok()?.to_bytes();
            Some(Reply {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .expect("an answer, or none, comes in time")
    }
}

/// What the service answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(&self.body)))
    }
}

impl Service {
    /// Starts the service on a fresh database, and waits until it is ready.
    pub(crate) async fn start() -> Self {
        Self::start_on(TestDatabase::create().await).await
    }

    /// Starts the service on `database`, and waits until it is ready.
    pub(crate) async fn start_on(database: impl Into<Arc<TestDatabase>>) -> Self {
        let database = database.into();
        Self::of(Program::on(&database, &[]), &database).await
    }

    /// Starts `program`, which uses `database`, and waits until it is ready.
    pub(crate) async fn of(program: Program, database: &Arc<TestDatabase>) -> Self {
        Self::new(program.spawn().ready().await, database)
    }

    /// The service that `server` is, ready or not.
    pub(crate) fn new(server: Server, database: &Arc<TestDatabase>) -> Self {
        let caller = Caller {
            client: Client::builder(TokioExecutor::new()).build_http(),
            port: server.port(),
        };
        Self {
            server,
            caller,
            database: Arc::clone(database),
        }
    }

    /// Somebody who talks to it, on connections of this service's other callers.
    pub(crate) fn caller(&self) -> Caller {
        self.caller.clone()
    }

    /// The process.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The same, once it is ready.
    pub(crate) async fn ready(mut self) -> Self {
        self.server = self.server.ready().await;
        self
    }

    /// As [`Caller::try_send`].
    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Option<Reply> {
        self.caller.try_send(method, path, body).await
    }

    /// As [`Caller::request`].
    pub(crate) fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        self.caller.request(method, path)
    }

    /// As [`Caller::try_exchange`].
    pub(crate) async fn try_exchange(&self, request: Request<Full<Bytes>>) -> Option<Reply> {
        self.caller.try_exchange(request).await
    }

    /// Sends a request that must be answered.
    pub(crate) async fn send(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Reply {
        let reply = self.try_send(method.clone(), path, body).await;
        reply.unwrap_or_else(|| panic!("{method} {path} is answered"))
    }

    /// Posts one event.
    pub(crate) async fn post(&self, event: &Value) -> Reply {
        self.send(Method::POST, EVENTS, event.to_string()).await
    }

    /// Queries events; `query` is an encoded query string.
    pub(crate) async fn query(&self, query: &str) -> Value {
        let reply = self
            .send(Method::GET, &format!("{EVENTS}?{query}"), "")
            .await;
        assert_eq!(reply.status, StatusCode::OK, "{query}: {:?}", reply.body);
        reply.json()
    }

    /// How many events the table holds.
    pub(crate) async fn stored(&self) -> i64 {
        let client = self.database.connect().await;
        client
            .query_one("SELECT count(*) FROM audit_events", &[])
            .await
            .unwrap()
            .get(0)
    }

    /// Ends the process as a power cut would, and does not wait for it.
    pub(crate) fn kill(&self) {
        self.server.signal("KILL");
    }

    /// Waits for the end of the process; its database stays.
    pub(crate) async fn ended(self) -> Arc<TestDatabase> {
        self.server.ended().await;
        self.database
    }

    /// Ends the process in the orderly way, which has to succeed.
    pub(crate) async fn terminate(self) {
        self.server.signal("TERM");
        let (code, log) = self.server.ended().await;
        assert_eq!(code, Some(0), "{log}");
    }

    /// The value of a series of its metrics, if there is one.
    pub(crate) async fn metric(&self, series: &str) -> Option<f64> {
        let (_, metrics) = self.server.get("/metrics").await?;
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        line.parse().ok()
    }
}

/// The path of events.
pub(crate) const EVENTS: &str = "/api/v1/audit/events";

/// The path of batches.
pub(crate) const BATCH: &str = "/api/v1/audit/events/batch";

/// A valid event that happens now.
pub(crate) fn event() -> Value {
    json!({
        "version": "1.0",
        "event_type": "gateway.signal.received",
        "event_timestamp": now(),
        "event_category": "gateway",
        "event_action": "received",
        "event_outcome": "success",
        "correlation_id": "rr-1",
        "event_data": { "alert_name": "MemPressure" },
    })
}

/// A valid event with `changes` laid over it.
pub(crate) fn event_with(changes: Value) -> Value {
    let mut event = event();
    let (Some(members), Value::Object(changes)) = (event.as_object_mut(), changes) else {
        panic!("changes are an object")
    };
    members.extend(changes);
    event
}

/// The time of day, for events that must lie in the accepted window.
pub(crate) fn now() -> jiff::Timestamp {
    #[expect(clippy::disallowed_methods, reason = "a client has its own clock")]
    ds_domain::time::truncate_to_micros(jiff::Timestamp::now())
}
