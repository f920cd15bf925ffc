//! The migrated template every test database is cloned from.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use tokio_postgres::{Client, Config, NoTls};

use crate::ground::workspace_root;
use crate::settings::repository_settings;
use crate::url::with_database;

/// Serialises the making of templates between the processes of a test run ("DS template").
const LOCK: i64 = 0x4453_7465_6d70_6c01;

/// The name of the migrated template on the server at `url`; made by whoever comes first.
pub(crate) async fn ensure(url: &str, client: Client) -> Result<String> {
    let name = format!("ds_template_{}", digest_of_migrations()?);
    if is_ready(&client, &name).await? {
        return Ok(name);
    }
    client
        .execute("SELECT pg_advisory_lock($1)", &[&LOCK])
        .await
        .context("cannot take the lock")?;
    // The lock goes with the connection, which ends with this function.
    if !is_ready(&client, &name).await? {
        make(url, &client, &name).await?;
    }
    Ok(name)
}

/// A half-made one is not marked as a template; it is dropped and made again.
async fn make(url: &str, client: &Client, name: &str) -> Result<()> {
    execute(
        client,
        &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
    )
    .await?;
    execute(client, &format!("CREATE DATABASE {name}")).await?;
    let settings = repository_settings(&with_database(url, name))?;
    ds_repository::migrate::run(&settings)
        .await
        .context("cannot migrate the template")?;
    execute(
        client,
        &format!("ALTER DATABASE {name} IS_TEMPLATE true ALLOW_CONNECTIONS false"),
    )
    .await
}

async fn is_ready(client: &Client, name: &str) -> Result<bool> {
    let query = "SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate";
    let row = client
        .query_opt(query, &[&name])
        .await
        .context("cannot look for the template")?;
    Ok(row.is_some())
}

/// Runs a statement that takes no parameters.
pub(crate) async fn execute(client: &Client, statement: &str) -> Result<()> {
    client
        .batch_execute(statement)
        .await
        .with_context(|| format!("cannot {statement}"))
}

/// Connects, leaving the connection to a task of its own.
pub(crate) async fn connect(config: &Config) -> Result<Client> {
    let (client, connection) = config
        .connect(NoTls)
        .await
        .context("cannot connect to PostgreSQL")?;
    // The task ends with the client; what breaks the connection, the client reports.
    tokio::spawn(connection);
    Ok(client)
}

/// Twelve hexadecimal digits that change whenever a migration does.
fn digest_of_migrations() -> Result<String> {
    let directory = workspace_root().join("migrations");
    let listed = std::fs::read_dir(&directory)
        .with_context(|| format!("cannot list {}", directory.display()))?;
    let mut files: Vec<_> = listed.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut hash = Sha256::new();
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|kind| kind == "sql"))
    {
        let text =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        hash.update(file.file_name().unwrap_or_default().as_encoded_bytes());
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    Ok(hex::encode(&hash.finalize()[..6]))
}
