//! One connection to Redis, and how commands are given to it.
//!
//! The driver's defaults wait for ever, and send commands again that it had given up: with these
//! settings it does neither, nor does it queue anything while there is no connection.

use std::{sync::Arc, time::Duration};

use ds_metrics::catalog;
use fred::{
    clients::{Client, Pipeline},
    interfaces::{ClientLike, EventInterface},
    types::{
        Builder, ClusterHash, CustomCommand, Value,
        config::{
            Config, ConnectionConfig, Options, PerformanceConfig, ReconnectPolicy, ServerConfig,
            TcpConfig, UnresponsiveConfig,
        },
    },
};
use secrecy::ExposeSecret;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    error::RedisError,
    script::{Names, Script},
    settings::{Keys, RedisSettings},
};

/// A command that takes longer is given up.
pub(super) const COMMAND: Duration = Duration::from_millis(500);

/// A connection that is not made by then is given up.
const CONNECT: Duration = Duration::from_secs(1);

/// A connection on which nothing comes back for so long is broken.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// What the driver may take longer than it was told, before it is not asked any more.
const GRACE: Duration = Duration::from_millis(250);

/// Commands that wait for the driver. It is asked only while it is connected, so they are few.
const COMMANDS_MAX: usize = 1_024;

/// Between two looks whether there is a connection still.
const LOOK: Duration = Duration::from_millis(20);

/// Between two attempts to make the first connection.
const RETRY: Duration = Duration::from_millis(500);

/// A connection that makes itself again, for as long as it is not closed.
#[derive(Clone)]
pub(super) struct Connection {
    client: Client,
    names: Arc<Names>,
}

impl Connection {
    /// Begins to connect, in the background.
    pub(super) fn open(
        settings: &RedisSettings,
        names: Arc<Names>,
        closed: watch::Receiver<bool>,
    ) -> Result<Self, RedisError> {
        let client = client(settings).map_err(RedisError::Command)?;
        tokio::spawn(supervise(client.clone(), closed));
        Ok(Self { client, names })
    }

    pub(super) fn is_connected(&self) -> bool {
        self.client.is_connected()
    }

    /// Tells the log and the metrics when it comes and goes.
    pub(super) fn report(&self) {
        catalog::dlq_connected().set(0.0);
        tokio::spawn(report(self.client.clone()));
    }

    /// Says goodbye.
    pub(super) async fn close(&self) {
        if let Ok(Err(error)) = timeout(CONNECT, self.client.quit()).await {
            tracing::debug!(error = %error, "Left Redis without goodbye");
        }
    }

    /// Gives one command.
    pub(super) async fn command(
        &self,
        name: &'static str,
        words: Vec<Value>,
        limit: Duration,
    ) -> Result<Value, RedisError> {
        let client = self.client.with_options(&options(limit));
        bounded(limit, client.custom(command(name), words)).await
    }

    /// Runs a script.
    pub(super) async fn run(
        &self,
        script: Script,
        keys: &Keys,
        words: Vec<Value>,
        limit: Duration,
    ) -> Result<Value, RedisError> {
        let name = match self.names.get(script) {
            Some(name) => name.to_owned(),
            None => self.load(script).await?,
        };
        let call = call(&name, keys, words);
        match self.command("EVALSHA", call.clone(), limit).await {
            // The server forgets scripts when it restarts.
            Err(error) if error.is_answer("NOSCRIPT") => {
                self.load(script).await?;
                self.command("EVALSHA", call, limit).await
            }
            answered => answered,
        }
    }

    /// Tells the server a script; returns its name.
    pub(super) async fn load(&self, script: Script) -> Result<String, RedisError> {
        let words = vec!["LOAD".into(), script.text().into()];
        let name = super::reply::text(self.command("SCRIPT", words, COMMAND).await?)?;
        self.names.set(script, name.clone());
        Ok(name)
    }

    /// The name of a script that was loaded once.
    pub(super) async fn name(&self, script: Script) -> Result<String, RedisError> {
        match self.names.get(script) {
            Some(name) => Ok(name.to_owned()),
            None => self.load(script).await,
        }
    }

    /// Begins a series of commands that are sent together, on the same connection or not at all.
    pub(super) fn series(&self, limit: Duration) -> Series {
        Series {
            pipeline: self.client.pipeline(),
            limit,
        }
    }
}

/// A series of commands that are sent together.
pub(super) struct Series {
    pipeline: Pipeline<Client>,
    limit: Duration,
}

impl Series {
    pub(super) async fn add(
        &self,
        name: &'static str,
        words: Vec<Value>,
    ) -> Result<(), RedisError> {
        // The driver only notes it down here. Its own wrapper type with options applies to whatever
        // it wraps, a pipeline included.
        let noting = self.pipeline.with_options(&options(self.limit));
        let noted: Result<Value, _> = noting.custom(command(name), words).await;
        noted.map(drop).map_err(RedisError::Command)
    }

