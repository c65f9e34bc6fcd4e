//! When a statement counts.

use crate::clock::Timestamp;
use crate::wedding::{Phase, PhaseSet, WeddingRole};

use super::evaluate::Question;
use super::holder::{Part, WEDDING};
use super::statement::Clause;
use super::vocabulary::{ArrivalSet, ConditionKind, Mark, Relation, RelationSet};

/// The conditions of a statement: all hold together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Condition {
    pub(super) phases: Clause<PhaseSet>,
    pub(super) from: Clause<Timestamp>,
    pub(super) until: Clause<Timestamp>,
    pub(super) arrival: Clause<ArrivalSet>,
    pub(super) assigned: Clause<bool>,
    pub(super) relations: Clause<RelationSet>,
    pub(super) outsider: Clause<bool>,
}

/// What is known of a condition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    /// There is none.
    Unset,
    Holds,
    Fails,
    /// What it asks for is not known, or it cannot be read.
    Unknown,
}

impl Answer {
    const fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }

    /// Whether a statement that gives does so as far as this condition goes.
    const fn lets_give(self) -> bool {
        matches!(self, Self::Unset | Self::Holds)
    }

    /// Whether a statement that takes does so: also if nobody can know that it does not.
    const fn lets_take(self) -> bool {
        !matches!(self, Self::Fails)
    }
}

impl Condition {
    pub(super) const NONE: Self = Self {
        phases: Clause::Any,
        from: Clause::Any,
        until: Clause::Any,
        arrival: Clause::Any,
        assigned: Clause::Any,
        relations: Clause::Any,
        outsider: Clause::Any,
    };

    /// Returns the conditions that are set, readable or not.
    pub(super) fn kinds(&self) -> impl Iterator<Item = ConditionKind> {
        ConditionKind::ALL
            .into_iter()
            .filter(|kind| self.is_set(*kind))
    }

    /// Returns those that keep a statement from counting; `takes` says whether it denies.
    pub(super) fn failing(&self, question: &Question<'_>, takes: bool) -> Vec<ConditionKind> {
        let fails = |kind: &ConditionKind| {
            let answer = self.answer(*kind, question);
            !(if takes {
                answer.lets_take()
            } else {
                answer.lets_give()
            })
        };
        ConditionKind::ALL.into_iter().filter(fails).collect()
    }

    /// Returns the first instant at which time alone may change an answer.
    pub(super) fn next(&self, question: &Question<'_>) -> Option<Timestamp> {
        let timed = ConditionKind::ALL.into_iter();
        timed
            .filter(|kind| self.is_timed(*kind))
            .filter_map(|kind| self.next_of(kind, question))
            .min()
    }

    fn is_set(&self, kind: ConditionKind) -> bool {
        const fn set<T>(clause: &Clause<T>) -> bool {
            !matches!(clause, Clause::Any)
        }
        match kind {
            ConditionKind::Phases => set(&self.phases),
            ConditionKind::From => set(&self.from),
            ConditionKind::Until => set(&self.until),
            ConditionKind::Arrival => set(&self.arrival),
            ConditionKind::Assigned => set(&self.assigned),
            ConditionKind::Relations => set(&self.relations),
            ConditionKind::Outsider => set(&self.outsider),
        }
    }

    fn is_timed(&self, kind: ConditionKind) -> bool {
        match kind {
            // Whose it is and to whom it is addressed does not change with time; for whom somebody works does.
            ConditionKind::Relations => self.relations.set().is_some_and(|relations| {
                relations.contains(Relation::Workspace) || relations.contains(Relation::Concerned)
            }),
            _ => self.is_set(kind),
        }
    }

    fn next_of(&self, kind: ConditionKind, question: &Question<'_>) -> Option<Timestamp> {
        let now = question.when.now;
        let ahead = |at: Option<&Timestamp>| at.copied().filter(|at| *at > now);
        match kind {
            ConditionKind::Phases => ahead(question.when.phase.until.as_ref()),
            ConditionKind::From => ahead(self.from.set()),
            ConditionKind::Until => ahead(self.until.set()),
            ConditionKind::Assigned if question.holder.is_everywhere() => None,
            ConditionKind::Assigned => {
                let wedding = question.object.wedding()?;
                let terms = question.holder.terms(WEDDING, wedding);
                terms.filter_map(|term| term.next(now)).min()
            }
            ConditionKind::Arrival | ConditionKind::Relations | ConditionKind::Outsider => {
                let parts = question.holder.parts_at(question.object.wedding());
                parts.filter_map(|part| part.term.next(now)).min()
            }
        }
    }

