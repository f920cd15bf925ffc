//! The only code that names the concrete adapters.

use std::sync::Arc;

use anyhow::Context;
use ds_dlq::{RedisQueue, Spool, SpoolSettings, Stream};
use ds_http::{
    AdminToken, ConnectionLimits, Exports, QueueDurability, Readiness, RequestLimits, Service,
};
use ds_ingest::{Ingest, Parts, port::Ports};
use ds_metrics::Exporter;
use ds_repository::Repository;
use uuid::Uuid;

use crate::{
    chain::Chain,
    clock::{SystemClock, SystemIds},
    config::{RedisSettings, ServerSettings, Settings},
};

/// Version of this build.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the write path stands on in production.
pub(crate) struct Production;

impl Ports for Production {
    type Store = Repository;
    type Queue = RedisQueue;
    type Spool = Spool;
    type Clock = SystemClock;
    type Ids = SystemIds;
}

/// Where events wait while the store is away.
#[derive(Clone)]
pub(crate) struct Backlogs {
    /// Redis, if there is one.
    pub(crate) queue: Option<Arc<RedisQueue>>,
    /// The spool, if there is one.
    pub(crate) spool: Option<Arc<Spool>>,
    /// The queue of notifications, over the connections of that of events.
    pub(crate) notification_queue: Option<Arc<RedisQueue>>,
}

impl Backlogs {
    /// Opens them. Redis is connected in the background; what the spool holds is read.
    pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let queue = settings
            .redis
            .as_ref()
            .map(|redis| queue(redis, Stream::Events));
        let spool = match &settings.spool {
            Some(spool) => Some(Arc::new(open_spool(spool).await?)),
            None => None,
        };
        let queue = queue.transpose()?;
        let sibling = |queue: &RedisQueue| Arc::new(queue.sibling(Stream::Notifications));
        Ok(Self {
            notification_queue: queue.as_ref().map(sibling),
            queue: queue.map(Arc::new),
            spool,
        })
    }

    /// Lets go of them: what they hold stays where it is.
    pub(crate) async fn close(&self) {
        if let Some(queue) = &self.notification_queue
            && queue.is_connected()
        {
            queue.leave().await;
        }
        if let Some(queue) = &self.queue {
            queue.close().await;
        }
        if let Some(spool) = &self.spool {
            spool.close().await;
        }
    }
}

/// One stream of the dead letter queue.
pub(crate) fn queue(redis: &RedisSettings, stream: Stream) -> anyhow::Result<RedisQueue> {
    let settings = ds_dlq::RedisSettings {
        host: redis.host.clone(),
        port: redis.port,
        database: redis.database,
        password: redis.password.clone(),
        prefix: redis.stream.clone(),
        group: redis.consumer_group.clone(),
        // Containers share process ids and sometimes names; no two processes share this.
        consumer: format!("ds-server-{}", Uuid::new_v4()),
        entries_max: redis.entries_max,
        bytes_max: redis.bytes_max,
        durability: redis.durability,
        lease: ds_dlq::LEASE,
    };
    RedisQueue::open(settings, stream).context("cannot set up the dead letter queue")
}

async fn open_spool(spool: &SpoolSettings) -> anyhow::Result<Spool> {
    let opened = Spool::open(spool.clone(), Arc::new(SystemClock)).await;
    // What was found there has been reported.
    let (spool, _report) = opened.context("cannot open the spool")?;
    Ok(spool)
}

/// Builds the service and starts its writers, which connect when there is something to write.
pub(crate) fn service(
    settings: &Settings,
    repository: &Repository,
    backlogs: &Backlogs,
    readiness: &Arc<Readiness>,
    exporter: &Exporter,
) -> Arc<Service<Production>> {
    let ingest = Ingest::start(Parts {
        store: repository.clone(),
        queue: backlogs.queue.clone(),
        spool: backlogs.spool.clone(),
        notification_queue: backlogs.notification_queue.clone(),
        clock: SystemClock,
        ids: SystemIds,
        limits: settings.limits,
        settings: settings.ingest,
    });
    let exporter = exporter.clone();
    Arc::new(Service {
        ingest,
        repository: repository.clone(),
        readiness: Arc::clone(readiness),
        render_metrics: Arc::new(move || exporter.render()),
        admin_token: admin_token(settings),
        queue_durability: queue_durability(backlogs),
        version: VERSION,
        exports: Exports::new(settings.server.exports_max),
        limits: request_limits(&settings.server),
    })
}

/// The token as its file has it at the moment.
fn admin_token(settings: &Settings) -> AdminToken {
    let file = settings.admin_token.clone();
    Arc::new(move || match file.as_ref()?.read() {
        Ok(token) => Some(token),
        Err(error) => {
            tracing::error!(error = %Chain(&error), "Admin token cannot be read: nobody may change anything");
            None
        }
    })
}

/// What Redis was last found to do before it acknowledges.
fn queue_durability(backlogs: &Backlogs) -> QueueDurability {
    let queue = backlogs.queue.clone();
    Arc::new(move || queue.as_ref()?.durability())
}

/// Builds the store's pools.
pub(crate) fn repository(settings: &Settings) -> anyhow::Result<Repository> {
    Repository::new(settings.database.store.clone()).context("cannot set up the store")
}

/// Bounds of one request.
fn request_limits(server: &ServerSettings) -> RequestLimits {
    RequestLimits {
        body_bytes_max: server.body_bytes_max,
        body_read_timeout: server.read_timeout,
        ping_timeout: server.ping_timeout,
        ..RequestLimits::default()
    }
}

/// Bounds of one connection.
pub(crate) fn connection_limits(server: &ServerSettings) -> ConnectionLimits {
    ConnectionLimits {
        connections_max: server.connections_max,
        header_read_timeout: server.header_timeout,
        idle_timeout: server.idle_timeout,
        write_stall_timeout: server.write_timeout,
    }
}
