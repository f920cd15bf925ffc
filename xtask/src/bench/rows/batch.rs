//! Row 5: batches.

use anyhow::Result;

use super::super::figure::{Better, Figure, Quantity, median};
use super::super::load::{HttpClient, Load};
use super::super::reference::Way;
use super::super::row::Line;
use super::super::stage::Stage;

pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Vec<Line>> {
    let service = stage.service().await?;
    let (mut c, mut rates) = (vec![], vec![]);
    for _ in 0..stage.plan.rounds {
        c.push(stage.reference(Way::Copy(1000), 2).await?.rate());
        stage.settle().await?;
        let clients = HttpClient::batches(service.address, 4, 500).await?;
        let measured = Load::closed(clients).run(stage.plan.warm_up, stage.plan.measure);
        rates.push(measured.await?.rate());
    }
    let c = median(c);
    stage.note("C", format!("{c:.0} /s"));
    let rate = Quantity(median(rates), "/s");
    let property = "batch POST, 500 events, 4 clients";
    let figure = Figure::ratio(property, rate, ("C", c), Better::More, 0.75);
    Ok(vec![figure.stretch(0.85).into()])
}
