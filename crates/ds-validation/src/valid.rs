//! The two stages of an event that passed every rule.

use ds_domain::event::{Event, Parent};
use jiff::civil::Date;
use uuid::Uuid;

use crate::{KindCheck, Screening};

/// A draft that passed every rule. Only [`validate`](crate::validate) makes one.
///
/// It has no identity yet when the sender gave none, and its parent is only a claim: what the
/// caller must add before it can be stored is what [`ValidEvent::identify`] asks for.
#[derive(Clone, Debug)]
pub struct ValidEvent {
    /// Complete but for `event_id` (nil when the sender gave none) and `parent`.
    pub(crate) event: Event,
    pub(crate) event_id: Option<Uuid>,
    pub(crate) parent_event_id: Option<Uuid>,
    pub(crate) parent_event_date: Option<Date>,
    pub(crate) kind: KindCheck,
    pub(crate) screening: Screening,
}

impl ValidEvent {
    /// The id the sender chose.
    pub fn sender_event_id(&self) -> Option<Uuid> {
        self.event_id
    }

    /// The parent the sender names, which must be looked up.
    pub fn parent_event_id(&self) -> Option<Uuid> {
        self.parent_event_id
    }

    /// The day the sender says the parent is stored under.
    pub fn parent_event_date(&self) -> Option<Date> {
        self.parent_event_date
    }

    /// How it compares with other events of its type.
    pub fn kind(&self) -> &KindCheck {
        &self.kind
    }

    /// The UTC day of the event.
    pub fn event_date(&self) -> Date {
        self.event.event_date()
    }

    /// What ties the events of one remediation together.
    pub fn correlation_id(&self) -> &str {
        &self.event.correlation_id
    }

    /// What was found in its texts, and taken out of them.
    pub fn screening(&self) -> &Screening {
        &self.screening
    }

    /// Gives the event its identity and its parent: an event that can be appended.
    ///
    /// `new_id` is asked only when the sender chose no id.
    pub fn identify(self, new_id: impl FnOnce() -> Uuid, parent: Option<Parent>) -> NewEvent {
        let event_id = self.event_id.unwrap_or_else(new_id);
        NewEvent {
            event: Event {
                event_id,
                parent,
                ..self.event
            },
            sender_chose_id: self.event_id.is_some(),
        }
    }
}

/// An event that is ready to be appended: valid, identified, its parent known to exist.
#[derive(Clone, Debug)]
pub struct NewEvent {
    event: Event,
    sender_chose_id: bool,
}

impl NewEvent {
    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The same event, its id known to be one that the service assigned.
    #[must_use]
    pub fn with_assigned_id(self) -> Self {
        Self {
            sender_chose_id: false,
            ..self
        }
    }

    /// The same event with the parent it claims, which was found.
    #[must_use]
    pub fn with_parent(self, parent: Parent) -> Self {
        let parent = Some(parent);
        Self {
            event: Event {
                parent,
                ..self.event
            },
            ..self
        }
    }

    /// Whether the id came from the sender, so that it may be there already, under any date.
    pub fn sender_chose_id(&self) -> bool {
        self.sender_chose_id
    }
}
