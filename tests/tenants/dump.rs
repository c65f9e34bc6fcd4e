//! Everything that an organization has in the database.

use std::collections::BTreeMap;

use garland::OrganizationId;
use garland::privacy::Coverage;
use garland::storage::{CollectionName, JournalEntry, JournalName, Query, Record, StorageBackend};

use crate::tap::Tap;

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Dump {
    pub(crate) records: BTreeMap<CollectionName, Vec<Record>>,
    pub(crate) journals: BTreeMap<JournalName, Vec<JournalEntry>>,
}

impl Dump {
    pub(crate) async fn of(tap: &Tap, organization: &OrganizationId) -> Self {
        let mut dump = Self::default();
        let covered = Coverage::garland().unwrap();
        let covered = covered.all().map(|data| data.collection.clone());
        let written = tap.puts(organization).into_keys().map(|place| place.0);
        for name in covered.chain(written) {
            let records = records(tap, organization, &name).await;
            dump.records.insert(name, records);
        }
        for name in tap.journals(organization) {
            let entries = tap.read_journal(organization, &name, 0, 10_000).await;
            dump.journals.insert(name, entries.unwrap());
        }
        // What was asked here was asked by the test.
        tap.asked();
        dump
    }

    /// How many records and entries there are, by place.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let records = self.records.iter();
        let records = records.map(|(name, all)| (name.to_string(), all.len()));
        let journals = self.journals.iter();
        let journals = journals.map(|(name, all)| (format!("journal {name}"), all.len()));
        records.chain(journals).filter(|(_, n)| *n > 0).collect()
    }
}

async fn records(tap: &Tap, organization: &OrganizationId, name: &CollectionName) -> Vec<Record> {
    let mut query = Query::all(name.clone());
    let mut records = Vec::new();
    loop {
        let page = tap.query(organization, &query).await.unwrap();
        records.extend(page.records);
        match page.next {
            Some(cursor) => query = query.with_after(cursor),
            None => return records,
        }
    }
}
