//! Row 13: memory of the service, and sessions it holds on PostgreSQL.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::super::event::{self, Random};
use super::super::figure::{Figure, Quantity};
use super::super::load::{Connection, HttpClient, Load, count};
use super::super::process;
use super::super::reference;
use super::super::row::Line;
use super::super::service::Service;
use super::super::stage::Stage;

/// Connections that are kept open and idle.
const IDLE: usize = 1000;

/// After this long a fresh or idle service has done what it had to.
const REST: Duration = Duration::from_secs(1);

pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Vec<Line>> {
    // One that has not worked before: memory that was once needed is not always given back.
    let service = Service::start(&stage.setup).await?;
    let pid = service.pid()?;
    tokio::time::sleep(REST).await;
    let idle = process::resident_mb(pid)?;
    let kept = keep_alive(&service).await?;
    tokio::time::sleep(REST).await;
    let with_kept = process::resident_mb(pid)?;
    let each = (with_kept - idle) * 1024.0 / count(u64::try_from(IDLE)?);
    drop(kept);

    // On a database of its own, so that its sessions are told from those of others.
    let program = &stage.setup.program;
    let setup = stage.ground.database("memory", program).await?;
    let busy = Service::start(&setup).await?;
    let (memory, sessions) = at_work(stage, &setup.database, &busy).await?;
    busy.stop().await?;
    service.stop().await?;
    let megabytes = |property, value, must| Figure::at_most(property, Quantity(value, "MB"), must);
    Ok(vec![
        megabytes("memory, idle", idle, 20.0).stretch(12.0).into(),
        Figure::at_most("memory of an idle connection", Quantity(each, "KB"), 22.0)
            .stretch(12.0)
            .into(),
        megabytes("memory, 256 busy connections", memory, 64.0).into(),
        Figure::at_most("PostgreSQL sessions", Quantity(sessions, "sessions"), 14.0).into(),
    ])
}

/// Connections that have each posted an event.
async fn keep_alive(service: &Service) -> Result<Vec<Connection>> {
    let mut request = event::single(&service.address.to_string(), 0);
    let mut random = Random::new();
    let mut connections = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        let mut connection = Connection::open(service.address).await?;
        let answer = connection
            .exchange(request.fill(&mut random, event::now()))
            .await?;
        if answer.status != 201 {
            bail!(
                "the service answered {}: {}",
                answer.status,
                connection.body(&answer)
            );
        }
        connections.push(connection);
    }
    Ok(connections)
}

/// The most memory and sessions while writes and queries are served.
async fn at_work(stage: &Stage, database: &str, service: &Service) -> Result<(f64, f64)> {
    let watcher = reference::connect(database).await?;
    let counting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                    AND application_name <> 'bench' AND backend_type = 'client backend'";
    let writes = Load::closed(HttpClient::singles(service.address, 256, &[201]).await?);
    let query = format!(
        "GET /api/v1/audit/events?limit=10&correlation_id={} HTTP/1.1\r\nHost: {}\r\n\r\n",
        event::correlation_id(1),
        service.address
    );
    let mut reads = Vec::new();
    for _ in 0..16 {
        reads.extend(
            HttpClient::questions(service.address, vec![query.clone().into_bytes()]).await?,
        );
    }
    let reads = Load::closed(reads);
    let (mut memory, mut sessions) = (0_f64, 0);
    let rounds = stage.plan.measure.as_millis() / 250;
    for _ in 0..rounds.max(4) {
        writes.measure(Duration::from_millis(250)).await?;
        memory = memory.max(process::resident_mb(service.pid()?)?);
        let row = watcher.query_one(counting, &[]).await;
        sessions = sessions.max(row.context("cannot count sessions")?.get::<_, i64>(0));
    }
    reads.stop().await?;
    writes.stop().await?;
    Ok((memory, f64::from(u32::try_from(sessions)?)))
}
