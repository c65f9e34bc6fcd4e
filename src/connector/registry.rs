//! The accounts a host has configured, by name.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

use super::files::FileStore;
use super::platform::PlatformConnector;

/// A host's name for one account: `card`, `archive`, `clients-drive`.
///
/// 1 to 64 characters of letters, digits, space and `- _ .`, not beginning or ending with a space
/// or a dot, because it stands in the names of conflict copies on any platform.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectorName(Arc<str>);

impl ConnectorName {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ConnectorName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.');
        let edge = |c: char| matches!(c, ' ' | '.');
        let fits = !text.is_empty() && text.len() <= 64 && text.chars().all(allowed);
        if fits && !text.starts_with(edge) && !text.ends_with(edge) {
            return Ok(Self(text.into()));
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "connector_name.parse",
            "a connector's name has 1 to 64 letters, digits, inner spaces or dots, `-` and `_`",
        )
        .with_context("name", text))
    }
}

impl TryFrom<String> for ConnectorName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ConnectorName> for String {
    fn from(name: ConnectorName) -> Self {
        name.0.as_ref().into()
    }
}

/// One account with its name.
#[derive(Clone, Debug)]
pub struct NamedConnector {
    name: ConnectorName,
    connector: Arc<dyn PlatformConnector>,
}

impl NamedConnector {
    /// Names an account.
    #[must_use]
    pub fn new(name: ConnectorName, connector: Arc<dyn PlatformConnector>) -> Self {
        Self { name, connector }
    }

    /// Returns the host's name for it.
    #[must_use]
    pub fn name(&self) -> &ConnectorName {
        &self.name
    }

    /// Returns the account.
    #[must_use]
    pub fn connector(&self) -> &Arc<dyn PlatformConnector> {
        &self.connector
    }

    /// Returns its files.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`]: the account has no files.
    pub fn files(&self) -> Result<&dyn FileStore> {
        self.connector.files().ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "connector.files",
                "this account has no files",
            )
            .with_context("connector", &self.name)
            .with_context("platform", self.connector.platform().id)
        })
    }
}

/// The accounts of one organization, by name.
///
/// # Example
///
/// ```
/// let accounts = garland::connector::ConnectorRegistry::new();
/// let error = accounts.get("card").unwrap_err();
/// assert_eq!(error.kind(), garland::ErrorKind::NotFound);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ConnectorRegistry(BTreeMap<ConnectorName, NamedConnector>);

impl ConnectorRegistry {
    /// Makes an empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an account.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: not a [`ConnectorName`].
    /// - [`ErrorKind::AlreadyExists`]: the name is taken.
    pub fn add(&mut self, name: &str, connector: Arc<dyn PlatformConnector>) -> Result<()> {
        let name: ConnectorName = name.parse()?;
        if self.0.contains_key(&name) {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                "connectors.add",
                "two connectors have one name",
            )
            .with_context("connector", name));
        }
        self.0
            .insert(name.clone(), NamedConnector::new(name, connector));
        Ok(())
    }

    /// Returns the account called `name`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: there is none.
    pub fn get(&self, name: &str) -> Result<&NamedConnector> {
        self.iter()
            .find(|account| account.name.as_str() == name)
            .ok_or_else(|| Self::missing(name))
    }

    /// What is said of a name that nothing has, or nothing of this organization.
    pub(crate) fn missing(name: &str) -> Error {
        Error::new(
            ErrorKind::NotFound,
            "connectors.get",
            "no connector has this name",
        )
        .with_context("connector", name)
    }

    /// Returns every account, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = &NamedConnector> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_stand_in_a_file_name() {
        for name in ["card", "Anna 2", "drive-1_b.c", "Ünal"] {
            assert_eq!(name.parse::<ConnectorName>().unwrap().as_str(), name);
        }
        for name in ["", " a", "a.", "a/b", "a:b", "a\nb", &"x".repeat(65)] {
            assert!(name.parse::<ConnectorName>().is_err(), "{name:?}");
        }
    }
}
