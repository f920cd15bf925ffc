//! Row 23: searches of the workflow catalogue, against a statement that finds what fits, without
//! scoring it, by the same driver.

use anyhow::{Context, Result};
use serde_json::json;
use tokio_postgres::types::Type;

use super::super::figure::{Better, Figure, Quantity, median};
use super::super::load::{HttpClient, Load};
use super::super::reference::{self, Question, Values};
use super::super::row::Line;
use super::super::service::Service;
use super::super::stage::Stage;

/// A catalogue that is searched.
struct Catalogue {
    workflows: u32,
    /// Every one of them fits every search, as when one is filled with copies: no index narrows it.
    /// Otherwise they are for all signals and severities in turns.
    is_uniform: bool,
    /// What nine of ten searches and more may take, in milliseconds, where that is a target.
    must: Option<f64>,
}

const CATALOGUES: [Catalogue; 5] = [
    Catalogue {
        workflows: 200,
        is_uniform: false,
        must: Some(5.0),
    },
    Catalogue {
        workflows: 10_000,
        is_uniform: false,
        must: Some(20.0),
    },
    Catalogue {
        workflows: 100_000,
        is_uniform: false,
        must: None,
    },
    Catalogue {
        workflows: 200,
        is_uniform: true,
        must: Some(5.0),
    },
    Catalogue {
        workflows: 10_000,
        is_uniform: true,
        must: Some(20.0),
    },
];

/// How many search at a time.
const CALLERS: [usize; 2] = [1, 20];

/// How many signals there are; each has workflows of every severity.
const SIGNALS: u32 = 25;

const SEVERITIES: [&str; 4] = ["critical", "high", "medium", "low"];

/// Adds `$1` workflows, uniform ones if `$2`; otherwise some leave labels open. They differ in what they
/// expect.
const FILL: &str = r#"
INSERT INTO remediation_workflow_catalog (workflow_name, version, name, description, content,
    content_hash, labels, custom_labels, detected_labels, is_latest_version, is_search_version)
SELECT 'wf-' || i, '1.0.0', 'Workflow ' || i, 'Raises a limit of what was killed, number ' || i,
    repeat('kind: Pipeline ', 100), repeat('a', 64),
    jsonb_build_object('signal_type', 'Signal' || CASE WHEN $2 THEN 0 ELSE i % 25 END,
        'severity', ('{critical,high,medium,low}'::text[])[1 + CASE WHEN $2 THEN 0 ELSE i / 25 % 4 END],
        'component', CASE WHEN i % 5 = 0 THEN '*' WHEN $2 OR i % 2 = 0 THEN 'pod' ELSE 'node' END,
        'environment', CASE WHEN i % 7 = 0 THEN '*' WHEN $2 OR i % 3 > 0 THEN 'production'
            ELSE 'staging' END,
        'priority', CASE WHEN i % 3 = 0 THEN '*' WHEN $2 THEN 'P1' ELSE 'P' || i / 7 % 4 END),
    jsonb_build_object('team', jsonb_build_array('team-' || i % 5, 'team-' || i % 7),
        'tier', '["*"]'::jsonb, 'zone-' || i % 4, '["a", "b", "c"]'::jsonb),
    CASE WHEN i % 2 = 0 THEN '{"gitOpsManaged": true, "gitOpsTool": "argocd"}'::jsonb
        ELSE '{"stateful": true, "serviceMesh": "istio"}'::jsonb END,
    true, true
FROM generate_series(1, $1::int4) AS i"#;

/// What the reference needs, and the service does not.
const INDEX: &str = "CREATE INDEX ON remediation_workflow_catalog
    ((labels->>'signal_type'), (labels->>'severity')) WHERE is_search_version;
VACUUM ANALYZE remediation_workflow_catalog";

/// The workflows that fit, with what is needed to score them.
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
    let mut lines = Vec::new();
    for catalogue in &CATALOGUES {
        let kind = if catalogue.is_uniform {
            "uniform"
        } else {
            "mixed"
        };
        let name = format!("search_{kind}_{}", catalogue.workflows);
        let setup = stage.ground.database(&name, program).await?;
        let service = Service::start(&setup).await?;
        fill(&setup.database, catalogue).await?;
        for callers in CALLERS {
            let asked = Asked { catalogue, callers };
            let compared = asked.compare(stage, &setup.database, &service).await?;
            lines.extend(asked.lines(&compared));
        }
        service.stop().await?;
    }
    Ok(lines)
}