    fn answer(&self, kind: ConditionKind, question: &Question<'_>) -> Answer {
        let now = question.when.now;
        match kind {
            ConditionKind::Phases => ask(&self.phases, |phases| {
                phase(question).map_or(Answer::Unknown, |now| Answer::of(phases.contains(now)))
            }),
            ConditionKind::From => ask(&self.from, |from| Answer::of(*from <= now)),
            ConditionKind::Until => ask(&self.until, |until| Answer::of(now < *until)),
            ConditionKind::Arrival => ask(&self.arrival, |arrival| arrived(*arrival, question)),
            ConditionKind::Assigned => ask(&self.assigned, |assigned| {
                Answer::of(is_assigned(question) == *assigned)
            }),
            ConditionKind::Relations => ask(&self.relations, |relations| {
                Answer::of(relations.iter().any(|relation| stands(relation, question)))
            }),
            ConditionKind::Outsider => ask(&self.outsider, |outsider| {
                Answer::of(is_outsider(question) == *outsider)
            }),
        }
    }
}

fn ask<T>(clause: &Clause<T>, answer: impl FnOnce(&T) -> Answer) -> Answer {
    match clause {
        Clause::Any => Answer::Unset,
        Clause::Only(set) => answer(set),
        Clause::Unreadable => Answer::Unknown,
    }
}

/// The phase of the object's wedding; nothing if it has none, or if the phase that was given is over.
fn phase(question: &Question<'_>) -> Option<Phase> {
    question.object.wedding()?;
    let given = question.when.phase;
    let is_over = given.until.is_some_and(|until| until <= question.when.now);
    given.phase.filter(|_| !is_over)
}

/// One of the vendors that they work for will do. As long as of one of them nothing is heard, it is not known.
fn arrived(wanted: ArrivalSet, question: &Question<'_>) -> Answer {
    let states = || {
        let vendors = parts(question).filter(|part| part.role == WeddingRole::Vendor);
        vendors.map(|part| part.arrival)
    };
    if states().flatten().any(|state| wanted.contains(state)) {
        Answer::Holds
    } else if states().count() == 0 || states().any(|state| state.is_none()) {
        Answer::Unknown
    } else {
        Answer::Fails
    }
}

fn is_assigned(question: &Question<'_>) -> bool {
    let assigned = |wedding| {
        let mut terms = question.holder.terms(WEDDING, wedding);
        question.holder.is_everywhere() || terms.any(|term| term.holds(question.when.now))
    };
    question.object.wedding().is_some_and(assigned)
}

/// The couple is at home at its own wedding, also if it is on its own list of guests.
fn is_outsider(question: &Question<'_>) -> bool {
    let is_couple = |part: &Part| part.role == WeddingRole::Couple;
    question.holder.organization_role().is_none() && !parts(question).any(is_couple)
}

fn stands(relation: Relation, question: &Question<'_>) -> bool {
    let (holder, object) = (question.holder, question.object);
    match relation {
        Relation::Own => object.owner() == Some(holder.id()),
        Relation::Workspace => object.vendor().is_some_and(|vendor| {
            parts(question).any(|part| part.vendor.as_deref() == Some(vendor))
        }),
        Relation::Addressed => object.is_addressed_to(holder.id()),
        Relation::Concerned => {
            object.marks().contains(Mark::General)
                || object.is_addressed_to(holder.id())
                || parts(question).any(|part| part.vendor_types.meets(object.concerns()))
        }
    }
}

/// What they are at the object's wedding now.
fn parts<'a>(question: &Question<'a>) -> impl Iterator<Item = &'a Part> {
    let now = question.when.now;
    let parts = question.holder.parts_at(question.object.wedding());
    parts.filter(move |part| part.term.holds(now))
}
