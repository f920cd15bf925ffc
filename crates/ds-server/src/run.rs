//! The life of the server: listen, prepare, serve, end.

use std::{future::pending, sync::Arc, time::Duration};

use anyhow::Context;
use ds_domain::event::EventCategory;
use ds_http::{Drained, Readiness, Service, Surface};
use ds_metrics::{Exporter, catalog};
use ds_repository::Repository;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{
    clock::SystemClock,
    config::{Settings, ShutdownSettings},
    exit::Exit,
    shutdown::{Phases, Unfinished},
    signals::Signals,
    startup, telemetry,
    wiring::{self, Backlogs, Production, VERSION},
    workers::{Ground, Workers, pending_lists::PendingLists},
};

/// What a phase may take beyond the time it gives its own work.
const GRACE: Duration = Duration::from_secs(1);

/// Starts the series of what is looked for in texts at zero: `ds-metrics` does not know the rules.
fn register_rules() {
    for rule in ds_validation::secret::rule_names() {
        catalog::redactions(rule).absolute(0);
    }
    for flag in ds_validation::markup::Flag::ALL {
        catalog::content_flags(flag.as_str()).absolute(0);
    }
}

/// Serves until a signal.
pub(crate) async fn serve(settings: Settings) -> anyhow::Result<Exit> {
    telemetry::install(settings.logging)?;
    let signals = Signals::listen().context("cannot listen for signals")?;
    let services = EventCategory::ALL.iter().map(|category| category.as_str());
    let exporter = Exporter::install(services).context("cannot start metrics")?;
    catalog::build_info(VERSION).set(1.0);
    register_rules();
    let repository = wiring::repository(&settings)?;
    let readiness = Arc::new(Readiness::starting());
    let backlogs = Backlogs::open(&settings).await?;
    let service = wiring::service(&settings, &repository, &backlogs, &readiness, &exporter);
    let trail = keep_trail(&service);
    let mut doors = Doors::open(&settings, &service).await?;

    let prepared = tokio::select! {
        biased;
        () = signals.asked() => None,
        prepared = prepare(&repository, &settings) => Some(prepared?),
    };
    let workers = prepared.map(|()| {
        let (repository, partitions) = (repository.clone(), settings.partitions);
        let (counting, surveyed) = (Arc::clone(&service), Arc::clone(&service));
        service.ingest.start_replay();
        Workers::start(Ground {
            repository,
            partitions,
            pending_lists: PendingLists::new(Box::new(move || counting.ingest.stored())),
            service: surveyed,
            exporter,
        })
    });
    if workers.is_some() {
        readiness.set_ready();
        tracing::info!(version = VERSION, "Ready");
        tokio::select! {
            () = signals.asked() => {}
            error = doors.broken() => return Err(error),
        }
    }
    readiness.set_shutting_down();
    let parts = Parts {
        service,
        trail,
        backlogs,
        repository,
    };
    let is_complete = end(settings.shutdown, doors, workers, parts).await;
    Ok(if is_complete {
        Exit::Done
    } else {
        Exit::Unfinished
    })
}

async fn prepare(repository: &Repository, settings: &Settings) -> anyhow::Result<()> {
    let (database, partitions) = (&settings.database, &settings.partitions);
    startup::prepare(repository, database, partitions, &SystemClock).await?;
    repository.tend_pools();
    Ok(())
}

/// Records what the service notes about itself, on a task of its own.
fn keep_trail(service: &Arc<Service<Production>>) -> JoinHandle<usize> {
    let service = Arc::clone(service);
    tokio::spawn(async move { service.ingest.keep_trail().await })
}

/// Ends that: what is left is recorded first.
async fn close_trail(
    service: &Service<Production>,
    trail: JoinHandle<usize>,
    budget: Duration,
) -> Result<(), Unfinished> {
    service.ingest.close_trail(budget);
    match trail.await {
        Ok(0) => Ok(()),
        Ok(lost) => Err(Unfinished(format!(
            "{lost} events of the service itself were lost"
        ))),
        Err(error) => Err(Unfinished(error.to_string())),
    }
}

/// What is closed at the end.
struct Parts {
    service: Arc<Service<Production>>,
    trail: JoinHandle<usize>,
    backlogs: Backlogs,
    repository: Repository,
}

