//! A studio that receives files.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::backends::Memory;
use garland::connector::PlatformConnector;
use garland::permission::Actor;
use garland::platforms::MemoryPlatform;
use garland::storage::{Collection, Query, StorageBackend, Store};
use garland::testing::PausedClock;
use garland::upload::{
    Copy, Declared, UPLOAD_USAGE, UPLOADS, UploadRecord, UploadState, Uploads, UploadsOptions,
    UsageRecord,
};
use garland::{Chance, Ids, OrganizationId, Result, Timestamp};
use serde::de::DeserializeOwned;

pub(crate) const IDLE: Duration = Duration::from_secs(3_600);

/// A database and a disk, and the clock on the wall. To be made inside a runtime with paused time.
pub(crate) struct World {
    backend: Arc<Memory>,
    pub(crate) disk: MemoryPlatform,
    pub(crate) clock: PausedClock,
    pub(crate) ids: Ids,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = PausedClock::starting(Timestamp::from_millis(1_780_000_000_000));
        Self {
            backend: Arc::new(Memory::new()),
            disk: MemoryPlatform::default(),
            clock,
            ids: Ids::new(Arc::new(clock), Chance::seeded(7)),
        }
    }

    /// Parts of 8 bytes, so that small files have many.
    pub(crate) fn options() -> UploadsOptions {
        UploadsOptions::default().with_part_size(8)
    }

    pub(crate) fn uploads(&self) -> Uploads {
        self.uploads_with(Self::options())
    }

    pub(crate) fn uploads_with(&self, options: UploadsOptions) -> Uploads {
        self.service(self.backend(), Arc::new(self.disk.clone()), options)
    }

    pub(crate) fn service(
        &self,
        backend: Arc<dyn StorageBackend>,
        disk: Arc<dyn PlatformConnector>,
        options: UploadsOptions,
    ) -> Uploads {
        let store = Store::new(backend, OrganizationId::default());
        Uploads::new(store, disk, Arc::new(self.clock), self.ids.clone(), options).unwrap()
    }

    pub(crate) fn backend(&self) -> Arc<dyn StorageBackend> {
        Arc::<Memory>::clone(&self.backend)
    }

    pub(crate) fn store(&self) -> Store {
        Store::new(self.backend(), OrganizationId::default())
    }

    async fn all<T: DeserializeOwned + Send + 'static>(
        &self,
        collection: &Collection<T>,
    ) -> BTreeMap<String, T> {
        let found = self
            .store()
            .all(collection, Query::all(collection.name().clone()));
        let found: Vec<_> = found.try_collect().await.unwrap();
        found
            .into_iter()
            .map(|found| (found.id.as_str().to_owned(), found.value))
            .collect()
    }

    pub(crate) async fn records(&self) -> Vec<UploadRecord> {
        self.all(&UPLOADS).await.into_values().collect()
    }

    /// Usage is exactly what the records say, and there is no byte on the disk that no record knows of.
    pub(crate) async fn check_books(&self) {
        let records = self.records().await;
        let mut wanted: BTreeMap<String, UsageRecord> = BTreeMap::new();
        let usages = self.all(&UPLOAD_USAGE).await;
        for (id, usage) in &usages {
            wanted.insert(id.clone(), UsageRecord::default());
            assert!(
                id == "organization" || id.starts_with("actor/"),
                "{id} {usage:?}"
            );
        }
        let counted = records.iter().filter(|record| record.counted);
        let (mut bytes, mut files) = (0, 0);
        for record in counted {
            (bytes, files) = (bytes + record.bytes, files + 1);
        }
        if let Some(usage) = usages.get("organization") {
            assert_eq!((usage.bytes, usage.files), (bytes, files), "{records:#?}");
        }
        let people = usages.iter().filter(|(id, _)| id.starts_with("actor/"));
        let (by_bytes, by_files) = people.fold((0, 0), |sum, (_, usage)| {
            (sum.0 + usage.bytes, sum.1 + usage.files)
        });
        assert_eq!((by_bytes, by_files), (bytes, files));
        for path in self.disk.contents().keys() {
            let id = path.components().nth(2).unwrap();
            let known = records.iter().find(|record| record.id.to_string() == id);
            assert!(
                known.is_some_and(|record| record.counted),
                "{path} belongs to nobody"
            );
        }
    }

    pub(crate) async fn events(&self) -> Vec<String> {
        let journal = garland::storage::JournalName::main();
        let entries = self.store().read_journal(&journal, 0, 1_000).await.unwrap();
        entries
            .into_iter()
            .map(|entry| entry.event.as_str().to_owned())
            .collect()
    }
}

pub(crate) fn zoe() -> Actor {
    Actor::User("zoë".into())
}

pub(crate) fn note() -> Declared {
    Declared::new("see you.txt", "text/plain")
}

/// Sends a text in pieces of five bytes.
pub(crate) async fn send(uploads: &Uploads, content: &[u8]) -> Result<UploadRecord> {
    send_as(uploads, zoe(), &note(), content).await
}

pub(crate) async fn send_as(
    uploads: &Uploads,
    by: Actor,
    declared: &Declared,
    content: &[u8],
) -> Result<UploadRecord> {
    let mut incoming = uploads.begin(by, declared).await?;
    for piece in content.chunks(5) {
        incoming.write(Bytes::copy_from_slice(piece)).await?;
    }
    incoming.finish().await
}

pub(crate) async fn read(uploads: &Uploads, record: &UploadRecord, copy: Copy) -> Result<Vec<u8>> {
    let reader = uploads.read(record.id, copy, None).await?;
    let pieces: Vec<Bytes> = reader.bytes.try_collect().await?;
    Ok(pieces.concat())
}

pub(crate) fn is_open(state: UploadState) -> bool {
    matches!(state, UploadState::Receiving | UploadState::Removing)
}