    /// Sends them; one answer each.
    pub(super) async fn send(self) -> Result<Vec<Result<Value, RedisError>>, RedisError> {
        let client = self.pipeline.clone();
        let answers = tokio::select! {
            answers = timeout(self.limit + GRACE, self.pipeline.try_all::<Value>()) => {
                answers.map_err(|_elapsed| RedisError::Timeout)?
            }
            // The driver would keep what it is given until there is a connection again.
            () = lost(&client) => return Err(RedisError::Away),
        };
        Ok(answers
            .into_iter()
            .map(|answer| answer.map_err(RedisError::Command))
            .collect())
    }
}

/// Waits until there is no connection.
async fn lost(client: &impl ClientLike) {
    while client.is_connected() {
        sleep(LOOK).await;
    }
}

/// The words of a call of a script.
pub(super) fn call(name: &str, keys: &Keys, words: Vec<Value>) -> Vec<Value> {
    let mut call = Vec::with_capacity(words.len() + keys.0.len() + 2);
    call.push(name.into());
    call.push(keys.0.len().to_string().into());
    call.extend(keys.0.iter().map(|key| Value::from(key.as_str())));
    call.extend(words);
    call
}

/// The driver's own functions for scripts do not obey the options of the caller; its function for
/// commands it does not know does, so everything goes that way.
fn command(name: &'static str) -> CustomCommand {
    CustomCommand::new_static(name, ClusterHash::Random, false)
}

fn options(limit: Duration) -> Options {
    Options {
        timeout: Some(limit),
        max_attempts: Some(1),
        fail_fast: true,
        ..Options::default()
    }
}

async fn bounded(
    limit: Duration,
    answer: impl Future<Output = Result<Value, fred::error::Error>>,
) -> Result<Value, RedisError> {
    match timeout(limit + GRACE, answer).await {
        Ok(answered) => answered.map_err(RedisError::Command),
        Err(_elapsed) => Err(RedisError::Timeout),
    }
}

fn client(settings: &RedisSettings) -> Result<Client, fred::error::Error> {
    let config = Config {
        fail_fast: true,
        password: settings
            .password
            .as_ref()
            .map(|password| password.expose_secret().to_owned()),
        server: ServerConfig::new_centralized(settings.host.clone(), settings.port),
        database: Some(settings.database),
        ..Config::default()
    };
    let connection = ConnectionConfig {
        connection_timeout: CONNECT,
        internal_command_timeout: CONNECT,
        max_command_attempts: 1,
        max_command_buffer_len: COMMANDS_MAX,
        // Else the last piece of a series waits 40 ms for the server to acknowledge the first.
        tcp: TcpConfig {
            nodelay: Some(true),
            ..TcpConfig::default()
        },
        unresponsive: UnresponsiveConfig {
            max_timeout: Some(SILENCE_MAX),
            interval: COMMAND,
        },
        ..ConnectionConfig::default()
    };
    let performance = PerformanceConfig {
        default_command_timeout: COMMAND,
        ..PerformanceConfig::default()
    };
    let mut builder = Builder::from_config(config);
    builder.set_connection_config(connection);
    builder.set_performance_config(performance);
    // For ever: a driver that gives up stays dead until the process restarts.
    builder.set_policy(ReconnectPolicy::new_exponential(0, 50, 1_000, 2));
    builder.build()
}

/// Makes the first connection, however long that takes, and another first one should the driver
/// ever end by itself.
async fn supervise(client: Client, mut closed: watch::Receiver<bool>) {
    while !*closed.borrow() {
        // When it cannot connect at first it reports that and stops; later it never gives up.
        if let Ok(connected) = client.init().await {
            tokio::select! {
                _ended = connected => {}
                _closed = closed.changed() => return,
            }
        }
        tokio::select! {
            () = sleep(RETRY) => {}
            _closed = closed.changed() => {}
        }
    }
}

async fn report(client: Client) {
    let mut made = client.reconnect_rx();
    let mut broken = client.error_rx();
    let mut was_connected = None;
    loop {
        let cause = tokio::select! {
            event = made.recv() => match event {
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                Ok(_) | Err(_) => None,
            },
            event = broken.recv() => match event {
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                Ok((error, _)) => Some(error),
                Err(_) => None,
            },
        };
        let is_connected = client.is_connected();
        catalog::dlq_connected().set(f64::from(u8::from(is_connected)));
        if was_connected == Some(is_connected) {
            continue;
        }
        was_connected = Some(is_connected);
        match cause {
            _ if is_connected => tracing::info!("Connected to Redis"),
            Some(error) => tracing::warn!(error = %error, "Redis is away"),
            None => tracing::warn!("Redis is away"),
        }
    }
}
