//! The servers of this process, which its tests share.

use std::sync::OnceLock;

use anyhow::{Context, Result};
use tokio::task::spawn_blocking;

use crate::durability::Durability;
use crate::outcome::succeed;
use crate::provision::{self, Provided, Wish};

/// A static is never dropped: the keeper stops the servers when the process ends.
#[cfg(feature = "database")]
static POSTGRES: OnceLock<Result<Provided, String>> = OnceLock::new();
static REDIS: OnceLock<Result<Provided, String>> = OnceLock::new();

/// The address of the Redis server of this run; it is shared, so tests choose keys of their own.
///
/// # Panics
///
/// When no server can be had; the message says why.
pub async fn redis_url() -> String {
    shared(&REDIS, provision::redis).await
}

/// The address of the PostgreSQL server of this run.
#[cfg(feature = "database")]
pub(crate) async fn postgres_url() -> String {
    shared(&POSTGRES, provision::postgres).await
}

async fn shared(
    slot: &'static OnceLock<Result<Provided, String>>,
    provide: fn(Wish, Durability) -> Result<Provided>,
) -> String {
    let starting = spawn_blocking(move || {
        let start = || provide(Wish::of_test()?, Durability::Off);
        let provided = slot.get_or_init(|| start().map_err(|error| format!("{error:#}")));
        provided.as_ref().map(|provided| provided.url.clone())
    });
    succeed(succeed(
        starting
            .await
            .context("the thread that starts servers panicked"),
    ))
}
