//! The HTTP path and the write path over a store that takes everything at once: what they cost by
//! themselves. `cargo xtask bench` runs it; `noop <port>` ends with its standard input.

use std::{error::Error, io::Read as _, net::Ipv4Addr, sync::Arc, time::Duration};

use ds_domain::{
    action::{ActionUpdate, StoredAction},
    event::Parent,
    id::IdSource,
    month::Month,
    notification::{StoredDelivery, StoredNotification},
    time::{Clock, truncate_to_micros},
    workflow::{Change, Executions},
};
use ds_http::{ConnectionLimits, Exports, Readiness, RequestLimits, Service, Surface, serve};
use ds_ingest::{
    Ingest, Parts,
    port::{ActionStore, EventStore, EventWriter, NotificationStore, Ports, WorkflowStore},
    testing::MemoryBacklog,
};
use ds_metrics::Exporter;
use ds_repository::{
    ActionKept, Appended, Inserted, Repository, UpdateError,
    error::{AppendError, InsertError, StoreError},
    settings::Settings,
    workflow::{Changed, Counted, Created, NewWorkflow, NotChanged},
};
use ds_validation::{NewEvent, ValidAction, ValidDelivery, ValidNotification};
use jiff::Timestamp;
use tokio::{net::TcpListener, task::spawn_blocking};
use uuid::Uuid;

/// The server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A store that keeps nothing.
struct Nothing;

impl EventStore for Nothing {
    type Writer = Self;

    fn writer(&self) -> Self {
        Self
    }

    async fn find_parents(&self, _: &[Uuid]) -> Result<Vec<Parent>, StoreError> {
        Ok(Vec::new())
    }

    async fn ensure_partition(&self, _: Month) -> Result<(), StoreError> {
        Ok(())
    }
}

impl EventWriter for Nothing {
    async fn append(&mut self, groups: &[&[NewEvent]]) -> Vec<Result<Vec<Appended>, AppendError>> {
        let stored = |group: &&[NewEvent]| Ok(vec![Appended::Now; group.len()]);
        groups.iter().map(stored).collect()
    }
}

impl NotificationStore for Nothing {
    async fn insert_notification(
        &self,
        notification: &ValidNotification,
    ) -> Result<Inserted<StoredNotification>, InsertError> {
        Ok(Inserted::Now(StoredNotification {
            id: 1,
            notification: notification.notification().clone(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }))
    }

    async fn insert_delivery(
        &self,
        _: &str,
        _: &ValidDelivery,
    ) -> Result<Option<Inserted<StoredDelivery>>, InsertError> {
        Ok(None)
    }
}

impl ActionStore for Nothing {
    async fn insert_actions(
        &self,
        groups: &[&[ValidAction]],
    ) -> Vec<Result<Vec<ActionKept>, AppendError>> {
        let keep = |_: &ValidAction| ActionKept {
            id: 1,
            created_at: Timestamp::UNIX_EPOCH,
            appended: Appended::Now,
        };
        let groups = groups.iter();
        groups
            .map(|group| Ok(group.iter().map(keep).collect()))
            .collect()
    }

    async fn ensure_action_partition(&self, _: Month) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn update_action(&self, _: &str, _: &ActionUpdate) -> Result<StoredAction, UpdateError> {
        Err(UpdateError::Unknown)
    }
}

impl WorkflowStore for Nothing {
    async fn create_workflows(&self, _: &[NewWorkflow]) -> Result<Vec<Created>, InsertError> {
        Ok(Vec::new())
    }

    async fn change_workflow(&self, _: Uuid, _: &Change) -> Result<Changed, NotChanged> {
        Err(NotChanged::Unknown)
    }

    async fn count_executions(&self, _: Uuid, _: &Executions) -> Result<Counted, InsertError> {
        Ok(Counted::Unknown)
    }
}

struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "ds-server's clock is above us")]
    fn now(&self) -> Timestamp {
        truncate_to_micros(Timestamp::now())
    }
}

struct Ids;

impl IdSource for Ids {
    fn next_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

struct NoStore;

impl Ports for NoStore {
    type Store = Nothing;
    type Queue = MemoryBacklog;
    type Spool = MemoryBacklog;
    type Clock = WallClock;
    type Ids = Ids;
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("no port")?.parse()?;
    // As in production: what is counted costs something, too.
    let exporter = Exporter::install(["gateway"].into_iter())?;
    let readiness = Arc::new(Readiness::starting());
    readiness.set_ready();
    let service: Service<NoStore> = Service {
        ingest: Ingest::start(Parts {
            store: Nothing,
            queue: None,
            spool: None,
            notification_queue: None,
            clock: WallClock,
            ids: Ids,
            limits: ds_validation::Limits::default(),
            settings: ds_ingest::Settings::default(),
        }),
        // Never asked: nothing is read.
        repository: Repository::new(Settings::from_url("postgres://nobody@127.0.0.1:1/nothing")?)?,
        readiness,
        render_metrics: Arc::new(move || exporter.render()),
        admin_token: Arc::new(|| None),
        queue_durability: Arc::new(|| None),
        version: "noop",
        exports: Exports::new(1),
        limits: RequestLimits::default(),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let end_of_input = async {
        let waiting = spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        // However it ends, it has ended.
        let _ = waiting.await;
        Duration::ZERO
    };
    let limits = ConnectionLimits::default();
    serve(
        listener,
        Arc::new(service),
        Surface::Api,
        limits,
        end_of_input,
    )
    .await;
    Ok(())
}
