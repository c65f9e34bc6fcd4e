//! Commits that arrive late, and what stands in between: nothing is stored twice, lost, or left behind.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use garland::permission::{Actor, TrustedHost};
use garland::section::{
    PolicyOptions, QueueOptions, SECTION_OVERLAYS, SECTION_PERMISSIONS, SectionService,
    StoredPolicy,
};
use garland::storage::{
    Batch, CollectionName, Committed, JournalEntry, JournalHead, JournalName, Precondition, Query,
    Record, RecordId, RecordPage, StorageBackend, Version, Wake,
};
use garland::team::Access;
use garland::testing::{Faults, FaultyStorage, Moment, PausedClock};
use garland::wedding::{AccessLevel, UtcOnly};
use garland::{Chance, Error, ErrorKind, OrganizationId, Result, Timestamp};
use serde_json::{Value, json};

use crate::world::{
    Backend, HandClock, NOON, member, memory, section, sections, shared, store, team, user, wedding,
};

const ANY: Precondition = Precondition::Any;
const ONE: Version = Version::new(1);

/// A database that gives up on one commit, which is under way all the same and lands before the next. Or never.
#[derive(Debug)]
struct Late {
    inner: Backend,
    lands: bool,
    is_armed: Mutex<bool>,
    under_way: Mutex<Option<Batch>>,
}

impl Late {
    fn new(inner: &Backend, lands: bool) -> Self {
        Self {
            inner: Arc::clone(inner),
            lands,
            is_armed: Mutex::default(),
            under_way: Mutex::default(),
        }
    }
}

