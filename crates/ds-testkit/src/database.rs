//! A database of one's own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use ds_repository::settings::Settings;
use tokio_postgres::{Client, Config};
use uuid::Uuid;

use crate::outcome::succeed;
use crate::settings::repository_settings;
use crate::shared;
use crate::template;
use crate::url::with_database;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A database nobody else uses; dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
    config: Config,
    admin: Config,
}

impl TestDatabase {
    /// A clone of the migrated template.
    ///
    /// # Panics
    ///
    /// When no server can be had or the migrations fail; the message says why. A test without its
    /// database is a failed test, never a skipped one.
    pub async fn create() -> Self {
        succeed(Self::on(&shared::postgres_url().await, true).await)
    }

    /// A database without any migration applied.
    ///
    /// # Panics
    ///
    /// As [`TestDatabase::create`].
    pub async fn empty() -> Self {
        succeed(Self::on(&shared::postgres_url().await, false).await)
    }

    /// One on the server at `url`.
    pub(crate) async fn on(url: &str, migrated: bool) -> Result<Self> {
        let mut admin: Config = url.parse().context("not an address of PostgreSQL")?;
        admin.connect_timeout(Duration::from_secs(10));
        let source = if migrated {
            template::ensure(url, template::connect(&admin).await?).await?
        } else {
            "template0".to_owned()
        };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let random = &Uuid::new_v4().simple().to_string()[..8];
        let name = format!("ds_test_{}_{number}_{random}", std::process::id());
        let client = template::connect(&admin).await?;
        template::execute(
            &client,
            &format!("CREATE DATABASE {name} TEMPLATE {source}"),
        )
        .await?;
        let mut config = admin.clone();
        config.dbname(&name);
        let url = with_database(url, &name);
        Ok(Self {
            name,
            url,
            config,
            admin,
        })
    }

    /// `postgres://user[:password]@host:port/name`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same as [`TestDatabase::url`], for the driver.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The same as [`TestDatabase::url`], for the repository; a test adjusts what it is about.
    ///
    /// # Panics
    ///
    /// When the address given in the environment is of a form the repository has no settings for.
    pub fn settings(&self) -> Settings {
        succeed(repository_settings(&self.url))
    }

    /// A plain connection, driven by a task of its own.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn connect(&self) -> Client {
        succeed(template::connect(&self.config).await)
    }
}

impl Drop for TestDatabase {
    /// On a thread and a runtime of its own: the test's runtime may be the one that is going away.
    fn drop(&mut self) {
        let mut admin = self.admin.clone();
        admin.connect_timeout(Duration::from_secs(2));
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let work = async {
                    template::execute(&template::connect(&admin).await?, &statement).await
                };
                tokio::time::timeout(Duration::from_secs(10), work).await?
            })
        });
        // A server that was stopped or killed by its test takes its databases with it.
        let _: std::thread::Result<Result<()>> = dropping.join();
    }
}
