//! The references: what PostgreSQL does without the service, by the same driver, with the same rows.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Config, NoTls, Statement};

use super::columns::{self, Arrays, Event, Events, Row};
use super::load::{Client, Done, Load};

/// As the writers of the service have it: rows that the GIN index has still to take in collect in a
/// list, and whoever exceeds this limit has to work the whole of it off.
const GIN_PENDING_LIST_LIMIT: &str = "128MB";

/// What a session starts with: the settings of the service's writers.
fn options() -> String {
    format!(
        "-c timezone=UTC -c synchronous_commit=on -c jit=off \
         -c gin_pending_list_limit={GIN_PENDING_LIST_LIMIT}"
    )
}

/// One session.
pub(super) async fn connect(url: &str) -> Result<tokio_postgres::Client> {
    let mut config: Config = url.parse().context("cannot read the database's address")?;
    config.options(options()).application_name("bench");
    let (client, connection) = config
        .connect(NoTls)
        .await
        .context("cannot connect to PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
}

/// How rows are stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// One row a statement, each its own transaction.
    Single,
    /// Arrays of so many rows.
    Unnest(usize),
    /// COPY in the binary format, so many rows a statement.
    Copy(usize),
}

/// A session that stores rows, one statement after the other.
pub(super) struct Writer {
    client: tokio_postgres::Client,
    events: Events,
    statement: Statement,
    types: Vec<Type>,
    way: Way,
}

impl Writer {
    /// So many sessions at work.
    pub(super) async fn load(url: &str, way: Way, connections: usize) -> Result<Load> {
        let mut writers = Vec::with_capacity(connections);
        for _ in 0..connections {
            writers.push(Self::new(url, way).await?);
        }
        Ok(Load::closed(writers))
    }

    async fn new(url: &str, way: Way) -> Result<Self> {
        let client = connect(url).await?;
        let text = match way {
            Way::Single => columns::insert_one(),
            Way::Unnest(_) => columns::insert_many(),
            Way::Copy(_) => columns::copy(),
        };
        let statement = client.prepare(&text).await;
        let shape = client.prepare(&columns::select_nothing()).await;
        let shape = shape.context("cannot prepare the columns")?;
        Ok(Self {
            statement: statement.context("cannot prepare the reference")?,
            types: shape
                .columns()
                .iter()
                .map(|each| each.type_().clone())
                .collect(),
            events: Events::new(),
            client,
            way,
        })
    }

    async fn store(&mut self) -> Result<u64, tokio_postgres::Error> {
        match self.way {
            Way::Single => {
                let event = self.events.next();
                let row = Row::new(&event);
                self.client.execute(&self.statement, &row.params()).await
            }
            Way::Unnest(rows) => {
                let events: Vec<Event> = (0..rows).map(|_| self.events.next()).collect();
                let arrays: Arrays<'_> = events.iter().collect();
                self.client.execute(&self.statement, &arrays.params()).await
            }
            Way::Copy(rows) => {
                let events: Vec<Event> = (0..rows).map(|_| self.events.next()).collect();
                self.copy(&events).await
            }
        }
    }

    async fn copy(&self, events: &[Event]) -> Result<u64, tokio_postgres::Error> {
        let sink = self.client.copy_in(&self.statement).await?;
        let writer = tokio_postgres::binary_copy::BinaryCopyInWriter::new(sink, &self.types);
        let mut writer = std::pin::pin!(writer);
        for event in events {
            writer.as_mut().write(&Row::new(event).params()).await?;
        }
        writer.finish().await
    }
}

impl Client for Writer {
    async fn once(&mut self) -> Result<Done> {
        let stored = self.store().await.context("the reference cannot store")?;
        Ok(Done::stored(u32::try_from(stored)?))
    }
}

/// Fills the table with events of the past, evenly over `days` that end now.
pub(super) async fn seed(url: &str, rows: u32, days: u32) -> Result<()> {
    const CHUNK: u32 = 10_000;
    let now = super::event::now();
    let mut writer = Writer::new(url, Way::Copy(0)).await?;
    for day in 0..=days {
        let date = now - Duration::from_secs(u64::from(day) * 86_400);
        writer
            .client
            .execute(
                "SELECT audit_events_ensure_partition(($1::timestamptz AT TIME ZONE 'UTC')::date)",
                &[&date],
            )
            .await
            .context("cannot make the partitions of the past")?;
    }
    let span = Duration::from_secs(u64::from(days) * 86_400);
    let mut row = 0;
    while row < rows {
        let chunk = row..(row + CHUNK).min(rows);
        row = chunk.end;
        let age = |row: u32| span * (rows - row) / rows;
        let events: Vec<Event> = chunk.map(|row| writer.events.at(now - age(row))).collect();
        writer
            .copy(&events)
            .await
            .context("cannot seed the table")?;
    }
    // As autovacuum would leave it: the planner knows the table, the pending list is empty.
    for statement in ["VACUUM ANALYZE audit_events", "CHECKPOINT"] {
        let executed = writer.client.batch_execute(statement).await;
        executed.with_context(|| format!("cannot {statement}"))?;
    }
    Ok(())
}

/// The values of one asking.
pub(super) type Values = Vec<Box<dyn ToSql + Sync + Send>>;

/// A question that is asked over and over on one session.
pub(super) struct Question {
    client: tokio_postgres::Client,
    statement: Statement,
    values: Vec<Values>,
    next: usize,
}

impl Question {
    /// Prepared, with the values that take turns.
    pub(super) async fn new(
        url: &str,
        sql: &str,
        types: &[Type],
        settings: &str,
        values: Vec<Values>,
    ) -> Result<Self> {
        let client = connect(url).await?;
        client
            .batch_execute(settings)
            .await
            .context("cannot set the session up")?;
        let statement = client.prepare_typed(sql, types).await;
        Ok(Self {
            statement: statement.context("cannot prepare the question")?,
            client,
            values,
            next: 0,
        })
    }

    /// Asks with the next values; how many rows there were.
    pub(super) async fn ask(&mut self) -> Result<usize> {
        let at = self.next % self.values.len();
        self.next += 1;
        let values: Vec<&(dyn ToSql + Sync)> = self.values[at]
            .iter()
            .map(|value| &**value as &(dyn ToSql + Sync))
            .collect();
        let rows = self.client.query(&self.statement, &values).await;
        Ok(rows.context("the question failed")?.len())
    }
}

impl Client for Question {
    async fn once(&mut self) -> Result<Done> {
        self.ask().await?;
        Ok(Done::stored(1))
    }
}
