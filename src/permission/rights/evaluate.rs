//! The rules of one organization, and what they say.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::permission::resolver::{Decision, Reason};
use crate::wedding::{OrganizationRole, PhaseAt, WeddingRole};

use super::defaults;
use super::explanation::{Considered, Explanation, Outcome, conclude};
use super::holder::Holder;
use super::object::Object;
use super::personal::{is_personal, may_be_given};
use super::statement::{Effect, Statement, Subject};
use super::vocabulary::Verb;

/// When a decision is taken: one instant for all of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct When {
    /// The instant.
    pub now: Timestamp,
    /// The phase of the object's wedding at that instant, and how long it lasts; see [`phase_at`](crate::wedding::phase_at).
    /// One that is over counts as not known.
    pub phase: PhaseAt,
}

impl When {
    /// Makes the instant `now`, of no known phase.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self {
            now,
            phase: PhaseAt {
                phase: None,
                until: None,
            },
        }
    }

    /// Sets the phase of the object's wedding.
    #[must_use]
    pub const fn with_phase(mut self, phase: PhaseAt) -> Self {
        self.phase = phase;
        self
    }
}

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) holder: &'a Holder,
    pub(super) verb: Verb,
    pub(super) object: &'a Object,
    pub(super) when: &'a When,
}

/// The statements of one organization beside the default tables, ready to be asked. Cheap to clone; never changes.
#[derive(Clone, Debug)]
pub struct Rights(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    organization: Arc<str>,
    /// Ordered by id, so that the order in which they came makes no difference.
    statements: Vec<Statement>,
    /// For each verb, in the order of [`Verb::ALL`], those that could be about it.
    by_verb: [Vec<usize>; Verb::ALL.len()],
}

impl Rights {
    /// Makes the rights of an organization that has no statements of its own: the default tables.
    #[must_use]
    pub fn new(organization: impl Into<Arc<str>>) -> Self {
        Self::with_statements(organization, [])
    }

    /// Makes the rights of an organization: the default tables and its own statements, in any order.
    #[must_use]
    pub fn with_statements(
        organization: impl Into<Arc<str>>,
        own: impl IntoIterator<Item = Statement>,
    ) -> Self {
        Self::only(organization, defaults::statements().chain(own))
    }

    /// Makes the rights of an organization that does without the default tables: nothing is allowed but by these
    /// statements.
    #[must_use]
    pub fn only(
        organization: impl Into<Arc<str>>,
        statements: impl IntoIterator<Item = Statement>,
    ) -> Self {
        let mut statements: Vec<_> = statements.into_iter().collect();
        // Two of one id stand in the order of what they say.
        statements.sort_by(|a, b| {
            let said = |one: &Statement| format!("{one:?}");
            a.id.cmp(&b.id).then_with(|| said(a).cmp(&said(b)))
        });
        let about = |verb: Verb| {
            let all = statements.iter().enumerate();
            let about = all.filter(|(_, one)| one.verbs.could(|verbs| verbs.contains(verb)));
            about.map(|(at, _)| at).collect()
        };
        let by_verb = Verb::ALL.map(about);
        Self(Arc::new(Compiled {
            organization: organization.into(),
            statements,
            by_verb,
        }))
    }

    /// Returns the organization.
    #[must_use]
    pub fn organization(&self) -> &str {
        &self.0.organization
    }

    /// Returns all statements, those of the default tables too, ordered by id.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.0.statements
    }

    /// Decides whether `holder` may do `verb` to `object`.
    ///
    /// The codes of the reasons:
    ///
    /// | code | meaning |
    /// |---|---|
    /// | `allowed` | the statement allows it, and nothing denies it |
    /// | `denied` | the statement denies it |
    /// | `denied_malformed` | the statement denies it and cannot be read in part |
    /// | `condition_failed` | the statement would allow it, but a condition does not hold or cannot be known |
    /// | `malformed_statement` | the statement would allow it, but cannot be read in part |
    /// | `personal_right` | only the person concerned may |
    /// | `no_statement` | nothing allows it |
    /// | `organization_mismatch` | the holder or the object is of another organization |
    #[must_use]
    pub fn decide(&self, holder: &Holder, verb: Verb, object: &Object, when: &When) -> Decision {
        let question = Question {
            holder,
            verb,
            object,
            when,
        };
        if let Some(mismatch) = self.mismatch(&question) {
            return mismatch;
        }
        let about = self.0.by_verb.get(verb as usize).into_iter().flatten();
        let considered: Vec<_> = about
            .filter_map(|at| self.0.statements.get(*at))
            .filter_map(|statement| {
                let (outcome, next) = outcome(statement, &question);
                let is_elsewhere = matches!(outcome, Outcome::OtherObject | Outcome::OtherSubject);
                let counts = !is_elsewhere || next.is_some();
                counts.then(|| considered(statement, outcome, next))
            })
            .collect();
        conclude(&considered, verb, is_personal(&question))
    }

    /// Decides as [`Rights::decide`], and tells what became of every statement.
    #[must_use]
    pub fn explain(
        &self,
        holder: &Holder,
        verb: Verb,
        object: &Object,
        when: &When,
    ) -> Explanation {
        let question = Question {
            holder,
            verb,
            object,
            when,
        };
        if let Some(decision) = self.mismatch(&question) {
            return Explanation {
                decision,
                considered: Vec::new(),
            };
        }
        let all = self.0.statements.iter().map(|statement| {
            let (outcome, next) = outcome(statement, &question);
            considered(statement, outcome, next)
        });
        let considered: Vec<_> = all.collect();
        Explanation {
            decision: conclude(&considered, verb, is_personal(&question)),
            considered,
        }
    }

    /// What is of another organization is not there: nothing of ours is looked at, nor told.
    fn mismatch(&self, question: &Question<'_>) -> Option<Decision> {
        let ours = self.organization();
        let is_ours =
            question.holder.organization() == ours && question.object.organization() == ours;
        (!is_ours).then(foreign)
    }
}

