//! PostgreSQL goes away under traffic and comes back: nobody is turned away, and nothing is lost.

use std::time::{Duration, Instant};

use ds_testkit::{Durability, PostgresServer};

use crate::{
    stage::Stage,
    traffic::{Habits, Traffic},
};

/// A way to lose PostgreSQL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Loss {
    Stop,
    Kill,
    Pause,
}

impl Loss {
    async fn begin(self, postgres: &PostgresServer) {
        match self {
            Self::Stop => postgres.stop().await,
            Self::Kill => postgres.kill().await,
            Self::Pause => postgres.pause().await,
        }
    }

    async fn end(self, postgres: &PostgresServer) {
        match self {
            Self::Stop | Self::Kill => postgres.restart().await,
            Self::Pause => postgres.resume().await,
        }
    }

    /// Who writes. Those who wait for a server that hangs must not keep others out.
    fn habits(self) -> Habits {
        match self {
            Self::Stop | Self::Kill => Habits::default(),
            Self::Pause => Habits {
                clients: 30,
                large_batches: false,
                ..Habits::default()
            },
        }
    }

    /// How long it takes until the first event is parked. Who gets no answer has to wait for one.
    fn notice(self) -> Duration {
        match self {
            Self::Stop | Self::Kill => Duration::from_secs(1),
            Self::Pause => Duration::from_secs(3),
        }
    }
}

async fn check(loss: Loss) {
    let postgres = PostgresServer::start(Durability::Off).await;
    let stage = Stage::on(&postgres).await;
    let service = stage.service().await;
    let traffic = Traffic::start(&service, &stage.journal, loss.habits());
    stage.stored_more(100).await;

    loss.begin(&postgres).await;
    let lost = Instant::now();
    stage.accepted(1).await;
    assert!(lost.elapsed() < loss.notice(), "{:?}", lost.elapsed());
    stage.accepted(1000).await;

    loss.end(&postgres).await;
    stage.stored_more(100).await;
    traffic.stop().await;
    stage.check_statuses(&[201, 202]);
    stage.check_delivered().await;
    service.terminate().await;
}

#[tokio::test]
async fn a_stop_of_postgresql_costs_nothing() {
    check(Loss::Stop).await;
}

#[tokio::test]
async fn a_kill_of_postgresql_costs_nothing() {
    check(Loss::Kill).await;
}

#[tokio::test]
async fn a_postgresql_that_hangs_costs_nothing() {
    check(Loss::Pause).await;
}
