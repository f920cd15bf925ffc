//! What the rows measure on, and what several of them need; each part is made when it is first asked for.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use ds_testkit::Backend;
use tokio::sync::OnceCell;

use super::ground::Ground;
use super::load::{HttpClient, Load, Measured};
use super::plan::Plan;
use super::program::{Noop, Programs};
use super::reference::{self, Way, Writer};
use super::row::NotMeasured;
use super::rows::latency::Calm;
use super::rows::outage::Outage;
use super::rows::single::Throughput;
use super::service::{Service, Setup};

/// The months that rows of a benchmark fall into.
const MERGE_PENDING_LISTS: &str = "SELECT audit_events_clean_pending_lists(array_agg(day::date))
    FROM generate_series(now() - interval '3 months', now() + interval '1 month', interval '1 month')
        AS day";

/// The stage of a run.
pub(super) struct Stage {
    pub(super) plan: Plan,
    pub(super) backend: Option<Backend>,
    pub(super) ground: Ground,
    /// What the service is started with.
    pub(super) setup: Setup,
    pub(super) programs: Programs,
    service: OnceCell<Service>,
    variant: OnceCell<Service>,
    noop: OnceCell<Noop>,
    throughput: OnceCell<Throughput>,
    single_insert: OnceCell<f64>,
    calm: OnceCell<Calm>,
    outage: OnceCell<Outage>,
    references: Mutex<References>,
}

/// What is known of the references: symbol and value.
pub(super) type References = BTreeMap<&'static str, String>;

impl Stage {
    /// Provides the servers and a migrated database.
    pub(super) async fn set(
        plan: Plan,
        backend: Option<Backend>,
        programs: Programs,
    ) -> Result<Self> {
        let ground = Ground::provide(backend)?;
        ground.age().await?;
        let setup = ground.database("writes", &programs.server).await?;
        Ok(Self {
            plan,
            backend,
            ground,
            setup,
            programs,
            service: OnceCell::new(),
            variant: OnceCell::new(),
            noop: OnceCell::new(),
            throughput: OnceCell::new(),
            single_insert: OnceCell::new(),
            calm: OnceCell::new(),
            outage: OnceCell::new(),
            references: Mutex::default(),
        })
    }

    /// Ends everything.
    pub(super) async fn strike(self) -> Result<()> {
        for service in [self.service, self.variant] {
            if let Some(service) = service.into_inner() {
                service.stop().await?;
            }
        }
        self.ground.clear().await
    }

    /// The service as it is deployed.
    pub(super) async fn service(&self) -> Result<&Service> {
        let start = || async { Service::start(&self.setup).await };
        self.service.get_or_try_init(start).await
    }

    /// The same with settings that make it store each request by itself.
    pub(super) async fn variant(&self) -> Result<&Service> {
        let start = || async {
            let mut setup = self.setup.clone();
            for (name, value) in [
                ("DS_INGEST__FLUSH_ROWS_MAX", "1"),
                ("DS_INGEST__WRITERS_MIN", "16"),
                ("DS_INGEST__WRITERS_MAX", "16"),
                ("DS_DATABASE__MAX_OPEN_CONNS", "26"),
                // It is slow, and has to answer all the same.
                ("DS_INGEST__QUEUE_DELAY_MAX", "1m"),
                ("DS_INGEST__QUEUE_WAIT_MAX", "1m"),
            ] {
                setup.environment.push((name, value.to_owned()));
            }
            let started = Service::start(&setup).await;
            started.map_err(|error| NotMeasured::because("one INSERT per request", &error))
        };
        self.variant.get_or_try_init(start).await
    }

    /// The service's HTTP path over a store that does nothing.
    pub(super) async fn noop(&self) -> Result<&Noop> {
        let start = || Noop::start(&self.programs);
        self.noop.get_or_try_init(start).await
    }

    /// M, N, H and what the service reaches.
    pub(super) async fn throughput(&self) -> Result<&Throughput> {
        let measure = || Throughput::measure(self);
        self.throughput.get_or_try_init(measure).await
    }

    /// S: the most durable inserts of one row that any number of sessions reaches.
    pub(super) async fn single_insert(&self) -> Result<f64> {
        let measure = || async {
            let (mut best, mut best_connections) = (0.0, 0);
            for connections in [8, 16, 32, 64] {
                let measured = self.reference(Way::Single, connections).await?;
                if measured.rate() > best {
                    (best, best_connections) = (measured.rate(), connections);
                }
            }
            self.note(
                "S",
                format!("{best:.0} /s at {best_connections} connections"),
            );
            anyhow::Ok(best)
        };
        Ok(*self.single_insert.get_or_try_init(measure).await?)
    }

    /// s₁ and the service with one connection.
    pub(super) async fn calm(&self) -> Result<&Calm> {
        let measure = || Calm::measure(self);
        self.calm.get_or_try_init(measure).await
    }

    /// PostgreSQL taken away and given back.
    pub(super) async fn outage(&self) -> Result<&Outage> {
        let measure = || Outage::measure(self);
        self.outage.get_or_try_init(measure).await
    }

    /// Keeps a reference for the head of the table.
    pub(super) fn note(&self, symbol: &'static str, value: String) {
        self.references().insert(symbol, value);
    }

    /// The references that were kept.
    pub(super) fn references(&self) -> MutexGuard<'_, References> {
        self.references
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Pays what earlier measurements left to be done, so that none pays for another: entries of
    /// the index that are not merged yet, and pages that the operating system has not written.
    pub(super) async fn settle(&self) -> Result<()> {
        let client = reference::connect(&self.setup.database).await?;
        client
            .batch_execute(MERGE_PENDING_LISTS)
            .await
            .context("cannot merge the pending lists")?;
        let synced = tokio::process::Command::new("sync").status().await;
        let synced = synced.context("cannot run sync")?;
        ensure!(synced.success(), "sync failed: {synced}");
        Ok(())
    }

    /// One measurement of a reference. The service is idle beside it: it maintains the indexes
    /// for both.
    pub(super) async fn reference(&self, way: Way, connections: usize) -> Result<Measured> {
        self.service().await?;
        self.settle().await?;
        let load = Writer::load(&self.setup.database, way, connections).await?;
        load.run(self.plan.warm_up, self.plan.measure).await
    }

    /// One measurement of a service, each connection posting as soon as it is answered.
    pub(super) async fn closed(&self, service: &Service, connections: usize) -> Result<Measured> {
        self.settle().await?;
        let clients = HttpClient::singles(service.address, connections, &[201]).await?;
        Load::closed(clients)
            .run(self.plan.warm_up, self.plan.measure)
            .await
    }
}
