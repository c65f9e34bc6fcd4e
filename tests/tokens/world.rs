//! A studio with a database, a clock that stands still, and keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use garland::backends::Memory;
use garland::crypto::tokens::{
    Denied, DenyReason, Grant, Issued, KeySet, KeyUse, KnownPermissions, SigningKey, TokenKeys,
    TokenPolicy, TokenService,
};
use garland::crypto::{Entropy, SecretBytes, SystemEntropy};
use garland::permission::Actor;
use garland::storage::{CollectionName, JournalEntry, JournalName, StorageBackend};
use garland::{OrganizationId, Result};

use crate::between::{Between, Call, Middleman};
pub(crate) use crate::clock::SetClock;

pub(crate) const ACCESS: &str = "garland-test-key-32-bytes-long!!";
pub(crate) const REFRESH: &str = "0ther-key-for-the-other-purpose.";
/// When the clock begins, in milliseconds.
pub(crate) const START: i64 = crate::clock::START.as_millis();

impl SetClock {
    pub(crate) fn back(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.0.fetch_sub(millis, Ordering::SeqCst);
    }
}

/// A database that others write too, as a shared one: nobody counts its writes. Counts its reads.
pub(crate) type Shared = Between<Counted>;

#[derive(Debug)]
pub(crate) struct Counted {
    inner: Arc<dyn StorageBackend>,
    reads: AtomicU64,
    queries: AtomicU64,
    /// Whether it says how often it was written.
    counts: bool,
}

impl Shared {
    pub(crate) fn new(inner: Arc<dyn StorageBackend>, counts: bool) -> Arc<Self> {
        let counted = Counted {
            inner,
            reads: AtomicU64::new(0),
            queries: AtomicU64::new(0),
            counts,
        };
        Arc::new(Self(Arc::new(counted)))
    }
}

impl Counted {
    pub(crate) fn looks(&self) -> (u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (of(&self.reads), of(&self.queries))
    }
}

#[async_trait]
impl Middleman for Counted {
    fn inner(&self) -> Arc<dyn StorageBackend> {
        Arc::clone(&self.inner)
    }

    async fn before(&self, _: &OrganizationId, call: Call) {
        match call {
            Call::Get => self.reads.fetch_add(1, Ordering::SeqCst),
            Call::Query => self.queries.fetch_add(1, Ordering::SeqCst),
            Call::Commit | Call::Journal => return,
        };
        // So that tasks meet between a look and a write, as they do with a real database.
        tokio::task::yield_now().await;
    }

    fn counts(&self, organization: &OrganizationId, collection: &CollectionName) -> Option<u64> {
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
        let clock = SetClock::default();
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
