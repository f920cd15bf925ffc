//! Everything a soak runs on, all of it its own: two stores, a proxy before each, a disk, a service.

use std::fs::{copy, create_dir_all};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ds_testkit::checker::Checker;
use ds_testkit::{
    Backend, Binaries, ChaosProxy, Cluster, Durability, RedisDurability, RedisProcess, SmallDisk,
    Strace, with_database,
};
use tokio::task::block_in_place;
use tokio_postgres::NoTls;

use super::service::Service;
use crate::server::Settings;

/// Room for the spool: more than the faults need, little enough to be filled in no time.
const DISK_BYTES: u64 = 64 << 20;

const DATABASE: &str = "data_storage";

/// The servers and what lies between them.
pub(super) struct Stage {
    pub(super) postgres: Cluster,
    pub(super) redis: RedisProcess,
    /// The way to each, for the service; the checker goes straight.
    pub(super) postgres_way: ChaosProxy,
    pub(super) redis_way: ChaosProxy,
    /// None where nobody may mount one.
    pub(super) disk: Result<SmallDisk>,
    /// None where it is not installed.
    pub(super) strace: Result<Strace>,
    pub(super) service: Service,
    pub(super) checker: Checker,
    /// Where logs go.
    pub(super) directory: PathBuf,
}

impl Stage {
    /// Starts everything, and waits until the service is ready.
    pub(super) async fn build(
        backend: Option<Backend>,
        built: &Path,
        directory: &Path,
    ) -> Result<Self> {
        create_dir_all(directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        // A build that goes on beside this must not change the program from one start to the next.
        let program = directory.join("ds-server");
        copy(built, &program).context("cannot copy ds-server")?;
        let postgres = Cluster::start(&binaries(backend)?, Durability::Production)?;
        let redis = RedisProcess::start(&redis_program(backend)?, RedisDurability::Always)?;
        let database = create_database(&postgres.url()).await?;
        let postgres_way = ChaosProxy::in_front_of(&database).await?;
        let redis_way = ChaosProxy::in_front_of(&redis.url()).await?;
        let disk = SmallDisk::mount(DISK_BYTES);
        let spool = match &disk {
            Ok(disk) => disk.directory("spool")?,
            Err(_) => directory.join("spool"),
        };
        let settings = Settings {
            program,
            api_port: ds_testkit::free_port()?,
            admin_port: ds_testkit::free_port()?,
            config: None,
            database: postgres_way.url(),
            redis: redis_way.url(),
            directory: directory.to_path_buf(),
        };
        let variables = vec![("DS_SPOOL__DIRECTORY", spool.display().to_string())];
        let mut stage = Self {
            service: Service::new(settings, variables, &directory.join("server.log")),
            checker: Checker {
                postgres: database,
                redis: Some(redis.url()),
                spool: Some(spool),
            },
            postgres,
            redis,
            postgres_way,
            redis_way,
            disk,
            strace: Strace::find(),
            directory: directory.to_path_buf(),
        };
        stage.service.start()?;
        stage.service.until_ready().await?;
        Ok(stage)
    }

    /// Everything as it should be, after a round that did not come to its end. What cannot be mended is
    /// left: the reason of the failure is known already.
    pub(super) async fn mend(&mut self) {
        if let Ok(disk) = &self.disk {
            let _ = disk.relieve();
        }
        self.postgres_way.heal().await;
        self.redis_way.heal().await;
        let _ = self.postgres.resume();
        let _ = self.redis.resume();
        let _ = self.service.resume();
        let _ = block_in_place(|| self.postgres.launch());
        let _ = block_in_place(|| self.redis.launch());
        let _ = self.service.start();
    }

    /// Copies the logs of the stores to where that of the service is.
    pub(super) fn keep_logs(&self) -> Result<()> {
        for (name, log) in [
            ("postgres.log", self.postgres.log()),
            ("redis.log", self.redis.log()),
        ] {
            copy(log, self.directory.join(name)).with_context(|| format!("cannot keep {name}"))?;
        }
        Ok(())
    }
}

/// Containers, and servers of others, cannot be killed and paused.
fn binaries(backend: Option<Backend>) -> Result<Binaries> {
    match backend {
        Some(Backend::Local) => Binaries::local(),
        Some(Backend::Fetch) => Binaries::fetched(),
        None | Some(Backend::Env | Backend::Docker) => Binaries::own(),
    }
}

/// Installed programs seldom come in pairs, so `local` is only a preference here.
fn redis_program(backend: Option<Backend>) -> Result<PathBuf> {
    match backend {
        Some(Backend::Fetch) => ds_testkit::fetched_redis_program(),
        None | Some(Backend::Env | Backend::Docker | Backend::Local) => {
            ds_testkit::own_redis_program()
        }
    }
}

async fn create_database(url: &str) -> Result<String> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("cannot connect to PostgreSQL")?;
    tokio::spawn(connection);
    client
        .batch_execute(&format!("CREATE DATABASE {DATABASE}"))
        .await
        .context("cannot create the database")?;
    Ok(with_database(url, DATABASE))
}
