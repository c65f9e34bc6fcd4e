//! What the tests stand on.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use garland::backends::Memory;
use garland::crypto::{
    Entropy, FILE_KEYS, KekId, KeyName, KeyProvider, KeyRing, Purpose, SecretKey, SystemEntropy,
};
use garland::journal::Event;
use garland::storage::{Batch, JournalName, Query, RecordId, StorageBackend, Store};
use garland::{Clock, Error, ErrorKind, OrganizationId, Result, SystemClock, Timestamp};

use crate::between::{Between, Call, Middleman};

pub(crate) type Backend = Arc<dyn StorageBackend>;

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

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

pub(crate) fn entropy() -> Arc<dyn Entropy> {
    Arc::new(SystemEntropy::new())
}

/// A ring of its own, as another process has, over a root by its number.
pub(crate) fn ring_on(backend: &Backend, name: &str, root: u8) -> KeyRing {
    ring_with(backend, name, Arc::new(TestRoot(root)))
}

pub(crate) fn ring_with(backend: &Backend, name: &str, root: Arc<dyn KeyProvider>) -> KeyRing {
    KeyRing::new(store(backend, name), root, clock(), entropy())
}

pub(crate) fn store(backend: &Backend, name: &str) -> Store {
    Store::new(Arc::clone(backend), organization(name))
}

pub(crate) fn memory() -> Backend {
    Arc::new(Memory::new())
}

pub(crate) fn body(file: impl fmt::Display) -> KeyName {
    KeyName::new(file.to_string(), "1", Purpose::Body)
}

pub(crate) fn batch() -> Batch {
    Batch::new(Timestamp::from_millis(0))
}

/// Makes a key and keeps it.
pub(crate) async fn make(ring: &KeyRing, store: &Store, name: &KeyName) -> SecretKey {
    let mut batch = batch();
    let key = ring.create(&mut batch, name).await.unwrap();
    store.commit(batch).await.unwrap();
    key
}

/// Makes many keys, of the files `0`, `1`, `2` …
pub(crate) async fn make_many(ring: &KeyRing, store: &Store, count: usize) -> Vec<SecretKey> {
    let names: Vec<_> = (0..count).map(body).collect();
    let mut keys = Vec::new();
    for names in names.chunks(90) {
        let mut batch = batch();
        for name in names {
            keys.push(ring.create(&mut batch, name).await.unwrap());
        }
        store.commit(batch).await.unwrap();
    }
    keys
}

pub(crate) async fn destroy(ring: &KeyRing, store: &Store, name: &KeyName) {
    let mut batch = batch();
    ring.destroy(&mut batch, name).unwrap();
    store.commit(batch).await.unwrap();
}

/// Every record of a wrapped key, as stored; marks of destroyed ones are not among them.
pub(crate) async fn wraps(store: &Store) -> Vec<(RecordId, garland::crypto::FileKey)> {
    let query = Query::all(FILE_KEYS.name().clone()).with_limit(Query::MAX_LIMIT);
    let page = store.query(&query).await.unwrap();
    assert!(page.next.is_none());
    let values = page
        .records
        .into_iter()
        .map(|record| (record.id, record.value.read().unwrap()));
    values
        .filter(|(_, value): &(_, garland::crypto::FileKey)| value.destroyed.is_none())
        .collect()
}

/// Which epochs' keys the keys of files are under, by how many.
pub(crate) async fn under(store: &Store) -> std::collections::BTreeMap<String, usize> {
    let mut under = std::collections::BTreeMap::new();
    for (_, value) in wraps(store).await {
        *under.entry(value.wrap[16..48].to_owned()).or_default() += 1;
    }
    under
}

/// The kinds of events in the journal, in order.
pub(crate) async fn events(store: &Store) -> Vec<String> {
    let entries = store.read_journal(&JournalName::main(), 0, 10_000).await;
    let events = entries.unwrap().into_iter().map(|entry| {
        let event: Event = entry.event.read().unwrap();
        event.kind.to_string()
    });
    events.collect()
}

/// A database in which somebody else does something just before one of the commits.
pub(crate) type Meddled = Between<Meddler>;

pub(crate) struct Meddler {
    inner: Backend,
    commits: AtomicUsize,
    at: usize,
    deed: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl Meddled {
    pub(crate) fn new(inner: &Backend, at: usize, deed: BoxFuture<'static, ()>) -> Arc<Self> {
        let meddler = Meddler {
            inner: Arc::clone(inner),
            commits: AtomicUsize::new(0),
            at,
            deed: Mutex::new(Some(deed)),
        };
        Arc::new(Self(Arc::new(meddler)))
    }
}

impl Meddler {
    /// Whether it has happened.
    pub(crate) fn is_done(&self) -> bool {
        self.deed.lock().unwrap().is_none()
    }
}

impl fmt::Debug for Meddler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddler")
    }
}

#[async_trait]
impl Middleman for Meddler {
    fn inner(&self) -> Backend {
        Arc::clone(&self.inner)
    }

    async fn before(&self, _: &OrganizationId, call: Call) {
        if call == Call::Commit && self.commits.fetch_add(1, Ordering::SeqCst) == self.at {
            let deed = self.deed.lock().unwrap().take();
            if let Some(deed) = deed {
                deed.await;
            }
        }
    }
}
