//! Migrations: embedded, forward only, one at a time over all processes.

use std::time::Duration;

use tokio_postgres::{Client, Row};

use crate::{
    Repository,
    connect::{Session, connect},
    error::{Cause, SchemaError, StoreError},
    pool::within,
    settings::{Settings, SettingsError},
    statement::Statement,
    tls,
};

mod embedded {
    refinery::embed_migrations!("../../migrations");
}

/// Longest wait for another process that migrates.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(60);

/// Key of the lock that one migrating process holds ("DSmigrat").
const LOCK: i64 = 0x4453_6d69_6772_6174;

/// refinery takes none of its own: processes that start together would fail one another.
pub(crate) const TAKE_LOCK: Statement =
    Statement::new("-- lock_migrations\nSELECT pg_advisory_lock($1::int8)");

pub(crate) const HAS_HISTORY: Statement = Statement::new(
    "-- has_schema_history\nSELECT to_regclass('refinery_schema_history') IS NOT NULL",
);

/// The table is refinery's; that it may not exist yet is what [`HAS_HISTORY`] is for.
pub(crate) const READ_HISTORY: Statement = Statement::new(
    "-- read_schema_history
SELECT version, name, checksum FROM refinery_schema_history ORDER BY version",
);

/// What a run did, or would do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// Applied (or pending, for a plan) migrations, as `V1__name`.
    pub migrations: Vec<String>,
    /// Schema version afterwards.
    pub version: u32,
}

/// A run that did not end well.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The settings cannot work.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database has a history this binary cannot continue, or failed.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

impl MigrateError {
    /// Whether trying again later may work: the database cannot be reached yet, or is busy.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Settings(_) => false,
            Self::Schema(error) => match error {
                SchemaError::Store(StoreError::Unavailable(_)) => true,
                SchemaError::Store(StoreError::Internal(_))
                | SchemaError::Older { .. }
                | SchemaError::Newer { .. }
                | SchemaError::Divergent { .. }
                | SchemaError::Missing { .. } => false,
            },
        }
    }
}

impl From<Cause> for MigrateError {
    fn from(cause: Cause) -> Self {
        Self::Schema(cause.into())
    }
}

/// Brings the database to this binary's schema.
///
/// Waits for other processes that do the same, but not for ever; a change that cannot get its lock
/// within `lock_timeout` gives up rather than hold up everybody behind it.
pub async fn run(settings: &Settings) -> Result<Report, MigrateError> {
    let connector = tls::connector(settings)?;
    let waiting = Session::Migrate {
        lock_wait_max: LOCK_WAIT_MAX,
    };
    let guard = connect(settings, waiting, &connector).await?;
    // Held by the session of a connection that does nothing else, until it ends with `guard`.
    let taken = guard.query(TAKE_LOCK.sql(), &[/* $1 */ &LOCK]);
    let budget = LOCK_WAIT_MAX + settings.connect_timeout;
    within(TAKE_LOCK.name(), budget, taken)
        .await?
        .map_err(Cause::driver(TAKE_LOCK.name()))?;

    let changing = Session::Migrate {
        lock_wait_max: settings.lock_timeout,
    };
    let mut client = connect(settings, changing, &connector).await?;
    let report = pending(&history(&client).await?)?;
    if report.migrations.is_empty() {
        // The runner would make sure of its own table first, which a role that may only insert
        // cannot do, and need not.
        return Ok(report);
    }
    embedded::migrations::runner()
        .run_async(&mut client)
        .await
        .map_err(Cause::Migration)?;
    drop(guard);
    Ok(report)
}

/// Says what [`run`] would do, and changes nothing.
pub async fn plan(settings: &Settings) -> Result<Report, MigrateError> {
    let connector = tls::connector(settings)?;
    let looking = Session::Migrate {
        lock_wait_max: settings.lock_timeout,
    };
    let client = connect(settings, looking, &connector).await?;
    Ok(pending(&history(&client).await?)?)
}

