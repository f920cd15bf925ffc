//! Rows 16 and 17: PostgreSQL is killed under load, and started again.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ds_testkit::{RedisClient, Reply};

use super::super::event::{self, Pattern, Random};
use super::super::figure::{Better, Figure, Quantity};
use super::super::ground::Ground;
use super::super::load::{Client, Done, HttpClient, Load, Measured, Pace, count};
use super::super::reference::{self, Way, Writer};
use super::super::row::{Line, NotMeasured};
use super::super::service::Service;
use super::super::stage::Stage;
use super::single;

/// Where the service parks events.
const STREAM: &str = "audit:dlq:events";

/// Connections of the load, as many as Redis is measured with.
const CONNECTIONS: usize = 64;

/// Every answer an outage allows. 503: neither stored nor parked, and the sender knows.
const ANSWERS: &[u16] = &[201, 202, 503];

/// How soon the first parked event is looked for, and how long.
const GLANCE: Duration = Duration::from_millis(5);
const PARKING_PATIENCE: Duration = Duration::from_secs(10);

/// How often the backlog is looked at, and how long it may take to be gone.
const LOOK: Duration = Duration::from_millis(50);
const DRAIN_PATIENCE: Duration = Duration::from_secs(120);

/// What happened.
pub(in crate::bench) struct Outage {
    first_parked_after: Duration,
    parked_rate: f64,
    n: f64,
    redis: f64,
    recovery: Recovery,
}

/// And after it.
struct Recovery {
    m: f64,
    drained_rate: f64,
    stored: u64,
    accepted: u64,
    sent: u64,
}

impl Outage {
    pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Self> {
        let n = single::no_op(stage).await?;
        let mut ground = Ground::own(stage.backend, Vec::new())?;
        ground.age().await?;
        let setup = ground.database("outage", &stage.setup.program).await?;
        let redis = redis_rate(stage, &ground).await?;
        let service = Service::start(&setup).await?;
        let m = Writer::load(&setup.database, Way::Unnest(500), 2).await?;
        let m = m.run(stage.plan.warm_up, stage.plan.measure).await?.rate();
        let stored_before = stored(&setup.database).await?;
        let mut sum = Sum {
            accepted: 0,
            sent: 0,
        };
        let clients = HttpClient::singles(service.address, CONNECTIONS, ANSWERS).await?;
        let load = Load::closed(clients);
        sum.measure(&load, stage.plan.warm_up).await?;
        let killed = Instant::now();
        ground.kill()?;
        let first_parked_after = first_parked(&load, &mut sum, killed).await?;
        sum.measure(&load, stage.plan.warm_up).await?;
        let parked = sum.measure(&load, stage.plan.outage).await?;
        sum.add(&load.finish().await?);

        let live = HttpClient::singles(service.address, CONNECTIONS * 2, ANSWERS).await?;
        let drained_rate = drain(&mut ground, live, 0.3 * m, &mut sum).await?;
        let stored = settled(&setup.database, stored_before + sum.accepted).await? - stored_before;
        service.stop().await?;
        Ok(Self {
            first_parked_after,
            parked_rate: parked.answered_rate(202),
            n,
            redis,
            recovery: Recovery {
                m,
                drained_rate,
                stored,
                accepted: sum.accepted,
                sent: sum.sent,
            },
        })
    }
}

/// Row 16.
pub(in crate::bench) async fn down(stage: &Stage) -> Result<Vec<Line>> {
    let outage = stage.outage().await?;
    let first = Quantity(outage.first_parked_after.as_secs_f64(), "s");
    let rate = Quantity(outage.parked_rate, "/s");
    let reference = if outage.n < outage.redis {
        ("N", outage.n)
    } else {
        ("Redis", outage.redis)
    };
    Ok(vec![
        Figure::at_most("first 202 after PostgreSQL was killed", first, 1.0).into(),
        Figure::ratio(
            "202 while PostgreSQL is down",
            rate,
            reference,
            Better::More,
            0.5,
        )
        .stretch(0.8)
        .into(),
    ])
}

/// Row 17.
pub(in crate::bench) async fn recovery(stage: &Stage) -> Result<Vec<Line>> {
    let recovery = &stage.outage().await?.recovery;
    let Recovery {
        stored,
        accepted,
        sent,
        ..
    } = *recovery;
    // An answer that was lost with its commit may be stored; one that was given must be, once.
    if stored < accepted || stored > sent {
        bail!("{accepted} events were accepted of {sent} sent, and {stored} are stored");
    }
    eprintln!("  {accepted} events accepted of {sent} sent, {stored} stored");
    let rate = Quantity(recovery.drained_rate, "/s");
    let property = "backlog drained beside 0.3 M of live traffic";
    let figure = Figure::ratio(property, rate, ("M", recovery.m), Better::More, 0.7);
    Ok(vec![figure.stretch(0.8).into()])
}