/// The phases after a signal, in their order. Readiness has already been withdrawn.
async fn end(
    budgets: ShutdownSettings,
    doors: Doors,
    workers: Option<Workers>,
    parts: Parts,
) -> bool {
    let mut phases = Phases::begin();
    if let Some(workers) = workers {
        // A server that was never ready got no traffic that would have to be led elsewhere.
        let pause = async {
            tokio::time::sleep(budgets.propagation_pause).await;
            Ok(())
        };
        phases
            .run(
                "propagation pause",
                budgets.propagation_pause + GRACE,
                pause,
            )
            .await;
        let drain = doors.api.close(budgets.drain_timeout);
        phases
            .run("drain requests", budgets.drain_timeout + GRACE, drain)
            .await;
        let stop = async {
            workers.stop().await;
            Ok(())
        };
        phases
            .run("stop workers", budgets.workers_timeout, stop)
            .await;
    } else {
        let drain = doors.api.close(budgets.drain_timeout);
        phases
            .run("drain requests", budgets.drain_timeout + GRACE, drain)
            .await;
    }
    let trail = close_trail(&parts.service, parts.trail, budgets.workers_timeout);
    phases
        .run("finish own trail", budgets.workers_timeout + GRACE, trail)
        .await;
    // Nobody writes any more. What waits in a backlog stays there: any process may replay it.
    let finish = async {
        parts.service.ingest.close().await;
        Ok(())
    };
    phases
        .run("finish writes", budgets.workers_timeout, finish)
        .await;
    let close = async {
        parts.backlogs.close().await;
        parts.repository.close();
        Ok(())
    };
    phases.run("close stores", 2 * GRACE, close).await;
    if let Some(admin) = doors.admin {
        // Last, so that probes and scrapers see all of the above.
        phases
            .run("close admin listener", 2 * GRACE, admin.close(GRACE))
            .await;
    }
    phases.end()
}

/// The listeners. They answer from the first moment: liveness at once, readiness when it is true.
struct Doors {
    api: Door,
    admin: Option<Door>,
}

/// One listener, and how to close it.
struct Door {
    close: oneshot::Sender<Duration>,
    serving: JoinHandle<Drained>,
}

impl Doors {
    async fn open(settings: &Settings, service: &Arc<Service<Production>>) -> anyhow::Result<Self> {
        let server = &settings.server;
        let limits = wiring::connection_limits(server);
        let api = bind("API", &server.host, server.port).await?;
        let admin = match &settings.admin {
            Some(admin) => Some(bind("admin interface", &admin.host, admin.port).await?),
            None => None,
        };
        let open = |listener, surface| Door::open(listener, Arc::clone(service), surface, limits);
        Ok(Self {
            api: open(api, Surface::Api),
            admin: admin.map(|listener| open(listener, Surface::Admin)),
        })
    }

    /// Waits for the end of a listener that nobody closed, which is a defect.
    async fn broken(&mut self) -> anyhow::Error {
        let ended = tokio::select! {
            ended = &mut self.api.serving => ended,
            ended = async {
                match &mut self.admin {
                    Some(admin) => (&mut admin.serving).await,
                    None => pending().await,
                }
            } => ended,
        };
        match ended {
            Ok(_drained) => anyhow::anyhow!("a listener has closed itself"),
            Err(panic) => anyhow::Error::new(panic).context("a listener has failed"),
        }
    }
}

impl Door {
    fn open(
        listener: TcpListener,
        service: Arc<Service<Production>>,
        surface: Surface,
        limits: ds_http::ConnectionLimits,
    ) -> Self {
        let (close, closing) = oneshot::channel();
        let budget = async {
            match closing.await {
                Ok(budget) => budget,
                // The start has failed: the process is about to end anyway.
                Err(_) => pending().await,
            }
        };
        let serving = tokio::spawn(ds_http::serve(listener, service, surface, limits, budget));
        Self { close, serving }
    }

    /// Takes no new connection and finishes what is in flight within `budget`.
    async fn close(self, budget: Duration) -> Result<(), Unfinished> {
        // A listener that ended before has dropped its end; joining it tells how.
        let _: Result<(), Duration> = self.close.send(budget);
        match self.serving.await {
            Ok(drained) if drained.is_complete() => Ok(()),
            Ok(Drained {
                connections_left,
                writes_left,
            }) => Err(Unfinished(format!(
                "{connections_left} connections and {writes_left} writes were cut off"
            ))),
            Err(error) => Err(Unfinished(error.to_string())),
        }
    }
}

async fn bind(what: &str, host: &str, port: u16) -> anyhow::Result<TcpListener> {
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    let listener = TcpListener::bind((host, port))
        .await
        .with_context(|| format!("cannot listen on {host} port {port} for the {what}"))?;
    tracing::info!(host, port, "Listening on {host} port {port} for the {what}");
    Ok(listener)
}
