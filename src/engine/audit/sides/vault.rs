//! Seals side records, opens them, and makes them unreadable.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::{Clock, Timestamp};
use crate::connector::{from_hex, to_hex};
use crate::engine::crypto::{
    ChunkSize, Entropy, KeyName, KeyRing, Purpose, SealContext, SealKey, SecretKey, draw,
};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{
    Batch, Collection, IndexKey, IndexName, Json, Precondition, Query, RecordId, Store, Versioned,
    Write,
};

use super::opening::{SideOpening, commitment};
use super::reference::SideRef;
use super::subject::SubjectId;

/// The collection of people with side records, by the host's id. What it holds is gone after an erasure.
pub const AUDIT_SUBJECTS: Collection<SubjectRecord> = Collection::new("audit_subjects");

/// The collection of sealed side records.
pub const AUDIT_SIDE_RECORDS: Collection<SideRecord> = Collection::new("audit_side_records");

const BY_HOLDER: IndexName = IndexName::new("holder");

/// Records deleted at once.
const PAGE: usize = 90;

/// A person with side records.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct SubjectRecord {
    /// What the records know the person by.
    pub holder: Holder,
    /// When the first record was sealed.
    pub since: Timestamp,
}

/// A random name for a person, which nothing but [`AUDIT_SUBJECTS`] ties to them: 32 hexadecimal digits.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Holder(String);

impl Holder {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that was never used before: who was erased and comes back gets another.
    fn key(&self) -> KeyName {
        KeyName::new(format!("subject:{}", self.0), "1", Purpose::Message)
    }
}

/// A side record as it is kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct SideRecord {
    /// Whose it is.
    pub holder: Holder,
    /// When it was sealed.
    pub at: Timestamp,
    /// Salt and value as a sealed object, in base64.
    pub sealed: String,
}

/// Keeps what is personal about events where it can be erased: sealed under a key of the person it is
/// about, beside the journal.
///
/// The event carries a [`SideRef`] only, so the chain stays valid when the person's key is destroyed,
/// and until then shows that nobody has changed the record. This is encryption at rest: whoever has
/// the database and the organization's root can read.
#[derive(Clone)]
pub struct SubjectVault {
    store: Store,
    keys: KeyRing,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for SubjectVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectVault")
            .field("organization", self.store.organization())
            .finish_non_exhaustive()
    }
}

impl SubjectVault {
    /// Longest value in bytes of JSON: 256 KiB.
    pub const MAX_VALUE: usize = 256 << 10;