impl Repository {
    /// Checks that the database has exactly the schema this binary was built for.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        let exists = self
            .read
            .query(HAS_HISTORY, &[], self.settings.query_timeout)
            .await?;
        let rows = if is_true(&exists)? {
            self.read
                .query(READ_HISTORY, &[], self.settings.query_timeout)
                .await?
        } else {
            Vec::new()
        };
        let applied = rows.iter().map(applied).collect::<Result<Vec<_>, _>>()?;
        let missing = pending(&applied)?;
        if missing.migrations.is_empty() {
            return Ok(());
        }
        Err(SchemaError::Older {
            found: version_of(&applied),
            needed: missing.version,
        })
    }
}

/// A migration, as far as two of them are the same.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Migration {
    version: u32,
    name: String,
    checksum: u64,
}

fn version_of(migrations: &[Migration]) -> u32 {
    migrations.last().map_or(0, |migration| migration.version)
}

/// The migrations in this binary, in order.
fn known() -> Vec<Migration> {
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter().map(|migration| Migration {
        version: migration.version().unsigned_abs(),
        name: migration.name().to_owned(),
        checksum: migration.checksum(),
    });
    let mut known: Vec<Migration> = known.collect();
    known.sort_by_key(|migration| migration.version);
    known
}

/// What is missing after `applied`, unless that is a history this binary cannot continue.
fn pending(applied: &[Migration]) -> Result<Report, SchemaError> {
    compare(applied, &known())
}

fn compare(applied: &[Migration], known: &[Migration]) -> Result<Report, SchemaError> {
    let version = version_of(known);
    let found = version_of(applied);
    if found > version {
        return Err(SchemaError::Newer {
            found,
            known: version,
        });
    }
    let mut report = Report {
        migrations: Vec::new(),
        version,
    };
    for ours in known {
        let theirs = applied.iter().find(|theirs| theirs.version == ours.version);
        match theirs {
            Some(theirs) if theirs == ours => {}
            Some(theirs) => {
                return Err(SchemaError::Divergent {
                    version: theirs.version,
                });
            }
            None if ours.version < found => {
                return Err(SchemaError::Missing {
                    version: ours.version,
                });
            }
            None => report
                .migrations
                .push(format!("V{}__{}", ours.version, ours.name)),
        }
    }
    let stranger = applied
        .iter()
        .find(|theirs| known.iter().all(|o| o.version != theirs.version));
    match stranger {
        Some(theirs) => Err(SchemaError::Divergent {
            version: theirs.version,
        }),
        None => Ok(report),
    }
}

async fn history(client: &Client) -> Result<Vec<Migration>, Cause> {
    let query = async |statement: Statement| {
        client
            .query(statement.sql(), &[])
            .await
            .map_err(Cause::driver(statement.name()))
    };
    if !is_true(&query(HAS_HISTORY).await?)? {
        return Ok(Vec::new());
    }
    query(READ_HISTORY).await?.iter().map(applied).collect()
}

fn is_true(rows: &[Row]) -> Result<bool, Cause> {
    let answer = rows.first().map(|row| row.try_get(0)).transpose();
    Ok(answer
        .map_err(Cause::driver(HAS_HISTORY.name()))?
        .unwrap_or(false))
}

fn applied(row: &Row) -> Result<Migration, Cause> {
    let failed = Cause::driver(READ_HISTORY.name());
    let version: i32 = row.try_get(0).map_err(&failed)?;
    let checksum: &str = row.try_get(2).map_err(&failed)?;
    let what = "a migration without version or checksum";
    let impossible = || Cause::Impossible {
        statement: READ_HISTORY.name(),
        what,
    };
    Ok(Migration {
        version: u32::try_from(version).ok().ok_or_else(impossible)?,
        name: row.try_get(1).map_err(&failed)?,
        checksum: checksum.parse().ok().ok_or_else(impossible)?,
    })
}

#[cfg(test)]
mod tests;
