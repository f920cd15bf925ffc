//! Row 24: success rates over a large table, against the same SQL by the same driver.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio_postgres::types::Type;

use super::super::event;
use super::super::figure::{Better, Figure, Quantity, median};
use super::super::load::{HttpClient, Load};
use super::super::reference::{self, Question};
use super::super::row::Line;
use super::super::service::Service;
use super::super::stage::Stage;

/// The time over which the table is filled.
const DAYS: i32 = 90;

/// Kinds of incidents and of workflows; each is asked about in turn.
const KINDS: i32 = 50;

/// Makes the partitions of the time before `$1`.
const PARTITIONS: &str = "SELECT resource_action_traces_ensure_partition(
        ($1::timestamptz AT TIME ZONE 'UTC')::date - day)
    FROM generate_series(0, $2::int4, 20) AS day";

/// Fills them evenly: of every kind most succeed, some fail, and a few have not ended.
const SEED: &str = "INSERT INTO resource_action_traces (action_id, action_timestamp, signal_name,
        signal_severity, signal_labels, model_used, model_confidence, model_reasoning, action_type,
        incident_type, workflow_id, workflow_version, ai_selected_workflow, namespace,
        execution_status, execution_duration_ms)
    SELECT 'act-' || n, $1::timestamptz - ($3::int4 * interval '1 day') * (n::float8 / $2::int4),
        'PodOOMKilled', 'critical', '{\"alertname\": \"MemoryPressure\"}', 'granite', 0.85,
        repeat('because ', 20), 'act' || n % 10, 'incident-' || n % $4::int4,
        'workflow-' || (n / 7) % $4::int4, 'v' || n % 3, n % 3 > 0, 'ns-' || n % 20,
        CASE WHEN n % 10 < 7 THEN 'completed' WHEN n % 10 < 9 THEN 'failed' ELSE 'pending' END, 1200
    FROM generate_series(1, $2::int4) AS n";

/// What the service asks, but for the condition.
const RATE: [&str; 2] = [
    "WITH counted AS MATERIALIZED (
        SELECT nullif(incident_type, '') AS incident_type, nullif(workflow_id, '') AS workflow_id,
            nullif(workflow_version, '') AS workflow_version, count(*) AS total,
            count(*) FILTER (WHERE execution_status = 'completed') AS completed,
            count(*) FILTER (WHERE execution_status = 'failed') AS failed,
            count(*) FILTER (WHERE ai_selected_workflow) AS selected,
            count(*) FILTER (WHERE ai_chained_workflows) AS chained,
            count(*) FILTER (WHERE ai_manual_escalation) AS escalated
        FROM resource_action_traces WHERE action_timestamp >= $1 AND ",
    " = $2 GROUP BY 1, 2, 3)
    SELECT 0, NULL::text, NULL::text, sum(total)::int8, sum(completed)::int8, sum(failed)::int8,
        sum(selected)::int8, sum(chained)::int8, sum(escalated)::int8 FROM counted
    UNION ALL (SELECT 1, workflow_id, workflow_version, sum(total)::int8, sum(completed)::int8,
        sum(failed)::int8, 0, 0, 0 FROM counted GROUP BY 2, 3 ORDER BY 4 DESC, 2, 3 LIMIT 1000)
    UNION ALL (SELECT 2, incident_type, NULL, sum(total)::int8, sum(completed)::int8,
        sum(failed)::int8, 0, 0, 0 FROM counted GROUP BY 2 ORDER BY 4 DESC, 2 LIMIT 1000)",
];

/// A rate, in both languages.
struct Rate {
    name: &'static str,
    path: &'static str,
    column: &'static str,
    /// What the values begin with.
    value: &'static str,
    days: u32,
}

