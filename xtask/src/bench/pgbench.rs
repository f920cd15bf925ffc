//! The database's side, by pgbench.

use std::fs::{create_dir_all, read_dir, read_to_string, remove_dir_all, write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::load::EVENT_DATA;
use super::measurement::Measurement;

/// How pgbench is run.
pub(super) struct Pgbench {
    pub(super) program: PathBuf,
    pub(super) url: String,
    pub(super) clients: u32,
    pub(super) seconds: u32,
}

impl Pgbench {
    /// Runs a script with prepared statements; percentiles come from its log of transactions.
    pub(super) fn run(&self, name: &str, script: &str) -> Result<Measurement> {
        let directory =
            ds_testkit::ground_root().join(format!("pgbench-{}-{name}", std::process::id()));
        create_dir_all(&directory).context("cannot create a directory for pgbench")?;
        let measured = self.run_in(&directory, script);
        remove_dir_all(&directory).context("cannot remove the directory of pgbench")?;
        measured.with_context(|| format!("pgbench {name} failed"))
    }

    fn run_in(&self, directory: &Path, script: &str) -> Result<Measurement> {
        write(directory.join("script"), script).context("cannot write the script")?;
        let output = Command::new(&self.program)
            .args([
                "--no-vacuum",
                "--protocol=prepared",
                "--log",
                "--log-prefix=log",
                "--jobs=2",
            ])
            .arg(format!("--client={}", self.clients))
            .arg(format!("--time={}", self.seconds))
            .args(["--file=script", &self.url])
            .current_dir(directory)
            .output()
            .with_context(|| format!("cannot run {}", self.program.display()))?;
        let report = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            // Every client says the same.
            bail!("{}", errors.lines().take(5).collect::<Vec<_>>().join("\n"));
        }
        let rate = report.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rest| rest.split(' ').next()?.parse().ok());
        let mut micros = Vec::new();
        for entry in read_dir(directory)
            .context("cannot list pgbench's logs")?
            .flatten()
        {
            if entry.file_name().to_string_lossy().starts_with("log.") {
                let log = read_to_string(entry.path()).context("cannot read pgbench's log")?;
                micros.extend(log.lines().filter_map(duration));
            }
        }
        let measured = Measurement::of(micros, self.seconds.into());
        let measured = measured.context("no transaction was logged")?;
        // pgbench leaves out the time to connect; its own figure is the better one.
        Ok(Measurement {
            rate: rate.context("no rate was reported")?,
            ..measured
        })
    }
}

/// A log line is `client transaction microseconds script seconds microseconds`.
fn duration(line: &str) -> Option<u64> {
    line.split(' ').nth(2)?.parse().ok()
}

/// One event a transaction, the same one the HTTP clients send.
pub(super) fn insert_script(correlations: u32) -> String {
    // To pgbench `:false` is one of its variables, even inside a literal.
    let event_data = EVENT_DATA.replace(':', ": ");
    format!(
        "\\set c random(1, {correlations})\n\
         INSERT INTO audit_events (event_id, event_version, event_timestamp, event_date, event_type, \
         event_category, event_action, event_outcome, actor_type, actor_id, resource_type, resource_id, \
         correlation_id, event_data) \
         SELECT gen_random_uuid(), '1.0', t, (t AT TIME ZONE 'UTC')::date, 'gateway.signal.received', \
         'gateway', 'received', 'success', 'service', 'gateway', 'Signal', 'fp-7f01', \
         'bench-' || :c::int, '{event_data}'::jsonb FROM (SELECT clock_timestamp() AS t) AS moment;\n"
    )
}

/// The page a query by correlation id gives when it asks for nothing else, and the total.
pub(super) fn query_script(correlations: u32) -> String {
    format!(
        "\\set c random(1, {correlations})\n\
         SELECT *, count(*) OVER () AS total FROM audit_events \
         WHERE correlation_id = 'bench-' || :c::int \
         ORDER BY event_timestamp DESC, event_id DESC LIMIT 50;\n"
    )
}
