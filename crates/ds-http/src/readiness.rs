//! Whether the process wants traffic.

use std::sync::atomic::{AtomicU8, Ordering};

use ds_metrics::catalog;

/// Where the process is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It is not done with its preparations.
    Starting,
    /// It wants traffic.
    Ready,
    /// It is on its way out, and still answers what it is asked.
    ShuttingDown,
}

/// The state, shared by those who set it and those who report it.
#[derive(Debug)]
pub struct Readiness(AtomicU8);

const STARTING: u8 = 0;
const READY: u8 = 1;
const SHUTTING_DOWN: u8 = 2;

impl Readiness {
    /// A process that is starting.
    pub const fn starting() -> Self {
        Self(AtomicU8::new(STARTING))
    }

    /// Traffic is welcome, unless shutdown has begun: that has no way back.
    pub fn set_ready(&self) {
        let became = self
            .0
            .compare_exchange(STARTING, READY, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok();
        if became {
            catalog::ready().set(1.0);
        }
    }

    /// Traffic is not welcome any more.
    pub fn set_shutting_down(&self) {
        self.0.store(SHUTTING_DOWN, Ordering::SeqCst);
        catalog::ready().set(0.0);
    }

    /// The state now.
    pub fn state(&self) -> State {
        match self.0.load(Ordering::SeqCst) {
            STARTING => State::Starting,
            READY => State::Ready,
            _ => State::ShuttingDown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shutdown_has_no_way_back() {
        let readiness = Readiness::starting();
        assert_eq!(readiness.state(), State::Starting);
        readiness.set_ready();
        assert_eq!(readiness.state(), State::Ready);
        readiness.set_shutting_down();
        readiness.set_ready();
        assert_eq!(readiness.state(), State::ShuttingDown);
    }
}