/// The answer to whatever crosses organizations: it tells nothing of either.
pub(super) fn foreign() -> Decision {
    let text = "the question is not about this organization";
    Decision::deny(Reason::new("organization_mismatch", text))
}

fn considered(statement: &Statement, outcome: Outcome, next: Option<Timestamp>) -> Considered {
    Considered {
        statement: Arc::clone(&statement.id),
        effect: statement.effect,
        outcome,
        conditions: statement.conditions().collect(),
        faults: statement.faults.clone(),
        next,
    }
}

/// What becomes of a statement, and when time alone may change that.
fn outcome(statement: &Statement, question: &Question<'_>) -> (Outcome, Option<Timestamp>) {
    if !statement.verbs.could(|verbs| verbs.contains(question.verb)) {
        return (Outcome::OtherVerb, None);
    }
    if !is_about(statement, question.object) {
        return (Outcome::OtherObject, None);
    }
    let takes = statement.effect == Effect::Deny;
    let part = statement
        .subject
        .set()
        .and_then(|subject| next_of_subject(subject, question));
    // What can only come to count with a part that begins later is no part of the answer until then.
    if !statement
        .subject
        .could(|subject| is_subject(subject, takes, question))
    {
        return (Outcome::OtherSubject, part);
    }
    if !takes && !statement.faults.is_empty() {
        return (Outcome::Malformed, part);
    }
    let personal = is_personal(question).then(|| next_of_parts(question, |_| true));
    let next = [part, personal.flatten(), statement.condition.next(question)];
    let next = next.into_iter().flatten().min();
    if !takes && !may_be_given(statement, question) {
        return (Outcome::Personal, next);
    }
    match statement.condition.failing(question, takes) {
        failing if failing.is_empty() => (Outcome::Apply, next),
        failing => (Outcome::Fail(failing), next),
    }
}

fn is_about(statement: &Statement, object: &Object) -> bool {
    let selector = &statement.object;
    selector.kinds.could(|kinds| kinds.contains(object.kind()))
        && selector.ids.could(|ids| ids.contains(object.id()))
        && selector.weddings.could(|weddings| {
            object
                .wedding()
                .is_some_and(|wedding| weddings.contains(wedding))
        })
        && selector
            .with
            .could(|marks| marks.iter().all(|mark| object.marks().contains(mark)))
        && selector.without.could(|marks| !marks.meets(object.marks()))
}

fn is_subject(subject: &Subject, takes: bool, question: &Question<'_>) -> bool {
    let holder = question.holder;
    let mut parts = holder
        .parts_at(question.object.wedding())
        .filter(|part| part.term.holds(question.when.now));
    match subject {
        Subject::Anyone => true,
        Subject::Member(id) => **id == *holder.id(),
        Subject::OrganizationRole(role) if takes => holder.organization_role() == Some(*role),
        Subject::OrganizationRole(role) => holder
            .organization_role()
            .is_some_and(|own| inherits(own, *role)),
        Subject::WeddingRole(role) => parts.any(|part| part.role == *role),
        Subject::VendorType(kind) => {
            parts.any(|part| part.role == WeddingRole::Vendor && part.vendor_types.contains(*kind))
        }
    }
}

/// Whether `own` has what is allowed to `role`: owner ⊃ admin ⊃ coordinator ⊃ photographer ⊃ assistant ⊃ viewer (D-ROL-1).
/// The editor stands beside that line, above the viewer; owner and admin, who may nearly everything, have the editor's too.
pub(super) const fn inherits(own: OrganizationRole, role: OrganizationRole) -> bool {
    use OrganizationRole as R;
    match role {
        R::Editor => matches!(own, R::Owner | R::Admin | R::Editor),
        R::Assistant if matches!(own, R::Editor) => false,
        // The table of roles has the strongest first.
        _ => own as u8 <= role as u8,
    }
}

fn next_of_subject(subject: &Subject, question: &Question<'_>) -> Option<Timestamp> {
    match subject {
        Subject::WeddingRole(role) => next_of_parts(question, |part| part.role == *role),
        Subject::VendorType(kind) => {
            next_of_parts(question, |part| part.vendor_types.contains(*kind))
        }
        Subject::Anyone | Subject::Member(_) | Subject::OrganizationRole(_) => None,
    }
}

fn next_of_parts(
    question: &Question<'_>,
    which: impl Fn(&super::Part) -> bool,
) -> Option<Timestamp> {
    let parts = question.holder.parts_at(question.object.wedding());
    parts
        .filter(|part| which(part))
        .filter_map(|part| part.term.next(question.when.now))
        .min()
}