    /// Opens the side records of an organization. Nothing is read yet.
    #[must_use]
    pub fn new(
        store: Store,
        keys: KeyRing,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            store,
            keys,
            clock,
            entropy,
        }
    }

    /// Adds a sealed side record about `subject` to `batch`, and returns what the event in the same batch
    /// is to carry. The commit fails with [`ErrorKind::Conflict`] if the subject is erased before it.
    ///
    /// The first record about somebody draws their key, which is committed at once.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: the value cannot be JSON.
    /// - [`ErrorKind::LimitExceeded`]: it is longer than [`SubjectVault::MAX_VALUE`].
    /// - [`ErrorKind::Unavailable`]: no random bytes, or the root cannot be reached.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; a key without records may be left.
    pub async fn seal(
        &self,
        batch: &mut Batch,
        subject: &SubjectId,
        value: &(impl Serialize + ?Sized + Sync),
    ) -> Result<SideRef> {
        let value = Json::of(value)?;
        if value.as_str().len() > Self::MAX_VALUE {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "side.seal",
                "a side record holds at most 256 KiB",
            )
            .with_context("length", value.as_str().len()));
        }
        let known = self.meet(subject).await?;
        let holder = &known.value.holder;
        let key = self.keys.key(&holder.key()).await?;
        let id: [u8; 16] = draw(&*self.entropy)?;
        let salt: [u8; 32] = draw(&*self.entropy)?;
        let organization = self.store.organization();
        let side = SideRef::new(id, commitment(&salt, organization, &id, &value)?);
        let plain = Zeroizing::new([&salt, value.as_str().as_bytes()].concat());
        let mut sealed = Vec::new();
        let mut sealer = self
            .seal_key(key, holder, &side)?
            .seal(ChunkSize::default(), &*self.entropy)?;
        sealer.update(&plain, &mut sealed)?;
        sealer.finish(&mut sealed)?;
        let record = SideRecord {
            holder: holder.clone(),
            at: batch.at(),
            sealed: STANDARD.encode(sealed),
        };
        let index = (BY_HOLDER, IndexKey::parse(holder.as_str())?);
        let fresh = Precondition::Absent;
        let named = RecordId::parse(side.id())?;
        batch.put_with(&AUDIT_SIDE_RECORDS, named, &record, fresh, vec![index])?;
        // Once is enough for a batch, and more is not allowed.
        let here = |write: &Write| {
            write.target().is_some_and(|(collection, id, _)| {
                collection == AUDIT_SUBJECTS.name() && *id == known.id
            })
        };
        if !batch.writes().iter().any(here) {
            let still = Precondition::At(known.version);
            batch.check(&AUDIT_SUBJECTS, known.id.clone(), still);
        }
        Ok(side)
    }

    /// Opens a side record; `None` if it was erased.
    ///
    /// # Errors
    /// - [`ErrorKind::Corrupt`]: the record was changed, or is another than the event referred to.
    /// - Those of the root and the database.
    pub async fn open(&self, side: &SideRef) -> Result<Option<SideOpening>> {
        let id = RecordId::parse(side.id())?;
        let Some(record) = self.store.get(&AUDIT_SIDE_RECORDS, &id).await? else {
            return Ok(None);
        };
        let key = match self.keys.key(&record.value.holder.key()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            key => key?,
        };
        let (salt, value) = self.unseal(key, side, &record.value)?;
        let opening = SideOpening::new(*side, &salt, value);
        opening.verify(self.store.organization())?;
        Ok(Some(opening))
    }

    /// Reads what is recorded about somebody, in no particular order: when it was sealed, and what it says.
    ///
    /// # Errors
    /// Those of the root and the database.
    pub async fn about(
        &self,
        subject: &SubjectId,
    ) -> Result<BoxStream<'static, Result<(Timestamp, Json)>>> {
        let Some(known) = self.store.get(&AUDIT_SUBJECTS, &id(subject)?).await? else {
            return Ok(futures_util::stream::empty().boxed());
        };
        let key = self.keys.key(&known.value.holder.key()).await?;
        let vault = self.clone();
        let records = self
            .store
            .all(&AUDIT_SIDE_RECORDS, of_holder(&known.value.holder)?);
        let opened = records.and_then(move |record| {
            let opened = vault.opened(key.clone(), &record);
            std::future::ready(opened)
        });
        Ok(opened.boxed())
    }

    /// Returns what somebody's records know them by; `None` if there are none.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn holder(&self, subject: &SubjectId) -> Result<Option<Holder>> {
        let known = self.store.get(&AUDIT_SUBJECTS, &id(subject)?).await?;
        Ok(known.map(|known| known.value.holder))
    }

    /// Adds the destruction of somebody's key to `batch`: once that is committed, nobody can read what is
    /// recorded about them. [`sweep`](SubjectVault::sweep) then removes the sealed bytes.
    ///
    /// Three steps of the batch, the event of the key among them; none and `None` if there is nobody of this
    /// id.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn shred(&self, batch: &mut Batch, subject: &SubjectId) -> Result<Option<Holder>> {
        let Some(known) = self.store.get(&AUDIT_SUBJECTS, &id(subject)?).await? else {
            return Ok(None);
        };
        batch.delete(&AUDIT_SUBJECTS, known.id, Precondition::At(known.version));
        self.keys.destroy(batch, &known.value.holder.key())?;
        Ok(Some(known.value.holder))
    }

    /// Counts the sealed records of a holder.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn count(&self, holder: &Holder) -> Result<u64> {
        let mut query = of_holder(holder)?;
        let mut count = 0_u64;
        loop {
            let page = self.store.query(&query).await?;
            count = count.saturating_add(page.records.len() as u64);
            match page.next {
                Some(cursor) => query = query.with_after(cursor),
                None => return Ok(count),
            }
        }
    }

    /// Removes the sealed records of a holder, and returns how many there were. Works again after it was
    /// stopped anywhere.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sweep(&self, holder: &Holder) -> Result<u64> {
        let mut removed = 0_u64;
        loop {
            let page = self
                .store
                .query(&of_holder(holder)?.with_limit(PAGE))
                .await?;
            if page.records.is_empty() {
                return Ok(removed);
            }
            let mut batch = Batch::new(self.clock.now());
            for record in page.records {
                batch.delete(&AUDIT_SIDE_RECORDS, record.id, Precondition::Any);
                removed = removed.saturating_add(1);
            }
            self.store.commit(batch).await?;
        }
    }

    /// Finds the record of somebody, and makes it with their key the first time.
    async fn meet(&self, subject: &SubjectId) -> Result<Versioned<SubjectRecord>> {
        let id = id(subject)?;
        loop {
            if let Some(known) = self.store.get(&AUDIT_SUBJECTS, &id).await? {
                return Ok(known);
            }
            let now = self.clock.now();
            let record = SubjectRecord {
                holder: Holder(to_hex(&draw::<16>(&*self.entropy)?)),
                since: now,
            };
            let mut batch = Batch::new(now);
            let fresh = Precondition::Absent;
            batch.put_with(&AUDIT_SUBJECTS, id.clone(), &record, fresh, Vec::new())?;
            self.keys.create(&mut batch, &record.holder.key()).await?;
            match self.store.commit(batch).await {
                // Made by us, or by somebody else meanwhile: read which.
                Err(error) if error.kind() != ErrorKind::Conflict => return Err(error),
                _ => {}
            }
        }
    }

    fn opened(&self, key: SecretKey, record: &Versioned<SideRecord>) -> Result<(Timestamp, Json)> {
        let bytes = from_hex(record.id.as_str());
        let id = bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(unreadable)?;
        // The commitment stands in the journal; here the seal alone vouches for the value.
        let side = SideRef::new(id, [0; 32]);
        let (_, value) = self.unseal(key, &side, &record.value)?;
        Ok((record.value.at, value))
    }

    fn unseal(
        &self,
        key: SecretKey,
        side: &SideRef,
        record: &SideRecord,
    ) -> Result<([u8; 32], Json)> {
        let sealed = STANDARD
            .decode(&record.sealed)
            .map_err(|cause| unreadable().with_source(cause))?;
        let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
        let mut opener = self.seal_key(key, &record.holder, side)?.open();
        opener.update(&sealed, &mut plain)?;
        opener.finish(&mut plain)?;
        let (salt, value) = plain.split_first_chunk::<32>().ok_or_else(unreadable)?;
        let value = std::str::from_utf8(value).map_err(|cause| unreadable().with_source(cause))?;
        Ok((*salt, Json::parse(value)?))
    }

    fn seal_key(&self, key: SecretKey, holder: &Holder, side: &SideRef) -> Result<SealKey> {
        let file = holder.key().file;
        let organization = self.store.organization();
        let context = SealContext::new(organization, &file, &side.id(), Purpose::Message)?;
        Ok(SealKey::new(key, context))
    }
}

fn id(subject: &SubjectId) -> Result<RecordId> {
    RecordId::parse(subject.as_str())
}

fn of_holder(holder: &Holder) -> Result<Query> {
    use std::ops::Bound::Included;
    let key: Box<str> = holder.as_str().into();
    let query = Query::all(AUDIT_SIDE_RECORDS.name().clone()).by(BY_HOLDER);
    Ok(query.between(Included(key.clone()), Included(key)))
}

fn unreadable() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "side.open",
        "a side record cannot be read",
    )
}
