//! A database that remembers who was asked for, and whatever was ever written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use garland::OrganizationId;
use garland::storage::{Batch, CollectionName, JournalName, RecordId, StorageBackend, Write};

use crate::between::{Between, Call, Middleman};

/// A record by where it stands.
pub(crate) type Place = (CollectionName, RecordId);

#[derive(Default)]
struct Seen {
    asked: BTreeSet<OrganizationId>,
    /// The last put of each record, with its entries in indexes: what whoever has the database can copy.
    puts: BTreeMap<OrganizationId, BTreeMap<Place, Write>>,
    journals: BTreeMap<OrganizationId, BTreeSet<JournalName>>,
}

/// Passes everything on.
pub(crate) type Tap = Between<Tapped>;

/// What a [`Tap`] remembers.
pub(crate) struct Tapped {
    inner: Arc<dyn StorageBackend>,
    seen: Mutex<Seen>,
}

impl fmt::Debug for Tapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Tap {
    pub(crate) fn new(inner: Arc<dyn StorageBackend>) -> Self {
        let seen = Mutex::default();
        Self(Arc::new(Tapped { inner, seen }))
    }
}

impl Tapped {
    /// The organizations that anything was asked of since the last call.
    pub(crate) fn asked(&self) -> BTreeSet<OrganizationId> {
        std::mem::take(&mut self.seen.lock().unwrap().asked)
    }

    /// What was put last of each record of an organization, deleted or not.
    pub(crate) fn puts(&self, organization: &OrganizationId) -> BTreeMap<Place, Write> {
        let seen = self.seen.lock().unwrap();
        seen.puts.get(organization).cloned().unwrap_or_default()
    }

    pub(crate) fn journals(&self, organization: &OrganizationId) -> BTreeSet<JournalName> {
        let seen = self.seen.lock().unwrap();
        seen.journals.get(organization).cloned().unwrap_or_default()
    }

    fn note(&self, organization: &OrganizationId) {
        let mut seen = self.seen.lock().unwrap();
        seen.asked.insert(organization.clone());
    }

    fn keep(&self, organization: &OrganizationId, batch: &Batch) {
        let mut seen = self.seen.lock().unwrap();
        for write in batch.writes() {
            match write {
                Write::Put { collection, id, .. } => {
                    let puts = seen.puts.entry(organization.clone()).or_default();
                    puts.insert((collection.clone(), id.clone()), write.clone());
                }
                Write::Append { journal, .. } => {
                    let journals = seen.journals.entry(organization.clone()).or_default();
                    journals.insert(journal.clone());
                }
                _ => {}
            }
        }
    }
}

#[async_trait]
impl Middleman for Tapped {
    fn inner(&self) -> Arc<dyn StorageBackend> {
        Arc::clone(&self.inner)
    }

    async fn before(&self, organization: &OrganizationId, _: Call) {
        self.note(organization);
    }

    fn committed(&self, organization: &OrganizationId, batch: &Batch) {
        self.keep(organization, batch);
    }

    fn counts(&self, organization: &OrganizationId, collection: &CollectionName) -> Option<u64> {
        self.note(organization);
        self.inner.write_count(organization, collection)
    }
}
