//! A server of this crate on a port of its own.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use ds_domain::{
    action::{ActionUpdate, StoredAction},
    event::{Event, Parent},
    month::Month,
    notification::{StoredDelivery, StoredNotification},
    time::ManualClock,
    workflow::{Change, Executions},
};
use ds_http::{
    ConnectionLimits, Drained, Exports, Readiness, RequestLimits, Service, Surface, serve,
};
use ds_ingest::{
    Ingest, Parts,
    port::{ActionStore, EventStore, EventWriter, NotificationStore, Ports, WorkflowStore},
    testing::{CountingIds, MemoryBacklog, MemoryStore, Mood, event_body},
};
use ds_metrics::Exporter;
use ds_repository::{
    ActionKept, Appended, Inserted, Repository, UpdateError,
    error::{AppendError, InsertError, StoreError},
    settings::{FLUSH_TIMEOUT, Settings, TlsMode},
    workflow::{Changed, Counted, Created, NewWorkflow, NotChanged},
};
use ds_validation::{NewEvent, ValidAction, ValidDelivery, ValidNotification};
use jiff::Timestamp;
use tokio::{net::TcpListener, sync::Semaphore, sync::oneshot, task::JoinHandle, time::timeout};
use uuid::Uuid;

use crate::client::{Client, PATIENCE};

/// What the fake store does with an append, besides storing it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Append {
    /// Nothing.
    AtOnce,
    /// It waits until the test lets it go on.
    Held,
    /// It stores, but panics in the handler's face when that asks for a parent.
    Panics,
}

/// A store in memory whose appends can be held.
pub(crate) struct FakeStore {
    pub(crate) memory: MemoryStore,
    append: Append,
    begun: Semaphore,
    released: Semaphore,
    stored: Mutex<Vec<Event>>,
}

impl FakeStore {
    /// Waits until one more append has begun.
    pub(crate) async fn append_begun(&self) {
        timeout(PATIENCE, self.begun.acquire())
            .await
            .expect("an append")
            .unwrap()
            .forget();
    }

    /// Lets one held append go on.
    pub(crate) fn release(&self) {
        self.released.add_permits(1);
    }

    pub(crate) fn len(&self) -> usize {
        self.memory.len()
    }

    /// The stored events of this type, in their order.
    pub(crate) fn events(&self, event_type: &str) -> Vec<Event> {
        let stored = self.stored.lock().unwrap();
        let matching = stored.iter().filter(|event| event.event_type == event_type);
        matching.cloned().collect()
    }
}

/// The store, shared with the test; it is its own writer.
pub(crate) struct SharedStore(Arc<FakeStore>);

impl EventStore for SharedStore {
    type Writer = Self;

    fn writer(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    async fn find_parents(&self, ids: &[Uuid]) -> Result<Vec<Parent>, StoreError> {
        assert!(
            self.0.append != Append::Panics,
            "the store panics because the test says so"
        );
        self.0.memory.find_parents(ids).await
    }

    async fn ensure_partition(&self, month: Month) -> Result<(), StoreError> {
        self.0.memory.ensure_partition(month).await
    }
}

impl EventWriter for SharedStore {
    async fn append(&mut self, groups: &[&[NewEvent]]) -> Vec<Result<Vec<Appended>, AppendError>> {
        self.0.begun.add_permits(1);
        if self.0.append == Append::Held {
            self.0.released.acquire().await.unwrap().forget();
        }
        let outcomes = self.0.memory.writer().append(groups).await;
        let mut stored = self.0.stored.lock().unwrap();
        for (group, outcome) in groups.iter().zip(&outcomes) {
            if outcome.is_ok() {
                stored.extend(group.iter().map(|new| new.event().clone()));
            }
        }
        outcomes
    }
}

impl NotificationStore for SharedStore {
    async fn insert_notification(
        &self,
        notification: &ValidNotification,
    ) -> Result<Inserted<StoredNotification>, InsertError> {
        self.0.memory.insert_notification(notification).await
    }

