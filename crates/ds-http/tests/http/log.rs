//! What the log says about requests.

use std::{
    io,
    sync::{Arc, Mutex},
};

use ds_ingest::testing::Mood;
use serde_json::Value;

use crate::server::{Server, Setup, event};

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Its lines about the request `id`.
    fn about(&self, id: &str) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter(|line: &Value| line["fields"]["request_id"] == id)
            .collect()
    }
}

async fn check(mood: Mood, line: &str, body: &str, level: &str, expected: &[(&str, Value)]) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(move || writer.clone())
        .finish();
    // Everything of this test runs on this thread.
    let _logging = tracing::subscriber::set_default(subscriber);
    let server = Server::start(Setup {
        mood,
        ..Setup::default()
    })
    .await;
    let length = body.len();
    let headers = format!(
        "x-request-id: it\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n"
    );
    let mut client = server.client().await;
    client
        .send(format!("{line} HTTP/1.1\r\nhost: x\r\n{headers}\r\n{body}"))
        .await;
    client.answer().await;

    let lines = log.about("it");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["level"], level, "{lines:?}");
    for (name, value) in expected {
        assert_eq!(lines[0]["fields"][*name], *value, "{name} in {lines:?}");
    }
    assert!(
        !lines[0].to_string().contains("9007199254740993"),
        "the log repeats a payload"
    );
}

#[tokio::test]
async fn a_request_is_logged_in_one_line() {
    let body = event("");
    let expected = [
        ("method", "POST".into()),
        ("route", "/api/v1/audit/events".into()),
        ("operation", "createAuditEvent".into()),
        ("status", 201.into()),
        ("request_bytes", body.len().into()),
    ];
    check(
        Mood::Well,
        "POST /api/v1/audit/events",
        &body,
        "INFO",
        &expected,
    )
    .await;
    let expected = [("route", "unmatched".into()), ("status", 404.into())];
    check(Mood::Well, "GET /made/up", "", "INFO", &expected).await;
}

#[tokio::test]
async fn a_failure_is_logged_with_its_name_and_every_cause() {
    let (line, body) = ("POST /api/v1/audit/events", event(""));
    let error = "store is unavailable: memory took longer than 0 s".into();
    let expected = [
        ("status", 503.into()),
        ("error.code", "service-unavailable".into()),
        ("error", error),
    ];
    check(Mood::Away, line, &body, "WARN", &expected).await;
    let expected = [
        ("status", 500.into()),
        ("error.code", "database_error".into()),
    ];
    check(Mood::Broken, line, &body, "ERROR", &expected).await;
    let expected = [
        ("status", 400.into()),
        ("error.code", "validation-error".into()),
    ];
    check(Mood::Refusing, line, &body, "WARN", &expected).await;
    check(Mood::Well, line, "{}", "INFO", &expected).await;
}
