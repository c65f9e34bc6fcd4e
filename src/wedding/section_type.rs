//! Section types: any text, of which nine have a meaning here.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

use super::role::{Role, RoleSet};
use super::word::words;

words! {
    /// The section types that mean something here.
    SectionKind, "section type with a meaning":
    /// Who does what when.
    Timeline = "timeline",
    /// Bills; protected.
    Billing = "billing",
    /// Administration; protected.
    Admin = "admin",
    /// What it costs.
    Budget = "budget",
    /// Who comes.
    GuestList = "guest_list",
    /// Who works for it.
    VendorManagement = "vendor_management",
    /// Pictures.
    Photos = "photos",
    /// Documents.
    Documents = "documents",
    /// The first page.
    Dashboard = "dashboard",
}

impl SectionKind {
    /// Whether neither full access to a wedding nor an inherited listing opens it for editing or seeing.
    #[must_use]
    pub const fn is_protected(self) -> bool {
        matches!(self, Self::Admin | Self::Billing)
    }

    /// Returns for whom it is restricted: only their own name in the list opens it.
    #[must_use]
    pub const fn restricted_roles(self) -> RoleSet {
        match self {
            Self::Admin => {
                RoleSet::of(&[Role::Photographer, Role::Couple, Role::Vendor, Role::Guest])
            }
            Self::Billing => RoleSet::of(&[Role::Photographer, Role::Vendor, Role::Guest]),
            Self::GuestList => RoleSet::of(&[Role::Vendor]),
            Self::VendorManagement | Self::Budget => RoleSet::of(&[Role::Guest]),
            Self::Timeline | Self::Photos | Self::Documents | Self::Dashboard => RoleSet::EMPTY,
        }
    }

    /// Whether it is restricted for `role`.
    #[must_use]
    pub const fn is_restricted_for(self, role: Role) -> bool {
        self.restricted_roles().contains(role)
    }
}

/// What a section is: any text that is not empty; nine have a [meaning](SectionKind).
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct SectionType(Arc<str>);

impl SectionType {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns its meaning, if it has one.
    #[must_use]
    pub fn kind(&self) -> Option<SectionKind> {
        self.0.parse().ok()
    }
}

impl fmt::Display for SectionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for SectionType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() {
            let message = "a section type is not empty";
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "wedding.parse",
                message,
            ));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for SectionType {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<SectionType> for String {
    fn from(name: SectionType) -> Self {
        name.as_str().into()
    }
}

impl From<SectionKind> for SectionType {
    fn from(kind: SectionKind) -> Self {
        Self(kind.as_str().into())
    }
}
