//! Growing waits between attempts, spread so that many processes do not try in step.

use std::time::Duration;

use rand::{Rng, RngExt};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Waits that double up to five seconds.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    /// Starts with the shortest wait.
    pub(crate) const fn new() -> Self {
        Self(FIRST)
    }

    /// The next wait: between half and all of the current step.
    pub(crate) fn next_wait(&mut self, rng: &mut impl Rng) -> Duration {
        let wait = self.0.mul_f64(rng.random_range(0.5..=1.0));
        self.0 = (self.0 * 2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_are_spread() {
        let mut rng = rand::rngs::StdRng::seed_from_u64(7);
        let mut backoff = Backoff::new();
        let mut step = FIRST;
        for _ in 0..20 {
            let wait = backoff.next_wait(&mut rng);
            assert!(step / 2 <= wait && wait <= step, "{wait:?} of {step:?}");
            step = (step * 2).min(LONGEST);
        }
    }
}
