//! Time, chance and a root that do as the test wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use garland::crypto::{Entropy, KekId, KeyProvider, SecretKey};
use garland::{Clock, Error, ErrorKind, OrganizationId, Result, Timestamp};

pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A clock that stands still until it is moved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Still(Arc<AtomicU64>);

impl Still {
    pub(crate) fn forward(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        START.saturating_add(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Bytes that differ with every draw and are the same in every run; the first draws may be given.
#[derive(Debug)]
pub(crate) struct Dice {
    seed: u64,
    draws: AtomicU64,
    first: Vec<Vec<u8>>,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self::beginning(seed, Vec::new())
    }

    pub(crate) fn beginning(seed: u64, first: Vec<Vec<u8>>) -> Self {
        let draws = AtomicU64::new(0);
        Self { seed, draws, first }
    }
}

impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        let draw = self.draws.fetch_add(1, Ordering::SeqCst);
        if let Some(given) = usize::try_from(draw)
            .ok()
            .and_then(|draw| self.first.get(draw))
        {
            bytes.copy_from_slice(given);
            return Ok(());
        }
        let mut hasher = blake3::Hasher::new_derive_key("garland tests tenants");
        hasher
            .update(&self.seed.to_le_bytes())
            .update(&draw.to_le_bytes());
        hasher.finalize_xof().fill(bytes);
        Ok(())
    }
}

/// A root that binds what it wraps to its organization and epoch, as it must; or not.
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
