//! Whom a decision is about, as the host knows them.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::wedding::{OrganizationRole, VendorType, VendorTypeSet, WeddingRole};

use super::vocabulary::Arrival;

/// From when to when something holds: from its beginning, and before its end. Milliseconds count.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Term {
    /// Since when; always, if there is none.
    pub from: Option<Timestamp>,
    /// The first instant at which it no longer holds; never, if there is none.
    pub until: Option<Timestamp>,
}

impl Term {
    /// Returns the term without beginning and end.
    #[must_use]
    pub const fn always() -> Self {
        Self {
            from: None,
            until: None,
        }
    }

    /// Sets since when.
    #[must_use]
    pub const fn from(mut self, from: Timestamp) -> Self {
        self.from = Some(from);
        self
    }

    /// Sets the first instant at which it no longer holds.
    #[must_use]
    pub const fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Whether it holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }

    /// Returns the first instant after `now` at which that may change.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = [self.from, self.until];
        ends.into_iter().flatten().filter(|end| *end > now).min()
    }
}

/// What somebody is for one wedding. Who is several things has several parts.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Part {
    /// The wedding.
    pub wedding: Arc<str>,
    /// What they are there.
    pub role: WeddingRole,
    /// What they do as a vendor.
    pub vendor_types: VendorTypeSet,
    /// The vendor that they work for there, by the host's id.
    pub vendor: Option<Arc<str>>,
    /// How far that vendor has come on the day, if it is known.
    pub arrival: Option<Arrival>,
    /// From when to when: a substitution ends by itself.
    pub term: Term,
}

impl Part {
    /// Makes the part of `role` at a wedding, without an end.
    #[must_use]
    pub fn new(wedding: impl Into<Arc<str>>, role: WeddingRole) -> Self {
        Self {
            wedding: wedding.into(),
            role,
            vendor_types: VendorTypeSet::EMPTY,
            vendor: None,
            arrival: None,
            term: Term::always(),
        }
    }

    /// Makes the part of somebody who works for `vendor` and does `types` there.
    #[must_use]
    pub fn vendor(
        wedding: impl Into<Arc<str>>,
        vendor: impl Into<Arc<str>>,
        types: &[VendorType],
    ) -> Self {
        Self {
            vendor_types: types.iter().copied().collect(),
            vendor: Some(vendor.into()),
            ..Self::new(wedding, WeddingRole::Vendor)
        }
    }

    /// Sets how far the vendor has come.
    #[must_use]
    pub const fn with_arrival(mut self, arrival: Arrival) -> Self {
        self.arrival = Some(arrival);
        self
    }

    /// Sets from when to when.
    #[must_use]
    pub const fn with_term(mut self, term: Term) -> Self {
        self.term = term;
        self
    }
}

/// A person in one organization: their roles, the weddings and accounts that they are assigned to.
///
/// Made by the host from its own records, for each request anew: what has been taken away is not in it, so the right ends
/// with the next check (D-ROL-4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    id: Arc<str>,
    organization: Arc<str>,
    organization_role: Option<OrganizationRole>,
    parts: Vec<Part>,
    assignments: Vec<Assignment>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Assignment {
    kind: Arc<str>,
    id: Arc<str>,
    term: Term,
}

/// The kind of resource that a wedding is.
pub(super) const WEDDING: &str = "wedding";

impl Holder {
    /// Makes somebody who is nothing yet: they may nothing.
    #[must_use]
    pub fn new(id: impl Into<Arc<str>>, organization: impl Into<Arc<str>>) -> Self {
        Self {
            id: id.into(),
            organization: organization.into(),
            organization_role: None,
            parts: Vec::new(),
            assignments: Vec::new(),
        }
    }

    /// Sets what they are in the organization. Couples, guests and vendors from outside have no role there.
    #[must_use]
    pub const fn with_organization_role(mut self, role: OrganizationRole) -> Self {
        self.organization_role = Some(role);
        self
    }

    /// Adds what they are at a wedding.
    #[must_use]
    pub fn with_part(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    /// Assigns them to a wedding.
    #[must_use]
    pub fn assigned_to_wedding(self, wedding: impl Into<Arc<str>>, term: Term) -> Self {
        self.assigned_to(WEDDING, wedding, term)
    }

    /// Assigns them to a [`Resource`](crate::permission::Resource), by its kind and id: `connector`, `card-3`.
    #[must_use]
    pub fn assigned_to(
        mut self,
        kind: impl Into<Arc<str>>,
        id: impl Into<Arc<str>>,
        term: Term,
    ) -> Self {
        self.assignments.push(Assignment {
            kind: kind.into(),
            id: id.into(),
            term,
        });
        self
    }

    /// Returns the host's id of the person.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the organization in which they are all this.
    #[must_use]
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// Returns what they are in the organization.
    #[must_use]
    pub const fn organization_role(&self) -> Option<OrganizationRole> {
        self.organization_role
    }

    /// Returns what they are at weddings, in the order in which it was given.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Returns what they are at one wedding, whether it holds now or not.
    pub(super) fn parts_at<'a>(
        &'a self,
        wedding: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Part> {
        let parts = self.parts.iter();
        parts.filter(move |part| wedding.is_some_and(|wedding| *part.wedding == *wedding))
    }

    /// Returns the terms of their assignments to one thing.
    pub(super) fn terms(&self, kind: &str, id: &str) -> impl Iterator<Item = Term> {
        let all = self.assignments.iter();
        all.filter(move |assignment| *assignment.kind == *kind && *assignment.id == *id)
            .map(|assignment| assignment.term)
    }

    /// Whether their role is for every wedding of the organization, so that nobody need assign them.
    pub(super) const fn is_everywhere(&self) -> bool {
        use OrganizationRole as R;
        matches!(
            self.organization_role,
            Some(R::Owner | R::Admin | R::Coordinator)
        )
    }
}
