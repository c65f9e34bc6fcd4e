//! What the tests stand on.

use std::sync::Arc;

use async_trait::async_trait;
use garland::backends::Memory;
use garland::crypto::{KekId, KeyName, KeyProvider, KeyRing, Purpose, SecretKey, SystemEntropy};
use garland::storage::{Batch, StorageBackend, Store};
use garland::{Error, ErrorKind, OrganizationId, Result, SystemClock, Timestamp};

/// A root for tests: it masks keys with its number, so that one root cannot read another's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestRoot(pub(crate) u8);

#[async_trait]
impl KeyProvider for TestRoot {
    async fn wrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        key: &SecretKey,
    ) -> Result<Vec<u8>> {
        let mut wrapped = vec![self.0];
        wrapped.extend(key.expose().iter().map(|byte| byte ^ self.0));
        wrapped.extend_from_slice(epoch.as_bytes());
        wrapped.extend_from_slice(organization.as_str().as_bytes());
        Ok(wrapped)
    }

    async fn unwrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        wrapped: &[u8],
    ) -> Result<SecretKey> {
        let fault = |kind| Error::new(kind, "test_root.unwrap", "not mine");
        let bound = wrapped.get(33..).unwrap_or_default();
        if wrapped.first() != Some(&self.0) {
            return Err(fault(ErrorKind::NotFound));
        }
        if bound != [epoch.as_bytes(), organization.as_str().as_bytes()].concat() {
            return Err(fault(ErrorKind::Corrupt));
        }
        let key: Vec<u8> = wrapped[1..33].iter().map(|byte| byte ^ self.0).collect();
        SecretKey::from_bytes(&key)
    }
}

pub(crate) fn organization(name: &str) -> OrganizationId {
    name.parse().unwrap()
}

pub(crate) fn ring_on(backend: &Arc<dyn StorageBackend>, name: &str, root: u8) -> KeyRing {
    KeyRing::new(
        Store::new(Arc::clone(backend), organization(name)),
        Arc::new(TestRoot(root)),
        Arc::new(SystemClock::new()),
        Arc::new(SystemEntropy::new()),
    )
}

pub(crate) fn memory() -> Arc<dyn StorageBackend> {
    Arc::new(Memory::new())
}

pub(crate) fn body(file: &str) -> KeyName {
    KeyName::new(file, "1", Purpose::Body)
}

/// Makes a key and keeps it.
pub(crate) async fn make(ring: &KeyRing, store: &Store, name: &KeyName) -> SecretKey {
    let mut batch = Batch::new(Timestamp::from_millis(0));
    let key = ring.create(&mut batch, name).await.unwrap();
    store.commit(batch).await.unwrap();
    key
}
