//! Taking back, seen by the next check of everybody who shares the database.
//!
//! Each revocation of an organization has the next number, given in the commit that writes it. A
//! process keeps what it has read, so that a check asks two things only: is there anything new, and
//! is this token among what was taken back? The first is answered without I/O where the backend sees
//! every write ([`StorageBackend::write_count`]), else by one read of one small record. When it cannot
//! be answered nobody is let in.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::TryStreamExt as _;

use crate::clock::Timestamp;
use crate::engine::crypto::expiry::{SWEPT, sweep};
use crate::engine::journal::Event;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::{Batch, JournalName, Precondition, Query, RecordId, StorageBackend, Store};
use crate::telemetry::Telemetry;

use super::records::{
    BY_NUMBER, Revocation, RevocationCount, Revoked, TOKEN_REVOCATION_COUNT, TOKEN_REVOCATIONS,
    TOKEN_SESSIONS, number_key,
};
use super::view::View;

/// Most organizations whose revocations are kept in memory; past it all are read anew.
const MOST_VIEWS: usize = 10_000;

/// How often a commit is tried again because somebody else was quicker; each time somebody was.
pub(super) const TRIES: usize = 1_000;

/// The revocations of every organization on one backend.
#[derive(Debug)]
pub(super) struct Revocations {
    backend: Arc<dyn StorageBackend>,
    patience: Duration,
    pub(super) telemetry: Telemetry,
    views: RwLock<HashMap<OrganizationId, View>>,
}

/// Holds a batch to the condition that nothing was taken back since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unchanged {
    count: Precondition,
    /// The number of the last revocation.
    pub(super) number: u64,
}

impl Unchanged {
    pub(super) fn guard(self, batch: &mut Batch) -> Result<()> {
        batch.check(&TOKEN_REVOCATION_COUNT, RevocationCount::id()?, self.count);
        Ok(())
    }
}

impl Revocations {
    pub(super) fn new(
        backend: Arc<dyn StorageBackend>,
        patience: Duration,
        telemetry: Telemetry,
    ) -> Self {
        Self {
            backend,
            patience,
            telemetry,
            views: RwLock::default(),
        }
    }

    pub(super) fn store(&self, organization: &OrganizationId) -> Store {
        Store::new(Arc::clone(&self.backend), organization.clone())
            .with_patience(self.patience)
            .with_telemetry(self.telemetry.clone())
    }

    /// Asks everything that was ever taken back.
    pub(super) async fn ask<T>(
        &self,
        organization: &OrganizationId,
        now: Timestamp,
        question: impl Fn(&View) -> T,
    ) -> Result<T> {
        let count = self
            .backend
            .write_count(organization, TOKEN_REVOCATIONS.name());
        if count.is_some() {
            let views = self.views.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(view) = views.get(organization).filter(|view| view.count == count) {
                return Ok(question(view));
            }
        }
        self.ask_anew(organization, now, question)
            .await
            .map(|(answer, _)| answer)
    }

    /// As [`ask`](Revocations::ask), by a look at the database, and tells what to hold a commit to
    /// that relies on the answer.
    pub(super) async fn ask_anew<T>(
        &self,
        organization: &OrganizationId,
        now: Timestamp,
        question: impl Fn(&View) -> T,
    ) -> Result<(T, Unchanged)> {
        let store = self.store(organization);
        for _ in 0..TRIES {
            let read = self.read(organization, &store).await?;
            let mut views = self.views.write().unwrap_or_else(PoisonError::into_inner);
            if views.len() >= MOST_VIEWS && !views.contains_key(organization) {
                views.clear();
            }
            let view = views.entry(organization.clone()).or_default();
            // Unless somebody has forgotten meanwhile what this reading builds on.
            if view.number >= read.after {
                view.add(&read.news, read.number, read.count, now);
                return Ok((question(view), read.unchanged));
            }
        }
        Err(busy())
    }

    /// Reads what this process has not read yet.
    async fn read(&self, organization: &OrganizationId, store: &Store) -> Result<Reading> {
        // In this order, so that what is read is newer than what it is compared with.
        let mut after = self.number(organization);
        let count = store.write_count(&TOKEN_REVOCATIONS);
        let last = store
            .get(&TOKEN_REVOCATION_COUNT, &RevocationCount::id()?)
            .await?;
        let (number, unchanged) = match last {
            Some(last) => (last.value.number, Precondition::At(last.version)),
            None => (0, Precondition::Absent),
        };
        if after > number {
            // An older copy of the database was put in its place: what was read before does not count.
            self.forget(organization);
            after = 0;
        }
        let mut news = Vec::new();
        if after < number {
            let from = number_key(after.saturating_add(1))?;
            let from = Bound::Included(from.as_str().into());
            let query = Query::all(TOKEN_REVOCATIONS.name().clone())
                .by(BY_NUMBER)
                .between(from, Bound::Unbounded);
            let mut found = store.all(&TOKEN_REVOCATIONS, query);
            while let Some(revocation) = found.try_next().await? {
                news.push(revocation.value);
            }
        }
        Ok(Reading {
            after,
            news,
            number,
            count,
            unchanged: Unchanged {
                count: unchanged,
                number,
            },
        })
    }

    /// Takes back, and ends the session of a [`Revoked::Session`] in the same commit. One that has
    /// been ended already is left as it is.
    pub(super) async fn revoke(
        &self,
        organization: &OrganizationId,
        wanted: &Revocation,
        event: &Event,
    ) -> Result<()> {
        let (store, now) = (self.store(organization), wanted.at);
        for _ in 0..TRIES {
            let (next, unchanged) = self
                .ask_anew(organization, now, |view| view.next(wanted))
                .await?;
            let mut batch = Batch::new(now);
            if let Revoked::Session(id) = &wanted.what {
                let session = RecordId::parse(id.as_str())?;
                let found = store.get(&TOKEN_SESSIONS, &session).await?;
                // Of one that is not there, access tokens may still be about.
                if let Some(mut found) = found {
                    if found.value.ended.is_some() {
                        return Ok(());
                    }
                    found.value.ended = Some(now);
                    let (at, indexes) = (Precondition::At(found.version), found.value.indexes()?);
                    batch.put_with(&TOKEN_SESSIONS, session, &found.value, at, indexes)?;
                }
            }
            let (counter, indexes) = (RevocationCount::id()?, next.indexes()?);
            let count = RevocationCount {
                number: next.number,
            };
            batch.put_with(
                &TOKEN_REVOCATION_COUNT,
                counter,
                &count,
                unchanged.count,
                Vec::new(),
            )?;
            let id = next.id()?;
            sweep(&mut batch, &store, &TOKEN_REVOCATIONS, SWEPT, Some(&id)).await?;
            batch.put_with(&TOKEN_REVOCATIONS, id, &next, Precondition::Any, indexes)?;
            batch.append(JournalName::main(), event)?;
            match store.commit(batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(busy())
    }

    fn number(&self, organization: &OrganizationId) -> u64 {
        let views = self.views.read().unwrap_or_else(PoisonError::into_inner);
        views.get(organization).map_or(0, |view| view.number)
    }

    fn forget(&self, organization: &OrganizationId) {
        let mut views = self.views.write().unwrap_or_else(PoisonError::into_inner);
        views.remove(organization);
    }
}

/// What one look at the database gave: everything from behind `after` up to `number`.
struct Reading {
    after: u64,
    news: Vec<Revocation>,
    number: u64,
    count: Option<u64>,
    unchanged: Unchanged,
}

/// Somebody was quicker every time.
pub(super) fn busy() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "token.commit",
        "others have changed the records again and again",
    )
}
