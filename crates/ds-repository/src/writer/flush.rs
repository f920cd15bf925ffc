//! The groups of one flush, and what became of each.

use ds_domain::{event::Event, month::Month};
use ds_validation::NewEvent;
use uuid::Uuid;

use crate::{
    Appended,
    error::{AppendError, Cause},
};

/// What is said about a group.
pub(super) type Answer = Result<Vec<Appended>, AppendError>;

/// One event of one group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'g> {
    /// Which group.
    pub(super) group: usize,
    /// Which event of it.
    pub(super) position: usize,
    pub(super) new: &'g NewEvent,
}

impl<'g> Row<'g> {
    pub(super) fn id(self) -> Uuid {
        self.new.event().event_id
    }

    pub(super) fn event(self) -> &'g Event {
        self.new.event()
    }

    pub(super) fn month(self) -> Month {
        Month::of(self.new.event().event_date())
    }
}

/// The groups and their answers, as far as there are any.
pub(super) struct Flush<'g> {
    groups: &'g [&'g [NewEvent]],
    answers: Vec<Option<Answer>>,
}

impl<'g> Flush<'g> {
    pub(super) fn new(groups: &'g [&'g [NewEvent]]) -> Self {
        let answer = |group: &&[NewEvent]| group.is_empty().then(|| Ok(Vec::new()));
        Self {
            groups,
            answers: groups.iter().map(answer).collect(),
        }
    }

    /// The groups that have no answer yet.
    pub(super) fn open(&self) -> Vec<usize> {
        let open = self.answers.iter().enumerate();
        open.filter(|(_, answer)| answer.is_none())
            .map(|(group, _)| group)
            .collect()
    }

    pub(super) fn is_done(&self) -> bool {
        self.answers.iter().all(Option::is_some)
    }

    /// Rows of the largest group that has no answer yet.
    pub(super) fn largest(&self) -> usize {
        let open = self.groups.iter().zip(&self.answers);
        open.filter(|(_, answer)| answer.is_none())
            .map(|(group, _)| group.len())
            .max()
            .unwrap_or(0)
    }

    pub(super) fn group(&self, group: usize) -> &'g [NewEvent] {
        self.groups.get(group).copied().unwrap_or_default()
    }

    /// The rows of those of `groups` that have no answer yet, in order.
    pub(super) fn rows(&self, groups: &[usize]) -> Vec<Row<'g>> {
        let mut rows = Vec::with_capacity(groups.len());
        for group in groups.iter().copied().filter(|group| self.is_open(*group)) {
            let events = self.group(group).iter().enumerate();
            rows.extend(events.map(|(position, new)| Row {
                group,
                position,
                new,
            }));
        }
        rows
    }

    /// The month of the events of a group, if it is one.
    pub(super) fn month_of(&self, group: usize) -> Option<Month> {
        let mut months = self.group(group).iter().map(|new| {
            let date = new.event().event_date();
            Month::of(date)
        });
        let first = months.next()?;
        months.all(|month| month == first).then_some(first)
    }

    pub(super) fn has_chosen_ids(&self, group: usize) -> bool {
        self.group(group).iter().any(NewEvent::sender_chose_id)
    }

    pub(super) fn is_open(&self, group: usize) -> bool {
        matches!(self.answers.get(group), Some(None))
    }

    /// Answers a group, unless it was answered before.
    pub(super) fn answer(&mut self, group: usize, answer: Answer) {
        if let Some(slot @ None) = self.answers.get_mut(group) {
            *slot = Some(answer);
        }
    }

    /// Answers that all of the group was stored now, but for the rows in `known`, which were before.
    pub(super) fn stored(&mut self, group: usize, known: &[Row<'_>]) {
        let mut appended = vec![Appended::Now; self.group(group).len()];
        for row in known.iter().filter(|row| row.group == group) {
            if let Some(appended) = appended.get_mut(row.position) {
                *appended = Appended::Before;
            }
        }
        self.answer(group, Ok(appended));
    }

    /// Gives one error to all of `groups` that have no answer yet.
    pub(super) fn fail(&mut self, groups: &[usize], error: &AppendError) {
        for group in groups {
            if self.is_open(*group) {
                self.answer(*group, Err(error.clone()));
            }
        }
    }

    /// Gives one error to all groups that have no answer yet.
    pub(super) fn fail_rest(&mut self, error: &AppendError) {
        self.fail(&self.open(), error);
    }

    pub(super) fn into_answers(self) -> Vec<Answer> {
        let forgotten = || Cause::Impossible {
            statement: "append",
            what: "a group has no answer",
        };
        let answers = self.answers.into_iter();
        answers
            .map(|answer| answer.unwrap_or_else(|| Err(forgotten().into())))
            .collect()
    }
}
