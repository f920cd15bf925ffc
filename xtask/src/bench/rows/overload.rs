//! Row 9: more than can be served.

use std::time::Duration;

use anyhow::{Result, bail};

use super::super::figure::{Better, Figure, Quantity};
use super::super::load::{BROKEN, HttpClient, Load, Measured, Pace};
use super::super::process;
use super::super::row::{Line, NotMeasured};
use super::super::stage::Stage;

/// Enough that the queue's bound is met before the clients run out, and fewer than the service takes.
const CONNECTIONS: usize = 3500;

/// Every answer the service may give.
const ANSWERS: &[u16] = &[201, 202, 429, 503, BROKEN];

pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Vec<Line>> {
    let known = stage.throughput().await?;
    let service = stage.service().await?;
    stage.settle().await?;
    let clients = HttpClient::singles(service.address, CONNECTIONS, ANSWERS).await?;
    let load = Load::open(clients, Pace::Flood(3.0 * known.peak()));
    load.measure(stage.plan.warm_up * 2).await?;
    // Memory is compared between an early and the last moment of the load.
    let early = stage.plan.long / 6;
    load.measure(early).await?;
    let before = process::resident_mb(service.pid()?)?;
    let measured = load.measure(stage.plan.long - early).await?;
    let after = process::resident_mb(service.pid()?)?;
    load.stop().await?;
    recover(stage).await?;

    // Where the generator finds no time to send more, less is offered: the reader must know.
    let offered = measured.requests_rate();
    stage.note(
        "offered in row 9",
        format!("{offered:.0} /s, {:.1} × peak", offered / known.peak()),
    );
    eprintln!(
        "  {}; p50 of refusals {:.1} ms",
        measured.statuses(),
        measured.refused_ms(50.0)
    );
    check(&measured)?;
    let goodput = Quantity(measured.rate(), "/s");
    let accepted = Quantity(measured.accepted_ms(99.0), "ms");
    let refused = Quantity(measured.refused_ms(100.0), "ms");
    let at_capacity = ("p99 at capacity", known.p99_ms);
    let memory = Quantity(after, "MB");
    Ok(vec![
        Figure::ratio(
            "goodput in overload",
            goodput,
            ("peak", known.peak()),
            Better::More,
            0.90,
        )
        .stretch(0.95)
        .into(),
        Figure::at_most("slowest refusal in overload", refused, 20.0).into(),
        Figure::ratio(
            "p99 of accepted in overload",
            accepted,
            at_capacity,
            Better::Less,
            2.0,
        )
        .into(),
        Figure::ratio(
            "memory in overload",
            memory,
            ("early", before),
            Better::Less,
            1.1,
        )
        .into(),
    ])
}

/// Refusals must be honest, and there must be some.
fn check(measured: &Measured) -> Result<()> {
    if measured.answered(BROKEN) > 0 {
        bail!("overload broke connections: {}", measured.statuses());
    }
    let without = measured.without_retry_after();
    if without > 0 {
        bail!("{without} refusals did not say when to come again");
    }
    if measured.answered(429) + measured.answered(503) == 0 {
        let reason = format!("nothing was refused: {}", measured.statuses());
        return Err(NotMeasured(reason).into());
    }
    Ok(())
}

/// Waits until the service takes events again.
async fn recover(stage: &Stage) -> Result<()> {
    let service = stage.service().await?;
    for _ in 0..100 {
        let clients = HttpClient::singles(service.address, 1, ANSWERS).await?;
        let load = Load::closed(clients);
        let measured = load.measure(Duration::from_millis(100)).await?;
        load.stop().await?;
        if measured.answered(201) > 0 && measured.answered(503) == 0 {
            return Ok(());
        }
    }
    bail!("the service did not recover from overload within 10 s")
}
