//! Rows 6 to 8: how long a sender waits.

use anyhow::Result;

use super::super::figure::{Better, Figure, Quantity, median};
use super::super::load::{HttpClient, Load, Measured, Pace};
use super::super::reference::Way;
use super::super::row::Line;
use super::super::service::Service;
use super::super::stage::Stage;

/// Connections of the open loops: more than are ever busy at these rates.
const CONNECTIONS: usize = 256;

/// One connection, without and with the service, in milliseconds.
pub(in crate::bench) struct Calm {
    s1_p50: f64,
    s1_p99: f64,
    service_p50: f64,
}

impl Calm {
    pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Self> {
        let service = stage.service().await?;
        let (mut s1_p50, mut s1_p99, mut service_p50) = (vec![], vec![], vec![]);
        for _ in 0..stage.plan.rounds {
            let measured = stage.reference(Way::Single, 1).await?;
            s1_p50.push(measured.accepted_ms(50.0));
            s1_p99.push(measured.accepted_ms(99.0));
            let measured = stage.closed(service, 1).await?;
            service_p50.push(measured.accepted_ms(50.0));
        }
        let (s1_p50, s1_p99) = (median(s1_p50), median(s1_p99));
        stage.note("s₁", format!("{s1_p50:.2} / {s1_p99:.2} ms"));
        Ok(Self {
            s1_p50,
            s1_p99,
            service_p50: median(service_p50),
        })
    }
}

/// Row 6.
pub(in crate::bench) async fn low_load(stage: &Stage) -> Result<Vec<Line>> {
    let calm = stage.calm().await?;
    let p50 = Quantity(calm.service_p50, "ms");
    let figure = Figure::excess("p50, 1 connection", p50, ("s₁", calm.s1_p50), 0.20);
    Ok(vec![figure.stretch(0.10).into()])
}

/// Row 7.
pub(in crate::bench) async fn half_load(stage: &Stage) -> Result<Vec<Line>> {
    let calm = stage.calm().await?;
    let rate = 0.5 * stage.throughput().await?.peak();
    let service = stage.service().await?;
    let measured = at_rate(stage, service, rate, stage.plan.long).await?;
    let seconds = stage.plan.long.as_secs();
    let half = |what: &str| format!("{what} at half of the maximum, {seconds} s");
    let ms = |percent| Quantity(measured.accepted_ms(percent), "ms");
    let p50 = ("s₁ p50", calm.s1_p50);
    let p99 = ("s₁ p99", calm.s1_p99);
    Ok(vec![
        Figure::ratio(half("p50"), ms(50.0), p50, Better::Less, 4.0).into(),
        Figure::ratio(half("p99"), ms(99.0), p99, Better::Less, 15.0)
            .stretch(10.0)
            .into(),
        Figure::at_most(half("max"), ms(100.0), 60.0)
            .stretch(40.0)
            .into(),
    ])
}

/// Row 8.
pub(in crate::bench) async fn same_rate(stage: &Stage) -> Result<Vec<Line>> {
    let variant = stage.variant().await?;
    let service = stage.service().await?;
    let rate = 0.6 * stage.single_insert().await?;
    let (mut theirs, mut ours) = (vec![], vec![]);
    for _ in 0..stage.plan.rounds {
        let time = stage.plan.measure * 2;
        let measured = at_rate(stage, variant, rate, time).await?;
        theirs.push(measured.accepted_ms(99.0));
        let measured = at_rate(stage, service, rate, time).await?;
        ours.push(measured.accepted_ms(99.0));
    }
    let p99 = Quantity(median(ours), "ms");
    let reference = ("variant", median(theirs));
    let figure = Figure::ratio("p99 at 0.6 S", p99, reference, Better::Less, 0.60);
    Ok(vec![figure.stretch(0.45).into()])
}

/// An open loop on a service.
async fn at_rate(
    stage: &Stage,
    service: &Service,
    rate: f64,
    time: std::time::Duration,
) -> Result<Measured> {
    stage.settle().await?;
    let clients = HttpClient::singles(service.address, CONNECTIONS, &[201]).await?;
    let load = Load::open(clients, Pace::Steady(rate));
    load.run(stage.plan.warm_up, time).await
}
