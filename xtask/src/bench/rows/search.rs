//! Row 23: searches of the workflow catalogue, against the statement that narrows them by the same
//! driver.

use anyhow::{Context, Result};
use serde_json::json;
use tokio_postgres::types::Type;

use super::super::figure::{Better, Figure, Quantity, median};
use super::super::load::{HttpClient, Load};
use super::super::reference::{self, Question, Values};
use super::super::row::Line;
use super::super::service::Service;
use super::super::stage::Stage;

/// How large the catalogue is, with what nine of ten searches and more may take there, in
/// milliseconds, if that is a target.
const SIZES: [(u32, Option<f64>); 3] = [(200, Some(5.0)), (10_000, Some(20.0)), (100_000, None)];

/// How many search at a time.
const CALLERS: [usize; 2] = [1, 20];

/// How many signals there are; each has workflows of every severity.
const SIGNALS: u32 = 25;

const SEVERITIES: [&str; 4] = ["critical", "high", "medium", "low"];

/// Adds the workflows from `$1` to `$2`: some leave labels open, and they differ in what they expect.
const FILL: &str = r#"
INSERT INTO remediation_workflow_catalog (workflow_name, version, name, description, content,
    content_hash, labels, custom_labels, detected_labels, is_latest_version, is_search_version)
SELECT 'wf-' || i, '1.0.0', 'Workflow ' || i, 'Raises a limit of what was killed, number ' || i,
    repeat('kind: Pipeline ', 100), repeat('a', 64),
    jsonb_build_object('signal_type', 'Signal' || i % 25,
        'severity', ('{critical,high,medium,low}'::text[])[1 + i / 25 % 4],
        'component', CASE WHEN i % 5 = 0 THEN '*' WHEN i % 2 = 0 THEN 'pod' ELSE 'node' END,
        'environment', CASE WHEN i % 7 = 0 THEN '*' WHEN i % 3 = 0 THEN 'staging'
            ELSE 'production' END,
        'priority', CASE WHEN i % 3 = 0 THEN '*' ELSE 'P' || i / 7 % 4 END),
    jsonb_build_object('team', jsonb_build_array('team-' || i % 5, 'team-' || i % 7),
        'tier', '["*"]'::jsonb, 'zone-' || i % 4, '["a", "b", "c"]'::jsonb),
    CASE WHEN i % 2 = 0 THEN '{"gitOpsManaged": true, "gitOpsTool": "argocd"}'::jsonb
        ELSE '{"stateful": true, "serviceMesh": "istio"}'::jsonb END,
    true, true
FROM generate_series($1::int4, $2::int4) AS i"#;

/// What the service narrows by, of active workflows.
const NARROW: &str = "
SELECT workflow_id, created_at, (labels->>'component' <> 'pod')::int4
    + (labels->>'environment' <> 'production')::int4 + (labels->>'priority' <> 'P1')::int4,
    detected_labels, custom_labels
FROM remediation_workflow_catalog
WHERE is_search_version AND labels->>'signal_type' = $1 AND labels->>'severity' = $2
    AND labels->>'component' IN ('pod', '*') AND labels->>'environment' IN ('production', '*')
    AND labels->>'priority' IN ('P1', '*')";

pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Vec<Line>> {
    let program = &stage.setup.program;
    let setup = stage.ground.database("catalogue", program).await?;
    let service = Service::start(&setup).await?;
    let mut lines = Vec::new();
    let mut filled = 0;
    for (size, must) in SIZES {
        fill(&setup.database, filled + 1, size).await?;
        filled = size;
        for callers in CALLERS {
            let compared = compare(stage, &setup.database, &service, callers).await?;
            let who = if callers == 1 { "caller" } else { "callers" };
            let property = format!("search of {size} workflows, {callers} {who}");
            let served = Quantity(compared.served_p50, "ms");
            let raw = ("Q", compared.raw_p50);
            lines.push(Figure::ratio(&property, served, raw, Better::Less, 4.0).into());
            if let Some(must) = must {
                let served = Quantity(compared.served_p95, "ms");
                lines.push(Figure::at_most(format!("{property}, p95"), served, must).into());
            }
        }
    }
    service.stop().await?;
    Ok(lines)
}

async fn fill(database: &str, first: u32, last: u32) -> Result<()> {
    let client = reference::connect(database).await?;
    let range = [i32::try_from(first)?, i32::try_from(last)?];
    let filled = client.execute(FILL, &[&range[0], &range[1]]).await;
    filled.context("cannot fill the catalogue")?;
    let settled = client
        .batch_execute("VACUUM ANALYZE remediation_workflow_catalog")
        .await;
    settled.context("cannot settle the catalogue")
}

/// What both sides take, in milliseconds.
struct Compared {
    raw_p50: f64,
    served_p50: f64,
    served_p95: f64,
}

async fn compare(
    stage: &Stage,
    database: &str,
    service: &Service,
    callers: usize,
) -> Result<Compared> {
    let (warm_up, time) = (stage.plan.warm_up / 2, stage.plan.measure / 2);
    let (mut raw, mut served, mut slow) = (vec![], vec![], vec![]);
    for _ in 0..stage.plan.rounds.max(2) {
        let (mut questions, mut searches) = (vec![], vec![]);
        for _ in 0..callers {
            questions.push(question(database).await?);
            let requests = requests(service);
            searches.extend(HttpClient::questions(service.address, requests).await?);
        }
        let measured = Load::closed(questions).run(warm_up, time).await?;
        raw.push(measured.accepted_ms(50.0));
        let measured = Load::closed(searches).run(warm_up, time).await?;
        served.push(measured.accepted_ms(50.0));
        slow.push(measured.accepted_ms(95.0));
    }
    Ok(Compared {
        raw_p50: median(raw),
        served_p50: median(served),
        served_p95: median(slow),
    })
}

/// What is looked for, in turns: every signal with every severity.
fn wanted() -> impl Iterator<Item = (String, &'static str)> {
    let signals = 0..SIGNALS;
    signals.flat_map(|signal| {
        let severities = SEVERITIES.iter();
        severities.map(move |severity| (format!("Signal{signal}"), *severity))
    })
}

async fn question(database: &str) -> Result<Question> {
    let values = wanted().map(|(signal, severity)| {
        let values: Values = vec![Box::new(signal), Box::new(severity)];
        values
    });
    let types = [Type::TEXT, Type::TEXT];
    Question::new(database, NARROW, &types, "", values.collect()).await
}

fn requests(service: &Service) -> Vec<Vec<u8>> {
    let request = |(signal, severity): (String, &str)| {
        let body = json!({ "filters": {
            "signal_type": signal, "severity": severity, "component": "pod",
            "environment": "production", "priority": "P1",
            "detected_labels": {
                "gitOpsManaged": true, "gitOpsTool": "argocd", "serviceMesh": "istio" },
            "custom_labels": { "team": ["team-1", "team-2"], "tier": ["gold"], "zone-1": ["a"] },
        }});
        let body = body.to_string();
        format!(
            "POST /api/v1/workflows/search HTTP/1.1\r\nHost: {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            service.address,
            body.len()
        )
        .into_bytes()
    };
    wanted().map(request).collect()
}
