//! Who may, or may not, do what to which objects, and when.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::wedding::{OrganizationRole, PhaseSet, VendorType, WeddingRole, word::words};

use super::super::table::Keyed;
use super::condition::Condition;
use super::vocabulary::{ArrivalSet, ConditionKind, MarkSet, ObjectKindSet, RelationSet, VerbSet};

words! {
    /// Whether a statement gives or takes.
    Effect, "effect":
    /// Gives, unless something denies.
    Allow = "allow",
    /// Denies, whatever allows.
    Deny = "deny",
}

/// Whom a statement is about.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Subject {
    /// Everybody whom the organization knows.
    Anyone,
    /// One person, by the host's id.
    Member(Arc<str>),
    /// Whoever has the role in the organization. What it allows is inherited by the roles above it, but for
    /// [personal rights](VerbSet::PERSONAL); what it denies is denied to exactly this role.
    OrganizationRole(OrganizationRole),
    /// Whoever has the role at the wedding of the object.
    WeddingRole(WeddingRole),
    /// Whoever does that as a vendor at the wedding of the object. The rights of several types add up, and so do the
    /// denials.
    VendorType(VendorType),
}

/// A part of a statement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Clause<T> {
    /// It sets no limit.
    Any,
    /// This.
    Only(T),
    /// Something that is not understood.
    Unreadable,
}

impl<T> Clause<T> {
    /// Whether `matches` says so of what is set; what sets no limit or cannot be read is taken to.
    pub(super) fn could(&self, matches: impl FnOnce(&T) -> bool) -> bool {
        match self {
            Self::Any | Self::Unreadable => true,
            Self::Only(set) => matches(set),
        }
    }

    /// Returns what is set.
    pub(super) const fn set(&self) -> Option<&T> {
        match self {
            Self::Only(set) => Some(set),
            Self::Any | Self::Unreadable => None,
        }
    }
}

/// Which objects a statement is about: all limits hold together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Selector {
    pub(super) kinds: Clause<ObjectKindSet>,
    pub(super) ids: Clause<BTreeSet<Arc<str>>>,
    pub(super) weddings: Clause<BTreeSet<Arc<str>>>,
    /// All of these marks.
    pub(super) with: Clause<MarkSet>,
    /// None of these marks.
    pub(super) without: Clause<MarkSet>,
}

impl Selector {
    pub(super) const ANY: Self = Self {
        kinds: Clause::Any,
        ids: Clause::Any,
        weddings: Clause::Any,
        with: Clause::Any,
        without: Clause::Any,
    };
}

/// One line of an organization's rules: a subject, verbs, objects and a condition, which all have to match (D-ROL-2).
///
/// Made here for one that is right by construction, or [read](Statement::read) from a record.
///
/// # Example
///
/// ```
/// use garland::permission::rights::{Effect, ObjectKind, Statement, Subject, Verb};
/// use garland::wedding::VendorType;
///
/// let band = Statement::new(
///     "band-hands-in",
///     Effect::Allow,
///     Subject::VendorType(VendorType::Band),
///     &[Verb::Upload],
/// )
/// .on_kinds(&[ObjectKind::File])
/// .in_weddings(["w1"]);
/// assert_eq!(Statement::read(&band.to_value()), band);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement {
    pub(super) id: Arc<str>,
    pub(super) effect: Effect,
    pub(super) subject: Clause<Subject>,
    pub(super) verbs: Clause<VerbSet>,
    pub(super) object: Selector,
    pub(super) condition: Condition,
    /// Names of the parts that could not be read, sorted.
    pub(super) faults: Vec<&'static str>,
}

impl Statement {
    /// Makes a statement about every object, without a condition.
    #[must_use]
    pub fn new(
        id: impl Into<Arc<str>>,
        effect: Effect,
        subject: Subject,
        verbs: &[super::Verb],
    ) -> Self {
        Self {
            id: id.into(),
            effect,
            subject: Clause::Only(subject),
            verbs: Clause::Only(VerbSet::of(verbs)),
            object: Selector::ANY,
            condition: Condition::NONE,
            faults: Vec::new(),
        }
    }

    /// Limits it to objects of these kinds.
    #[must_use]
    pub fn on_kinds(mut self, kinds: &[super::ObjectKind]) -> Self {
        self.object.kinds = Clause::Only(ObjectKindSet::of(kinds));
        self
    }

    /// Limits it to these objects.
    #[must_use]
    pub fn on_objects<T: Into<Arc<str>>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.object.ids = Clause::Only(ids.into_iter().map(Into::into).collect());
        self
    }

    /// Limits it to objects of these weddings.
    #[must_use]
    pub fn in_weddings<T: Into<Arc<str>>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.object.weddings = Clause::Only(ids.into_iter().map(Into::into).collect());
        self
    }

    /// Limits it to objects that have all of these marks.
    #[must_use]
    pub fn with_marks(mut self, marks: &[super::Mark]) -> Self {
        self.object.with = Clause::Only(MarkSet::of(marks));
        self
    }

    /// Limits it to objects that have none of these marks.
    #[must_use]
    pub fn without_marks(mut self, marks: &[super::Mark]) -> Self {
        self.object.without = Clause::Only(MarkSet::of(marks));
        self
    }

    /// Binds it to phases of the object's wedding.
    #[must_use]
    pub const fn in_phases(mut self, phases: PhaseSet) -> Self {
        self.condition.phases = Clause::Only(phases);
        self
    }

    /// Binds it to the time from `from` on.
    #[must_use]
    pub const fn from(mut self, from: Timestamp) -> Self {
        self.condition.from = Clause::Only(from);
        self
    }

    /// Binds it to the time before `until`.
    #[must_use]
    pub const fn until(mut self, until: Timestamp) -> Self {
        self.condition.until = Clause::Only(until);
        self
    }

    /// Binds it to how far the vendor has come on the day.
    #[must_use]
    pub const fn on_arrival(mut self, arrival: ArrivalSet) -> Self {
        self.condition.arrival = Clause::Only(arrival);
        self
    }

    /// Binds it to being assigned to the object's wedding, or to not being so. Owner, admin and coordinator are assigned to
    /// every wedding of their organization.
    #[must_use]
    pub const fn if_assigned(mut self, assigned: bool) -> Self {
        self.condition.assigned = Clause::Only(assigned);
        self
    }

    /// Binds it to standing to the object in one of these ways.
    #[must_use]
    pub const fn if_related(mut self, relations: RelationSet) -> Self {
        self.condition.relations = Clause::Only(relations);
        self
    }

    /// Binds it to being an outsider, or to not being one: an outsider has no role in the organization and is not of the couple at
    /// the object's wedding.
    #[must_use]
    pub const fn if_outsider(mut self, outsider: bool) -> Self {
        self.condition.outsider = Clause::Only(outsider);
        self
    }

    /// Returns the id, by which reasons name it; empty if it could not be read.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns whether it gives or takes.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// Returns the names of the parts that could not be read, sorted: `verbs`, `object.kinds`. Empty if it is well formed.
    #[must_use]
    pub fn faults(&self) -> &[&'static str] {
        &self.faults
    }

    /// Returns the conditions that it sets.
    pub fn conditions(&self) -> impl Iterator<Item = ConditionKind> {
        self.condition.kinds()
    }
}

impl Keyed for Statement {
    fn key(&self) -> &Arc<str> {
        &self.id
    }
}
