//! `cargo xtask conformance`: the running service against its API document, by schemathesis.
//!
//! It generates requests that fit the document and requests that do not, and checks that no answer is
//! a failure of the service, that each has a status, a media type, headers and a body that the document
//! names, that what fits is accepted and what does not is refused.

use std::fs::{create_dir_all, read_to_string, remove_dir_all, write};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use ds_testkit::provision::Wish;
use ds_testkit::{Durability, Stores};
use serde_json::Value;
use uuid::Uuid;

use crate::http::HttpClient;
use crate::server::{Database, Server, Settings};
use crate::{BackendArgument, cargo, sample, test};

/// Examples of each operation in the phase that makes them up.
const EXAMPLES: u32 = 60;

/// The seed as a part of all tests, so that the same commit has the same outcome every time.
const SEED: u32 = 1;

/// The oldest Python that schemathesis runs on.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// The program, which is a script that only knows the Python it was installed for.
const START: &str =
    "from schemathesis.cli import schemathesis; schemathesis(prog_name='schemathesis')";

/// Arguments of `conformance`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    backend: BackendArgument,
    /// Sends the same requests as the run that printed this seed; a new one every time without it.
    #[arg(long)]
    seed: Option<u32>,
    /// Examples of each operation.
    #[arg(long, default_value_t = EXAMPLES)]
    examples: u32,
}

/// Runs it on stores of its own.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let wish = Wish::of_command(arguments.backend.backend)?;
    let stores = Stores::provide(wish, Durability::Off)?;
    test::announce(&stores);
    let seed = arguments.seed.unwrap_or_else(new_seed);
    check(&stores, seed, arguments.examples)
}

/// Runs it on `stores`, as a part of all tests.
pub(crate) fn run_on(stores: &Stores) -> Result<ExitCode> {
    check(stores, SEED, EXAMPLES)
}

fn new_seed() -> u32 {
    Uuid::new_v4().as_fields().0
}

fn check(stores: &Stores, seed: u32, examples: u32) -> Result<ExitCode> {
    let python = match Python::find().and_then(|python| python.prepared()) {
        Ok(python) => python,
        Err(reason) => {
            println!("NOT CHECKED: the API document against the running service: {reason:#}");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let program = cargo::build_server(false)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    runtime.block_on(async {
        let database = Database::create(stores).await?;
        let outcome = serve(&python, program, stores, &database, (seed, examples)).await;
        database.drop().await?;
        outcome
    })
}

/// Starts the service, asks it, and stops it.
async fn serve(
    python: &Python,
    program: PathBuf,
    stores: &Stores,
    database: &Database,
    (seed, examples): (u32, u32),
) -> Result<ExitCode> {
    let directory = ds_testkit::run_directory("conformance")?;
    let token = Uuid::new_v4().to_string();
    write(directory.join("token"), &token).context("cannot write the token")?;
    let config = directory.join("config.yaml");
    let token_file = directory.join("token");
    write(
        &config,
        format!("admin:\n  tokenFile: {}\n", token_file.display()),
    )
    .context("cannot write the configuration")?;
    let settings = Settings {
        program,
        api_port: ds_testkit::free_port()?,
        admin_port: ds_testkit::free_port()?,
        config: Some(config),
        database: database.url.clone(),
        redis: stores.redis.url.clone(),
        directory,
    };
    settings.migrate()?;
    let mut server = Server::start(&settings).await?;
    let address = format!("127.0.0.1:{}", settings.api_port);
    let outcome = match stored_event(&address).await {
        Ok(event) => python.ask(&address, &token, &event, (seed, examples)),
        Err(error) => Err(error),
    };
    let stopped = server.stop();
    let passed = outcome?;
    stopped?;
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        println!("The server's log: {}", server.log().display());
        println!(
            "The same requests again: cargo xtask conformance --seed {seed} --examples {examples}"
        );
        ExitCode::FAILURE
    })
}

/// Posts an event; its id.
async fn stored_event(address: &str) -> Result<String> {
    let bodies = sample::bodies("conformance")?;
    let body = bodies.first().context("there are no sample events")?;
    let mut client = HttpClient::connect(address).await?;
    let answer = client.post(sample::EVENTS, &body.to_string()).await?;
    let receipt: Value = serde_json::from_str(&answer.body).context("the receipt is not JSON")?;
    let id = receipt["event_id"].as_str();
    let id = id.with_context(|| format!("an event was answered {}", answer.status))?;
    Ok(id.to_owned())
}

