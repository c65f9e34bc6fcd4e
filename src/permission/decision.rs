//! What comes out: what somebody may with one section.

use crate::clock::Timestamp;
use crate::wedding::Phase;

use super::capability::Capabilities;
use super::codes::codes;
use super::denial::{Denial, Denials};

codes! {
    /// By what a section is given. Names are stable.
    Grant:
    /// The role is listed by name.
    RoleExact = "role_exact",
    /// The role acts as one that is listed.
    RoleInherited = "role_inherited",
    /// Full access to the wedding.
    WeddingFull = "wedding_full",
}

/// What one member may with one section, and why not.
///
/// There is a reason exactly when the section is not to be seen.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SectionDecision {
    /// Whether it is to be seen.
    pub can_view: bool,
    /// Whether it may be changed.
    pub can_edit: bool,
    /// Whether it may be hidden.
    pub can_hide: bool,
    /// What may be done in it.
    pub capabilities: Capabilities,
    /// The wedding's phase, if it is to be seen and the phase is known.
    pub phase: Option<Phase>,
    /// By what it is given, also if something else stands in the way.
    pub grant: Option<Grant>,
    /// Why it is not to be seen.
    pub denials: Denials,
    /// The first instant at which time alone may change this; it must not be used then or later. Nothing if time does not
    /// change it.
    pub valid_until: Option<Timestamp>,
}

impl SectionDecision {
    /// Denies everything for one reason.
    #[must_use]
    pub fn denied(denial: Denial) -> Self {
        Self {
            denials: Denials::of(denial),
            ..Self::default()
        }
    }
}

/// The earlier of two instants, where nothing is never.
pub(super) fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
