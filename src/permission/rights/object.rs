//! What a decision is about.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::wedding::{VendorType, VendorTypeSet};

use super::vocabulary::{Mark, MarkSet, ObjectKind};

/// A thing of one organization that somebody wants to do something to.
///
/// A thumbnail, a line of a listing and a stream of the thing are the thing: whoever serves them asks about the same object
/// (D-SHR-2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Object {
    kind: ObjectKind,
    id: Arc<str>,
    organization: Arc<str>,
    wedding: Option<Arc<str>>,
    owner: Option<Arc<str>>,
    vendor: Option<Arc<str>>,
    addressees: BTreeSet<Arc<str>>,
    concerns: VendorTypeSet,
    marks: MarkSet,
}

impl Object {
    /// Names an object of the organization, of no wedding.
    #[must_use]
    pub fn new(
        kind: ObjectKind,
        id: impl Into<Arc<str>>,
        organization: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            kind,
            id: id.into(),
            organization: organization.into(),
            wedding: None,
            owner: None,
            vendor: None,
            addressees: BTreeSet::new(),
            concerns: VendorTypeSet::EMPTY,
            marks: MarkSet::EMPTY,
        }
    }

    /// Sets the wedding that it belongs to.
    #[must_use]
    pub fn of_wedding(mut self, wedding: impl Into<Arc<str>>) -> Self {
        self.wedding = Some(wedding.into());
        self
    }

    /// Sets whose it is, by the host's id of the person: who uploaded it, or whose consent it is. Each partner has a consent
    /// of their own.
    #[must_use]
    pub fn of_owner(mut self, person: impl Into<Arc<str>>) -> Self {
        self.owner = Some(person.into());
        self
    }

    /// Sets the vendor in whose workspace it lies.
    #[must_use]
    pub fn in_workspace_of(mut self, vendor: impl Into<Arc<str>>) -> Self {
        self.vendor = Some(vendor.into());
        self
    }

    /// Adds a person to whom it is addressed.
    #[must_use]
    pub fn addressed_to(mut self, person: impl Into<Arc<str>>) -> Self {
        self.addressees.insert(person.into());
        self
    }

    /// Adds vendors whom it concerns, by what they do.
    #[must_use]
    pub fn concerning(mut self, types: &[VendorType]) -> Self {
        self.concerns = self.concerns | VendorTypeSet::of(types);
        self
    }

    /// Adds a mark.
    #[must_use]
    pub fn with_mark(mut self, mark: Mark) -> Self {
        self.marks = self.marks.with(mark);
        self
    }

    /// Returns what it is.
    #[must_use]
    pub const fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// Returns which one.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the organization that it belongs to.
    #[must_use]
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// Returns the wedding that it belongs to.
    #[must_use]
    pub fn wedding(&self) -> Option<&str> {
        self.wedding.as_deref()
    }

    /// Returns whose it is.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// Returns the vendor in whose workspace it lies.
    #[must_use]
    pub fn vendor(&self) -> Option<&str> {
        self.vendor.as_deref()
    }

    /// Whether it is addressed to a person.
    #[must_use]
    pub fn is_addressed_to(&self, person: &str) -> bool {
        self.addressees.contains(person)
    }

    /// Returns the vendors whom it concerns.
    #[must_use]
    pub const fn concerns(&self) -> VendorTypeSet {
        self.concerns
    }

    /// Returns its marks.
    #[must_use]
    pub const fn marks(&self) -> MarkSet {
        self.marks
    }
}
