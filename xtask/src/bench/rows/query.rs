//! Row 10: queries, against the same SQL by the same driver.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use tokio_postgres::types::Type;

use super::super::columns;
use super::super::event::{self, CORRELATIONS, KINDS, Random};
use super::super::figure::{Better, Figure, Quantity, median};
use super::super::load::{HttpClient, Load};
use super::super::reference::{self, Question, Values};
use super::super::row::Line;
use super::super::service::Service;
use super::super::stage::Stage;

/// The time over which the table is filled.
pub(super) const DAYS: u32 = 60;

/// Values that take turns in one measurement.
const VARIETY: usize = 200;

/// A filter, in both languages.
pub(super) struct Filter {
    name: &'static str,
    /// The conditions; `$1` and so on are [`Self::types`].
    sql: &'static str,
    types: &'static [Type],
    /// Settings of the reference's session: the plan that is best for these values.
    settings: &'static str,
    /// Values for the SQL, and the same as a query string.
    values: fn(&mut Random) -> Result<(Values, String)>,
    /// Whether it finds a full page.
    fills_page: bool,
    /// Whether the total is asked for.
    is_counted: bool,
}

const BY_TYPE: &str = "event_type = $1 AND event_timestamp >= $2 AND event_date >= $3 \
                       AND event_timestamp <= $4 AND event_date <= $5";
const TYPE_AND_TIMES: &[Type] = &[
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::DATE,
    Type::TIMESTAMPTZ,
    Type::DATE,
];

/// A page alone, without the total that takes longer the larger the table is.
pub(super) const UNCOUNTED: Filter = Filter {
    name: "type and 30 days, uncounted",
    is_counted: false,
    ..FILTERS[2]
};

pub(super) const FILTERS: [Filter; 3] = [
    Filter {
        name: "correlation id",
        sql: "correlation_id = $1",
        types: &[Type::TEXT],
        settings: "",
        values: |random| {
            let id = event::correlation_id(random.below(CORRELATIONS));
            let text = format!("correlation_id={id}");
            Ok((vec![Box::new(id)], text))
        },
        fills_page: false,
        is_counted: true,
    },
    Filter {
        name: "type and 1 day",
        sql: BY_TYPE,
        types: TYPE_AND_TIMES,
        settings: "SET plan_cache_mode = force_custom_plan",
        values: |random| type_and_days(random, 1),
        fills_page: true,
        is_counted: true,
    },
    Filter {
        name: "type and 30 days",
        sql: BY_TYPE,
        types: TYPE_AND_TIMES,
        settings: "SET plan_cache_mode = force_custom_plan",
        values: |random| type_and_days(random, 30),
        fills_page: true,
        is_counted: true,
    },
];

fn type_and_days(random: &mut Random, days: u32) -> Result<(Values, String)> {
    let kinds = u64::try_from(KINDS.len())?;
    let kind = &KINDS[usize::try_from(random.below(kinds))?];
    let back = random.below(u64::from(DAYS - days)) + u64::from(days);
    let since = event::now() - Duration::from_secs(back * 86_400);
    let until = since + i64::from(days * 24).hours();
    let day = |at: Timestamp| TimeZone::UTC.to_datetime(at).date();
    let text = format!("event_type={}&since={since}&until={until}", kind.event_type);
    let values: Values = vec![
        Box::new(kind.event_type),
        Box::new(since),
        Box::new(day(since)),
        Box::new(until),
        Box::new(day(until)),
    ];
    Ok((values, text))
}

impl Filter {
    /// The page and the total in one statement, or the page and one more event, as the service asks
    /// for them.
    fn statement(&self) -> String {
        let (columns, conditions) = (columns::names(), self.sql);
        if !self.is_counted {
            return format!(
                "SELECT {columns}, recorded_at FROM audit_events WHERE {conditions} \
                 ORDER BY event_timestamp DESC, event_id DESC LIMIT 101"
            );
        }
        format!(
            "SELECT answer.total, page.* \
             FROM (SELECT count(*) AS total FROM audit_events WHERE {conditions}) AS answer \
             LEFT JOIN (SELECT {columns}, recorded_at FROM audit_events WHERE {conditions} \
             ORDER BY event_timestamp DESC, event_id DESC LIMIT 100) AS page ON true \
             ORDER BY page.event_timestamp DESC, page.event_id DESC"
        )
    }
}

pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Vec<Line>> {
    let program = &stage.setup.program;
    let setup = stage.ground.database("reads", program).await?;
    reference::seed(&setup.database, stage.plan.seeded_rows, DAYS).await?;
    let service = Service::start(&setup).await?;
    let mut lines = Vec::new();
    for filter in &FILTERS {
        let compared = compare(stage, &setup.database, &service, filter).await?;
        let Compared { raw, served, rows } = compared;
        let served = Quantity(served, "ms");
        let (name, allowance) = (filter.name, 0.30 + 0.003 * rows);
        let property = format!("query by {name}");
        lines.push(Figure::excess(property, served, ("Q", raw), allowance).into());
        if filter.fills_page {
            lines.push(compared.page(filter, 1.6).stretch(1.3).into());
        }
    }
    service.stop().await?;
    Ok(lines)
}

/// What both sides take for the same question, in milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Compared {
    raw: f64,
    served: f64,
    rows: f64,
}

impl Compared {
    /// The service in proportion to the SQL.
    pub(super) fn page(self, filter: &Filter, must: f64) -> Figure {
        let property = format!("query by {}, page of {:.0}", filter.name, self.rows);
        let served = Quantity(self.served, "ms");
        Figure::ratio(property, served, ("Q", self.raw), Better::Less, must)
    }
}

pub(super) async fn compare(
    stage: &Stage,
    database: &str,
    service: &Service,
    filter: &Filter,
) -> Result<Compared> {
    let (warm_up, time) = (stage.plan.warm_up / 2, stage.plan.measure / 2);
    let (mut raw, mut served, mut page_rows) = (vec![], vec![], vec![]);
    for _ in 0..stage.plan.rounds.max(2) {
        let (mut question, requests) = both(database, service, filter).await?;
        for _ in 0..20 {
            page_rows.push(f64::from(u32::try_from(question.ask().await?)?));
        }
        let measured = Load::closed(vec![question]).run(warm_up, time).await?;
        raw.push(measured.accepted_ms(50.0));
        let measured = Load::closed(requests).run(warm_up, time).await?;
        served.push(measured.accepted_ms(50.0));
    }
    let (raw, served, rows) = (median(raw), median(served), median(page_rows));
    ensure!(rows > 1.0, "the reference found nothing by {}", filter.name);
    Ok(Compared { raw, served, rows })
}

/// The same questions for both sides.
async fn both(
    database: &str,
    service: &Service,
    filter: &Filter,
) -> Result<(Question, Vec<HttpClient>)> {
    let mut random = Random::new();
    let count = if filter.is_counted { "exact" } else { "none" };
    let (mut values, mut requests) = (vec![], vec![]);
    for _ in 0..VARIETY {
        let (each, text) = (filter.values)(&mut random)?;
        values.push(each);
        let request = format!(
            "GET /api/v1/audit/events?{text}&limit=100&count={count} HTTP/1.1\r\nHost: {}\r\n\r\n",
            service.address
        );
        requests.push(request.into_bytes());
    }
    let sql = filter.statement();
    let question = Question::new(database, &sql, filter.types, filter.settings, values)
        .await
        .with_context(|| format!("cannot ask by {}", filter.name))?;
    Ok((
        question,
        HttpClient::questions(service.address, requests).await?,
    ))
}
