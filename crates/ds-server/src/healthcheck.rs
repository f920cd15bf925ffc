//! Asks the server of this configuration whether it is ready.
//!
//! One request of five lines needs no HTTP client; images without a shell need no curl.

use std::{io, time::Duration};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{config::ServerSettings, exit::Exit};

/// Longest wait for the answer; the server bounds its own checks with less.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The start of `HTTP/1.1 200 OK` that holds the status.
const STATUS_LINE_BYTES: usize = "HTTP/1.1 200".len();

/// Succeeds if the server answers `GET /health/ready` with 200.
pub(crate) async fn ask(server: &ServerSettings) -> anyhow::Result<Exit> {
    let host = reachable(&server.host);
    let asked = tokio::time::timeout(TIMEOUT, status(host, server.port)).await;
    let status = asked
        .context("server took too long to answer")?
        .with_context(|| format!("cannot ask the server on {host} port {}", server.port))?;
    match status.as_str() {
        "200" => Ok(Exit::Done),
        status => bail!("server is not ready: it answered {status}"),
    }
}

async fn status(host: &str, port: u16) -> io::Result<String> {
    let mut connection = TcpStream::connect((host, port)).await?;
    let request = "GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).await?;
    let mut start = [0; STATUS_LINE_BYTES];
    connection.read_exact(&mut start).await?;
    let text = String::from_utf8_lossy(&start);
    match text.split_once(' ') {
        Some((version, status)) if version.starts_with("HTTP/1.") => Ok(status.to_owned()),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "answer is not HTTP",
        )),
    }
}

/// A listener on all addresses is reached on the local one.
fn reachable(host: &str) -> &str {
    match host {
        "" | "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    }
}
