//! One person's own arrangement of a section.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

use super::configuration::Configuration;
use super::patch::Patch;

/// One person's own layout and customization, over the configuration that all share.
///
/// It has no say in who sees what: `visibility` and `permissions` always are those of the shared configuration. It is a
/// patch, not a copy, so what it does not mention follows the shared one.
///
/// # Example
///
/// ```
/// use garland::section::{Configuration, Overlay, Patch};
/// use serde_json::json;
///
/// let shared = Configuration::try_from(json!({ "id": "c1", "layout": { "position": 1, "size": "small" } }))?;
/// let own = Overlay::new(Patch::try_from(json!({ "layout": { "position": 4 } }))?)?;
/// assert_eq!(own.apply(&shared).as_map()["layout"], json!({ "position": 4, "size": "small" }));
///
/// let roles = Patch::try_from(json!({ "visibility": { "roles": ["guest"] } }))?;
/// assert!(own.then(&roles).is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Overlay(Patch);

impl Overlay {
    /// Makes an overlay of a patch.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it mentions a group that is not personal.
    pub fn new(patch: Patch) -> Result<Self> {
        let shared = patch.groups().find(|(group, _)| !group.is_personal());
        match shared.map(|(group, _)| group) {
            None => Ok(Self(patch)),
            Some(group) => Err(Error::new(
                ErrorKind::InvalidInput,
                "section.overlay",
                "a person changes only layout and customization for themselves",
            )
            .with_context("group", group)),
        }
    }

    /// Returns the configuration as this person has it.
    #[must_use]
    pub fn apply(&self, shared: &Configuration) -> Configuration {
        self.0.apply(shared)
    }

    /// Returns the overlay after a further change.
    ///
    /// # Errors
    /// As [`Overlay::new`].
    pub fn then(&self, later: &Patch) -> Result<Self> {
        Self::new(self.0.then(later))
    }

    /// Returns the patch that it is.
    #[must_use]
    pub const fn as_patch(&self) -> &Patch {
        &self.0
    }
}

impl From<Overlay> for Value {
    fn from(overlay: Overlay) -> Self {
        overlay.0.into_value()
    }
}

impl TryFrom<Value> for Overlay {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        Self::new(Patch::try_from(value)?)
    }
}