/// A Python, and where it finds schemathesis.
struct Python {
    version: (u32, u32),
    packages: PathBuf,
}

impl Python {
    /// The Python of this machine, if it is one that will do.
    fn find() -> Result<Self> {
        let text = output(Command::new("python3").args(["-m", "pip", "--version"]))
            .context("`python3 -m pip` does not run (apt-get install python3-pip)")?;
        let version = version(&text).with_context(|| format!("not a version: {text}"))?;
        let (major, minor) = OLDEST_PYTHON;
        if version < OLDEST_PYTHON {
            bail!("it needs Python {major}.{minor} or newer");
        }
        let name = format!("schemathesis-py{}.{}", version.0, version.1);
        let packages = ds_testkit::ground_root().join(name);
        Ok(Self { version, packages })
    }

    /// The same, once the pinned packages are there.
    fn prepared(self) -> Result<Self> {
        let pinned = place().join("requirements.txt");
        let wanted = read_to_string(&pinned).context("cannot read the pinned packages")?;
        let mark = self.packages.join("requirements.txt");
        if read_to_string(&mark).is_ok_and(|there| there == wanted) {
            return Ok(self);
        }
        println!("Installing schemathesis into {}", self.packages.display());
        if self.packages.exists() {
            remove_dir_all(&self.packages).context("cannot remove the packages of before")?;
        }
        let mut install = Command::new("python3");
        install
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--no-input"])
            .args(["--disable-pip-version-check", "--only-binary=:all:"])
            .arg("--target")
            .arg(&self.packages)
            .arg("--requirement")
            .arg(&pinned);
        output(&mut install).with_context(|| {
            format!(
                "cannot install it for Python {}.{}",
                self.version.0, self.version.1
            )
        })?;
        // Written last: what has no mark is not complete.
        write(mark, wanted).context("cannot mark the packages")?;
        Ok(self)
    }

    /// Holds the service at `address` against the document; whether all is well.
    fn ask(
        &self,
        address: &str,
        token: &str,
        event: &str,
        (seed, examples): (u32, u32),
    ) -> Result<bool> {
        let reports = ds_testkit::ground_root().join("conformance");
        create_dir_all(&reports).context("cannot make the directory of reports")?;
        let path = std::env::join_paths([&self.packages, &place()]).context("no search path")?;
        let begun = Instant::now();
        println!("schemathesis with seed {seed}");
        let status = Command::new("python3")
            .args(["-c", START, "--no-color", "--config-file"])
            .arg(place().join("schemathesis.toml"))
            .arg("run")
            .arg(ds_testkit::workspace_root().join("api/openapi/data-storage-v1.yaml"))
            .args(["--url", &format!("http://{address}")])
            .args(["--seed", &seed.to_string()])
            .args(["--max-examples", &examples.to_string()])
            // It leaves files where it runs.
            .current_dir(&reports)
            .env("PYTHONPATH", path)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("DS_CONFORMANCE_TOKEN", token)
            .env("DS_CONFORMANCE_EVENT", event)
            .status()
            .context("cannot run schemathesis")?;
        println!("schemathesis: {:.1} s", begun.elapsed().as_secs_f64());
        Ok(status.success())
    }
}

/// Where its configuration is.
fn place() -> PathBuf {
    ds_testkit::workspace_root().join("xtask/conformance")
}

/// What a command printed; its complaint when it failed.
fn output(command: &mut Command) -> Result<String> {
    let output = command.output().context("cannot run python3")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Reads `pip 24.0 from … (python 3.11)`.
fn version(pip: &str) -> Option<(u32, u32)> {
    let (_, python) = pip.trim().trim_end_matches(')').rsplit_once("(python ")?;
    let (major, minor) = python.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_python_are_read() {
        let pip = "pip 24.0 from /usr/lib/python3/dist-packages/pip (python 3.11)\n";
        assert_eq!(version(pip), Some((3, 11)));
        assert_eq!(version("pip 9"), None);
    }

    #[test]
    fn every_package_is_pinned() {
        let pinned = read_to_string(place().join("requirements.txt")).unwrap();
        assert!(pinned.lines().count() > 10);
        for line in pinned.lines() {
            assert!(line.contains("=="), "{line}");
        }
    }
}
