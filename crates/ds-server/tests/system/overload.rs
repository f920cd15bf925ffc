//! More than can be taken: refused before it is sent.

use std::sync::Arc;

use ds_testkit::TestDatabase;
use hyper::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    lifecycle::{append_waits, hold_appends},
    program::{PATIENCE, Program},
    service::{Service, event},
};

#[tokio::test]
async fn a_write_beyond_the_limit_is_refused_before_its_body_is_sent() {
    let database = Arc::new(TestDatabase::create().await);
    let program = Program::on(&database, &[])
        .with("DS_INGEST__WRITES_IN_FLIGHT_MAX", "1")
        .with("DS_INGEST__FLUSH_TIMEOUT", "1m")
        .with("DS_DATABASE__LOCK_TIMEOUT", "1m");
    let service = Service::of(program, &database).await;
    let lock = hold_appends(&database).await;
    let event = event();
    let refused = async {
        append_waits(&database).await;
        let mut connection = TcpStream::connect(("127.0.0.1", service.server().port()))
            .await
            .unwrap();
        // The head alone: the answer must not wait for the rest.
        let head = "POST /api/v1/audit/events HTTP/1.1\r\nHost: localhost\r\n\
                    Content-Type: application/json\r\nContent-Length: 300\r\n\r\n";
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&answer).contains("overloaded") {
            let reading = tokio::time::timeout(PATIENCE, connection.read(&mut piece));
            let count = reading.await.expect("it is answered in time").unwrap();
            assert_ne!(count, 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&piece[..count]);
        }
        let answer = String::from_utf8(answer).unwrap().to_lowercase();
        assert!(answer.starts_with("http/1.1 503 "), "{answer}");
        assert!(answer.contains("\r\nretry-after: "), "{answer}");
        assert!(
            answer.contains("https://kubernaut.ai/problems/overloaded"),
            "{answer}"
        );
        lock.batch_execute("COMMIT").await.unwrap();
    };
    let (first, ()) = tokio::join!(service.post(&event), refused);
    assert_eq!(first.status, StatusCode::CREATED);
    let refusals = r#"datastorage_ingest_writes_refused_total{reason="writes_in_flight"}"#;
    assert_eq!(service.metric(refusals).await, Some(1.0));
    assert_eq!(
        service.post(&event).await.status,
        StatusCode::CREATED,
        "there is room again"
    );
}
