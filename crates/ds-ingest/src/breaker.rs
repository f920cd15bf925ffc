//! Breakers: an outage must not cost every request a timeout.
//!
//! Closed, everything passes. After a few failures in a row it opens: everything is turned away at
//! once. After a pause one probe passes; its success closes the breaker, its failure opens it again,
//! for longer.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// A probe that was not heard of again counts as failed after this long: whoever carried it is gone.
const PROBE_MAX: Duration = Duration::from_secs(15);

/// How a breaker behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Temper {
    /// Failures in a row that open it.
    pub(crate) failures_max: u32,
    /// Its first pause.
    pub(crate) pause_min: Duration,
    /// Its longest pause; each failed probe doubles the last one.
    pub(crate) pause_max: Duration,
}

/// What a breaker says to somebody who wants to pass.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pass {
    /// Go on.
    Free,
    /// Go on, alone: everybody waits for how it ends.
    Probe,
    /// Turn back.
    Refused,
}

/// Where a breaker stands, as operators see it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BreakerState {
    /// Everything passes.
    Closed,
    /// One probe is on its way, or may be.
    HalfOpen,
    /// Nothing passes.
    Open,
}

/// One breaker.
#[derive(Debug)]
pub(crate) struct Breaker {
    temper: Temper,
    /// Lets everybody pass without a lock while nothing has failed.
    is_untroubled: AtomicBool,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant, pause: Duration },
    Probing { since: Instant, pause: Duration },
}

impl Breaker {
    /// A closed breaker.
    pub(crate) fn new(temper: Temper) -> Self {
        Self {
            temper,
            is_untroubled: AtomicBool::new(true),
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// Asks for passage. After [`Pass::Probe`] the caller has to report how it went.
    pub(crate) fn ask(&self) -> Pass {
        if self.is_untroubled.load(Ordering::Relaxed) {
            return Pass::Free;
        }
        let now = Instant::now();
        let mut state = self.lock();
        match *state {
            State::Closed { .. } => Pass::Free,
            State::Open { until, pause } if until <= now => {
                *state = State::Probing { since: now, pause };
                Pass::Probe
            }
            State::Probing { since, pause } if since + PROBE_MAX <= now => {
                *state = State::Probing { since: now, pause };
                Pass::Probe
            }
            State::Open { .. } | State::Probing { .. } => Pass::Refused,
        }
    }

    /// Reports a success. Says whether that closed the breaker.
    pub(crate) fn succeed(&self) -> bool {
        if self.is_untroubled.load(Ordering::Relaxed) {
            return false;
        }
        let mut state = self.lock();
        let was_closed = matches!(*state, State::Closed { .. });
        *state = State::Closed { failures: 0 };
        self.is_untroubled.store(true, Ordering::Relaxed);
        !was_closed
    }

    /// Reports a failure. Says whether that opened the breaker, which was closed before.
    pub(crate) fn fail(&self) -> bool {
        let now = Instant::now();
        let mut state = self.lock();
        self.is_untroubled.store(false, Ordering::Relaxed);
        match *state {
            State::Closed { failures } if failures + 1 < self.temper.failures_max => {
                *state = State::Closed {
                    failures: failures + 1,
                };
                false
            }
            State::Closed { .. } => {
                *state = open(now, self.temper.pause_min);
                true
            }
            State::Probing { pause, .. } => {
                *state = open(now, (pause * 2).min(self.temper.pause_max));
                false
            }
            // A latecomer that passed before it opened.
            State::Open { .. } => false,
        }
    }

    /// Gives a probe back that was not made after all.
    pub(crate) fn give_back(&self) {
        let mut state = self.lock();
        if let State::Probing { pause, .. } = *state {
            *state = State::Open {
                until: Instant::now(),
                pause,
            };
        }
    }

    /// Where it stands.
    pub(crate) fn state(&self) -> BreakerState {
        match *self.lock() {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until, .. } if Instant::now() < until => BreakerState::Open,
            State::Open { .. } | State::Probing { .. } => BreakerState::HalfOpen,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(now: Instant, pause: Duration) -> State {
    State::Open {
        until: now + pause,
        pause,
    }
}

impl BreakerState {
    /// As a metric: 0 closed, 1 half-open, 2 open.
    pub(crate) fn gauge(self) -> f64 {
        match self {
            Self::Closed => 0.0,
            Self::HalfOpen => 1.0,
            Self::Open => 2.0,
        }
    }

    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPER: Temper = Temper {
        failures_max: 3,
        pause_min: Duration::from_secs(1),
        pause_max: Duration::from_secs(3),
    };

    fn opened() -> Breaker {
        let breaker = Breaker::new(TEMPER);
        assert_eq!(
            [breaker.fail(), breaker.fail(), breaker.fail()],
            [false, false, true]
        );
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it() {
        let breaker = Breaker::new(TEMPER);
        for _ in 0..10 {
            breaker.fail();
            breaker.fail();
            assert_eq!(breaker.ask(), Pass::Free);
            assert!(!breaker.succeed());
        }
        assert_eq!(opened().ask(), Pass::Refused);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_one_probe_decides() {
        let breaker = opened();
        tokio::time::advance(TEMPER.pause_min).await;
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert_eq!([breaker.ask(), breaker.ask()], [Pass::Probe, Pass::Refused]);
        assert!(breaker.succeed());
        assert_eq!(breaker.ask(), Pass::Free);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_probe_makes_the_pause_longer_up_to_its_bound() {
        let breaker = opened();
        for pause in [1, 2, 3, 3] {
            tokio::time::advance(Duration::from_secs(pause) - Duration::from_millis(1)).await;
            assert_eq!(breaker.ask(), Pass::Refused);
            tokio::time::advance(Duration::from_millis(1)).await;
            assert_eq!(breaker.ask(), Pass::Probe);
            assert!(!breaker.fail(), "it was open before");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_given_back_is_made_by_the_next() {
        let breaker = opened();
        tokio::time::advance(TEMPER.pause_min).await;
        assert_eq!(breaker.ask(), Pass::Probe);
        breaker.give_back();
        assert_eq!(breaker.ask(), Pass::Probe);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_probe_is_replaced() {
        let breaker = opened();
        tokio::time::advance(TEMPER.pause_min).await;
        assert_eq!(breaker.ask(), Pass::Probe);
        tokio::time::advance(PROBE_MAX).await;
        assert_eq!(breaker.ask(), Pass::Probe);
    }
}
