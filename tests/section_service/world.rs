//! What the tests stand on.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use garland::backends::{Memory, Sqlite};
use garland::permission::{
    Action, Actor, Decision, PermissionResolver, PermissionSnapshot, Reason, Resource, TrustedHost,
};
use garland::section::{PolicyOptions, SectionService, StoredPolicy};
use garland::storage::{
    Batch, CollectionName, Committed, JournalEntry, JournalHead, JournalName, Query, Record,
    RecordId, RecordPage, StorageBackend, Store, Wake,
};
use garland::team::Directory;
use garland::wedding::UtcOnly;
use garland::{Chance, Clock, OrganizationId, Result, Timestamp};
use serde_json::{Value, json};

pub(crate) type Backend = Arc<dyn StorageBackend>;

/// 20 June 2026, ten in the morning, UTC.
pub(crate) const NOON: i64 = 1_781_949_600_000;

pub(crate) fn studio() -> OrganizationId {
    "studio".parse().unwrap()
}

pub(crate) fn store(backend: &Backend) -> Store {
    Store::new(Arc::clone(backend), studio())
}

pub(crate) fn memory() -> Backend {
    Arc::new(Memory::new())
}

pub(crate) fn shared<T: StorageBackend>(one: &Arc<T>) -> Backend {
    Arc::<T>::clone(one)
}

/// Each kind of database, by name; the folder lives as long as it does.
pub(crate) async fn databases() -> Vec<(&'static str, Backend, Option<tempfile::TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::open(folder.path().join("studio.db")).await.unwrap();
    vec![
        ("memory", memory(), None),
        ("sqlite", Arc::new(sqlite), Some(folder)),
    ]
}

/// A clock that stands until it is moved.
#[derive(Clone, Debug)]
pub(crate) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOON)))
    }

    pub(crate) fn pass(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        let passed = self.0.load(Ordering::SeqCst) - NOON;
        Duration::from_millis(passed.try_into().unwrap())
    }
}

pub(crate) fn policy(backend: &Backend, clock: &HandClock) -> StoredPolicy {
    policy_with(backend, clock, PolicyOptions::default())
}

pub(crate) fn policy_with(
    backend: &Backend,
    clock: &HandClock,
    options: PolicyOptions,
) -> StoredPolicy {
    let zones = Arc::new(UtcOnly::new());
    StoredPolicy::new(Arc::clone(backend), zones, Arc::new(clock.clone()), options)
}

pub(crate) fn team(backend: &Backend, clock: &HandClock) -> Directory {
    team_asking(backend, clock, Arc::new(TrustedHost::new()))
}

pub(crate) fn team_asking(
    backend: &Backend,
    clock: &HandClock,
    permissions: Arc<dyn PermissionResolver>,
) -> Directory {
    let (clock, zones) = (Arc::new(clock.clone()), Arc::new(UtcOnly::new()));
    Directory::new(store(backend), permissions, clock, zones)
}

pub(crate) fn member(id: &str, role: &str) -> Value {
    json!({"id": id, "organizationId": "studio", "role": role})
}

pub(crate) fn wedding(id: &str, date: &str) -> Value {
    json!({"id": id, "organizationId": "studio", "date": date, "timeZone": "UTC"})
}