#[async_trait]
impl StorageBackend for Late {
    async fn commit(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed> {
        if std::mem::take(&mut *self.is_armed.lock().unwrap()) {
            *self.under_way.lock().unwrap() = Some(batch);
            let message = "nobody knows what became of it";
            return Err(Error::new(ErrorKind::Timeout, "test.commit", message));
        }
        let late = self.under_way.lock().unwrap().take();
        if let Some(late) = late.filter(|_| self.lands) {
            self.inner.commit(organization, late).await?;
        }
        self.inner.commit(organization, batch).await
    }

    async fn get(
        &self,
        organization: &OrganizationId,
        collection: &CollectionName,
        id: &RecordId,
    ) -> Result<Option<Record>> {
        self.inner.get(organization, collection, id).await
    }

    async fn query(&self, organization: &OrganizationId, query: &Query) -> Result<RecordPage> {
        self.inner.query(organization, query).await
    }

    async fn read_journal(
        &self,
        organization: &OrganizationId,
        journal: &JournalName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        let read = self.inner.read_journal(organization, journal, after, limit);
        read.await
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

    fn watch_one(&self, organization: &OrganizationId) -> BoxStream<'static, ()> {
        self.inner.watch_one(organization)
    }
}

fn title(text: &str) -> Value {
    json!({"customization": {"title": text}})
}

/// A commit that was given up on may have been under way all the time: then the conflict is with itself, and whoever
/// waits is told that it is stored.
#[tokio::test(start_paused = true)]
async fn a_late_commit_of_a_queue_is_no_conflict_and_anothers_is() {
    for lands in [true, false] {
        let inner = memory();
        let host = sections(&inner, &HandClock::new());
        host.create(&section("b", "budget", &["couple"]))
            .await
            .unwrap();
        let late = Arc::new(Late::new(&inner, lands));
        let backend = shared(&late);
        let clock = PausedClock::starting(Timestamp::from_millis(NOON));
        let zones = Arc::new(UtcOnly::new());
        let options = PolicyOptions::default();
        let policy = StoredPolicy::new(Arc::clone(&backend), zones, Arc::new(clock), options);
        let service = SectionService::new(
            store(&backend),
            policy,
            Arc::new(TrustedHost::new()),
            Arc::new(clock),
            Chance::seeded(3),
        );
        let queue = service.queue(QueueOptions::default());
        let ours = title("ours");
        let ours = queue.patch(Actor::Host, "b", None, &ours, ONE);
        let ours = ours.await.unwrap();
        *late.is_armed.lock().unwrap() = true;
        tokio::time::sleep(Duration::from_millis(2_001)).await;
        if !lands {
            // It was lost, and somebody else is quicker than the next try.
            host.patch("b", None, &title("theirs"), ONE).await.unwrap();
        }
        let answer = ours.accepted().await;
        queue.shutdown().await.unwrap();
        let found = host.read("b", None).await.unwrap();
        let history: Vec<_> = host.history("b").try_collect().await.unwrap();
        let shown = found.configuration.as_map()["customization"]["title"].clone();
        assert_eq!((found.version.get(), history.len()), (2, 2));
        if lands {
            let patched = answer.unwrap();
            assert_eq!((patched.version.get(), shown), (2, json!("ours")));
            assert_eq!(patched.change.as_deref(), Some(&*history[1].change));
        } else {
            assert_eq!(answer.unwrap_err().kind(), ErrorKind::Conflict);
            assert_eq!(shown, "theirs");
        }
    }
}

/// A section of the couple's, which one of them has arranged.
async fn arranged(backend: &Backend, clock: &HandClock) -> SectionService {
    let team = team(backend, clock);
    team.put_member(&member("ann", "couple"), ANY)
        .await
        .unwrap();
    let host = sections(backend, clock);
    host.create(&section("p", "photos", &["couple"]))
        .await
        .unwrap();
    let ann = host.acting_as(user("ann"));
    ann.personalize("p", None, &title("mine"), ANY)
        .await
        .unwrap();
    host
}

async fn left(backend: &Backend) -> usize {
    let query = Query::all(SECTION_OVERLAYS.name().clone());
    store(backend).query(&query).await.unwrap().records.len()
}

#[tokio::test]
async fn a_removal_that_fails_anywhere_leaves_no_arrangement_of_what_is_gone() {
    let mut gone = 0;
    for moment in [Moment::Before, Moment::After] {
        for step in 1.. {
            let (inner, clock) = (memory(), HandClock::new());
            let host = arranged(&inner, &clock).await;
            let faults = Faults::crash_at(step, moment);
            let shaky: Backend = Arc::new(FaultyStorage::new(Arc::clone(&inner), faults));
            let removed = sections(&shaky, &clock).remove("p", ONE).await;
            if removed.is_ok() {
                assert!(step > 4, "nothing failed");
                break;
            }
            let is_gone = host.read("p", None).await.is_err();
            let arrangements = left(&inner).await;
            assert!(!is_gone || arrangements == 0, "step {step}, {moment:?}");
            gone += usize::from(is_gone);
            // What is still there can be removed.
            if !is_gone {
                host.remove("p", ONE).await.unwrap();
                assert_eq!(left(&inner).await, 0, "step {step}, {moment:?}");
            }
        }
    }
    assert!(gone > 0, "no removal failed after it was made");
}

/// Somebody who is let into a wedding while bulk work is past them, with results that are older than the work.
#[tokio::test]
async fn bulk_work_leaves_no_result_that_is_older_than_it() {
    let (backend, clock) = (memory(), HandClock::new());
    let team = team(&backend, &clock);
    team.put_wedding(&wedding("june", "2026-06-20"), ANY)
        .await
        .unwrap();
    for number in 0..200 {
        let id = format!("m{number:03}");
        team.put_member(&member(&id, "couple"), ANY).await.unwrap();
    }
    let host = sections(&backend, &clock);
    host.create(&section("p", "photos", &["couple"]))
        .await
        .unwrap();
    let full = [Access::new("june", AccessLevel::Full)];
    team.change_access("m000", &full, ANY).await.unwrap();
    host.recompute(&[("m000", Some("june"))]).await.unwrap();
    team.change_access("m000", &[], ANY).await.unwrap();

    let mut work = host.sync_organization();
    let first = work.try_next().await.unwrap().unwrap();
    assert!(first.done > 0 && !first.is_complete, "{first:?}");
    team.change_access("m000", &full, ANY).await.unwrap();
    // Others store newer results, and the work goes on with the state those are of.
    host.recompute(&[("m199", None)]).await.unwrap();
    let rest: Vec<_> = work.try_collect().await.unwrap();
    let last = rest.last().unwrap();
    assert!(last.is_complete);
    let query = Query::all(SECTION_PERMISSIONS.name().clone());
    let stored = store(&backend).all(&SECTION_PERMISSIONS, query);
    let stored: Vec<_> = stored.try_collect().await.unwrap();
    let older = stored
        .iter()
        .filter(|one| one.value.revision < last.revision);
    let older: Vec<_> = older.map(|one| one.id.as_str()).collect();
    assert_eq!(older, Vec::<&str>::new());
    assert_eq!(stored.len(), 201);
}
