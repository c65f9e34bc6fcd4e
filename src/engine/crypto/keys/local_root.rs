//! A root whose key this process holds.

use crate::engine::crypto::entropy::Entropy;
use crate::engine::crypto::secret::SecretKey;
use crate::engine::crypto::wrap::{KekId, RootId, RootRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;

/// The key of a root with its public name.
pub(super) struct LocalRoot {
    pub(super) id: RootId,
    pub(super) key: SecretKey,
}

impl LocalRoot {
    pub(super) fn wrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        key: &SecretKey,
        entropy: &dyn Entropy,
    ) -> Result<RootRecord> {
        let bound = bound(organization, epoch)?;
        RootRecord::wrap(self.id, &self.key, &bound, key, entropy)
    }

    pub(super) fn unwrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        wrapped: &[u8],
    ) -> Result<SecretKey> {
        let record = RootRecord::parse(wrapped).filter(|record| record.root_id() == self.id);
        let record = record.ok_or_else(another)?;
        record.unwrap(&self.key, &bound(organization, epoch)?)
    }
}

/// What tells the ring to ask the next root.
pub(super) fn another() -> Error {
    Error::new(
        ErrorKind::NotFound,
        "root.unwrap",
        "another root wrapped this epoch",
    )
}

/// The organization with its length before it, then the epoch.
fn bound(organization: &OrganizationId, epoch: KekId) -> Result<Vec<u8>> {
    let name = organization.as_str().as_bytes();
    let length = u16::try_from(name.len()).map_err(|cause| {
        Error::new(
            ErrorKind::InvalidInput,
            "root.wrap",
            "an organization's id has at most 65,535 bytes",
        )
        .with_source(cause)
    })?;
    Ok([&length.to_be_bytes(), name, epoch.as_bytes()].concat())
}
