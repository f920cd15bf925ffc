//! From a wish to a running server: the first backend that holds, with the reasons of those that do not.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::backend::{Backend, POSTGRES_VARIABLE, REDIS_VARIABLE, variable};
use crate::containers::{Container, Service};
use crate::durability::Durability;
use crate::postgres::{Binaries, Cluster};
use crate::redis::{self, RedisProcess};

/// Which backends may be tried.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Only this one.
    pub forced: Option<Backend>,
    /// Whether containers may be chosen without being forced. A whole run can share a pair of them; a
    /// single test process that wants a server for itself is better served by a plain process.
    pub containers: bool,
}

impl Wish {
    /// What a command of xtask wants: `--backend`, else `DS_TEST_BACKEND`, else the first that holds.
    pub fn of_command(backend: Option<Backend>) -> Result<Self> {
        let forced = match backend {
            Some(backend) => Some(backend),
            None => Backend::forced_by_environment()?,
        };
        Ok(Self {
            forced,
            containers: true,
        })
    }

    /// What a test process wants. Addresses win over `DS_TEST_BACKEND`, which then says only where
    /// private servers come from: `cargo xtask test` sets both.
    pub fn of_test() -> Result<Self> {
        let addressed = [POSTGRES_VARIABLE, REDIS_VARIABLE]
            .iter()
            .any(|name| variable(name).is_ok());
        let forced = if addressed {
            None
        } else {
            Backend::forced_by_environment()?
        };
        Ok(Self {
            forced,
            containers: false,
        })
    }

    fn candidates(self) -> Vec<Backend> {
        match self.forced {
            // Installed programs seldom come in pairs: PostgreSQL may be here and Redis not.
            Some(Backend::Local) => vec![Backend::Local, Backend::Fetch],
            Some(backend) => vec![backend],
            None => Backend::ALL
                .into_iter()
                .filter(|each| self.containers || *each != Backend::Docker)
                .collect(),
        }
    }
}

/// A server to use; what was started for it stops when this is dropped.
#[derive(Debug)]
pub struct Provided {
    /// Its address.
    pub url: String,
    /// The backend that provided it.
    pub backend: Backend,
    /// Where exactly it comes from, for people.
    pub origin: String,
    /// Process id, where it is a process of ours.
    pub pid: Option<u32>,
    /// PostgreSQL's programs, where they are on this machine.
    pub programs: Option<PathBuf>,
    /// Why more preferred backends were not used.
    pub passed_over: Vec<String>,
    _running: Running,
}

/// What must stay alive.
#[derive(Debug)]
enum Running {
    Elsewhere,
    Container { _it: Container },
    Postgres { _it: Box<Cluster> },
    Redis { _it: RedisProcess },
}

/// Both servers.
#[derive(Debug)]
pub struct Stores {
    /// PostgreSQL.
    pub postgres: Provided,
    /// Redis.
    pub redis: Provided,
}

impl Stores {
    /// Provides both.
    pub fn provide(wish: Wish, durability: Durability) -> Result<Self> {
        Ok(Self {
            postgres: postgres(wish, durability)?,
            redis: redis(wish, durability)?,
        })
    }
}

/// Provides PostgreSQL.
pub fn postgres(wish: Wish, durability: Durability) -> Result<Provided> {
    first(
        "PostgreSQL",
        remedy(wish, "postgresql", POSTGRES_VARIABLE),
        wish,
        |backend| match backend {
            Backend::Env => elsewhere(POSTGRES_VARIABLE),
            Backend::Docker => container(Service::Postgres, durability),
            Backend::Local => cluster(backend, &Binaries::local()?, durability),
            Backend::Fetch => cluster(backend, &Binaries::fetched()?, durability),
        },
    )
}

/// Provides Redis.
pub fn redis(wish: Wish, durability: Durability) -> Result<Provided> {
    first(
        "Redis",
        remedy(wish, "redis-server", REDIS_VARIABLE),
        wish,
        |backend| match backend {
            Backend::Env => elsewhere(REDIS_VARIABLE),
            Backend::Docker => container(Service::Redis, durability),
            Backend::Local => process(backend, redis::local_program()?, durability),
            Backend::Fetch => process(backend, redis::fetched_program()?, durability),
        },
    )
}

fn first(
    what: &str,
    remedy: String,
    wish: Wish,
    start: impl Fn(Backend) -> Result<Provided>,
) -> Result<Provided> {
    let mut passed_over = Vec::new();
    for backend in wish.candidates() {
        match start(backend) {
            Ok(provided) => {
                return Ok(Provided {
                    passed_over,
                    ..provided
                });
            }
            Err(error) => passed_over.push(format!("{backend}: {error:#}")),
        }
    }
    bail!(
        "no backend can provide {what}.\n  {}\nType: {remedy}",
        passed_over.join("\n  ")
    )
}

/// The line to type when nothing holds.
fn remedy(wish: Wish, package: &str, variable: &str) -> String {
    match wish.forced {
        None | Some(Backend::Local) => format!("apt-get install {package}"),
        Some(Backend::Env) => format!("export {variable}=<address>"),
        Some(Backend::Docker) => "apt-get install docker.io && cargo xtask image".to_owned(),
        Some(Backend::Fetch) => "apt-get install python3-pip".to_owned(),
    }
}

fn elsewhere(name: &str) -> Result<Provided> {
    Ok(provided(
        Backend::Env,
        variable(name)?,
        format!("${name}"),
        None,
        Running::Elsewhere,
    ))
}

fn container(service: Service, durability: Durability) -> Result<Provided> {
    let container = Container::start(service, durability)?;
    let (url, origin) = (
        container.url.clone(),
        format!("container of {}", container.image),
    );
    Ok(provided(
        Backend::Docker,
        url,
        origin,
        None,
        Running::Container { _it: container },
    ))
}

fn cluster(backend: Backend, binaries: &Binaries, durability: Durability) -> Result<Provided> {
    let cluster = Cluster::start(binaries, durability).context("cannot start PostgreSQL")?;
    let (url, pid) = (cluster.url(), cluster.pid());
    let running = Running::Postgres {
        _it: Box::new(cluster),
    };
    let mut provided = provided(backend, url, binaries.describe(), pid, running);
    provided.programs = Some(binaries.directory().to_path_buf());
    Ok(provided)
}

fn process(backend: Backend, program: PathBuf, durability: Durability) -> Result<Provided> {
    let server = RedisProcess::start(&program, durability.redis()).context("cannot start Redis")?;
    let (url, pid) = (server.url(), server.pid());
    let origin = program.display().to_string();
    Ok(provided(
        backend,
        url,
        origin,
        pid,
        Running::Redis { _it: server },
    ))
}

fn provided(
    backend: Backend,
    url: String,
    origin: String,
    pid: Option<u32>,
    running: Running,
) -> Provided {
    Provided {
        url,
        backend,
        origin,
        pid,
        programs: None,
        passed_over: Vec::new(),
        _running: running,
    }
}