    async fn insert_delivery(
        &self,
        notification_id: &str,
        delivery: &ValidDelivery,
    ) -> Result<Option<Inserted<StoredDelivery>>, InsertError> {
        let memory = &self.0.memory;
        memory.insert_delivery(notification_id, delivery).await
    }
}

impl ActionStore for SharedStore {
    async fn insert_actions(
        &self,
        groups: &[&[ValidAction]],
    ) -> Vec<Result<Vec<ActionKept>, AppendError>> {
        self.0.memory.insert_actions(groups).await
    }

    async fn ensure_action_partition(&self, month: Month) -> Result<bool, StoreError> {
        self.0.memory.ensure_action_partition(month).await
    }

    async fn update_action(
        &self,
        action_id: &str,
        update: &ActionUpdate,
    ) -> Result<StoredAction, UpdateError> {
        self.0.memory.update_action(action_id, update).await
    }
}

impl WorkflowStore for SharedStore {
    async fn create_workflows(
        &self,
        workflows: &[NewWorkflow],
    ) -> Result<Vec<Created>, InsertError> {
        self.0.memory.create_workflows(workflows).await
    }

    async fn change_workflow(
        &self,
        workflow_id: Uuid,
        change: &Change,
    ) -> Result<Changed, NotChanged> {
        self.0.memory.change_workflow(workflow_id, change).await
    }

    async fn count_executions(
        &self,
        workflow_id: Uuid,
        executions: &Executions,
    ) -> Result<Counted, InsertError> {
        let memory = &self.0.memory;
        memory.count_executions(workflow_id, executions).await
    }
}

pub(crate) struct Fakes;

impl Ports for Fakes {
    type Store = SharedStore;
    type Queue = MemoryBacklog;
    type Spool = MemoryBacklog;
    type Clock = ManualClock;
    type Ids = CountingIds;
}

/// What a test wants to be different.
pub(crate) struct Setup {
    pub(crate) append: Append,
    pub(crate) mood: Mood,
    pub(crate) surface: Surface,
    pub(crate) connections: ConnectionLimits,
    pub(crate) requests: RequestLimits,
    pub(crate) writes: ds_ingest::Settings,
    /// Room in the queue, if there is one.
    pub(crate) queue: Option<usize>,
    /// Room in the spool, if there is one.
    pub(crate) spool: Option<usize>,
    /// Room in the queue of notifications, if there is one.
    pub(crate) notification_queue: Option<usize>,
    pub(crate) admin_token: Option<&'static str>,
    pub(crate) rendering_panics: bool,
    /// Whether the process is still preparing its store.
    pub(crate) starting: bool,
    /// Port of the database on this machine; nobody listens on port 1.
    pub(crate) database_port: u16,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            append: Append::AtOnce,
            mood: Mood::Well,
            surface: Surface::Api,
            connections: ConnectionLimits::default(),
            requests: RequestLimits::default(),
            writes: ds_ingest::Settings::default(),
            queue: None,
            spool: None,
            notification_queue: None,
            admin_token: None,
            rendering_panics: false,
            starting: false,
            database_port: 1,
        }
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) readiness: Arc<Readiness>,
    service: Arc<Service<Fakes>>,
    shutdown: oneshot::Sender<Duration>,
    serving: JoinHandle<Drained>,
}

/// The time on the server's clock.
pub(crate) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// The body of a valid event, with more members spliced in as `,"name":value`.
pub(crate) fn event(more: &str) -> String {
    event_body(now(), more)
}

/// The metrics of this process: there can be only one recorder.
pub(crate) fn exporter() -> &'static Exporter {
    static EXPORTER: OnceLock<Exporter> = OnceLock::new();
    EXPORTER.get_or_init(|| Exporter::install(["gateway"].into_iter()).unwrap())
}

/// The value of the series whose line begins with `series`, 0 when there is none.
pub(crate) fn metric(series: &str) -> f64 {
    let text = exporter().render();
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0.0, |value| value.trim().parse().unwrap())
}