/// Everything that is stored, and what the journal says, as text.
pub(crate) async fn dump(store: &Store, collections: &[&'static str]) -> String {
    let mut text = String::new();
    for collection in collections {
        let query = Query::all(CollectionName::new(collection));
        for record in store.query(&query).await.unwrap().records {
            text += &format!(
                "{collection} {} {} {}\n",
                record.id,
                record.version.get(),
                record.value.as_str()
            );
        }
    }
    for entry in journal(store).await {
        text += &format!("{} {}\n", entry.sequence, entry.event.as_str());
    }
    text
}

pub(crate) async fn journal(store: &Store) -> Vec<JournalEntry> {
    store
        .read_journal(&JournalName::main(), 0, Query::MAX_LIMIT)
        .await
        .unwrap()
}

/// Allows a list of actions and nothing else, and remembers what it was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Only {
    pub(crate) allowed: &'static [&'static str],
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Only {
    pub(crate) fn these(allowed: &'static [&'static str]) -> Self {
        Self {
            allowed,
            asked: Arc::default(),
        }
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

#[async_trait]
impl PermissionResolver for Only {
    async fn snapshot(
        &self,
        _: &OrganizationId,
        _: Option<u64>,
    ) -> Result<Arc<dyn PermissionSnapshot>> {
        Ok(Arc::new(self.clone()))
    }
}

impl PermissionSnapshot for Only {
    fn revision(&self) -> u64 {
        0
    }

    fn decide(&self, actor: &Actor, action: &Action, resources: &[Resource]) -> Vec<Decision> {
        let allow = self.allowed.contains(&action.as_str());
        let one = |resource: &Resource| {
            let question = format!("{actor} {} {resource}", action.as_str());
            self.asked.lock().unwrap().push(question);
            let reason = Reason::new("test", "the test says so");
            if allow {
                Decision::allow(reason)
            } else {
                Decision::deny(reason)
            }
        };
        resources.iter().map(one).collect()
    }
}

type Hook = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// A database that lets others run within each call, counts calls, does something before one of them, and may give no
/// wake-ups.
pub(crate) struct Hooked {
    inner: Backend,
    pub(crate) calls: AtomicU64,
    pub(crate) is_silent: bool,
    hook: Mutex<Option<(u64, Hook)>>,
}

impl Hooked {
    pub(crate) fn new(inner: &Backend) -> Self {
        Self {
            inner: Arc::clone(inner),
            calls: AtomicU64::new(0),
            is_silent: false,
            hook: Mutex::default(),
        }
    }

    pub(crate) fn silent(mut self) -> Self {
        self.is_silent = true;
        self
    }

    /// Does this before the call of that number, from 1, as counted from now.
    pub(crate) fn before(&self, number: u64, hook: Hook) {
        self.calls.store(0, Ordering::SeqCst);
        *self.hook.lock().unwrap() = Some((number, hook));
    }

    pub(crate) fn count(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    async fn call(&self) {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::task::yield_now().await;
        let due = {
            let hook = self.hook.lock().unwrap();
            let due = hook.as_ref().filter(|(at, _)| *at == number);
            due.map(|(_, hook)| hook())
        };
        if let Some(due) = due {
            due.await;
        }
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooked").finish_non_exhaustive()
    }
}

#[async_trait]
impl StorageBackend for Hooked {
    async fn commit(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed> {
        self.call().await;
        self.inner.commit(organization, batch).await
    }

    async fn get(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
        id: &RecordId,
    ) -> Result<Option<Record>> {
        self.call().await;
        self.inner.get(organization, collection, id).await
    }

    async fn query(&self, organization: &OrganizationId, query: &Query) -> Result<RecordPage> {
        self.call().await;
        self.inner.query(organization, query).await
    }

    async fn read_journal(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        self.call().await;
        let read = self.inner.read_journal(organization, journal, after, limit);
        read.await
    }

    async fn journal_head(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
    ) -> Result<JournalHead> {
        self.call().await;
        self.inner.journal_head(organization, journal).await
    }

    fn watch(&self) -> BoxStream<'static, Wake> {
        if self.is_silent {
            return stream::pending().boxed();
        }
        self.inner.watch()
    }

    fn watch_one(&self, organization: &OrganizationId) -> BoxStream<'static, ()> {
        if self.is_silent {
            return stream::pending().boxed();
        }
        self.inner.watch_one(organization)
    }
}

pub(crate) const KEPT: [&str; 10] = [
    "section_configurations",
    "section_history",
    "section_overlays",
    "section_permissions",
    "section_results",
    "section_slots",
    "section_syncs",
    "section_templates",
    "team_members",
    "weddings",
];

pub(crate) fn sections(backend: &Backend, clock: &HandClock) -> SectionService {
    sections_asking(backend, clock, Arc::new(TrustedHost::new()))
}

pub(crate) fn sections_asking(
    backend: &Backend,
    clock: &HandClock,
    permissions: Arc<dyn PermissionResolver>,
) -> SectionService {
    let policy = policy(backend, clock);
    let clock = Arc::new(clock.clone());
    SectionService::new(
        store(backend),
        policy,
        permissions,
        clock,
        Chance::seeded(7),
    )
}

pub(crate) fn section(id: &str, section_type: &str, roles: &[&str]) -> Value {
    json!({"id": id, "organizationId": "studio", "sectionType": section_type,
        "visibility": {"roles": roles}})
}

pub(crate) fn user(id: &str) -> Actor {
    Actor::User(id.into())
}
