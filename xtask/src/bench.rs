//! `cargo xtask bench`: what the service costs on top of the database under it.
//!
//! The same work is done twice, by pgbench straight on PostgreSQL and by HTTP clients on ds-server, with
//! the same number of clients, each waiting for its answer before it asks again. The clients, the service
//! and the database share this machine, so the rates are for comparison and not for planning.

mod load;
mod measurement;
mod pgbench;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ds_testkit::provision::Wish;
use ds_testkit::{Binaries, Durability, Stores};
use serde_json::{Map, Value, json};
use tokio_postgres::NoTls;

use crate::server::{Database, Server, Settings};
use crate::{BackendArgument, cargo, test};
use load::Load;
use measurement::Measurement;
use pgbench::Pgbench;

/// Events are spread over so many correlation ids.
const CORRELATIONS: u32 = 2000;

/// Arguments of `bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    backend: BackendArgument,
    /// Length of each of the four measurements.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Clients at work at the same time.
    #[arg(long, default_value_t = 16)]
    clients: u32,
    /// Print the result as one JSON line last.
    #[arg(long)]
    json: bool,
}

/// One kind of work, done both ways.
struct Comparison {
    name: &'static str,
    database: Measurement,
    service: Measurement,
}

/// Measures and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let program = cargo::build_server(true)?;
    // pgbench reaches a process of this machine without a bridge and a proxy between.
    let wish = Wish {
        containers: false,
        ..Wish::of_command(arguments.backend.backend)?
    };
    let stores = Stores::provide(wish, Durability::Production)?;
    test::announce(&stores);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    let comparisons = runtime.block_on(measure(arguments, program, &stores))?;
    print(arguments, &comparisons);
    Ok(ExitCode::SUCCESS)
}

async fn measure(
    arguments: &Arguments,
    program: std::path::PathBuf,
    stores: &Stores,
) -> Result<Vec<Comparison>> {
    require_durability(&stores.postgres.url).await?;
    let database = Database::create(stores).await?;
    let settings = Settings {
        program,
        api_port: ds_testkit::free_port()?,
        admin_port: ds_testkit::free_port()?,
        config: None,
        database: database.url.clone(),
        redis: stores.redis.url.clone(),
        directory: ds_testkit::run_directory("server")?,
    };
    settings.migrate()?;
    let mut server = Server::start(&settings).await?;
    let measured = compare(arguments, &settings, stores).await;
    let stopped = server.stop();
    let measured = measured?;
    stopped?;
    database.drop().await?;
    Ok(measured)
}

async fn compare(
    arguments: &Arguments,
    settings: &Settings,
    stores: &Stores,
) -> Result<Vec<Comparison>> {
    let programs = match &stores.postgres.programs {
        Some(directory) => directory.clone(),
        None => Binaries::local()
            .or_else(|_| Binaries::fetched())?
            .directory()
            .to_path_buf(),
    };
    let pgbench = Pgbench {
        program: programs.join("pgbench"),
        url: settings.database.clone(),
        clients: arguments.clients,
        seconds: arguments.seconds,
    };
    let load = Load {
        address: format!("127.0.0.1:{}", settings.api_port),
        clients: arguments.clients,
        duration: Duration::from_secs(arguments.seconds.into()),
    };
    let insert = Comparison {
        name: "insert",
        database: pgbench.run("insert", &pgbench::insert_script(CORRELATIONS))?,
        service: load.insert(CORRELATIONS).await?,
    };
    let query = Comparison {
        name: "query",
        database: pgbench.run("query", &pgbench::query_script(CORRELATIONS))?,
        service: load.query(CORRELATIONS).await?,
    };
    Ok(vec![insert, query])
}

/// Numbers from a server that may lose what it acknowledged would flatter both sides.
async fn require_durability(url: &str) -> Result<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("cannot connect to PostgreSQL")?;
    tokio::spawn(connection);
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let row = client.query_one(&format!("SHOW {setting}"), &[]).await;
        let value: String = row
            .with_context(|| format!("cannot ask for {setting}"))?
            .get(0);
        if value == "off" {
            bail!("{setting} is off: what this server acknowledges it may lose");
        }
    }
    Ok(())
}

fn print(arguments: &Arguments, comparisons: &[Comparison]) {
    println!();
    println!(
        "{} clients, {} s each",
        arguments.clients, arguments.seconds
    );
    println!(
        "{:<8}{:<12}{:>10}{:>10}{:>10}",
        "", "", "per s", "p50 ms", "p99 ms"
    );
    for Comparison {
        name,
        database,
        service,
    } in comparisons
    {
        for (side, measured) in [("PostgreSQL", database), ("ds-server", service)] {
            let Measurement {
                rate,
                p50_ms,
                p99_ms,
            } = measured;
            println!("{name:<8}{side:<12}{rate:>10.0}{p50_ms:>10.2}{p99_ms:>10.2}");
        }
        println!(
            "{name:<8}{:<12}{:>10.2}",
            "ratio",
            service.rate / database.rate
        );
    }
    if arguments.json {
        let mut line = Map::new();
        line.insert("clients".to_owned(), json!(arguments.clients));
        line.insert("seconds".to_owned(), json!(arguments.seconds));
        for Comparison {
            name,
            database,
            service,
        } in comparisons
        {
            let ratio = service.rate / database.rate;
            let both = json!({
                "postgres": database.to_json(),
                "service": service.to_json(),
                "ratio": ratio,
            });
            line.insert((*name).to_owned(), both);
        }
        println!("{}", Value::Object(line));
    }
}
