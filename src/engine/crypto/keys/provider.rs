//! The root: what stands above the keys of an organization.

use std::fmt;

use async_trait::async_trait;

use crate::engine::crypto::secret::SecretKey;
use crate::engine::crypto::wrap::KekId;
use crate::error::Result;
use crate::id::OrganizationId;

/// Wraps the key of an epoch: a key service (KMS), a key file, a passphrase.
///
/// Called once an epoch and process, never for a file.
///
/// # For implementors
/// - Bind what is wrapped to the organization and the epoch: unwrapping under another fails.
/// - What [`wrap`](KeyProvider::wrap) returns says by itself which root made it, so that a root can
///   be replaced while both are readable.
#[async_trait]
pub trait KeyProvider: fmt::Debug + Send + Sync + 'static {
    /// Wraps the key of an epoch.
    ///
    /// # Errors
    /// Those of the service. Nothing is sealed then.
    async fn wrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        key: &SecretKey,
    ) -> Result<Vec<u8>>;

    /// Unwraps the key of an epoch.
    ///
    /// # Errors
    /// - [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt): not what [`wrap`](KeyProvider::wrap)
    ///   returned for this organization and epoch.
    /// - Those of the service.
    async fn unwrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        wrapped: &[u8],
    ) -> Result<SecretKey>;
}
