//! A studio with a database, a clock that stands still, and keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use garland::backends::Memory;
use garland::crypto::tokens::{
    Denied, DenyReason, Grant, Issued, KeySet, KeyUse, KnownPermissions, SigningKey, TokenKeys,
    TokenPolicy, TokenService,
};
use garland::crypto::{Entropy, SecretBytes, SystemEntropy};
use garland::permission::Actor;
use garland::storage::{
    Batch, CollectionName, Committed, JournalEntry, JournalHead, JournalName, Query, Record,
    RecordId, RecordPage, StorageBackend, Wake,
};
use garland::{Clock, OrganizationId, Result, Timestamp};

pub(crate) const ACCESS: &str = "garland-test-key-32-bytes-long!!";
pub(crate) const REFRESH: &str = "0ther-key-for-the-other-purpose.";
pub(crate) const START: i64 = 1_800_000_000_000;

/// A clock that a test sets.
#[derive(Clone, Debug)]
pub(crate) struct SetClock(Arc<AtomicU64>);

impl SetClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(0)))
    }

    pub(crate) fn forward(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) fn back(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.0.fetch_sub(millis, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(START).saturating_add(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A database that others write too, as a shared one: nobody counts its writes. Counts its reads.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) inner: Arc<dyn StorageBackend>,
    pub(crate) reads: AtomicU64,
    pub(crate) queries: AtomicU64,
    /// Whether it says how often it was written.
    pub(crate) counts: bool,
}

impl Shared {
    pub(crate) fn new(inner: Arc<dyn StorageBackend>, counts: bool) -> Arc<Self> {
        Arc::new(Self {
            inner,
            reads: AtomicU64::new(0),
            queries: AtomicU64::new(0),
            counts,
        })
    }

    pub(crate) fn looks(&self) -> (u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (of(&self.reads), of(&self.queries))
    }
}

#[async_trait]
impl StorageBackend for Shared {
    async fn commit(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed> {
        self.inner.commit(organization, batch).await
    }

    async fn get(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
        id: &RecordId,
    ) -> Result<Option<Record>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        // So that tasks meet between a look and a write, as they do with a real database.
        tokio::task::yield_now().await;
        self.inner.get(organization, collection, id).await
    }

    async fn query(&self, organization: &OrganizationId, query: &Query) -> Result<RecordPage> {
        self.queries.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.inner.query(organization, query).await
    }

    async fn read_journal(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        let inner = &self.inner;
        inner
            .read_journal(organization, journal, after, limit)
            .await
    }

    async fn journal_head(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
    ) -> Result<JournalHead> {
        self.inner.journal_head(organization, journal).await
    }

    fn watch(&self) -> BoxStream<'static, Wake> {
        self.inner.watch()
    }

    fn write_count(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
    ) -> Option<u64> {
        let count = self.inner.write_count(organization, collection);
        count.filter(|_| self.counts)
    }
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) backend: Arc<dyn StorageBackend>,
    pub(crate) clock: SetClock,
    pub(crate) tokens: TokenService,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(Memory::new()))
    }

    pub(crate) fn on(backend: Arc<dyn StorageBackend>) -> Self {
        let clock = SetClock::new();
        let tokens = service(&backend, &clock, policy(), keys());
        Self {
            backend,
            clock,
            tokens,
        }
    }

    pub(crate) fn with(policy: TokenPolicy) -> Self {
        let mut world = Self::new();
        world.tokens = service(&world.backend, &world.clock, policy, keys());
        world
    }

    /// Another process on the same database.
    pub(crate) fn other(&self) -> Self {
        let mut other = self.clone();
        other.tokens = service(&self.backend, &self.clock, policy(), keys());
        other
    }

    /// Another machine on the same database, whose clock is ahead.
    pub(crate) fn ahead(&self, by: Duration) -> Self {
        let mut other = self.clone();
        other.clock = SetClock(Arc::new(AtomicU64::new(
            self.clock.0.load(Ordering::SeqCst),
        )));
        other.clock.forward(by);
        other.tokens = service(&self.backend, &other.clock, policy(), keys());
        other
    }

    pub(crate) async fn sign_in(&self, user: &str) -> Issued {
        self.tokens.issue(&grant(user)).await.unwrap()
    }

    #[track_caller]
    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.forward(Duration::from_secs(seconds));
    }

    /// Why a token is refused, or `None` if it is taken.
    pub(crate) async fn refuses(&self, token: &str) -> Option<DenyReason> {
        let verified = self.tokens.verify(token).await;
        verified.err().map(|denied| denied.reason())
    }

    /// The kinds of the events of an organization, in order.
    pub(crate) async fn events(&self) -> Vec<String> {
        let organization = OrganizationId::default();
        let journal = JournalName::main();
        let entries = self
            .backend
            .read_journal(&organization, &journal, 0, 10_000);
        let entries = entries.await.unwrap();
        let kind = |entry: &JournalEntry| {
            let event: garland::journal::Event = entry.event.read().unwrap();
            event.kind.to_string()
        };
        entries.iter().map(kind).collect()
    }
}

pub(crate) fn user(id: &str) -> Actor {
    Actor::User(id.into())
}

pub(crate) fn grant(id: &str) -> Grant {
    Grant::new(user(id), OrganizationId::default(), "web")
        .with_permissions(["files:read".parse().unwrap()])
}

pub(crate) fn known() -> KnownPermissions {
    KnownPermissions::parse(["files:read", "files:write", "msg:send"]).unwrap()
}

pub(crate) fn policy() -> TokenPolicy {
    TokenPolicy::new("garland", "garland-api", known())
}

pub(crate) fn key(purpose: KeyUse, id: &str, secret: &str) -> SigningKey {
    SigningKey::new(purpose, id.parse().unwrap(), &SecretBytes::from(secret)).unwrap()
}

pub(crate) fn keys() -> TokenKeys {
    TokenKeys {
        access: KeySet::new(key(KeyUse::Access, "k1", ACCESS)),
        refresh: KeySet::new(key(KeyUse::Refresh, "r1", REFRESH)),
    }
}

pub(crate) fn entropy() -> Arc<dyn Entropy> {
    Arc::new(SystemEntropy::new())
}

pub(crate) fn service(
    backend: &Arc<dyn StorageBackend>,
    clock: &SetClock,
    policy: TokenPolicy,
    keys: TokenKeys,
) -> TokenService {
    let (backend, clock) = (Arc::clone(backend), Arc::new(clock.clone()));
    TokenService::new(backend, keys, policy, clock, entropy()).unwrap()
}

pub(crate) fn reason<T>(denied: Result<T, Denied>) -> DenyReason {
    match denied {
        Ok(_) => panic!("somebody is let in who must not be"),
        Err(denied) => denied.reason(),
    }
}
