//! The faults: what is done to whom, and how it is undone.

use std::time::Duration;

use anyhow::{Context, Result};
use ds_testkit::{Attached, ChaosProxy, Direction, Injection};
use tokio::task::block_in_place;

use super::random::Random;
use super::stage::Stage;

/// What a fault is done to; a round does at most one thing to each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Subject {
    Store(Store),
    Server,
    Spool,
}

/// A store and the way to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Store {
    Postgres,
    Redis,
}

/// What is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Deed {
    OfServer(Away),
    OfStore(Store, Away),
    OfWay(Store, Trouble),
    FillDisk,
    FailSyncs,
}

/// How a process goes away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Away {
    Kill,
    Stop,
    Pause,
}

/// What goes wrong on the way to a store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Trouble {
    Cut,
    Refuse,
    Delay,
    HalfClose,
    /// Answers are withheld, then cut off: what was done is done, and nobody is told.
    LoseAnswers,
    Blackhole,
}

/// One kind of fault.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    /// For people.
    pub(super) name: &'static str,
    deed: Deed,
    weight: usize,
}

use Away::{Kill, Pause, Stop};
use Deed::{FailSyncs, FillDisk, OfServer, OfStore, OfWay};
use Store::{Postgres, Redis};
use Trouble::{Blackhole, Cut, Delay, HalfClose, LoseAnswers, Refuse};

/// Every kind there is, and how often it comes up.
pub(super) const FAULTS: [Fault; 23] = [
    fault("server killed", OfServer(Kill), 12),
    fault("server terminated", OfServer(Stop), 5),
    fault("server paused", OfServer(Pause), 4),
    fault("postgres killed", OfStore(Postgres, Kill), 10),
    fault("postgres stopped", OfStore(Postgres, Stop), 6),
    fault("postgres paused", OfStore(Postgres, Pause), 6),
    fault("postgres cut off", OfWay(Postgres, Cut), 3),
    fault("postgres refuses", OfWay(Postgres, Refuse), 3),
    fault("postgres slow", OfWay(Postgres, Delay), 3),
    fault("postgres half-closed", OfWay(Postgres, HalfClose), 3),
    fault("postgres answers lost", OfWay(Postgres, LoseAnswers), 6),
    fault("postgres unreachable", OfWay(Postgres, Blackhole), 4),
    fault("redis killed", OfStore(Redis, Kill), 10),
    fault("redis stopped", OfStore(Redis, Stop), 5),
    fault("redis paused", OfStore(Redis, Pause), 5),
    fault("redis cut off", OfWay(Redis, Cut), 2),
    fault("redis refuses", OfWay(Redis, Refuse), 2),
    fault("redis slow", OfWay(Redis, Delay), 2),
    fault("redis half-closed", OfWay(Redis, HalfClose), 2),
    fault("redis answers lost", OfWay(Redis, LoseAnswers), 5),
    fault("redis unreachable", OfWay(Redis, Blackhole), 3),
    fault("spool disk full", FillDisk, 5),
    fault("syncs fail", FailSyncs, 5),
];

const fn fault(name: &'static str, deed: Deed, weight: usize) -> Fault {
    Fault { name, deed, weight }
}

/// Latency of a slow way, each direction.
const DELAY: Duration = Duration::from_millis(150);

/// The syncs of whatever writes files.
const SYNCS: Injection<'_> = Injection {
    calls: "fsync,fdatasync",
    action: "error=EIO",
};

/// Faults of one round: often one, sometimes several at once, each to another subject.
///
/// The queue and the spool are asked only while what comes before them is away, so it often is, too.
pub(super) fn draw(random: &mut Random, stage: &Stage) -> Vec<Fault> {
    let possible: Vec<Fault> = FAULTS
        .into_iter()
        .filter(|fault| fault.is_possible(stage))
        .collect();
    let one = |random: &mut Random, wanted: &dyn Fn(Subject) -> bool| {
        let wanted = |fault: &&Fault| wanted(fault.subject());
        let wanted: Vec<&Fault> = possible.iter().filter(wanted).collect();
        let weights: Vec<usize> = wanted.iter().map(|fault| fault.weight).collect();
        *wanted[random.weighted(&weights)]
    };
    let first = one(random, &|_| true);
    let mut drawn = vec![first];
    let beyond_postgres = [Subject::Store(Redis), Subject::Spool].contains(&first.subject());
    if beyond_postgres && random.percent(75) {
        drawn.push(one(random, &|subject| subject == Subject::Store(Postgres)));
        if first.subject() == Subject::Spool {
            drawn.push(one(random, &|subject| subject == Subject::Store(Redis)));
        }
    }
    while drawn.len() < 4 && random.percent(35) {
        let taken: Vec<Subject> = drawn.iter().map(Fault::subject).collect();
        drawn.push(one(random, &|subject| !taken.contains(&subject)));
    }
    // Nothing can be done to the spool of a process that is gone.
    drawn.sort_by_key(|fault| fault.subject() != Subject::Spool);
    drawn
}

