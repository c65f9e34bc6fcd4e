//! Why a decision came out as it did.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::permission::resolver::{Decision, Reason};

use super::statement::Effect;
use super::vocabulary::{ConditionKind, Verb};

/// A decision, and every statement that was considered for it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// Exactly what [`Rights::decide`](super::Rights::decide) says.
    pub decision: Decision,
    /// All statements of the organization and of the default tables, ordered by id. None if the question crosses
    /// organizations.
    pub considered: Vec<Considered>,
}

/// What became of one statement.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Considered {
    /// Which one.
    pub statement: Arc<str>,
    /// Whether it gives or takes.
    pub effect: Effect,
    /// What became of it.
    pub outcome: Outcome,
    /// The conditions that it sets.
    pub conditions: Vec<ConditionKind>,
    /// The parts of it that could not be read.
    pub faults: Vec<&'static str>,
    /// The first instant at which time alone may change what becomes of it.
    pub next: Option<Timestamp>,
}

/// What became of a statement.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It counts.
    Apply,
    /// It is about other verbs.
    OtherVerb,
    /// It is about other objects.
    OtherObject,
    /// It is about somebody else.
    OtherSubject,
    /// It would allow, but part of it cannot be read.
    Malformed,
    /// It would allow what only the person concerned may.
    Personal,
    /// These conditions do not hold.
    Fail(Vec<ConditionKind>),
}

impl Outcome {
    /// Returns the stable code, in snake case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Apply => "applies",
            Self::OtherVerb => "other_verb",
            Self::OtherObject => "other_object",
            Self::OtherSubject => "other_subject",
            Self::Malformed => "malformed_statement",
            Self::Personal => "personal_right",
            Self::Fail(_) => "condition_failed",
        }
    }
}

/// Decides by what became of the statements, in their order: a denial that counts, else an allow that counts, else no.
pub(super) fn conclude(considered: &[Considered], verb: Verb, is_personal: bool) -> Decision {
    let of = |effect: Effect, outcome: fn(&Outcome) -> bool| {
        considered
            .iter()
            .filter(move |one| one.effect == effect && outcome(&one.outcome))
    };
    let applies = |outcome: &Outcome| matches!(outcome, Outcome::Apply);
    let mut reasons: Vec<Reason> = of(Effect::Deny, applies)
        .map(|one| one.denies(verb))
        .collect();
    let mut allow = false;
    if reasons.is_empty() {
        reasons = of(Effect::Allow, applies)
            .map(|one| one.allows(verb))
            .collect();
        allow = !reasons.is_empty();
    }
    if reasons.is_empty() {
        if is_personal {
            let text = format!("`{verb}` of this is for the person concerned alone");
            reasons.push(Reason::new("personal_right", text));
        }
        reasons.extend(of(Effect::Allow, |_| true).filter_map(|one| one.falls_short(verb)));
    }
    if reasons.is_empty() {
        let text = format!("no statement allows `{verb}`");
        reasons.push(Reason::new("no_statement", text));
    }
    Decision {
        allow,
        reasons,
        valid_until: considered.iter().filter_map(|one| one.next).min(),
    }
}

impl Considered {
    fn allows(&self, verb: Verb) -> Reason {
        let text = format!("{} allows `{verb}`{}", self.name(), self.terms());
        Reason::new("allowed", text)
    }

    fn denies(&self, verb: Verb) -> Reason {
        let text = format!("{} denies `{verb}`{}", self.name(), self.terms());
        if self.faults.is_empty() {
            Reason::new("denied", text)
        } else {
            let faults = self.faults.join("`, `");
            Reason::new(
                "denied_malformed",
                format!("{text}; it cannot be read at `{faults}`"),
            )
        }
    }

    fn falls_short(&self, verb: Verb) -> Option<Reason> {
        let (name, code) = (self.name(), self.outcome.code());
        let text = match &self.outcome {
            Outcome::Fail(conditions) => {
                format!(
                    "{name} would allow `{verb}` but for its {}",
                    told(conditions)
                )
            }
            Outcome::Malformed => {
                let faults = self.faults.join("`, `");
                format!("{name} gives nothing: it cannot be read at `{faults}`")
            }
            Outcome::Personal => format!("{name} cannot give what is personal"),
            _ => return None,
        };
        Some(Reason::new(code, text))
    }

    fn name(&self) -> String {
        format!("statement `{}`", self.statement.escape_debug())
    }

    fn terms(&self) -> String {
        if self.conditions.is_empty() {
            String::new()
        } else {
            format!(" by its {}", told(&self.conditions))
        }
    }
}

fn told(conditions: &[ConditionKind]) -> String {
    let names: Vec<_> = conditions.iter().map(|kind| format!("`{kind}`")).collect();
    names.join(", ")
}
