//! The books of an account in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::connector::{
    Client, ClientId, ContactBook, ContactChange, ContactCursor, ContactPage, Job, JobId,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::MemoryPlatform;
use super::paging::{foreign, missing};

/// The latest change of each record, and the number of that change.
#[derive(Debug, Default)]
pub(super) struct Book {
    clients: BTreeMap<ClientId, (u64, ContactChange)>,
    jobs: BTreeMap<JobId, (u64, ContactChange)>,
    changes: u64,
    /// How often all cursors were made to expire.
    age: u64,
}

impl Book {
    /// Makes every cursor expire.
    pub(super) fn expire_cursors(&mut self) {
        self.age += 1;
    }

    fn note(&mut self, change: ContactChange) {
        self.changes += 1;
        let number = self.changes;
        match &change {
            ContactChange::Client(Client { id, .. }) | ContactChange::ClientGone(id) => {
                self.clients.insert(id.clone(), (number, change));
            }
            ContactChange::Job(Job { id, .. }) | ContactChange::JobGone(id) => {
                self.jobs.insert(id.clone(), (number, change));
            }
        }
    }

    fn cursor(&self, passed: u64) -> ContactCursor {
        ContactCursor::new(format!("{}.{passed}", self.age))
    }

    fn passed(&self, cursor: &ContactCursor, operation: &'static str) -> Result<u64> {
        let parts = cursor.as_str().split_once('.');
        let numbers = parts.and_then(|(age, passed)| {
            let age: u64 = age.parse().ok()?;
            Some((age, passed.parse().ok()?))
        });
        let (age, passed) = numbers.ok_or_else(|| foreign(operation))?;
        if age == self.age {
            return Ok(passed);
        }
        let message = "the cursor has run out";
        Err(Error::new(ErrorKind::Expired, operation, message))
    }
}

impl MemoryPlatform {
    /// Changes the books, as the people of the studio would.
    pub fn note_contact(&self, change: ContactChange) {
        self.state().book.note(change);
    }
}

#[async_trait]
impl ContactBook for MemoryPlatform {
    async fn contact_changes(&self, since: Option<&ContactCursor>) -> Result<ContactPage> {
        let state = self.state();
        let book = &state.book;
        let passed = match since {
            Some(cursor) => book.passed(cursor, "memory.contact_changes")?,
            None => 0,
        };
        let all = book.clients.values().chain(book.jobs.values());
        let mut after: Vec<_> = all.filter(|(number, _)| *number > passed).collect();
        after.sort_by_key(|(number, _)| *number);
        let size = self.options().page_size.max(1);
        let more = after.len() > size;
        after.truncate(size);
        let last = after.last().map_or(passed, |(number, _)| *number);
        let changes = after.into_iter().map(|(_, change)| change.clone());
        Ok(ContactPage::new(changes.collect(), book.cursor(last), more))
    }

    async fn client(&self, id: &ClientId) -> Result<Client> {
        match self.state().book.clients.get(id) {
            Some((_, ContactChange::Client(client))) => Ok(client.clone()),
            _ => Err(missing("memory.client", "client", id)),
        }
    }

    async fn job(&self, id: &JobId) -> Result<Job> {
        match self.state().book.jobs.get(id) {
            Some((_, ContactChange::Job(job))) => Ok(job.clone()),
            _ => Err(missing("memory.job", "job", id)),
        }
    }
}