impl Fault {
    fn subject(&self) -> Subject {
        match self.deed {
            OfServer(_) => Subject::Server,
            OfStore(store, _) | OfWay(store, _) => Subject::Store(store),
            FillDisk | FailSyncs => Subject::Spool,
        }
    }

    /// Whether this machine has what it takes.
    fn is_possible(&self, stage: &Stage) -> bool {
        match self.deed {
            FillDisk => stage.disk.is_ok(),
            FailSyncs => stage.strace.is_ok(),
            OfServer(_) | OfStore(..) | OfWay(..) => true,
        }
    }

    /// Does it. What is returned is to be let go of when it is to be undone.
    pub(super) async fn apply(&self, stage: &mut Stage) -> Result<Option<Attached>> {
        match self.deed {
            OfServer(Kill) => stage.service.kill()?,
            OfServer(Stop) => stage.service.terminate()?,
            OfServer(Pause) => stage.service.pause()?,
            OfStore(store, away) => block_in_place(|| take_away(stage, store, away))?,
            OfWay(store, trouble) => make_trouble(way(stage, store), trouble).await,
            FillDisk => {
                if let Ok(disk) = &stage.disk {
                    block_in_place(|| disk.fill())?;
                }
            }
            FailSyncs => return fail_syncs(stage),
        }
        Ok(None)
    }

    /// Undoes it.
    pub(super) async fn heal(&self, stage: &mut Stage) -> Result<()> {
        match self.deed {
            OfServer(Pause) => stage.service.resume()?,
            OfServer(Kill | Stop) => {
                block_in_place(|| stage.service.wait())?;
                stage.service.start()?;
            }
            OfStore(store, away) => block_in_place(|| give_back(stage, store, away))?,
            OfWay(store, trouble) => {
                if matches!(trouble, LoseAnswers | HalfClose) {
                    way(stage, store).cut();
                }
                way(stage, store).heal().await;
            }
            FillDisk => {
                if let Ok(disk) = &stage.disk {
                    disk.relieve()?;
                }
            }
            FailSyncs => {}
        }
        Ok(())
    }
}

fn take_away(stage: &mut Stage, store: Store, away: Away) -> Result<()> {
    let (postgres, redis) = (&mut stage.postgres, &mut stage.redis);
    match (store, away) {
        (Postgres, Kill) => postgres.kill(),
        (Postgres, Stop) => postgres.stop(),
        (Postgres, Pause) => postgres.pause(),
        (Redis, Kill) => redis.kill(),
        (Redis, Stop) => redis.stop(),
        (Redis, Pause) => redis.pause(),
    }
}

fn give_back(stage: &mut Stage, store: Store, away: Away) -> Result<()> {
    match (store, away) {
        (Postgres, Kill | Stop) => stage.postgres.launch(),
        (Postgres, Pause) => stage.postgres.resume(),
        (Redis, Kill | Stop) => stage.redis.launch(),
        (Redis, Pause) => stage.redis.resume(),
    }
}

fn way(stage: &Stage, store: Store) -> &ChaosProxy {
    match store {
        Postgres => &stage.postgres_way,
        Redis => &stage.redis_way,
    }
}

async fn make_trouble(way: &ChaosProxy, trouble: Trouble) {
    match trouble {
        Cut => way.cut(),
        Refuse => {
            way.refuse().await;
            way.cut();
        }
        Delay => {
            for direction in Direction::BOTH {
                way.delay(direction, DELAY);
            }
        }
        HalfClose => {
            for direction in Direction::BOTH {
                way.half_close(direction);
            }
        }
        LoseAnswers => way.withhold(Direction::ToClient),
        Blackhole => way.blackhole(),
    }
}

fn fail_syncs(stage: &Stage) -> Result<Option<Attached>> {
    let (Ok(strace), Some(pid)) = (&stage.strace, stage.service.pid()) else {
        return Ok(None);
    };
    let log = stage.directory.join("strace");
    let attaching = block_in_place(|| strace.attach(pid, &[SYNCS], &log));
    attaching.map(Some).context("cannot make syncs fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let names: std::collections::HashSet<_> = FAULTS.iter().map(|fault| fault.name).collect();
        assert_eq!(names.len(), FAULTS.len());
    }
}
