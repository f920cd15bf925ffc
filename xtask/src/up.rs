//! `cargo xtask up`: from nothing to a running, checked service in one command.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ds_testkit::provision::Wish;
use ds_testkit::{Durability, Stores};
use tokio::signal::unix::{SignalKind, signal};

use crate::server::{Database, Server, Settings};
use crate::{BackendArgument, cargo, environment, sample, test};

const API_PORT: u16 = 8080;
const ADMIN_PORT: u16 = 9090;

/// Arguments of `up`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    backend: BackendArgument,
    /// Check the service with sample events, stop everything and exit.
    #[arg(long)]
    once: bool,
    /// Build ds-server with optimisations.
    #[arg(long)]
    release: bool,
    /// Port of the API [default: 8080, or a free one when that is taken]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1024..))]
    port: Option<u16>,
    /// Configuration file for ds-server.
    #[arg(long)]
    config: Option<PathBuf>,
}

impl Arguments {
    /// `up --once`.
    pub(crate) fn once(backend: BackendArgument) -> Self {
        Self {
            backend,
            once: true,
            release: false,
            port: None,
            config: None,
        }
    }
}

/// Starts everything, checks it, and stays until interrupted.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(file) = arguments.config.as_ref().filter(|file| !file.is_file()) {
        bail!("there is no configuration file {}", file.display());
    }
    let begun = Instant::now();
    let program = cargo::build_server(arguments.release)?;
    println!("Built ds-server ({:.1} s)", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let wish = Wish::of_command(arguments.backend.backend)?;
    let stores = Stores::provide(wish, Durability::Production)?;
    test::announce(&stores);
    println!("Stores are up ({:.1} s)", begun.elapsed().as_secs_f64());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    runtime.block_on(serve(arguments, program, &stores))?;
    drop(stores);
    println!("Everything is stopped.");
    Ok(ExitCode::SUCCESS)
}

async fn serve(arguments: &Arguments, program: PathBuf, stores: &Stores) -> Result<()> {
    let database = Database::create(stores).await?;
    let settings = Settings {
        program,
        api_port: choose_port(arguments.port, API_PORT)?,
        admin_port: choose_port(None, ADMIN_PORT)?,
        config: arguments
            .config
            .as_ref()
            .map(std::path::absolute)
            .transpose()?,
        database: database.url.clone(),
        redis: stores.redis.url.clone(),
        directory: ds_testkit::run_directory("server")?,
    };
    settings.migrate()?;
    let begun = Instant::now();
    let mut server = Server::start(&settings).await?;
    println!(
        "ds-server is ready ({:.1} s)",
        begun.elapsed().as_secs_f64()
    );
    let outcome = attend(arguments, &settings, stores, &mut server).await;
    environment::withdraw();
    let stopped = server.stop();
    outcome.and(stopped)?;
    println!("ds-server stopped in good order.");
    database.drop().await
}

async fn attend(
    arguments: &Arguments,
    settings: &Settings,
    stores: &Stores,
    server: &mut Server,
) -> Result<()> {
    let address = format!("127.0.0.1:{}", settings.api_port);
    let correlation_id = sample::correlation_id();
    let count = sample::check(&address, &correlation_id).await?;
    println!("Posted {count} sample events and read them back unchanged.");
    publish(settings, stores, server)?;
    if arguments.once {
        return Ok(());
    }
    invite(settings, server, &correlation_id)?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut look = tokio::time::interval(Duration::from_millis(500));
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = look.tick() => if server.has_ended() {
                bail!("ds-server ended by itself; its log: {}", server.log().display());
            },
        }
    }
    println!("\nStopping.");
    Ok(())
}

fn publish(settings: &Settings, stores: &Stores, server: &Server) -> Result<()> {
    let pid = |pid: Option<u32>| pid.map(|pid| pid.to_string()).unwrap_or_default();
    environment::publish(&[
        ("DS_URL", format!("http://127.0.0.1:{}", settings.api_port)),
        (
            "DS_METRICS_URL",
            format!("http://127.0.0.1:{}/metrics", settings.admin_port),
        ),
        ("DS_PG_URL", settings.database.clone()),
        ("DS_REDIS_URL", settings.redis.clone()),
        ("DS_SERVER_PID", server.pid().to_string()),
        ("DS_PG_PID", pid(stores.postgres.pid)),
        ("DS_REDIS_PID", pid(stores.redis.pid)),
    ])?;
    Ok(())
}

/// What to type next.
fn invite(settings: &Settings, server: &Server, correlation_id: &str) -> Result<()> {
    let url = format!("http://127.0.0.1:{}", settings.api_port);
    let bodies = sample::bodies("try-me")?;
    let body = bodies.first().context("there are no sample events")?;
    let body = body.to_string().replace('\'', r"'\''");
    println!();
    println!("API         {url}");
    println!(
        "Metrics     http://127.0.0.1:{}/metrics",
        settings.admin_port
    );
    println!("PostgreSQL  {}", settings.database);
    println!("Redis       {}", settings.redis);
    println!("Log         {}", server.log().display());
    println!(
        "Variables   {}",
        ds_testkit::ground_root().join("env").display()
    );
    println!();
    println!(
        "curl -sS {url}{} -H 'Content-Type: application/json' -d '{body}'",
        sample::EVENTS
    );
    println!("curl -sS '{url}{}?correlation_id=try-me'", sample::EVENTS);
    println!(
        "curl -sS '{url}{}?correlation_id={correlation_id}&limit=3'",
        sample::EVENTS
    );
    println!();
    println!("Ctrl-C stops everything.");
    Ok(())
}

/// The port that was asked for, which must be free; else the usual one; else any.
fn choose_port(forced: Option<u16>, usual: u16) -> Result<u16> {
    if let Some(port) = forced {
        drop(TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("port {port}"))?);
        return Ok(port);
    }
    let listener = TcpListener::bind(("127.0.0.1", usual))
        .or_else(|_| TcpListener::bind(("127.0.0.1", 0)))
        .context("no free port")?;
    Ok(listener.local_addr().context("no free port")?.port())
}
