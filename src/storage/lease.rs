//! Leases: at most one holder at a time, and a dead one does not hold for ever.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::id::RunId;

use super::batch::{Batch, Precondition};
use super::names::RecordId;
use super::record::{Collection, Version};
use super::store::Store;

/// The collection of leases. A backend that knows, when it opens, that nobody else has it open
/// empties it: whoever held one is dead.
pub const LEASES: Collection<LeaseRecord> = Collection::new("leases");

/// The collection of fences: one record for each lease, written whenever somebody takes it and never
/// else, so that its version tells one holder from the next.
pub const LEASE_FENCES: Collection<RunId> = Collection::new("lease_fences");

/// Who holds something, and until when.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LeaseRecord {
    /// The run that holds it.
    pub holder: RunId,
    /// When it was taken or last renewed.
    #[serde(default)]
    pub since: Timestamp,
    /// When it runs out unless it is renewed.
    pub expires: Timestamp,
}

/// A lease that this value holds until it is released or runs out.
#[derive(Debug)]
pub struct Lease {
    store: Store,
    clock: Arc<dyn Clock>,
    id: RecordId,
    holder: RunId,
    length: Duration,
    version: Version,
    fence: Version,
}

/// Holds a batch to the condition that nobody has taken the lease since.
#[derive(Clone, Debug)]
pub struct Fence {
    id: RecordId,
    version: Version,
}

impl Fence {
    /// Adds the condition to `batch`; its commit fails with [`ErrorKind::Conflict`] if it does not hold.
    pub fn guard(&self, batch: &mut Batch) {
        batch.check(
            &LEASE_FENCES,
            self.id.clone(),
            Precondition::At(self.version),
        );
    }
}

impl Lease {
    /// Takes the lease called `id` for `length`.
    ///
    /// One that was renewed at a time which has not come yet, because the clock was set back since,
    /// is shortened to what was left of it then, so that a dead holder does not hold until that time.
    /// A living one renews it all the same.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`]: somebody else holds it, with the time until it runs out as
    /// [`retry_after`](Error::retry_after).
    pub async fn acquire(
        store: Store,
        clock: Arc<dyn Clock>,
        id: RecordId,
        holder: RunId,
        length: Duration,
    ) -> Result<Self> {
        let now = clock.now();
        let found = store.get(&LEASES, &id).await?;
        let precondition = match &found {
            Some(lease) if lease.value.expires > now => {
                let mut record = lease.value.clone();
                if record.since > now {
                    let length = record.expires.saturating_since(record.since);
                    (record.since, record.expires) = (now, now.saturating_add(length));
                    let mut batch = Batch::new(now);
                    let at = Precondition::At(lease.version);
                    batch.put_with(&LEASES, id.clone(), &record, at, Vec::new())?;
                    match store.commit(batch).await {
                        Err(error) if error.kind() != ErrorKind::Conflict => return Err(error),
                        // Otherwise its holder has just renewed it.
                        _ => {}
                    }
                }
                return Err(held(&id, &record, now));
            }
            Some(lease) => Precondition::At(lease.version),
            None => Precondition::Absent,
        };
        let mut lease = Self {
            store,
            clock,
            id,
            holder,
            length,
            version: Version::default(),
            fence: Version::default(),
        };
        lease.write(precondition, true).await?;
        Ok(lease)
    }

    /// Holds it for another `length` from now.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`]: it ran out and somebody else has it.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; the next renewal finds what the dropped one wrote.
    pub async fn renew(&mut self) -> Result<()> {
        let found = self.store.get(&LEASES, &self.id).await?;
        if let Some(lease) = found.filter(|lease| lease.value.holder == self.holder) {
            self.version = lease.version;
        }
        self.write(Precondition::At(self.version), false).await
    }

    /// Returns what holds a batch to the condition that nobody has taken the lease since.
    #[must_use]
    pub fn fence(&self) -> Fence {
        Fence {
            id: self.id.clone(),
            version: self.fence,
        }
    }

    /// Gives it back.
    ///
    /// The record stays, run out: were it deleted, its versions would begin anew.
    ///
    /// # Errors
    /// Those of the database; the lease then runs out by itself.
    pub async fn release(mut self) -> Result<()> {
        loop {
            let mut batch = Batch::new(self.clock.now());
            let record = LeaseRecord {
                holder: self.holder,
                since: Timestamp::default(),
                expires: Timestamp::default(),
            };
            let precondition = Precondition::At(self.version);
            batch.put_with(&LEASES, self.id.clone(), &record, precondition, Vec::new())?;
            match self.store.commit(batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                other => return other.map(|_| ()),
            }
            match self.store.get(&LEASES, &self.id).await? {
                // Shortened by somebody who waits for it.
                Some(lease) if lease.value.holder == self.holder => self.version = lease.version,
                // Whoever has it now keeps it.
                _ => return Ok(()),
            }
        }
    }

    async fn write(&mut self, precondition: Precondition, takes: bool) -> Result<()> {
        let now = self.clock.now();
        let record = LeaseRecord {
            holder: self.holder,
            since: now,
            expires: now.saturating_add(self.length),
        };
        let mut batch = Batch::new(now);
        batch.put_with(&LEASES, self.id.clone(), &record, precondition, Vec::new())?;
        if takes {
            batch.put(&LEASE_FENCES, self.id.clone(), &self.holder)?;
        }
        match self.store.commit(batch).await {
            Ok(committed) => {
                self.version = committed.versions.first().copied().unwrap_or_default();
                if let Some(fence) = committed.versions.get(1) {
                    self.fence = *fence;
                }
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Conflict => {
                match self.store.get(&LEASES, &self.id).await? {
                    Some(lease) => Err(held(&self.id, &lease.value, now)),
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }
}

fn held(id: &RecordId, lease: &LeaseRecord, now: Timestamp) -> Error {
    Error::new(ErrorKind::Locked, "lease.acquire", "another run is at it")
        .with_context("lease", id)
        .with_context("run", lease.holder)
        .with_context("until", lease.expires)
        .with_retry_after(lease.expires.saturating_since(now))
}
