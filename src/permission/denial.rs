//! Why somebody may not see a section.

use std::sync::Arc;

use super::codes::codes;

codes! {
    /// One reason why a section is not to be seen, in the order in which they are told. Codes are stable.
    Denial, all:
    /// The time asked about is none.
    InvalidNow = "invalid_now",
    /// The snapshot has no such member.
    UserNotFound = "user_not_found",
    /// The member's record cannot be understood.
    MalformedUser = "malformed_user",
    /// The member's role is not in the table.
    UnknownRole = "unknown_role",
    /// The snapshot has no such section.
    ConfigNotFound = "config_not_found",
    /// The configuration cannot be understood.
    MalformedConfig = "malformed_config",
    /// Something belongs to another organization.
    OrganizationMismatch = "organization_mismatch",
    /// The configuration is for another wedding.
    WeddingMismatch = "wedding_mismatch",
    /// There is no such wedding.
    WeddingNotFound = "wedding_not_found",
    /// Only the table of restricted and protected sections stands in the way.
    RestrictedSection = "restricted_section",
    /// Nothing gives the role this section.
    NoRoleGrant = "no_role_grant",
    /// `canView` lists others.
    NotInCanViewList = "not_in_can_view_list",
    /// It is bound to phases, and the phase is not known.
    PhaseUnavailable = "phase_unavailable",
    /// It is bound to other phases.
    PhaseNotAllowed = "phase_not_allowed",
    /// The condition does not hold.
    HasWeddingAccessFailed = "condition_failed:hasWeddingAccess",
    /// The condition cannot be understood.
    HasWeddingAccessMalformed = "condition_malformed:hasWeddingAccess",
    /// The condition does not hold.
    MinimumRoleFailed = "condition_failed:minimumRole",
    /// The condition cannot be understood.
    MinimumRoleMalformed = "condition_malformed:minimumRole",
    /// The condition does not hold.
    CustomFieldFailed = "condition_failed:customField",
    /// The condition cannot be understood.
    CustomFieldMalformed = "condition_malformed:customField",
    /// The condition does not hold.
    TimeRestrictionFailed = "condition_failed:timeRestriction",
    /// The condition cannot be understood.
    TimeRestrictionMalformed = "condition_malformed:timeRestriction",
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
