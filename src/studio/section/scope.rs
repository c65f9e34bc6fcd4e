//! Whom a change concerns.

use serde::Serialize;

use super::configuration::Configuration;
use super::group::Group;
use super::patch::Patch;
use crate::permission::codes::codes;

/// Whose row a change is made to.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a row is shared or of one person")]
pub enum Target {
    /// The configuration that all share.
    #[default]
    Shared,
    /// One person's own, over the shared one.
    Personal,
}

codes! {
    /// How far a change reaches.
    Reach:
    /// It changes nothing.
    None = "none",
    /// One person.
    User = "user",
    /// Those who see a wedding.
    Wedding = "wedding",
    /// Those who see an organization.
    Organization = "organization",
}

/// How far a change reaches, and whether permissions are to be worked out anew: `sections.md` §4.
///
/// Within the reach, those who hear of it are the *audience* of the permissions.
///
/// # Example
///
/// ```
/// use garland::section::{Configuration, Patch, Reach, Scope, Target};
/// use serde_json::json;
///
/// let stored = Configuration::try_from(json!({
///     "id": "c1", "weddingId": "june", "visibility": { "roles": ["admin", "couple"] },
/// }))?;
/// let title = Patch::try_from(json!({ "customization": { "title": "x" } }))?;
/// let scope = Scope::of(&stored, &title, Target::Shared);
/// assert_eq!((scope.reach, scope.recompute_permissions), (Reach::Wedding, false));
///
/// let same = Patch::try_from(json!({ "visibility": { "roles": ["couple", "admin"] } }))?;
/// assert_eq!(Scope::of(&stored, &same, Target::Shared).reach, Reach::None);
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Scope {
    /// How far it reaches.
    #[serde(rename = "scope")]
    pub reach: Reach,
    /// Whether `visibility` or `permissions` of a shared row really change.
    pub recompute_permissions: bool,
}

impl Scope {
    /// Works out the scope of a valid change to a row as it stands: the shared configuration, or, for
    /// [`Target::Personal`], the configuration as that person has it.
    #[must_use]
    pub fn of(configuration: &Configuration, patch: &Patch, target: Target) -> Self {
        let difference = Patch::diff(configuration, &patch.apply(configuration));
        let reach = if difference.is_empty() {
            Reach::None
        } else if target == Target::Personal {
            Reach::User
        } else if configuration.is_of_wedding() {
            Reach::Wedding
        } else {
            Reach::Organization
        };
        let shared = matches!(reach, Reach::Wedding | Reach::Organization);
        let guarded = Group::ALL.into_iter().filter(|group| group.guards());
        Self {
            reach,
            recompute_permissions: shared
                && guarded
                    .into_iter()
                    .any(|group| difference.group(group).is_some()),
        }
    }
}
