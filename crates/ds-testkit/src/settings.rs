//! The repository's settings for a test database.

use std::time::Duration;

use anyhow::{Context, Result};
use ds_repository::settings::{Settings, TlsMode};

use crate::url::PostgresUrl;

/// Small pools, so that many tests fit on one server, and generous limits, so that a busy machine fails none.
pub(crate) fn repository_settings(url: &str) -> Result<Settings> {
    let url = PostgresUrl::parse(url).with_context(|| format!("cannot read the address {url}"))?;
    Ok(Settings {
        host: url.host,
        port: url.port,
        database: url.database,
        user: url.user,
        password: url.password.map(Into::into),
        tls: TlsMode::Disable,
        tls_root_certificates: None,
        write_connections_max: 2,
        read_connections_max: 4,
        idle_connections_max: 4,
        connection_age_max: Duration::from_secs(3600),
        connection_idle_max: Duration::from_secs(600),
        connect_timeout: Duration::from_secs(5),
        pool_wait_max: Duration::from_secs(10),
        append_timeout: Duration::from_secs(30),
        flush_timeout: Duration::from_secs(20),
        query_timeout: Duration::from_secs(30),
        lock_timeout: Duration::from_secs(10),
    })
}
