//! The database under test, with short calls.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::error::{ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::{
    Batch, ChainHash, CollectionName, Committed, IndexKey, IndexName, JournalEntry, JournalHead,
    Json, Precondition, Query, Record, RecordId, RecordPage, StorageBackend, Version, Write,
};

pub(super) const THINGS: CollectionName = CollectionName::new("things");
pub(super) const BY_DAY: IndexName = IndexName::new("by_day");
pub(super) const BY_PLACE: IndexName = IndexName::new("by_place");
pub(super) const AT: Timestamp = Timestamp::from_millis(1_750_000_000_123);

#[derive(Clone)]
pub(super) struct Subject {
    pub(super) backend: Arc<dyn StorageBackend>,
    pub(super) organization: OrganizationId,
}

impl Subject {
    pub(super) fn new(backend: Arc<dyn StorageBackend>) -> Self {
        Self {
            backend,
            organization: OrganizationId::default(),
        }
    }

    /// The same database for another organization.
    pub(super) fn of(&self, organization: &str) -> Self {
        Self {
            backend: Arc::clone(&self.backend),
            organization: organization.parse().unwrap(),
        }
    }

    pub(super) async fn try_commit(
        &self,
        writes: impl IntoIterator<Item = Write>,
    ) -> Result<Committed> {
        self.backend.commit(&self.organization, batch(writes)).await
    }

    pub(super) async fn commit(&self, writes: impl IntoIterator<Item = Write>) -> Committed {
        self.try_commit(writes)
            .await
            .expect("a good batch is written")
    }

    /// Commits what must be refused.
    pub(super) async fn refuse(&self, kind: ErrorKind, writes: impl IntoIterator<Item = Write>) {
        match self.try_commit(writes).await {
            Ok(committed) => panic!("a batch is written that must be refused: {committed:?}"),
            Err(error) => assert_eq!(error.kind(), kind, "{error:?}"),
        }
    }

    pub(super) async fn get(&self, id: &str) -> Option<Record> {
        let found = self
            .backend
            .get(&self.organization, &THINGS, &key(id))
            .await;
        found.expect("a record is read")
    }

    /// The version and the text of a record, 0 and nothing if it is not there.
    pub(super) async fn look(&self, id: &str) -> (u64, String) {
        self.get(id).await.map_or((0, String::new()), |record| {
            assert_eq!(record.id.as_str(), id, "a record is given under another id");
            (record.version.get(), record.value.as_str().to_owned())
        })
    }

    pub(super) async fn page(&self, query: &Query) -> RecordPage {
        let page = self.backend.query(&self.organization, query).await;
        page.expect("a page is read")
    }

    /// The ids a query finds, over all pages.
    pub(super) async fn ids(&self, mut query: Query) -> Vec<String> {
        let mut ids = Vec::new();
        loop {
            let page = self.page(&query).await;
            assert!(
                page.records.len() <= query.limit.clamp(1, Query::MAX_LIMIT),
                "a page is longer than its limit"
            );
            assert!(
                page.next.is_none() || !page.records.is_empty(),
                "an empty page says that more follows"
            );
            ids.extend(page.records.iter().map(|record| record.id.to_string()));
            match page.next {
                Some(next) => query = query.with_after(next),
                None => return ids,
            }
        }
    }

    pub(super) async fn journal(
        &self,
        journal: &str,
        after: u64,
        limit: usize,
    ) -> Vec<JournalEntry> {
        let entries = self
            .backend
            .read_journal(&self.organization, &journal.parse().unwrap(), after, limit)
            .await;
        entries.expect("a journal is read")
    }

    pub(super) async fn head(&self, journal: &str) -> JournalHead {
        let head = self
            .backend
            .journal_head(&self.organization, &journal.parse().unwrap())
            .await;
        head.expect("the end of a journal is read")
    }

    /// Every entry of a journal, after its numbers, hashes and end are found right.
    pub(super) async fn chain(&self, journal: &str) -> Vec<JournalEntry> {
        let mut entries: Vec<JournalEntry> = Vec::new();
        let mut head = JournalHead::default();
        loop {
            let page = self.journal(journal, head.sequence, 100).await;
            if page.is_empty() {
                break;
            }
            for entry in page {
                assert_eq!(entry.sequence, head.sequence + 1, "numbers have no gaps");
                let hash = head.hash.link(entry.sequence, entry.at, &entry.event);
                assert_eq!(entry.hash, hash, "entry {} is not chained", entry.sequence);
                head = JournalHead::new(entry.sequence, hash);
                entries.push(entry);
            }
        }
        assert_eq!(
            self.head(journal).await,
            head,
            "the end is that of the last entry"
        );
        assert!(head.sequence > 0 || head.hash == ChainHash::START);
        entries
    }
}

pub(super) fn batch(writes: impl IntoIterator<Item = Write>) -> Batch {
    let mut batch = Batch::new(AT);
    for write in writes {
        batch.push(write);
    }
    batch
}

pub(super) fn key(id: &str) -> RecordId {
    id.parse().unwrap()
}

pub(super) fn at(version: u64) -> Precondition {
    Precondition::At(Version::new(version))
}

pub(super) fn put(id: &str, value: &str) -> Write {
    put_if(id, value, Precondition::Any)
}

pub(super) fn put_if(id: &str, value: &str, precondition: Precondition) -> Write {
    Write::Put {
        collection: THINGS,
        id: key(id),
        value: Json::parse(value).unwrap(),
        indexes: Vec::new(),
        precondition,
    }
}

pub(super) fn put_indexed(id: &str, keys: &[(IndexName, &str)]) -> Write {
    let keys = keys
        .iter()
        .map(|(name, key)| (name.clone(), index_key(key)));
    Write::Put {
        collection: THINGS,
        id: key(id),
        value: Json::parse("null").unwrap(),
        indexes: keys.collect(),
        precondition: Precondition::Any,
    }
}

fn index_key(key: &str) -> IndexKey {
    key.parse().unwrap()
}

pub(super) fn delete(id: &str) -> Write {
    delete_if(id, Precondition::Any)
}

pub(super) fn delete_if(id: &str, precondition: Precondition) -> Write {
    Write::Delete {
        collection: THINGS,
        id: key(id),
        precondition,
    }
}

pub(super) fn check(id: &str, precondition: Precondition) -> Write {
    Write::Check {
        collection: THINGS,
        id: key(id),
        precondition,
    }
}

pub(super) fn append(journal: &str, event: &str) -> Write {
    Write::Append {
        journal: journal.parse().unwrap(),
        event: Json::parse(event).unwrap(),
    }
}

pub(super) fn nothing() -> Committed {
    Committed::default()
}
