//! The way to tables of few rows: asked when it is worth it.

use std::{error::Error, sync::Arc};

use ds_dlq::SharedError;
use ds_metrics::{BreakerName, catalog};

use crate::{
    breaker::{Breaker, BreakerState, Pass, Temper},
    group::GroupCommit,
    outcome::Unasked,
};

/// As patient as with events.
const TEMPER: Temper = crate::group::STORE;

/// Why there is no answer of the store.
#[derive(Clone, Debug)]
pub(crate) enum Unanswered<E> {
    /// It was not asked, because it failed lately.
    Unasked(SharedError),
    /// It failed.
    Failed(E),
}

/// A breaker for the tables of one kind of record. What the writers of events know holds here, too; the
/// other way round it does not, because these tables can fail alone.
pub(crate) struct Guard {
    group: Arc<GroupCommit>,
    breaker: Breaker,
    name: BreakerName,
}

impl Guard {
    /// A closed one.
    pub(crate) fn new(name: BreakerName, group: Arc<GroupCommit>) -> Self {
        Self {
            group,
            breaker: Breaker::new(TEMPER),
            name,
        }
    }

    /// Asks the store, unless it failed lately. `is_away` says whether a failure will pass by itself.
    pub(crate) async fn ask<T, E: Error + 'static>(
        &self,
        asking: impl Future<Output = Result<T, E>>,
        is_away: impl Fn(&E) -> bool,
    ) -> Result<T, Unanswered<E>> {
        let is_store_away = self.group.breaker() == BreakerState::Open;
        if is_store_away || self.breaker.ask() == Pass::Refused {
            return Err(Unanswered::Unasked(Arc::new(Unasked::BreakerOpen)));
        }
        let outcome = asking.await;
        let away = outcome.as_ref().err().filter(|error| is_away(error));
        self.judge(away.map(|error| error as &(dyn Error + 'static)));
        outcome.map_err(Unanswered::Failed)
    }

    /// Where the breaker stands.
    #[cfg(test)]
    pub(crate) fn state(&self) -> BreakerState {
        self.breaker.state()
    }

    fn judge(&self, away: Option<&(dyn Error + 'static)>) {
        let records = self.name.as_str();
        if let Some(error) = away {
            if self.breaker.fail() {
                catalog::breaker_opened(self.name).increment(1);
                tracing::error!(error, records, "Records cannot be stored at present");
            }
        } else if self.breaker.succeed() {
            tracing::info!(records, "Records can be stored again");
        }
        catalog::breaker_state(self.name).set(self.breaker.state().gauge());
    }
}
