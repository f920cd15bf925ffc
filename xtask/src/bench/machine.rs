//! What the figures were measured on.

use std::fs::{File, create_dir_all, read_to_string, remove_file};
use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::figure::{median, short};
use super::reference;

/// Settings without which a server may lose what it has acknowledged.
const DURABILITY: [&str; 3] = ["fsync", "synchronous_commit", "full_page_writes"];

/// Sizes that figures depend on.
const SIZES: [&str; 3] = ["shared_buffers", "max_wal_size", "checkpoint_timeout"];

/// The machine and the database on it.
pub(super) struct Machine {
    cores: usize,
    memory_gib: f64,
    fdatasync_us: f64,
    postgres: String,
    settings: Vec<(&'static str, String)>,
}

impl Machine {
    /// Looks; refuses a database that may lose what it has acknowledged.
    pub(super) async fn survey(database: &str) -> Result<Self> {
        let client = reference::connect(database).await?;
        let mut settings = Vec::new();
        for name in DURABILITY
            .into_iter()
            .chain(SIZES)
            .chain(["server_version"])
        {
            let row = client.query_one(&format!("SHOW {name}"), &[]).await;
            let value: String = row
                .with_context(|| format!("cannot ask for {name}"))?
                .get(0);
            if DURABILITY.contains(&name) && value != "on" {
                bail!("{name} is {value}: what this server acknowledges it may lose");
            }
            settings.push((name, value));
        }
        let (_, postgres) = settings.pop().context("no version")?;
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: memory_gib()?,
            fdatasync_us: fdatasync_us()?,
            postgres,
            settings,
        })
    }

    /// For the head of the table.
    pub(super) fn print(&self) {
        println!(
            "{} cores, {} GiB, fdatasync {} µs; PostgreSQL {}",
            self.cores,
            short(self.memory_gib),
            short(self.fdatasync_us),
            self.postgres
        );
        let settings = self.settings.iter();
        let settings: Vec<String> = settings
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        println!("{}", settings.join(", "));
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "cores": self.cores,
            "memory_gib": self.memory_gib,
            "fdatasync_us": self.fdatasync_us,
            "postgres": self.postgres,
        })
    }
}

fn memory_gib() -> Result<f64> {
    let text = read_to_string("/proc/meminfo").context("no /proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kilobytes.context("no MemTotal")? / 1024.0 / 1024.0)
}

/// The median time to sync a block of the write-ahead log's size, where the data of servers lies.
fn fdatasync_us() -> Result<f64> {
    let directory = ds_testkit::ground_root();
    create_dir_all(&directory).context("cannot create target/xtask")?;
    let path = directory.join(format!("fdatasync-{}", std::process::id()));
    let mut file = File::create(&path).context("cannot create a file to sync")?;
    let mut micros = Vec::new();
    for _ in 0..200 {
        file.write_all(&[7; 8192]).context("cannot write")?;
        let begun = Instant::now();
        file.sync_data().context("cannot sync")?;
        micros.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    remove_file(&path).context("cannot remove the file that was synced")?;
    Ok(median(micros))
}
