//! Why somebody may not see a section.

use std::fmt;
use std::sync::Arc;

/// One reason why a section is not to be seen. Codes are stable.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Denial {
    /// The time asked about is none.
    InvalidNow,
    /// The snapshot has no such member.
    UserNotFound,
    /// The member's record cannot be understood.
    MalformedUser,
    /// The member's role is not in the table.
    UnknownRole,
    /// The snapshot has no such section.
    ConfigNotFound,
    /// The configuration cannot be understood.
    MalformedConfig,
    /// Something belongs to another organization.
    OrganizationMismatch,
    /// The configuration is for another wedding.
    WeddingMismatch,
    /// There is no such wedding.
    WeddingNotFound,
    /// Only the table of restricted and protected sections stands in the way.
    RestrictedSection,
    /// Nothing gives the role this section.
    NoRoleGrant,
    /// `canView` lists others.
    NotInCanViewList,
    /// It is bound to phases, and the phase is not known.
    PhaseUnavailable,
    /// It is bound to other phases.
    PhaseNotAllowed,
    /// The condition does not hold.
    HasWeddingAccessFailed,
    /// The condition cannot be understood.
    HasWeddingAccessMalformed,
    /// The condition does not hold.
    MinimumRoleFailed,
    /// The condition cannot be understood.
    MinimumRoleMalformed,
    /// The condition does not hold.
    CustomFieldFailed,
    /// The condition cannot be understood.
    CustomFieldMalformed,
    /// The condition does not hold.
    TimeRestrictionFailed,
    /// The condition cannot be understood.
    TimeRestrictionMalformed,
}

impl Denial {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 22] = [
        Self::InvalidNow,
        Self::UserNotFound,
        Self::MalformedUser,
        Self::UnknownRole,
        Self::ConfigNotFound,
        Self::MalformedConfig,
        Self::OrganizationMismatch,
        Self::WeddingMismatch,
        Self::WeddingNotFound,
        Self::RestrictedSection,
        Self::NoRoleGrant,
        Self::NotInCanViewList,
        Self::PhaseUnavailable,
        Self::PhaseNotAllowed,
        Self::HasWeddingAccessFailed,
        Self::HasWeddingAccessMalformed,
        Self::MinimumRoleFailed,
        Self::MinimumRoleMalformed,
        Self::CustomFieldFailed,
        Self::CustomFieldMalformed,
        Self::TimeRestrictionFailed,
        Self::TimeRestrictionMalformed,
    ];

    /// Returns the stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidNow => "invalid_now",
            Self::UserNotFound => "user_not_found",
            Self::MalformedUser => "malformed_user",
            Self::UnknownRole => "unknown_role",
            Self::ConfigNotFound => "config_not_found",
            Self::MalformedConfig => "malformed_config",
            Self::OrganizationMismatch => "organization_mismatch",
            Self::WeddingMismatch => "wedding_mismatch",
            Self::WeddingNotFound => "wedding_not_found",
            Self::RestrictedSection => "restricted_section",
            Self::NoRoleGrant => "no_role_grant",
            Self::NotInCanViewList => "not_in_can_view_list",
            Self::PhaseUnavailable => "phase_unavailable",
            Self::PhaseNotAllowed => "phase_not_allowed",
            Self::HasWeddingAccessFailed => "condition_failed:hasWeddingAccess",
            Self::HasWeddingAccessMalformed => "condition_malformed:hasWeddingAccess",
            Self::MinimumRoleFailed => "condition_failed:minimumRole",
            Self::MinimumRoleMalformed => "condition_malformed:minimumRole",
            Self::CustomFieldFailed => "condition_failed:customField",
            Self::CustomFieldMalformed => "condition_malformed:customField",
            Self::TimeRestrictionFailed => "condition_failed:timeRestriction",
            Self::TimeRestrictionMalformed => "condition_malformed:timeRestriction",
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// All reasons of one decision, as bits; none means that the section is to be seen.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Denials {
    bits: u32,
    /// Conditions that are not known, ordered by bytes.
    unknown: Option<Arc<[Box<str>]>>,
}

impl Denials {
    pub(super) const fn of(denial: Denial) -> Self {
        Self {
            bits: 1 << denial as u32,
            unknown: None,
        }
    }

    pub(super) fn new(bits: u32, unknown: Option<&Arc<[Box<str>]>>) -> Self {
        Self {
            bits,
            unknown: unknown.cloned(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bits == 0 && self.unknown.is_none()
    }

    /// Whether `denial` is among them.
    #[must_use]
    pub const fn contains(&self, denial: Denial) -> bool {
        self.bits >> denial as u32 & 1 == 1
    }

    /// Returns those with a code of their own, in the order in which they are told.
    pub fn iter(&self) -> impl Iterator<Item = Denial> {
        Denial::ALL
            .into_iter()
            .filter(|denial| self.contains(*denial))
    }

    /// Returns the names of conditions that are not known, ordered by bytes; told after the others.
    pub fn unknown_conditions(&self) -> impl Iterator<Item = &str> {
        self.unknown
            .iter()
            .flat_map(|names| names.iter())
            .map(|name| &**name)
    }

    /// Returns the codes as text, in the order in which they are told.
    #[must_use]
    pub fn codes(&self) -> Vec<String> {
        let known = self.iter().map(|denial| denial.as_str().to_owned());
        let unknown = self
            .unknown_conditions()
            .map(|name| format!("condition_unknown:{name}"));
        known.chain(unknown).collect()
    }
}
