//! Row 2: the group commit without HTTP, against the best that arrays and COPY can do.

use anyhow::Result;

use super::super::figure::{Better, Figure, Quantity, median};
use super::super::program::Coalescer;
use super::super::reference::Way;
use super::super::row::Line;
use super::super::stage::Stage;

pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Vec<Line>> {
    let coalescer = Coalescer::new(&stage.programs, stage.setup.database.clone())?;
    let (warm_up, time) = (stage.plan.warm_up, stage.plan.measure);
    let (mut m, mut c, mut few, mut many) = (vec![], vec![], vec![], vec![]);
    for _ in 0..stage.plan.rounds {
        m.push(stage.reference(Way::Unnest(500), 2).await?.rate());
        stage.settle().await?;
        few.push(coalescer.rate(256, warm_up, time)?);
        c.push(stage.reference(Way::Copy(1000), 2).await?.rate());
        stage.settle().await?;
        many.push(coalescer.rate(1024, warm_up, time)?);
    }
    let (m, c, few, many) = (median(m), median(c), median(few), median(many));
    let figure = |property, rate, reference, must| {
        Figure::ratio(
            property,
            Quantity(rate, "/s"),
            reference,
            Better::More,
            must,
        )
    };
    Ok(vec![
        figure("group commit, 256 waiters", few, ("M", m), 0.80).into(),
        figure("group commit, 1024 waiters", many, ("M", m), 0.95).into(),
        figure("group commit, 1024 waiters, to C", many, ("C", c), 0.80)
            .stretch(0.95)
            .into(),
    ])
}