const RATES: [Rate; 4] = [
    Rate {
        name: "incident type, 7 days",
        path: "incident-type?incident_type",
        column: "incident_type",
        value: "incident",
        days: 7,
    },
    Rate {
        name: "incident type, 90 days",
        path: "incident-type?incident_type",
        column: "incident_type",
        value: "incident",
        days: 90,
    },
    Rate {
        name: "workflow, 90 days",
        path: "workflow?workflow_id",
        column: "workflow_id",
        value: "workflow",
        days: 90,
    },
    Rate {
        name: "workflow by dimensions, 30 days",
        path: "multi-dimensional?workflow_id",
        column: "workflow_id",
        value: "workflow",
        days: 30,
    },
];

pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Vec<Line>> {
    let program = &stage.setup.program;
    let setup = stage.ground.database("traces", program).await?;
    seed(&setup.database, stage.plan.many_rows).await?;
    let service = Service::start(&setup).await?;
    let mut lines = Vec::new();
    for rate in &RATES {
        lines.push(
            compare(stage, &setup.database, &service, rate)
                .await?
                .into(),
        );
    }
    service.stop().await?;
    Ok(lines)
}

async fn seed(database: &str, rows: u32) -> Result<()> {
    let client = reference::connect(database).await?;
    let (now, rows) = (event::now(), i32::try_from(rows)?);
    let partitions = client.execute(PARTITIONS, &[&now, &(DAYS + 20)]).await;
    partitions.context("cannot make the partitions of the past")?;
    let seeded = client.execute(SEED, &[&now, &rows, &DAYS, &KINDS]).await;
    seeded.context("cannot seed the table")?;
    // As autovacuum would leave it: the planner knows the table, the indexes alone tell what is there.
    for statement in ["VACUUM ANALYZE resource_action_traces", "CHECKPOINT"] {
        let executed = client.batch_execute(statement).await;
        executed.with_context(|| format!("cannot {statement}"))?;
    }
    Ok(())
}

/// The service in proportion to the SQL.
async fn compare(stage: &Stage, database: &str, service: &Service, rate: &Rate) -> Result<Figure> {
    let (warm_up, time) = (stage.plan.warm_up / 2, stage.plan.measure / 2);
    let (mut raw, mut served) = (vec![], vec![]);
    for _ in 0..stage.plan.rounds.max(2) {
        let mut question = question(database, rate).await?;
        let lines = question.ask().await?;
        ensure!(lines > 2, "the reference counted nothing by {}", rate.name);
        let measured = Load::closed(vec![question]).run(warm_up, time).await?;
        raw.push(measured.accepted_ms(50.0));
        let requests = (0..KINDS).map(|kind| {
            let Rate {
                path, value, days, ..
            } = rate;
            let address = service.address;
            format!(
                "GET /api/v1/success-rate/{path}={value}-{kind}&time_range={days}d HTTP/1.1\r\n\
                 Host: {address}\r\n\r\n"
            )
            .into_bytes()
        });
        let requests = HttpClient::questions(service.address, requests.collect()).await?;
        let measured = Load::closed(requests).run(warm_up, time).await?;
        served.push(measured.accepted_ms(50.0));
    }
    let property = format!(
        "success rate by {}, {} traces",
        rate.name, stage.plan.many_rows
    );
    let served = Quantity(median(served), "ms");
    Ok(Figure::ratio(property, served, ("Q", median(raw)), Better::Less, 1.5).stretch(1.2))
}

async fn question(database: &str, rate: &Rate) -> Result<Question> {
    let [before, after] = RATE;
    let sql = format!("{before}{}{after}", rate.column);
    let since = event::now() - Duration::from_secs(u64::from(rate.days) * 86_400);
    let values = (0..KINDS).map(|kind| -> reference::Values {
        vec![Box::new(since), Box::new(format!("{}-{kind}", rate.value))]
    });
    let types = [Type::TIMESTAMPTZ, Type::TEXT];
    let settings = "SET plan_cache_mode = force_custom_plan; SET jit = off";
    let question = Question::new(database, &sql, &types, settings, values.collect()).await;
    question.with_context(|| format!("cannot ask by {}", rate.name))
}
