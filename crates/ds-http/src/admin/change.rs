//! Replaying and purging dead letters.

use std::sync::Arc;

use ds_dlq::{Backlog, BacklogError, DeadLetter, EntryId};
use ds_domain::event::EventOutcome;
use ds_ingest::port::Ports;
use ds_metrics::BacklogName;
use serde_json::json;

use super::{
    audit::{self, Inquiry},
    letter::{self, LetterId},
    token::authorize,
};
use crate::{Service, endpoint::Call, problem::Problem};

/// Longest reason that is repeated in a trace.
const REASON_CHARS_MAX: usize = 1_000;

/// What is done to a dead letter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    /// It waits for the store again.
    Replay,
    /// It is removed for good.
    Purge,
}

impl Change {
    const fn event_type(self) -> &'static str {
        match self {
            Self::Replay => "datastorage.dead_letter.replayed",
            Self::Purge => "datastorage.dead_letter.purged",
        }
    }

    const fn action(self) -> &'static str {
        match self {
            Self::Replay => "replayed",
            Self::Purge => "purged",
        }
    }

    async fn make<B: Backlog>(self, backlog: &B, id: &EntryId) -> Result<bool, BacklogError> {
        match self {
            Self::Replay => backlog.revive(id).await,
            Self::Purge => backlog.purge(id).await,
        }
    }
}

/// Does what `call` asks for with the dead letter it names.
pub(crate) async fn change<P: Ports>(
    service: &Arc<Service<P>>,
    call: &Call,
    change: Change,
) -> Result<LetterId, Problem> {
    authorize(&call.headers, &service.admin_token)?;
    let id = LetterId::parse(&call.path_parameter).ok_or_else(Problem::not_a_letter)?;
    match id.backlog {
        BacklogName::Queue => apply(service, call, change, &id, service.ingest.queue()).await,
        BacklogName::Spool => apply(service, call, change, &id, service.ingest.spool()).await,
        BacklogName::Notifications => {
            let queue = service.ingest.notification_queue();
            apply(service, call, change, &id, queue).await
        }
    }?;
    Ok(id)
}

/// The order is audited before it is carried out: without a trace nothing is changed. How it ended
/// is audited, too, but cannot be undone if that fails.
async fn apply<P: Ports, B: Backlog>(
    service: &Arc<Service<P>>,
    call: &Call,
    change: Change,
    id: &LetterId,
    backlog: Option<&B>,
) -> Result<(), Problem> {
    let missing = || Problem::no_letter(id);
    let backlog = backlog.ok_or_else(missing)?;
    let found = letter::find(backlog, &id.id).await;
    let letter = found.map_err(Problem::of_backlog)?.ok_or_else(missing)?;
    let mut inquiry = inquiry(change, id, &letter);
    audit::leave(service, &call.request_id, &inquiry)
        .await
        .map_err(Problem::unaudited)?;
    let changed = change.make(backlog, &id.id).await;
    inquiry.outcome = match &changed {
        Ok(true) => EventOutcome::Success,
        Ok(false) | Err(_) => EventOutcome::Failure,
    };
    audit::note(service, &call.request_id, &inquiry).await;
    match changed.map_err(Problem::of_backlog)? {
        true => Ok(()),
        false => Err(missing()),
    }
}

fn inquiry(change: Change, id: &LetterId, letter: &DeadLetter) -> Inquiry {
    // A payload may not hold NUL.
    let reason = letter.reason.chars().filter(|c| *c != '\0');
    let reason: String = reason.take(REASON_CHARS_MAX).collect();
    Inquiry {
        event_type: change.event_type(),
        action: change.action(),
        outcome: EventOutcome::Pending,
        resource_type: "dead_letter",
        resource_id: id.to_string(),
        data: json!({
            "event_id": letter.event_id,
            "notification_id": letter.notification_id,
            "reason": reason,
            "buried_at": letter.buried_at,
        }),
    }
}
