//! A studio with a journal, a key and somebody who keeps its heads.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use garland::audit::{
    AuditReport, Auditor, AuditorOptions, HeadSink, HmacHeads, SignedHead, SubjectVault,
    VerifyOptions, verify,
};
use garland::backends::Memory;
use garland::crypto::{KeyRing, SecretKey, SystemEntropy};
use garland::journal::{Event, EventKind};
use garland::storage::{Batch, JournalName, StorageBackend, Store};
use garland::{Clock, ErrorKind, OrganizationId, Result, SystemClock, Timestamp};

use crate::root::Root;

pub(crate) const ACTED: EventKind = EventKind::new("test.acted");

pub(crate) fn organization() -> OrganizationId {
    "studio-7".parse().unwrap()
}

pub(crate) fn journal() -> JournalName {
    JournalName::main()
}

pub(crate) fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap()
}

pub(crate) fn signer() -> Arc<HmacHeads> {
    Arc::new(HmacHeads::new(key(7)))
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

pub(crate) fn memory() -> Store {
    store(Arc::new(Memory::new()))
}

pub(crate) fn store(backend: Arc<dyn StorageBackend>) -> Store {
    Store::new(backend, organization())
}

/// Appends events that carry these numbers, one commit each.
pub(crate) async fn append(store: &Store, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        let mut batch = Batch::new(Timestamp::from_millis(1_000));
        let event = Event::new(ACTED).with_data(&number).unwrap();
        batch.append(journal(), &event).unwrap();
        store.commit(batch).await.unwrap();
    }
}

/// The host's own copy of every head.
#[derive(Debug, Default)]
pub(crate) struct Copies(Mutex<Vec<SignedHead>>);

impl Copies {
    pub(crate) fn all(&self) -> Vec<SignedHead> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> SignedHead {
        self.all().pop().unwrap()
    }

    pub(crate) fn sizes(&self) -> Vec<u64> {
        self.all().iter().map(SignedHead::size).collect()
    }
}

#[async_trait]
impl HeadSink for Copies {
    async fn take(&self, head: &SignedHead) -> Result<()> {
        self.0.lock().unwrap().push(head.clone());
        Ok(())
    }
}

pub(crate) fn auditor(store: &Store, copies: &Arc<Copies>, entries: u64) -> Auditor {
    Auditor::new(store.clone(), journal(), signer(), clock())
        .with_sink(Arc::clone(copies) as Arc<dyn HeadSink>)
        .with_options(AuditorOptions::default().with_entries(entries))
}

pub(crate) async fn check(store: &Store, heads: &[SignedHead]) -> AuditReport {
    let options = VerifyOptions::default();
    verify(store, &journal(), &*signer(), heads, &options)
        .await
        .unwrap()
}

pub(crate) fn keys(store: &Store) -> KeyRing {
    let entropy = Arc::new(SystemEntropy::new());
    KeyRing::new(
        store.clone(),
        Arc::new(Root { binds: true }),
        clock(),
        entropy,
    )
}

pub(crate) fn vault(store: &Store) -> SubjectVault {
    let entropy = Arc::new(SystemEntropy::new());
    SubjectVault::new(store.clone(), keys(store), clock(), entropy)
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
}
