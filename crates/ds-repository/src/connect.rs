//! How a connection is made: address, credentials, and the settings its session starts with.

use std::{fmt::Write as _, time::Duration};

use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;
use tokio_postgres::{CancelToken, Client, Config, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    error::Cause,
    settings::{Settings, TlsMode},
};

/// After this long without traffic the kernel asks whether the server is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
/// Then it asks this often …
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// … and gives up after so many times.
const KEEPALIVE_RETRIES: u32 = 3;

/// Longest wait for the server to take a request to cancel a statement.
const CANCEL_MAX: Duration = Duration::from_secs(2);

/// What a session is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Session {
    /// Appends.
    Write,
    /// Queries.
    Read,
    /// Partitions and indexes.
    Maintain,
    /// Migrations; they may take long, but wait for a lock only so long.
    Migrate {
        /// The longest wait for a lock.
        lock_wait_max: Duration,
    },
}

/// The driver's form of the settings.
pub(crate) fn config(settings: &Settings, session: Session) -> Config {
    let mut config = Config::new();
    // Setters and never a connection string: a password may hold any character.
    config
        .host(&settings.host)
        .port(settings.port)
        .dbname(&settings.database)
        .user(&settings.user)
        .application_name("data-storage")
        .connect_timeout(settings.connect_timeout)
        .keepalives(true)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_RETRIES)
        .tcp_user_timeout(KEEPALIVE_IDLE + KEEPALIVE_INTERVAL * KEEPALIVE_RETRIES)
        .ssl_mode(match settings.tls {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        })
        .options(options(settings, session));
    if let Some(password) = &settings.password {
        config.password(password.expose_secret());
    }
    config
}

/// A connection outside of the pools, driven by a task that ends with the client.
pub(crate) async fn connect(
    settings: &Settings,
    session: Session,
    connector: &MakeRustlsConnect,
) -> Result<Client, Cause> {
    let config = config(settings, session);
    // The driver's own timeout ends with the TCP connect; TLS and login have none.
    let connecting = config.connect(connector.clone());
    let (client, connection) = tokio::time::timeout(connect_budget(settings), connecting)
        .await
        .map_err(|_elapsed| Cause::Timeout {
            statement: "connect",
            seconds: connect_budget(settings).as_secs_f64(),
        })?
        .map_err(Cause::Connect)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "Connection ended");
        }
    });
    Ok(client)
}

/// The longest wait for TCP connect, TLS and login together.
pub(crate) fn connect_budget(settings: &Settings) -> Duration {
    settings.connect_timeout * 2
}

/// Cancels what a connection is doing on the server, and closes the connection after that.
pub(crate) fn abandon(
    client: impl Send + 'static,
    cancelling: CancelToken,
    connector: MakeRustlsConnect,
) {
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    runtime.spawn(async move {
        // The server says nothing about what came of it, and there is nobody to tell.
        let _ = tokio::time::timeout(CANCEL_MAX, cancelling.cancel_query(connector)).await;
        // Only now: a backend that is gone could have given its id to another one.
        drop(client);
    });
}

/// The longest wait of a writer for a lock. Waiting for one partition must leave time to store what
/// belongs to others, within the same flush.
fn write_lock_max(settings: &Settings) -> Duration {
    settings.lock_timeout.min(settings.flush_timeout / 4)
}

/// What the session is set to before its first statement, and what `RESET ALL` returns to.
fn options(settings: &Settings, session: Session) -> String {
    let (lock_wait_max, statement_max) = match session {
        Session::Write => (write_lock_max(settings), Some(settings.append_timeout)),
        Session::Maintain => (settings.lock_timeout, Some(settings.append_timeout)),
        Session::Read => (settings.lock_timeout, Some(settings.query_timeout)),
        Session::Migrate { lock_wait_max } => (lock_wait_max, None),
    };
    let mut options = "-c timezone=UTC -c datestyle=ISO".to_owned();
    set(&mut options, "lock_timeout", millis(lock_wait_max));
    set(
        &mut options,
        "statement_timeout",
        statement_max.map_or(0, millis),
    );
    set(
        &mut options,
        "idle_in_transaction_session_timeout",
        statement_max.map_or(0, millis),
    );
    options.push_str(match session {
        // The answer to a sender promises that the event is on disk, whatever the database's
        // default is. An insert that finds the pending list of the GIN index over its limit merges
        // it, which takes 100 ms and more; with this limit the maintenance is always sooner.
        Session::Write => " -c synchronous_commit=on -c gin_pending_list_limit=131072",
        Session::Maintain => "",
        // Compiling a plan costs more than the short queries here can win back.
        Session::Read => " -c default_transaction_read_only=on -c jit=off",
        // The connection that holds the lock is idle while the other one works.
        Session::Migrate { .. } => " -c idle_session_timeout=0",
    });
    options
}

fn set(options: &mut String, name: &str, value: u128) {
    // Writing to a string cannot fail.
    let _ = write!(options, " -c {name}={value}");
}

/// Whole milliseconds as PostgreSQL takes them; never zero, which would mean no limit.
fn millis(duration: Duration) -> u128 {
    duration.as_millis().clamp(1, 2_147_483_647)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(session: Session, expected: &[&str]) {
        let mut settings = Settings::from_url("postgres://u@h/d").unwrap();
        settings.lock_timeout = Duration::from_micros(10);
        settings.append_timeout = Duration::from_secs(5);
        settings.query_timeout = Duration::from_millis(1500);
        let options = options(&settings, session);
        for option in expected {
            assert!(options.contains(option), "{options} lacks {option}");
        }
    }

    #[test]
    fn a_session_starts_with_limits_and_never_with_none() {
        check(
            Session::Write,
            &["statement_timeout=5000", "lock_timeout=1 ", "timezone=UTC"],
        );
        check(
            Session::Maintain,
            &["statement_timeout=5000", "lock_timeout=1 ", "timezone=UTC"],
        );
        check(
            Session::Read,
            &["statement_timeout=1500", "default_transaction_read_only=on"],
        );
        let lock_wait_max = Duration::from_secs(60);
        check(
            Session::Migrate { lock_wait_max },
            &["lock_timeout=60000", "statement_timeout=0"],
        );
    }

    #[test]
    fn a_password_is_taken_as_it_is() {
        let mut settings = Settings::from_url("postgres://u@h/d").unwrap();
        settings.password = Some("p'a\\ss w:o/r@d%41 ü=".into());
        let config = config(&settings, Session::Read);
        assert_eq!(
            config.get_password(),
            Some("p'a\\ss w:o/r@d%41 ü=".as_bytes())
        );
    }
}