async fn fill(database: &str, catalogue: &Catalogue) -> Result<()> {
    let client = reference::connect(database).await?;
    let workflows = i32::try_from(catalogue.workflows)?;
    let filled = client
        .execute(FILL, &[&workflows, &catalogue.is_uniform])
        .await;
    filled.context("cannot fill the catalogue")?;
    for statement in INDEX.split(';') {
        let settled = client.batch_execute(statement).await;
        settled.context("cannot settle the catalogue")?;
    }
    Ok(())
}

/// What is measured.
struct Asked<'c> {
    catalogue: &'c Catalogue,
    callers: usize,
}

/// What both sides take, in milliseconds.
struct Compared {
    raw_p50: f64,
    raw_p95: f64,
    served_p50: f64,
    served_p95: f64,
}

impl Asked<'_> {
    fn lines(&self, compared: &Compared) -> Vec<Line> {
        let Catalogue {
            workflows,
            is_uniform,
            must,
        } = self.catalogue;
        let fit = if *is_uniform {
            ", all of which fit"
        } else {
            ""
        };
        let who = if self.callers == 1 {
            "caller"
        } else {
            "callers"
        };
        let property = format!(
            "search of {workflows} workflows{fit}, {} {who}",
            self.callers
        );
        let served = Quantity(compared.served_p50, "ms");
        let raw = ("Q", compared.raw_p50);
        let mut lines = vec![Figure::ratio(&property, served, raw, Better::Less, 4.0).into()];
        let property = format!("{property}, p95");
        let served = Quantity(compared.served_p95, "ms");
        lines.push(match must {
            Some(must) => Figure::at_most(property, served, *must).into(),
            None => {
                let raw = ("Q p95", compared.raw_p95);
                Figure::ratio(property, served, raw, Better::Less, 4.0).into()
            }
        });
        lines
    }

    async fn compare(&self, stage: &Stage, database: &str, service: &Service) -> Result<Compared> {
        let (warm_up, time) = (stage.plan.warm_up / 2, stage.plan.measure / 2);
        let (mut raw, mut slow_raw) = (vec![], vec![]);
        let (mut served, mut slow_served) = (vec![], vec![]);
        for _ in 0..stage.plan.rounds.max(2) {
            let (mut questions, mut searches) = (vec![], vec![]);
            for _ in 0..self.callers {
                let wanted = wanted(self.catalogue.is_uniform);
                questions.push(question(database, &wanted).await?);
                let requests = requests(service, &wanted);
                searches.extend(HttpClient::questions(service.address, requests).await?);
            }
            let measured = Load::closed(questions).run(warm_up, time).await?;
            raw.push(measured.accepted_ms(50.0));
            slow_raw.push(measured.accepted_ms(95.0));
            let measured = Load::closed(searches).run(warm_up, time).await?;
            served.push(measured.accepted_ms(50.0));
            slow_served.push(measured.accepted_ms(95.0));
        }
        Ok(Compared {
            raw_p50: median(raw),
            raw_p95: median(slow_raw),
            served_p50: median(served),
            served_p95: median(slow_served),
        })
    }
}

/// A signal and how severe it is.
type Wanted = (String, &'static str);

/// What is looked for, in turns: every signal with every severity; or what uniform workflows are for.
fn wanted(is_uniform: bool) -> Vec<Wanted> {
    let all = (0..SIGNALS).flat_map(|signal| {
        let severities = SEVERITIES.iter();
        severities.map(move |severity| (format!("Signal{signal}"), *severity))
    });
    let wanted = if is_uniform { 1 } else { usize::MAX };
    all.take(wanted).collect()
}

async fn question(database: &str, wanted: &[Wanted]) -> Result<Question> {
    let values = wanted.iter().map(|(signal, severity)| {
        let values: Values = vec![Box::new(signal.clone()), Box::new(*severity)];
        values
    });
    let types = [Type::TEXT, Type::TEXT];
    Question::new(database, NARROW, &types, "", values.collect()).await
}

fn requests(service: &Service, wanted: &[Wanted]) -> Vec<Vec<u8>> {
    let request = |(signal, severity): &Wanted| {
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
    wanted.iter().map(request).collect()
}
