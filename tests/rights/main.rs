//! General authorization: the tables of the roles, personal rights, conditions, what cannot be read, and the laws.

mod actions;
mod conditions;
mod laws;
mod malformed;
mod personal;
mod tables;
mod words;

use garland::Timestamp;
use garland::permission::Decision;
use garland::permission::rights::{Holder, Object, ObjectKind, Part, Rights, Term, Verb, When};
use garland::wedding::{OrganizationRole, WeddingRole};

/// An instant of the day before the wedding.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);

pub(crate) fn now() -> When {
    When::at(NOW)
}

/// Somebody of the studio.
pub(crate) fn member(role: OrganizationRole) -> Holder {
    Holder::new("m", "studio").with_organization_role(role)
}

/// Somebody of the studio who is assigned to the wedding.
pub(crate) fn assigned(role: OrganizationRole) -> Holder {
    member(role).assigned_to_wedding("w", Term::always())
}

/// Somebody at the wedding, from outside the studio.
pub(crate) fn person(role: WeddingRole) -> Holder {
    Holder::new("m", "studio").with_part(Part::new("w", role))
}

/// A thing of the wedding.
pub(crate) fn thing(kind: ObjectKind) -> Object {
    Object::new(kind, "o", "studio").of_wedding("w")
}

/// What the default tables say.
pub(crate) fn by_default(holder: &Holder, verb: Verb, object: &Object) -> Decision {
    Rights::new("studio").decide(holder, verb, object, &now())
}

pub(crate) fn may(holder: &Holder, verb: Verb, object: &Object) -> bool {
    by_default(holder, verb, object).allow
}

pub(crate) fn codes(decision: &Decision) -> Vec<&str> {
    let reasons = decision.reasons.iter();
    reasons.map(|reason| reason.code.as_ref()).collect()
}