/// What was sent and accepted in all.
struct Sum {
    accepted: u64,
    sent: u64,
}

impl Sum {
    async fn measure(&mut self, load: &Load, time: Duration) -> Result<Measured> {
        let measured = load.measure(time).await?;
        self.add(&measured);
        Ok(measured)
    }

    fn add(&mut self, measured: &Measured) {
        self.accepted += measured.events();
        self.sent += measured.requests();
    }
}

/// Waits for the first 202.
async fn first_parked(load: &Load, sum: &mut Sum, killed: Instant) -> Result<Duration> {
    let mut last = String::new();
    while killed.elapsed() < PARKING_PATIENCE {
        let measured = sum.measure(load, GLANCE).await?;
        if measured.answered(202) > 0 {
            return Ok(killed.elapsed());
        }
        if !measured.statuses().is_empty() {
            last = measured.statuses();
        }
    }
    let reason = format!("no 202 within {PARKING_PATIENCE:?} of PostgreSQL's end ({last})");
    Err(NotMeasured(reason).into())
}

/// Starts PostgreSQL and lets the backlog drain beside live traffic; its entries a second.
async fn drain(
    ground: &mut Ground,
    live: Vec<HttpClient>,
    rate: f64,
    sum: &mut Sum,
) -> Result<f64> {
    let mut redis = RedisClient::connect(ground.redis()).await?;
    let backlog = length(&mut redis).await?;
    if backlog == 0 {
        let reason = format!("nothing waits in {STREAM}");
        return Err(NotMeasured(reason).into());
    }
    ground.launch()?;
    let load = Load::open(live, Pace::Steady(rate));
    let launched = Instant::now();
    let (mut most, mut begun) = (backlog, launched);
    loop {
        sum.measure(&load, LOOK).await?;
        let left = length(&mut redis).await?;
        // Until the service has noticed, live events join the backlog.
        if left >= most {
            (most, begun) = (left, Instant::now());
        }
        if left == 0 {
            break;
        }
        if launched.elapsed() > DRAIN_PATIENCE {
            bail!("{left} of {most} entries are left {DRAIN_PATIENCE:?} after PostgreSQL is back");
        }
    }
    let took = begun.elapsed().as_secs_f64();
    let last = load.finish().await?;
    sum.add(&last);
    Ok(count(most) / took)
}

async fn length(redis: &mut RedisClient) -> Result<u64> {
    let reply = redis.command(&["XLEN", STREAM]).await?;
    let Reply::Integer(length) = reply else {
        bail!("XLEN answered {reply:?}");
    };
    u64::try_from(length).context("a negative length")
}

/// Waits until as many events are stored as were accepted, for what was parked last is still on its
/// way; says how many there are.
async fn settled(database: &str, expected: u64) -> Result<u64> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let found = stored(database).await?;
        if found >= expected || Instant::now() > deadline {
            return Ok(found);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn stored(database: &str) -> Result<u64> {
    let client = reference::connect(database).await?;
    let counted = client.query_one("SELECT count(*) FROM audit_events", &[]);
    let count: i64 = counted.await.context("cannot count the events")?.get(0);
    u64::try_from(count).context("a negative count")
}

/// XADD a second of entries like an event, synced before they are answered.
async fn redis_rate(stage: &Stage, ground: &Ground) -> Result<f64> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(Adder {
            client: RedisClient::connect(ground.redis()).await?,
            entry: Pattern::new([event::PAYLOAD, event::PAYLOAD].concat()),
            random: Random::new(),
        });
    }
    let measured = Load::closed(clients).run(stage.plan.warm_up, stage.plan.measure);
    let rate = measured.await?.rate();
    let mut client = RedisClient::connect(ground.redis()).await?;
    client.command(&["DEL", Adder::STREAM]).await?;
    Ok(rate)
}

/// A client of Redis that adds one entry after the other.
struct Adder {
    client: RedisClient,
    entry: Pattern,
    random: Random,
}

impl Adder {
    const STREAM: &str = "bench:reference";
}

impl Client for Adder {
    async fn once(&mut self) -> Result<Done> {
        let entry = self.entry.fill(&mut self.random, event::now());
        let entry = std::str::from_utf8(entry).context("an entry is text")?;
        let words = ["XADD", Self::STREAM, "*", "entry", entry];
        self.client.command(&words).await?;
        Ok(Done::stored(1))
    }
}
