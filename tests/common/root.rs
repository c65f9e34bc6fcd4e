//! A root of keys in memory.

use async_trait::async_trait;
use garland::crypto::{KekId, KeyProvider, SecretKey};
use garland::{Error, ErrorKind, OrganizationId, Result};

/// Binds what it wraps to its organization and epoch, as a key service must; or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    pub(crate) binds: bool,
}

impl Root {
    fn mask(self, organization: &OrganizationId, epoch: KekId) -> [u8; 64] {
        let mut hasher = blake3::Hasher::new_derive_key("garland tests root");
        if self.binds {
            hasher.update(organization.as_str().as_bytes());
            hasher.update(epoch.as_bytes());
        }
        let mut mask = [0; 64];
        hasher.finalize_xof().fill(&mut mask);
        mask
    }
}

#[async_trait]
impl KeyProvider for Root {
    async fn wrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        key: &SecretKey,
    ) -> Result<Vec<u8>> {
        let mut bytes = self.mask(organization, epoch).to_vec();
        for (byte, secret) in bytes.iter_mut().zip(key.expose()) {
            *byte ^= secret;
        }
        Ok(bytes)
    }

    async fn unwrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        wrapped: &[u8],
    ) -> Result<SecretKey> {
        let mask = self.mask(organization, epoch);
        if wrapped.len() != 64 || wrapped[32..] != mask[32..] {
            let message = "not wrapped for this organization and epoch";
            return Err(Error::new(ErrorKind::Corrupt, "root.unwrap", message));
        }
        let key: Vec<u8> = wrapped.iter().zip(&mask).map(|(a, b)| a ^ b).collect();
        SecretKey::from_bytes(&key[..32])
    }
}