/// A repository whose database is not there, or silent.
fn repository(database_port: u16) -> Repository {
    let settings = Settings {
        host: "127.0.0.1".to_owned(),
        port: database_port,
        database: "secret_database".to_owned(),
        user: "secret_user".to_owned(),
        password: None,
        tls: TlsMode::Disable,
        tls_root_certificates: None,
        write_connections_max: 1,
        read_connections_max: 1,
        idle_connections_max: 1,
        connection_age_max: PATIENCE,
        connection_idle_max: PATIENCE,
        connect_timeout: PATIENCE,
        pool_wait_max: PATIENCE,
        append_timeout: PATIENCE,
        flush_timeout: FLUSH_TIMEOUT,
        query_timeout: PATIENCE,
        lock_timeout: PATIENCE,
    };
    Repository::new(settings).unwrap()
}

impl Server {
    pub(crate) async fn start(setup: Setup) -> Self {
        let store = Arc::new(FakeStore {
            memory: MemoryStore::new(setup.mood),
            append: setup.append,
            begun: Semaphore::new(0),
            released: Semaphore::new(0),
            stored: Mutex::default(),
        });
        let backlog = |room| Arc::new(MemoryBacklog::new(room));
        let parts = Parts {
            store: SharedStore(Arc::clone(&store)),
            queue: setup.queue.map(backlog),
            spool: setup.spool.map(backlog),
            notification_queue: setup.notification_queue.map(backlog),
            clock: ManualClock::at(now()),
            ids: CountingIds::default(),
            limits: ds_validation::Limits::default(),
            settings: setup.writes,
        };
        let readiness = Arc::new(Readiness::starting());
        if !setup.starting {
            readiness.set_ready();
        }
        exporter();
        let (rendering_panics, token) = (setup.rendering_panics, setup.admin_token);
        let service: Arc<Service<Fakes>> = Arc::new(Service {
            ingest: Ingest::start(parts),
            repository: repository(setup.database_port),
            readiness: Arc::clone(&readiness),
            render_metrics: Arc::new(move || {
                assert!(
                    !rendering_panics,
                    "rendering panics because the test says so"
                );
                exporter().render()
            }),
            admin_token: Arc::new(move || token.map(Into::into)),
            queue_durability: Arc::new(|| Some("always")),
            version: "1.2.3",
            exports: Exports::new(1),
            limits: setup.requests,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, told) = oneshot::channel();
        let (surface, limits) = (setup.surface, setup.connections);
        let served = Arc::clone(&service);
        let serving = tokio::spawn(async move {
            let told = async { told.await.unwrap_or_default() };
            serve(listener, served, surface, limits, told).await
        });
        Self {
            address,
            store,
            readiness,
            service,
            shutdown,
            serving,
        }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    pub(crate) fn queue(&self) -> &MemoryBacklog {
        self.service.ingest.queue().unwrap()
    }

    pub(crate) fn spool(&self) -> &MemoryBacklog {
        self.service.ingest.spool().unwrap()
    }

    pub(crate) fn notification_queue(&self) -> &MemoryBacklog {
        self.service.ingest.notification_queue().unwrap()
    }

    /// Tells the server to end within `budget`.
    pub(crate) fn shut_down(self, budget: Duration) -> Ending {
        self.shutdown.send(budget).unwrap();
        Ending {
            address: self.address,
            store: self.store,
            serving: self.serving,
        }
    }
}

/// A server on its way out.
pub(crate) struct Ending {
    address: SocketAddr,
    pub(crate) store: Arc<FakeStore>,
    serving: JoinHandle<Drained>,
}

impl Ending {
    /// How it ended.
    pub(crate) async fn ended(self) -> Drained {
        timeout(PATIENCE, self.serving)
            .await
            .expect("an end")
            .unwrap()
    }

    /// Waits until new connections are refused.
    pub(crate) async fn refuses_connections(&self) {
        let refused = async {
            while tokio::net::TcpStream::connect(self.address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, refused)
            .await
            .expect("connections are refused");
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    let met = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, met).await.expect("the condition is met");
}
