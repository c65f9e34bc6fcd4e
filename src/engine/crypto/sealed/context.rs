//! What a sealed thing belongs to.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;

/// What is sealed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Purpose {
    /// The content of a file.
    Body,
    /// A small picture of it.
    Thumb,
    /// A message.
    Message,
    /// An export.
    Export,
}

impl Purpose {
    /// Returns the word that stands in a [`SealContext`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Thumb => "thumb",
            Self::Message => "message",
            Self::Export => "export",
        }
    }
}

/// Binds a sealed thing to one tenant, file, version and purpose: under any other it does not open.
///
/// Each field is kept with its length before it, so that no two contexts have the same bytes.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct SealContext(Box<[u8]>);

impl SealContext {
    /// Names what is sealed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: `file` or `version` is longer than 65,535 bytes.
    pub fn new(
        tenant: &OrganizationId,
        file: &str,
        version: &str,
        purpose: Purpose,
    ) -> Result<Self> {
        let fields = [tenant.as_str(), file, version, purpose.as_str()];
        let mut bytes = Vec::with_capacity(fields.iter().map(|field| field.len() + 2).sum());
        for field in fields {
            let length = u16::try_from(field.len()).map_err(|cause| {
                Error::new(
                    ErrorKind::InvalidInput,
                    "seal_context.new",
                    "a field of a context has at most 65,535 bytes",
                )
                .with_context("length", field.len())
                .with_source(cause)
            })?;
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(field.as_bytes());
        }
        Ok(Self(bytes.into()))
    }

    /// Returns the bytes that are bound.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealContext({})", self.0.escape_ascii())
    }
}
