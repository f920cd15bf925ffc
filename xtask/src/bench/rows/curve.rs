//! Throughput and 99th percentile against the number of connections, for the plots.

use anyhow::Result;

use super::super::load::{HttpClient, Load, Measured};
use super::super::plot::{Chart, Series};
use super::super::reference::{Way, Writer};
use super::super::service::Service;
use super::super::stage::Stage;

/// More sessions than this only get into each other's way.
const SESSIONS_MAX: usize = 64;

/// Measures the points of both charts.
pub(in crate::bench) async fn measure(stage: &Stage) -> Result<[Chart; 2]> {
    let mut throughput = Chart::new("Durable events per second", "events/s");
    let mut p99 = Chart::new("99th percentile of latency", "ms");
    let mut add = |name, points: Vec<(usize, Measured)>| {
        let points = |value: fn(&Measured) -> f64| {
            let each = points.iter();
            each.map(|(connections, measured)| (*connections, value(measured)))
                .collect()
        };
        throughput.add(Series::new(name, points(Measured::rate)));
        p99.add(Series::new(
            name,
            points(|measured| measured.accepted_ms(99.0)),
        ));
    };
    add("ds-server", served(stage, stage.service().await?).await?);
    if let Ok(variant) = stage.variant().await {
        add("one INSERT per request", served(stage, variant).await?);
    }
    let mut raw = Vec::new();
    for connections in stage
        .plan
        .curve
        .iter()
        .filter(|each| **each <= SESSIONS_MAX)
    {
        let load = Writer::load(&stage.setup.database, Way::Single, *connections).await?;
        raw.push((*connections, point(stage, load).await?));
    }
    add("PostgreSQL alone, one INSERT each", raw);
    Ok([throughput, p99])
}

async fn served(stage: &Stage, service: &Service) -> Result<Vec<(usize, Measured)>> {
    let mut points = Vec::new();
    for connections in stage.plan.curve {
        let clients = HttpClient::singles(service.address, *connections, &[201]).await?;
        points.push((*connections, point(stage, Load::closed(clients)).await?));
    }
    Ok(points)
}

async fn point(stage: &Stage, load: Load) -> Result<Measured> {
    load.run(stage.plan.warm_up / 2, stage.plan.point).await
}
