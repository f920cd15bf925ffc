//! Row 22: workflows added to the catalogue, one by one and together.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::super::figure::{Figure, Quantity, median};
use super::super::load::Connection;
use super::super::row::Line;
use super::super::service::Service;
use super::super::stage::Stage;

/// Workflows that are added in each way.
const WORKFLOWS: usize = 200;

pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Vec<Line>> {
    let program = &stage.setup.program;
    let setup = stage.ground.database("catalogue", program).await?;
    let service = Service::start(&setup).await?;
    let mut connection = Connection::open(service.address).await?;
    let (mut means, mut batches) = (vec![], vec![]);
    for round in 0..stage.plan.rounds {
        let started = Instant::now();
        for number in 0..WORKFLOWS {
            let body = workflow(&format!("single-{round}-{number}"));
            post(&mut connection, &service, "/api/v1/workflows", &body, 201).await?;
        }
        let all = started.elapsed().as_secs_f64() * 1e3;
        means.push(all / f64::from(u32::try_from(WORKFLOWS)?));
        let items = (0..WORKFLOWS).map(|number| workflow(&format!("batch-{round}-{number}")));
        let body = format!("[{}]", items.collect::<Vec<_>>().join(","));
        let started = Instant::now();
        let path = "/api/v1/workflows/batch";
        let answer = post(&mut connection, &service, path, &body, 200).await?;
        batches.push(started.elapsed().as_secs_f64() * 1e3);
        let expected = format!("\"created\":{WORKFLOWS}");
        ensure!(answer.contains(&expected), "the batch was not stored");
    }
    service.stop().await?;
    let mean = Quantity(median(means), "ms");
    let batch = Quantity(median(batches), "ms");
    let singly = format!("one of {WORKFLOWS} workflows added one by one, mean");
    let together = format!("{WORKFLOWS} workflows added by one batch");
    Ok(vec![
        Figure::at_most(singly, mean, 10.0).into(),
        Figure::at_most(together, batch, 1_000.0).into(),
    ])
}

/// Posts `body` and returns the answer, which must have this status.
async fn post(
    connection: &mut Connection,
    service: &Service,
    path: &str,
    body: &str,
    status: u16,
) -> Result<String> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        service.address,
        body.len()
    );
    let answer = connection.exchange(request.as_bytes()).await?;
    let text = connection.body(&answer);
    ensure!(
        answer.status == status,
        "the service answered {}: {text}",
        answer.status
    );
    Ok(text)
}

/// A workflow of ordinary size.
fn workflow(name: &str) -> String {
    let content = "- name: step\\n  run: kubectl rollout restart\\n".repeat(40);
    format!(
        r#"{{"workflow_name":"{name}","version":"1.0.0","name":"Restart","description":"Restarts a
            deployment whose pods run out of memory.","content":"{content}","content_hash":"{hash}",
            "execution_engine":"tekton","status":"active","labels":{{"signal_type":"OOMKilled",
            "severity":"high","component":"deployment","environment":"production","priority":"P1"}},
            "custom_labels":{{"team":["payments"]}},"detected_labels":{{"gitOpsManaged":true}}}}"#,
        hash = "0".repeat(64),
    )
    .replace("\n            ", " ")
}
