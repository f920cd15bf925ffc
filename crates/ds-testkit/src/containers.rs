//! The near end of `ds-containers`: a container held by a program of its own, so that testcontainers
//! and what it brings are compiled only where containers are used.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::durability::Durability;
use crate::engine::{self, POSTGRES_IMAGES, REDIS_IMAGES};
use crate::ground::workspace_root;

/// What runs in a container.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Service {
    Postgres,
    Redis,
}

/// A container; it is removed when this is dropped or when this process dies.
#[derive(Debug)]
pub(crate) struct Container {
    /// The server's address on this machine.
    pub(crate) url: String,
    /// The image it was made of.
    pub(crate) image: &'static str,
    holder: Child,
}

impl Container {
    /// Starts one.
    pub(crate) fn start(service: Service, durability: Durability) -> Result<Self> {
        engine::ping()?;
        let (name, image) = match service {
            Service::Postgres => ("postgres", engine::obtain(&POSTGRES_IMAGES)?),
            Service::Redis => ("redis", engine::obtain(&REDIS_IMAGES)?),
        };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut holder = Command::new(cargo)
            .args([
                "run",
                "--quiet",
                "--package",
                "ds-testkit",
                "--features",
                "docker",
            ])
            .args([
                "--bin",
                "ds-containers",
                "--",
                name,
                image,
                durability.name(),
            ])
            .current_dir(workspace_root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // An interrupt at the terminal is for us; the holder learns of it by the end of its input.
            .process_group(0)
            .spawn()
            .context("cannot run cargo")?;
        let output = holder.stdout.take().context("the holder has no output")?;
        for line in BufReader::new(output).lines() {
            if let Some(url) = line
                .context("cannot read from ds-containers")?
                .strip_prefix("URL=")
            {
                return Ok(Self {
                    url: url.to_owned(),
                    image,
                    holder,
                });
            }
        }
        let status = holder.wait().context("cannot wait for ds-containers")?;
        bail!("ds-containers could not start {image} ({status})")
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.holder.stdin.take();
        // It removes the container and ends; a failure to wait leaves nothing to do.
        let _ = self.holder.wait();
    }
}
