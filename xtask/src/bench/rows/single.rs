//! Rows 1 and 15: single events, as many as possible.

use anyhow::Result;

use super::super::figure::{Better, Figure, Quantity, median};
use super::super::load::{HttpClient, Load, Measured, count};
use super::super::process;
use super::super::reference::Way;
use super::super::row::{Line, NotMeasured};
use super::super::stage::Stage;

/// What is measured in turns, each a median over the rounds.
pub(in crate::bench) struct Throughput {
    /// Rows a second by arrays of 500 on two connections.
    pub(in crate::bench) m: f64,
    /// Answers a second without a store, or why not.
    pub(in crate::bench) n: Result<f64, String>,
    /// The service at 256 connections.
    pub(in crate::bench) at_256: f64,
    /// Its 99th percentile there.
    pub(in crate::bench) p99_ms: f64,
    /// The service at 512 connections.
    at_512: f64,
    /// One INSERT per request at 256 connections, or why not.
    variant: Result<f64, String>,
    /// Processor time of the service for an event at 256 connections.
    cpu_us: f64,
}

impl Throughput {
    /// The most the service can store.
    pub(in crate::bench) fn peak(&self) -> f64 {
        self.at_256.max(self.at_512)
    }

    /// The bound with service, generator and database on the same cores.
    fn h(&self) -> Result<f64, &String> {
        let n = self.n.as_ref()?;
        Ok(1.0 / (1.0 / self.m + 1.0 / n))
    }

    pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Self> {
        let service = stage.service().await?;
        let (mut m, mut at_256, mut p99, mut at_512) = (vec![], vec![], vec![], vec![]);
        let (mut n, mut variant, mut cpu) = (Ok(vec![]), Ok(vec![]), vec![]);
        for _ in 0..stage.plan.rounds {
            m.push(stage.reference(Way::Unnest(500), 2).await?.rate());
            stage.settle().await?;
            let clients = HttpClient::singles(service.address, 256, &[201]).await?;
            let (measured, cpu_us) = with_cpu(stage, service.pid()?, Load::closed(clients)).await?;
            at_256.push(measured.rate());
            p99.push(measured.accepted_ms(99.0));
            cpu.push(cpu_us);
            push(&mut n, no_op(stage).await)?;
            at_512.push(stage.closed(service, 512).await?.rate());
            push(&mut variant, one_insert_each(stage).await)?;
        }
        let throughput = Self {
            m: median(m),
            n: n.map(median),
            at_256: median(at_256),
            p99_ms: median(p99),
            at_512: median(at_512),
            variant: variant.map(median),
            cpu_us: median(cpu),
        };
        stage.note("M", format!("{:.0} /s", throughput.m));
        if let (Ok(n), Ok(h)) = (&throughput.n, throughput.h()) {
            stage.note("N", format!("{n:.0} /s"));
            stage.note("H", format!("{h:.0} /s"));
        }
        Ok(throughput)
    }
}

/// Runs a load and says what an event costs the service.
pub(super) async fn with_cpu(stage: &Stage, pid: u32, load: Load) -> Result<(Measured, f64)> {
    load.measure(stage.plan.warm_up).await?;
    let before = process::cpu_time(pid)?;
    let measured = load.measure(stage.plan.measure).await?;
    let used = process::cpu_time(pid)?.saturating_sub(before);
    load.stop().await?;
    let each = used.as_secs_f64() * 1e6 / count(measured.events().max(1));
    Ok((measured, each))
}

/// N, once.
pub(super) async fn no_op(stage: &Stage) -> Result<f64> {
    let address = stage.noop().await?.address;
    let clients = HttpClient::singles(address, 64, &[201]).await?;
    let measured = Load::closed(clients).run(stage.plan.warm_up, stage.plan.measure);
    Ok(measured.await?.rate())
}

async fn one_insert_each(stage: &Stage) -> Result<f64> {
    let variant = stage.variant().await?;
    Ok(stage.closed(variant, 256).await?.rate())
}

/// Adds to the numbers, or keeps the reason why there are none.
fn push(numbers: &mut Result<Vec<f64>, String>, more: Result<f64>) -> Result<()> {
    match more {
        Ok(more) => {
            if let Ok(numbers) = numbers {
                numbers.push(more);
            }
        }
        Err(error) => match error.downcast_ref::<NotMeasured>() {
            Some(reason) => *numbers = Err(reason.to_string()),
            None => return Err(error),
        },
    }
    Ok(())
}

/// Row 1.
pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Vec<Line>> {
    let measured = stage.throughput().await?;
    let missing = |property: &str, must, stretch, reason: &String| Line::Missing {
        property: property.to_owned(),
        must,
        stretch,
        reason: reason.clone(),
    };
    let mut lines = Vec::new();
    let by_connections = [
        ("single POST, 256 connections", measured.at_256),
        ("single POST, 512 connections", measured.at_512),
    ];
    for (property, rate) in by_connections {
        lines.push(match measured.h() {
            Ok(h) => Figure::ratio(property, Quantity(rate, "/s"), ("H", h), Better::More, 0.80)
                .stretch(0.95)
                .into(),
            Err(reason) => missing(property, "≥ 0.80 × H", "≥ 0.95 × H", reason),
        });
    }
    let property = "single POST against one INSERT per request";
    lines.push(match &measured.variant {
        Ok(variant) => {
            let rate = Quantity(measured.at_256, "/s");
            Figure::ratio(property, rate, ("variant", *variant), Better::More, 2.5).into()
        }
        Err(reason) => missing(property, "≥ 2.50 × variant", "–", reason),
    });
    Ok(lines)
}

/// Row 15.
pub(in crate::bench) async fn processor_time(stage: &Stage) -> Result<Vec<Line>> {
    let single = stage.throughput().await?.cpu_us;
    let service = stage.service().await?;
    stage.settle().await?;
    let clients = HttpClient::batches(service.address, 4, 500).await?;
    let (_, batch) = with_cpu(stage, service.pid()?, Load::closed(clients)).await?;
    let figure = |property, micros, must| Figure::at_most(property, Quantity(micros, "µs"), must);
    Ok(vec![
        figure("processor time, single", single, 25.0)
            .stretch(15.0)
            .into(),
        figure("processor time, in a batch", batch, 10.0)
            .stretch(7.0)
            .into(),
    ])
}
