//! Two sweeps of one quarantine, one of them held up between what it read and what it writes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use garland::storage::{
    Batch, CollectionName, Committed, JournalEntry, JournalHead, JournalName, Query, Record,
    RecordId, RecordPage, StorageBackend, Wake,
};
use garland::testing::{FaultKind, FaultRule, Faults, FaultyConnector, Operation};
use garland::upload::{Swept, UploadId, UploadState, Uploads};
use garland::{ErrorKind, OrganizationId, Result};
use tokio::sync::Semaphore;

use crate::world::{IDLE, World, note, send, zoe};

/// A database whose first commit waits until it is told to go on.
#[derive(Debug)]
struct Held {
    inner: Arc<dyn StorageBackend>,
    reached: Semaphore,
    go_on: Semaphore,
}

impl Held {
    fn new(world: &World) -> Arc<Self> {
        Arc::new(Self {
            inner: world.backend(),
            reached: Semaphore::new(0),
            go_on: Semaphore::new(0),
        })
    }
}

#[async_trait]
impl StorageBackend for Held {
    async fn commit(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed> {
        self.reached.add_permits(1);
        // Never closed, and open to all behind the first.
        let pass = self.go_on.acquire().await.unwrap();
        drop(pass);
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
        self.inner
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

    fn watch_one(&self, organization: &OrganizationId) -> BoxStream<'static, ()> {
        self.inner.watch_one(organization)
    }
}

/// What a sweep answers that comes to its first write, waits there until `meanwhile` is done, and goes on.
async fn held_up(world: &World, meanwhile: impl Future<Output = ()>) -> Result<Swept> {
    let held = Held::new(world);
    let backend = Arc::<Held>::clone(&held);
    let uploads = world.service(backend, Arc::new(world.disk.clone()), World::options());
    let first = async { uploads.sweep(IDLE).await };
    let second = async {
        let reached = held.reached.acquire().await.unwrap();
        reached.forget();
        meanwhile.await;
        held.go_on.add_permits(1);
    };
    tokio::join!(first, second).0
}

/// A refused file whose bytes are still there, as its deletion failed.
async fn refused(world: &World) -> UploadId {
    let rule = FaultRule::new(Operation::Delete, FaultKind::Error(ErrorKind::Unavailable)).always();
    let faults = Faults::none().with_rule(rule);
    let disk = FaultyConnector::new("disk", Arc::new(world.disk.clone()), faults);
    let stuck = world.service(world.backend(), Arc::new(disk), World::options());
    let record = send(&stuck, b"a\x01binary").await.unwrap();
    let record = stuck.check(record.id).await.unwrap();
    assert!(matches!(record.state, UploadState::Rejected(_)) && record.counted);
    record.id
}

/// Nothing is left of a file, and the books are right.
async fn all_gone(world: &World) {
    assert!(world.records().await.is_empty());
    assert!(world.disk.contents().is_empty());
    world.check_books().await;
}

async fn sweep(uploads: &Uploads) -> (u64, u64, u64) {
    let swept = uploads.sweep(IDLE).await.unwrap();
    (swept.abandoned, swept.emptied, swept.removed)
}

#[tokio::test(start_paused = true)]
async fn u8_a_sweep_goes_on_when_a_refused_file_was_emptied_and_removed_behind_it() {
    let world = World::new();
    let id = refused(&world).await;
    let swept = held_up(&world, async {
        let uploads = world.uploads();
        assert_eq!(sweep(&uploads).await, (0, 1, 0));
        uploads.remove(id).await.unwrap();
    });
    assert_eq!(swept.await.unwrap(), Swept::default());
    all_gone(&world).await;
}

#[tokio::test(start_paused = true)]
async fn u8_of_two_sweeps_one_gives_an_idle_upload_up() {
    let world = World::new();
    let uploads = world.uploads();
    let mut idle = uploads.begin(zoe(), &note()).await.unwrap();
    idle.write(Bytes::from("see you at two")).await.unwrap();
    tokio::time::sleep(IDLE).await;
    let swept = held_up(&world, async {
        assert_eq!(sweep(&world.uploads()).await, (1, 0, 0));
    });
    assert_eq!(swept.await.unwrap(), Swept::default());
    all_gone(&world).await;
    let given_up = world.events().await;
    let given_up = given_up
        .iter()
        .filter(|event| event.contains("upload.abandoned"));
    assert_eq!(given_up.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn u8_of_two_sweeps_one_forgets_a_removed_file() {
    let world = World::new();
    let uploads = world.uploads();
    let mut coming = uploads.begin(zoe(), &note()).await.unwrap();
    coming.write(Bytes::from("see you at two")).await.unwrap();
    uploads.remove(coming.id()).await.unwrap();
    tokio::time::sleep(IDLE + Duration::from_secs(1)).await;
    let swept = held_up(&world, async {
        assert_eq!(sweep(&world.uploads()).await, (0, 0, 1));
    });
    swept.await.unwrap();
    all_gone(&world).await;
    let removed = world.events().await;
    let removed = removed
        .iter()
        .filter(|event| event.contains("upload.removed"));
    assert_eq!(removed.count(), 1, "the journal says so once");
}
