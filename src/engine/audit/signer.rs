//! Who signs heads, and who tells a genuine one.

use std::fmt;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::engine::crypto::{SecretKey, same};
use crate::error::{Error, ErrorKind, Result};

use super::checkpoint::Checkpoint;
use super::head::{HeadSignature, SignedHead};

/// Tells whether a signature under a checkpoint is genuine: a key in memory, a public key, a key service.
///
/// # For implementors
/// - Sign and verify the bytes of the text as they are. The line of the origin names the organization
///   and the journal, so that a head of one is never taken for that of another.
/// - A signature of somebody unknown is `false`, not an error.
#[async_trait]
pub trait HeadVerifier: fmt::Debug + Send + Sync + 'static {
    /// Tells whether `signature` was made by a key known here over `text`.
    ///
    /// # Errors
    /// Those of a key service. Nothing is taken for genuine then.
    async fn verify(&self, text: &str, signature: &HeadSignature) -> Result<bool>;
}

/// Signs checkpoints, with a key that whoever can write to the database does not have.
#[async_trait]
pub trait HeadSigner: HeadVerifier {
    /// Signs `text`, which is the checkpoint of the journal called `origin`.
    ///
    /// # Errors
    /// Those of a key service. No head is made then.
    async fn sign(&self, origin: &str, text: &str) -> Result<HeadSignature>;
}

/// Tells whether one of a head's signatures is genuine.
///
/// # Errors
/// Those of the verifier.
pub async fn is_genuine(head: &SignedHead, verifier: &dyn HeadVerifier) -> Result<bool> {
    let text = head.checkpoint().to_string();
    for signature in head.signatures() {
        if verifier.verify(&text, signature).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Signs a checkpoint.
pub(super) async fn sign(signer: &dyn HeadSigner, checkpoint: Checkpoint) -> Result<SignedHead> {
    let text = checkpoint.to_string();
    let signature = signer.sign(checkpoint.origin.as_str(), &text).await?;
    SignedHead::new(checkpoint, vec![signature])
}

/// Heads keyed by HMAC-SHA256 with a key of the organization.
///
/// Whoever can check such a head could also make one: it protects against whoever has the database,
/// not against whoever has the key. Where others are to check, give a [`HeadSigner`] with a key pair.
///
/// The signature is HMAC-SHA256 over `garland/audit/head/v1`, a zero byte and the checkpoint's text.
/// The key id is the beginning of SHA-256 over the origin, a line feed, the byte 0xff,
/// `garland/hmac-sha256` and a fingerprint of the key, in the manner of a [signed note].
///
/// # Example
///
/// ```
/// use garland::audit::{HeadSigner, HeadVerifier, HmacHeads};
/// use garland::crypto::{SecretKey, SystemEntropy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let heads = HmacHeads::new(SecretKey::generate(&SystemEntropy::new())?);
/// let signature = heads.sign("garland/default/main", "text").await?;
/// assert!(heads.verify("text", &signature).await?);
/// assert!(!heads.verify("other text", &signature).await?);
/// # Ok(())
/// # }
/// ```
///
/// [signed note]: https://c2sp.org/signed-note
#[derive(Clone)]
pub struct HmacHeads {
    current: SecretKey,
    retired: Vec<SecretKey>,
}

impl HmacHeads {
    /// Signs and verifies with `key`.
    #[must_use]
    pub fn new(key: SecretKey) -> Self {
        Self {
            current: key,
            retired: Vec::new(),
        }
    }

    /// Also takes heads for genuine that an earlier key has signed.
    #[must_use]
    pub fn with_retired(mut self, key: SecretKey) -> Self {
        self.retired.push(key);
        self
    }
}

impl fmt::Debug for HmacHeads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HmacHeads")
            .field("retired", &self.retired.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl HeadVerifier for HmacHeads {
    async fn verify(&self, text: &str, signature: &HeadSignature) -> Result<bool> {
        let mut genuine = false;
        for key in std::iter::once(&self.current).chain(&self.retired) {
            let fits = key_id(&signature.name, key)? == signature.key_id;
            genuine |= fits && same(&mac(key, HEAD, text)?, &signature.bytes);
        }
        Ok(genuine)
    }
}

#[async_trait]
impl HeadSigner for HmacHeads {
    async fn sign(&self, origin: &str, text: &str) -> Result<HeadSignature> {
        let key = &self.current;
        let bytes = mac(key, HEAD, text)?.to_vec();
        HeadSignature::new(origin, key_id(origin, key)?, bytes)
    }
}

const HEAD: &[u8] = b"garland/audit/head/v1\0";
const FINGERPRINT: &[u8] = b"garland/audit/key/v1\0";

fn mac(key: &SecretKey, label: &[u8], text: &str) -> Result<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).map_err(|cause| {
        Error::new(ErrorKind::Unexpected, "audit.sign", "the key was not taken").with_source(cause)
    })?;
    mac.update(label);
    mac.update(text.as_bytes());
    Ok(mac.finalize().into_bytes().into())
}

fn key_id(name: &str, key: &SecretKey) -> Result<[u8; 4]> {
    let digest = Sha256::new()
        .chain_update(name)
        .chain_update(b"\n\xffgarland/hmac-sha256")
        .chain_update(mac(key, FINGERPRINT, "")?)
        .finalize();
    let [first, second, third, fourth, ..] = <[u8; 32]>::from(digest);
    Ok([first, second, third, fourth])
}
