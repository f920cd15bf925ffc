//! Holds one container: `ds-containers {postgres|redis} IMAGE {off|production}`.
//!
//! Prints `URL=…` once the server answers, waits until its standard input ends, which it does when the
//! owner is done or dead, and removes the container.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ds_testkit::{Durability, LABEL};
use testcontainers::core::{ContainerPort, IntoContainerPort};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::NoTls;
use uuid::Uuid;

const POSTGRES: u16 = 5432;
const REDIS: u16 = 6379;
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [service, image, durability] = arguments.as_slice() else {
        bail!("usage: ds-containers {{postgres|redis}} IMAGE {{off|production}}");
    };
    let durability =
        Durability::from_name(durability).context("durability is off or production")?;
    let (container, url) = match service.as_str() {
        "postgres" => postgres(image, durability).await?,
        "redis" => redis(image, durability).await?,
        other => bail!("no service is called {other:?}"),
    };
    // What the owner waits for; written at once even though it goes into a pipe.
    let mut output = std::io::stdout();
    writeln!(output, "URL={url}")
        .and_then(|()| output.flush())
        .context("the owner is gone")?;
    until_owner_is_gone();
    container.rm().await.context("cannot remove the container")
}

/// Reads standard input to its end, on this thread: nothing else is to be done meanwhile.
fn until_owner_is_gone() {
    // An error is an end as well.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
}

async fn postgres(
    image: &str,
    durability: Durability,
) -> Result<(ContainerAsync<GenericImage>, String)> {
    // The port is published on every address of the machine, hence a password nobody can guess.
    let password = Uuid::new_v4().simple().to_string();
    let settings = durability
        .postgres_settings()
        .iter()
        .flat_map(|setting| ["-c", setting]);
    let container = generic(image, POSTGRES.tcp())?
        .with_label(LABEL, "postgres")
        .with_env_var("POSTGRES_USER", "ds")
        .with_env_var("POSTGRES_PASSWORD", &password)
        .with_cmd(std::iter::once("postgres").chain(settings))
        .start()
        .await
        .with_context(|| format!("cannot start a container of {image}"))?;
    let port = container
        .get_host_port_ipv4(POSTGRES)
        .await
        .context("no port is published")?;
    let url = format!("postgres://ds:{password}@127.0.0.1:{port}/postgres");
    let deadline = Instant::now() + PATIENCE;
    // While it initialises itself the official image runs a server that only its own socket reaches.
    while let Err(error) = tokio_postgres::connect(&url, NoTls).await {
        if Instant::now() > deadline {
            return Err(error).context("PostgreSQL in the container accepts no connection");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok((container, url))
}

async fn redis(
    image: &str,
    durability: Durability,
) -> Result<(ContainerAsync<GenericImage>, String)> {
    let server = if image.starts_with("valkey/") {
        "valkey-server"
    } else {
        "redis-server"
    };
    let command = [
        server,
        "--bind",
        "0.0.0.0",
        "--protected-mode",
        "no",
        "--dir",
        "/tmp",
    ];
    let container = generic(image, REDIS.tcp())?
        .with_label(LABEL, "redis")
        .with_cmd(command.iter().chain(durability.redis_arguments()).copied())
        .start()
        .await
        .with_context(|| format!("cannot start a container of {image}"))?;
    let port = container
        .get_host_port_ipv4(REDIS)
        .await
        .context("no port is published")?;
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = say_ping(port).await {
        if Instant::now() > deadline {
            return Err(error.context("Redis in the container does not answer"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok((container, format!("redis://127.0.0.1:{port}")))
}

async fn say_ping(port: u16) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    if &answer != b"+PONG" {
        bail!(
            "the answer to PING was {}",
            String::from_utf8_lossy(&answer)
        );
    }
    Ok(())
}

fn generic(image: &str, port: ContainerPort) -> Result<GenericImage> {
    let (name, tag) = image.split_once(':').context("an image is NAME:TAG")?;
    Ok(GenericImage::new(name, tag).with_exposed_port(port))
}
