//! Row 14: from nothing to the first durable answer.

use anyhow::Result;

use super::super::figure::{Figure, Quantity, median};
use super::super::row::Line;
use super::super::service::Service;
use super::super::stage::Stage;

pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Vec<Line>> {
    let mut millis = Vec::new();
    for _ in 0..stage.plan.starts {
        let service = Service::start(&stage.setup).await?;
        millis.push(service.first_answer_after.as_secs_f64() * 1e3);
        service.stop().await?;
    }
    let time = Quantity(median(millis), "ms");
    let figure = Figure::at_most("exec to first durable 201", time, 80.0);
    Ok(vec![figure.stretch(30.0).into()])
}
