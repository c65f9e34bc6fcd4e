//! The root: what stands above the keys of an organization.

use std::fmt;

use async_trait::async_trait;

use crate::engine::crypto::secret::SecretKey;
use crate::engine::crypto::wrap::KekId;
use crate::error::Result;
use crate::id::OrganizationId;

/// Wraps the key of an epoch: a key service (KMS), a [`KeyFile`](super::KeyFile), a
/// [`Passphrase`](super::Passphrase).
///
/// Called when an epoch begins, when a process first needs its key, and again after that key lay
/// unused for ten minutes; never for a file.
///
/// # For implementors
/// - Bind what is wrapped to the organization and the epoch: unwrapping under another fails.
/// - What [`wrap`](KeyProvider::wrap) returns says by itself which root made it, so that
///   [`unwrap`](KeyProvider::unwrap) of another root's bytes is [`NotFound`](crate::ErrorKind::NotFound):
///   only so both are readable while a root is replaced.
/// - Retry passing faults of the service here; the ring does not.
///
/// # Example
///
/// A key service that encrypts small things with a key that never leaves it:
///
/// ```
/// use async_trait::async_trait;
/// use garland::crypto::{KekId, KeyProvider, SecretKey};
/// use garland::{Error, ErrorKind, OrganizationId, Result};
///
/// # #[derive(Debug)] struct Client;
/// # impl Client {
/// #     async fn encrypt(&self, _key: &str, plain: &[u8], context: &str) -> Result<Vec<u8>> {
/// #         Ok([context.as_bytes(), b"\n", plain].concat())
/// #     }
/// #     async fn decrypt(&self, _key: &str, sealed: &[u8], context: &str) -> Result<Vec<u8>> {
/// #         let plain = sealed.strip_prefix([context.as_bytes(), b"\n"].concat().as_slice());
/// #         plain.map(<[u8]>::to_vec).ok_or_else(|| Error::new(ErrorKind::Corrupt, "kms.decrypt", "no"))
/// #     }
/// # }
/// /// A key of the service, by its name there.
/// #[derive(Debug)]
/// struct Kms {
///     client: Client,
///     key: String,
/// }
///
/// /// The service checks this with every call: its "encryption context" or "additional data".
/// fn bound(organization: &OrganizationId, epoch: KekId) -> String {
///     format!("garland/{organization}/{epoch}")
/// }
///
/// #[async_trait]
/// impl KeyProvider for Kms {
///     async fn wrap(
///         &self,
///         organization: &OrganizationId,
///         epoch: KekId,
///         key: &SecretKey,
///     ) -> Result<Vec<u8>> {
///         let bound = bound(organization, epoch);
///         let sealed = self.client.encrypt(&self.key, key.expose(), &bound).await?;
///         Ok([b"kms:", self.key.as_bytes(), b"\n", &sealed].concat())
///     }
///
///     async fn unwrap(
///         &self,
///         organization: &OrganizationId,
///         epoch: KekId,
///         wrapped: &[u8],
///     ) -> Result<SecretKey> {
///         let ours = [b"kms:", self.key.as_bytes(), b"\n"].concat();
///         let Some(sealed) = wrapped.strip_prefix(ours.as_slice()) else {
///             let another = "another root wrapped this";
///             return Err(Error::new(ErrorKind::NotFound, "kms.unwrap", another));
///         };
///         let bound = bound(organization, epoch);
///         SecretKey::from_bytes(&self.client.decrypt(&self.key, sealed, &bound).await?)
///     }
/// }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let kms = Kms { client: Client, key: "studio".to_owned() };
/// let (organization, epoch) = ("blumen".parse()?, KekId::new([1; 16]));
/// let key = SecretKey::from_bytes(&[7; 32])?;
/// let wrapped = kms.wrap(&organization, epoch, &key).await?;
/// assert!(kms.unwrap(&organization, epoch, &wrapped).await?.is(&key));
/// # Ok::<(), Error>(()) })?;
/// # Ok::<(), Error>(())
/// ```
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
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): another root wrapped it.
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
