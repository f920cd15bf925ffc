//! The two stages of an event that passed every rule.

use ds_domain::event::{Event, Parent};
use jiff::civil::Date;
use uuid::Uuid;

use crate::{KindCheck, Screening, TraceContext};

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
    pub(crate) trace_is_propagated: bool,
}

impl ValidEvent {
    /// What would be stored, secrets taken out: complete but for its id, which is nil unless the
    /// sender chose one, and its parent.
    pub fn event(&self) -> &Event {
        &self.event
    }

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

    /// The event as a part of the trace of the request that brought it. What the sender wrote into
    /// the event itself stays, and no span is put into a trace that it does not belong to.
    #[must_use]
    pub fn in_trace(mut self, context: TraceContext) -> Self {
        let event = &mut self.event;
        let trace_id = context.trace_id();
        let is_same = |own: &String| own.eq_ignore_ascii_case(&trace_id);
        let is_ours = event.trace_id.as_ref().is_none_or(is_same);
        if is_ours && event.span_id.is_none() {
            event.span_id = Some(context.span_id());
            self.trace_is_propagated = true;
        }
        if event.trace_id.is_none() {
            event.trace_id = Some(trace_id);
            self.trace_is_propagated = true;
        }
        self
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
            trace_is_propagated: self.trace_is_propagated,
        }
    }
}

/// An event that is ready to be appended: valid, identified, its parent known to exist.
#[derive(Clone, Debug)]
pub struct NewEvent {
    event: Event,
    sender_chose_id: bool,
    trace_is_propagated: bool,
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

    /// The same event, its trace known to be the one of the request that brought it.
    #[must_use]
    pub fn with_propagated_trace(self) -> Self {
        Self {
            trace_is_propagated: true,
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

    /// Whether its trace, or its span, is the one of the request that brought it. It may differ each
    /// time the event is sent, so it does not tell one event from another.
    pub fn trace_is_propagated(&self) -> bool {
        self.trace_is_propagated
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, TraceContext, parse_event};

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[track_caller]
    fn check(members: &str, trace_id: &str, span_id: Option<&str>, is_propagated: bool) {
        let body = format!(
            r#"{{{members}"version":"1","event_type":"t","event_timestamp":"2026-11-21T10:00:00Z",
                "event_category":"gateway","event_action":"a","event_outcome":"success",
                "correlation_id":"c","event_data":{{}}}}"#
        );
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        let event = parse_event(body.as_bytes(), now, &Limits::default()).unwrap();
        let context = TraceContext::from_traceparent(&format!("00-{TRACE}-{SPAN}-00")).unwrap();
        let new = event.in_trace(context).identify(uuid::Uuid::nil, None);
        let event = new.event();
        let ids = (event.trace_id.as_deref(), event.span_id.as_deref());
        assert_eq!(ids, (Some(trace_id), span_id), "{members}");
        assert_eq!(new.trace_is_propagated(), is_propagated, "{members}");
    }

    #[test]
    fn the_trace_of_the_request_fills_what_the_event_does_not_say() {
        check("", TRACE, Some(SPAN), true);
        check(r#""trace_id":"","span_id":null,"#, TRACE, Some(SPAN), true);
        check(r#""span_id":"s","#, TRACE, Some("s"), true);
        let same = format!(r#""trace_id":"{TRACE}","#);
        check(&same, TRACE, Some(SPAN), true);
    }

    #[test]
    fn what_the_event_says_itself_stays() {
        check(r#""trace_id":"t","#, "t", None, false);
        check(r#""trace_id":"t","span_id":"s","#, "t", Some("s"), false);
    }
}
