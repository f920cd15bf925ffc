//! How to reach the store, and the bounds of its pools.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;
use tokio_postgres::{Config, config::Host};

/// How the connection is protected, in libpq's words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TlsMode {
    /// Never encrypted.
    Disable,
    /// Encrypted if the server can, unverified.
    Prefer,
    /// Always encrypted, unverified.
    Require,
    /// Encrypted, the certificate chain is checked.
    VerifyCa,
    /// Encrypted, the chain and the host name are checked.
    VerifyFull,
}

/// The usual `flush_timeout`: long enough for a checkpoint on a slow disk, short enough that a sender
/// still waits when the event is parked instead.
pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Settings of the store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Database.
    pub database: String,
    /// Role.
    pub user: String,
    /// Password, if the server asks for one.
    pub password: Option<SecretString>,
    /// Protection of the connection.
    pub tls: TlsMode,
    /// PEM file with the trusted certificates; needed to verify.
    pub tls_root_certificates: Option<PathBuf>,
    /// Most writers at work, each with a connection of its own.
    pub write_connections_max: usize,
    /// Most connections that answer queries.
    pub read_connections_max: usize,
    /// Most idle connections kept in pools; writers keep theirs.
    pub idle_connections_max: usize,
    /// Age at which a connection is replaced.
    pub connection_age_max: Duration,
    /// Idle time after which a connection is closed.
    pub connection_idle_max: Duration,
    /// Longest wait for one TCP connect.
    pub connect_timeout: Duration,
    /// Longest wait for a connection from a pool.
    pub pool_wait_max: Duration,
    /// Longest append of a large group, commit included; cancelled on the server after it.
    pub append_timeout: Duration,
    /// Longest append of small groups, likewise. Meeting it means that the store is unavailable.
    pub flush_timeout: Duration,
    /// Longest query; cancelled on the server after it.
    pub query_timeout: Duration,
    /// Longest wait for a lock. Writers of events wait for a fraction of `flush_timeout` at most, so
    /// that a lock is told from a server that hangs.
    pub lock_timeout: Duration,
}

impl Settings {
    /// Settings for the database at `url` (`postgres://user:password@host:port/database`), with
    /// the bounds of a small deployment and no encryption: for tests and tools.
    pub fn from_url(url: &str) -> Result<Self, SettingsError> {
        let config: Config = url
            .parse()
            .map_err(|error| SettingsError::Url(Box::new(error)))?;
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(path)) => path.to_string_lossy().into_owned(),
            None => "localhost".to_owned(),
        };
        let user = config.get_user().unwrap_or("postgres");
        let password = config.get_password().map(String::from_utf8_lossy);
        Ok(Self {
            host,
            port: config.get_ports().first().copied().unwrap_or(5432),
            database: config.get_dbname().unwrap_or(user).to_owned(),
            user: user.to_owned(),
            password: password.map(|password| password.into_owned().into()),
            tls: TlsMode::Disable,
            tls_root_certificates: None,
            write_connections_max: 4,
            read_connections_max: 8,
            idle_connections_max: 12,
            connection_age_max: Duration::from_secs(30 * 60),
            connection_idle_max: Duration::from_secs(5 * 60),
            connect_timeout: Duration::from_secs(2),
            pool_wait_max: Duration::from_secs(5),
            append_timeout: Duration::from_secs(10),
            flush_timeout: FLUSH_TIMEOUT,
            query_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
        })
    }
}

/// Settings that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The certificates cannot be read.
    #[error("cannot read the trusted certificates in {path}")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls_pki_types::pem::Error,
    },
    /// Verification was asked for without certificates to verify against.
    #[error("verifying the server needs trusted certificates (database.ssl_root_cert)")]
    CertificatesMissing,
    /// The cryptography library refuses the certificates.
    #[error("connections cannot be protected with these certificates")]
    Tls(#[from] rustls::Error),
    /// No verifier can be made of the certificates.
    #[error("the server cannot be verified with these certificates")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
    /// The text is no address of a database.
    #[error("not an address of a database")]
    Url(#[source] Box<tokio_postgres::Error>),
    /// The pool refuses its bounds.
    #[error("connection pool cannot be built")]
    Pool(#[from] deadpool_postgres::BuildError),
}
