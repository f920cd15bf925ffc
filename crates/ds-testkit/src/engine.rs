//! The container engine, as far as choosing a backend needs it: is one there, which images has it, can
//! it pull one. Plain HTTP on its socket, so that asking costs a millisecond and no dependency.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The label every container started here carries.
pub const LABEL: &str = "org.data-storage.testkit";

/// The image `cargo xtask image` builds, with both servers in it.
pub const LOCAL_IMAGE: &str = "ds-test:17";

/// PostgreSQL images, best first; the local one is the last.
pub(crate) const POSTGRES_IMAGES: [&str; 2] = ["pgvector/pgvector:pg17", LOCAL_IMAGE];

/// Redis images, best first.
pub(crate) const REDIS_IMAGES: [&str; 3] = ["redis:8", "valkey/valkey:8", LOCAL_IMAGE];

/// A registry that has not begun to answer by then does not exist for us.
const REGISTRY_PATIENCE: Duration = Duration::from_secs(15);

/// A pull that has begun may take this long.
const PULL_PATIENCE: Duration = Duration::from_secs(300);

/// Why there is no engine, if there is none.
pub(crate) fn ping() -> Result<()> {
    let (status, _) = request("GET", "/_ping", Duration::from_secs(3))?;
    if status != 200 {
        bail!("the container engine answers {status}");
    }
    Ok(())
}

/// Whether the engine has `image`; an error when there is no engine.
pub fn has_image(image: &str) -> Result<bool> {
    let (status, _) = request(
        "GET",
        &format!("/images/{image}/json"),
        Duration::from_secs(10),
    )?;
    Ok(status == 200)
}

/// The first of `images` that is present; else the first that can be pulled.
pub(crate) fn obtain(images: &[&'static str]) -> Result<&'static str> {
    if let Some(image) = present(images)? {
        return Ok(image);
    }
    let mut reasons = Vec::new();
    for image in images.iter().filter(|image| **image != LOCAL_IMAGE) {
        match pull(image) {
            Ok(()) => return Ok(image),
            Err(error) => reasons.push(format!("{image}: {error:#}")),
        }
    }
    bail!(
        "no image present, none pullable ({}); type: cargo xtask image",
        reasons.join("; ")
    )
}

/// The first of `images` that is present.
pub(crate) fn present(images: &[&'static str]) -> Result<Option<&'static str>> {
    for image in images {
        if has_image(image)? {
            return Ok(Some(image));
        }
    }
    Ok(None)
}

/// Removes the containers an earlier process left behind; how many.
pub fn remove_labelled() -> Result<usize> {
    ping()?;
    let filter = format!("label={LABEL}");
    let listed = docker(&["ps", "--all", "--quiet", "--filter", &filter])?;
    let ids: Vec<&str> = listed.split_whitespace().collect();
    if !ids.is_empty() {
        let mut arguments = vec!["rm", "--force", "--volumes"];
        arguments.extend(&ids);
        docker(&arguments)?;
    }
    Ok(ids.len())
}

fn docker(arguments: &[&str]) -> Result<String> {
    let output = Command::new("docker")
        .args(arguments)
        .output()
        .context("cannot run docker")?;
    if !output.status.success() {
        bail!(
            "docker {}: {}",
            arguments[0],
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The engine streams progress with status 200 and reports a late failure in the stream.
fn pull(image: &str) -> Result<()> {
    let (name, tag) = image.split_once(':').unwrap_or((image, "latest"));
    let path = format!("/images/create?fromImage={name}&tag={tag}");
    let (status, body) = request("POST", &path, REGISTRY_PATIENCE)?;
    if status != 200 || body.contains("\"errorDetail\"") {
        let message = body.lines().last().unwrap_or_default();
        bail!("{}", message.trim());
    }
    Ok(())
}

/// One request; `patience` bounds each silence, [`PULL_PATIENCE`] the whole.
fn request(method: &str, path: &str, patience: Duration) -> Result<(u16, String)> {
    let socket = socket()?;
    let mut stream = UnixStream::connect(&socket)
        .with_context(|| format!("no container engine answers at {}", socket.display()))?;
    stream.set_read_timeout(Some(patience))?;
    // HTTP/1.0: the body is not chunked and ends with the connection.
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: engine\r\nContent-Length: 0\r\n\r\n"
    )?;
    let deadline = Instant::now() + PULL_PATIENCE;
    let mut answer = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let count = stream
            .read(&mut chunk)
            .context("the container engine went silent")?;
        answer.extend_from_slice(&chunk[..count]);
        if count == 0 {
            break;
        }
        if Instant::now() > deadline {
            bail!(
                "the container engine did not finish within {} s",
                PULL_PATIENCE.as_secs()
            );
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the engine's answer is not HTTP")?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((
        status.context("the engine's answer is not HTTP")?,
        body.to_owned(),
    ))
}

fn socket() -> Result<PathBuf> {
    let Some(host) = std::env::var_os("DOCKER_HOST") else {
        return Ok(PathBuf::from("/var/run/docker.sock"));
    };
    let host = host.to_string_lossy();
    let path = host.strip_prefix("unix://");
    path.map(PathBuf::from)
        .with_context(|| format!("DOCKER_HOST={host} is not a unix:// address"))
}
