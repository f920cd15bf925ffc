//! A PostgreSQL and a Redis, and migrated databases on them.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, Result, bail};
use ds_testkit::provision::{self, Wish};
use ds_testkit::{Backend, Durability, Provided, with_database};
use uuid::Uuid;

use super::postgres::{FILL_LOG, Postgres};
use super::reference;
use super::service::{self, Setup};

/// The servers.
pub(super) struct Ground {
    postgres: Server,
    redis: Provided,
    /// Starts the names of our databases, for the server may be somebody's.
    prefix: String,
}

enum Server {
    Own(Box<Postgres>),
    Given(Box<Provided>),
}

impl Ground {
    /// The servers to measure on: given ones where `--backend` or the environment names them.
    pub(super) fn provide(backend: Option<Backend>) -> Result<Self> {
        let wish = Wish {
            containers: false,
            ..Wish::of_command(backend)?
        };
        let named = std::env::var_os("DS_TEST_PG_URL").is_some() && wish.forced.is_none();
        if named || matches!(wish.forced, Some(Backend::Env | Backend::Docker)) {
            return Ok(Self {
                postgres: Server::Given(Box::new(provision::postgres(
                    wish,
                    Durability::Production,
                )?)),
                redis: provision::redis(wish, Durability::Production)?,
                prefix: unique_name(),
            });
        }
        Self::own(wish.forced, Vec::new())
    }

    /// Servers that may be broken.
    pub(super) fn own(
        backend: Option<Backend>,
        environment: Vec<(&'static str, OsString)>,
    ) -> Result<Self> {
        let backend = match backend {
            Some(Backend::Fetch) => Backend::Fetch,
            _ => Backend::Local,
        };
        let wish = Wish {
            forced: Some(backend),
            containers: false,
        };
        Ok(Self {
            postgres: Server::Own(Box::new(Postgres::start(Some(backend), environment)?)),
            redis: provision::redis(wish, Durability::Production)?,
            prefix: unique_name(),
        })
    }

    /// Lets a new server look like one that has run for a while; a given one is as it is.
    pub(super) async fn age(&self) -> Result<()> {
        if let Server::Own(server) = &self.postgres {
            let client = reference::connect(server.url()).await?;
            for statement in FILL_LOG {
                let filled = client.batch_execute(statement).await;
                filled.context("cannot fill the write-ahead log")?;
            }
        }
        Ok(())
    }

    /// Creates and migrates a database; what a service on it is started with.
    pub(super) async fn database(&self, name: &str, program: &Path) -> Result<Setup> {
        let name = format!("{}_{name}", self.prefix);
        let client = reference::connect(self.admin()).await?;
        let created = client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await;
        created.context("cannot create a database")?;
        let setup = Setup {
            program: program.to_path_buf(),
            database: with_database(self.admin(), &name),
            redis: self.redis.url.clone(),
            environment: Vec::new(),
        };
        service::migrate(&setup)?;
        let client = reference::connect(&setup.database).await?;
        for month in ["now()", "now() + interval '1 month'"] {
            let ensure = format!(
                "SELECT audit_events_ensure_partition((({month}) AT TIME ZONE 'UTC')::date)"
            );
            let ensured = client.batch_execute(&ensure).await;
            ensured.context("cannot make a partition")?;
        }
        Ok(setup)
    }

    /// `redis://host:port`.
    pub(super) fn redis(&self) -> &str {
        &self.redis.url
    }

    /// Kills PostgreSQL.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.own_server()?.kill()
    }

    /// Starts it again.
    pub(super) fn launch(&mut self) -> Result<()> {
        self.own_server()?.launch()
    }

    /// Leaves given servers as they were.
    pub(super) async fn clear(self) -> Result<()> {
        if let Server::Own(_) = self.postgres {
            return Ok(());
        }
        let client = reference::connect(self.admin()).await?;
        let ours = format!("{}_%", self.prefix);
        let listed = client
            .query(
                "SELECT datname FROM pg_database WHERE datname LIKE $1",
                &[&ours],
            )
            .await;
        for row in listed.context("cannot list the databases")? {
            let name: String = row.get(0);
            let statement = format!("DROP DATABASE {name} WITH (FORCE)");
            let dropped = client.batch_execute(&statement).await;
            dropped.with_context(|| format!("cannot drop {name}"))?;
        }
        Ok(())
    }

    fn own_server(&mut self) -> Result<&mut Postgres> {
        match &mut self.postgres {
            Server::Own(server) => Ok(server),
            Server::Given(_) => bail!("this PostgreSQL is somebody's"),
        }
    }

    fn admin(&self) -> &str {
        match &self.postgres {
            Server::Own(server) => server.url(),
            Server::Given(given) => &given.url,
        }
    }
}

fn unique_name() -> String {
    format!("bench_{}", &Uuid::new_v4().simple().to_string()[..8])
}
