//! Servers of one's own, for tests that take them away.

mod postgres;
mod redis;

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::task::spawn_blocking;

pub use postgres::PostgresServer;
pub use redis::RedisServer;

use crate::outcome::succeed;

/// A server whose methods wait for processes, which is kept off the test's own threads.
#[derive(Debug)]
struct Private<T>(Arc<Mutex<T>>);

impl<T: Send + 'static> Private<T> {
    async fn start(start: impl FnOnce() -> Result<T> + Send + 'static) -> Self {
        let server = succeed(succeed(spawn_blocking(start).await));
        Self(Arc::new(Mutex::new(server)))
    }

    async fn with<R: Send + 'static>(
        &self,
        action: impl FnOnce(&mut T) -> Result<R> + Send + 'static,
    ) -> R {
        let server = Arc::clone(&self.0);
        let acting = spawn_blocking(move || {
            action(&mut server.lock().unwrap_or_else(PoisonError::into_inner))
        });
        succeed(succeed(acting.await))
    }
}
