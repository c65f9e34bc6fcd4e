//! Moving keys of files from one epoch to another, in batches that can stop anywhere.

use std::ops::Bound;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio_util::sync::CancellationToken;

use crate::engine::crypto::secret::SecretKey;
use crate::engine::crypto::wrap::{KekId, WrapRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, Precondition, Query, QueryCursor, Record};
use crate::telemetry::KEYS_REWRAPPED;

use super::epochs::Current;
use super::events::{ROTATED, Rotated, note};
use super::progress::{RotationEvent, RotationPhase, RotationProgress, Tell};
use super::records::{BY_EPOCH, FILE_KEYS, FileKey, KeyEpoch, id};
use super::ring::KeyRing;
use super::rotation::FailedKey;

/// How many keys one batch moves, beside its event and the condition on the epoch.
const PER_BATCH: usize = Batch::MAX - 2;

/// How many batches are written at once: a database that flushes for many at once is kept busy.
const AT_ONCE: usize = 4;

/// How many keys are read at once.
const PER_PAGE: usize = PER_BATCH * AT_ONCE * 2;

/// After how many keys others on this thread get their turn.
const TURN: usize = 16;

/// How many failures a report names.
const NAMED: usize = 100;

/// One run over the keys that are not of the current epoch.
pub(super) struct Rewrap<'a> {
    ring: &'a KeyRing,
    tell: &'a Tell,
    cancel: &'a CancellationToken,
    begun: Duration,
    total: u64,
    pub(super) moved: u64,
    pub(super) failed: u64,
    pub(super) failures: Vec<FailedKey>,
}

/// What became of some keys.
#[derive(Debug, Default)]
struct Outcome {
    moved: u64,
    /// Somebody else changed them, or the epoch, meanwhile.
    crossed: u64,
    failures: Vec<FailedKey>,
}

impl<'a> Rewrap<'a> {
    pub(super) fn new(ring: &'a KeyRing, tell: &'a Tell, cancel: &'a CancellationToken) -> Self {
        Self {
            ring,
            tell,
            cancel,
            begun: ring.clock.elapsed(),
            total: 0,
            moved: 0,
            failed: 0,
            failures: Vec::new(),
        }
    }

    /// Counts what is to be moved.
    pub(super) async fn count(&mut self) -> Result<u64> {
        let phase = RotationPhase::Count;
        self.tell.emit(RotationEvent::Phase { phase });
        self.total = 0;
        (self.failed, self.failures) = (0, Vec::new());
        for kek in self.former().await? {
            let mut query = Some(under(kek).with_limit(Query::MAX_LIMIT));
            while let Some(next) = query {
                self.go_on()?;
                let page = self.ring.store.query(&next).await?;
                self.total += page.records.len() as u64;
                query = page.next.map(|cursor| next.with_after(cursor));
            }
        }
        Ok(self.total)
    }

    /// Moves until nothing is left that can be moved.
    pub(super) async fn finish(&mut self) -> Result<()> {
        let phase = RotationPhase::Rewrap;
        self.tell.emit(RotationEvent::Phase { phase });
        self.progress();
        loop {
            // Each pass meets again what failed in the one before.
            (self.failed, self.failures) = (0, Vec::new());
            let (mut moved, mut crossed) = (0, 0);
            for kek in self.former().await? {
                let outcome = self.pass(kek).await?;
                moved += outcome.moved;
                crossed += outcome.crossed;
            }
            // Keys that were being made while the epoch began may have come behind the pass.
            if moved == 0 && crossed == 0 {
                return Ok(());
            }
        }
    }

    /// Every epoch but the current that may have keys.
    async fn former(&self) -> Result<Vec<KekId>> {
        let epochs = KeyEpoch::all(&self.ring.store).await?;
        let former = epochs.iter().rev().skip(1);
        let live = former.filter(|epoch| epoch.value.is_live());
        live.map(|epoch| epoch.value.kek_id()).collect()
    }

    /// Once through the keys of one epoch.
    async fn pass(&mut self, kek: KekId) -> Result<Outcome> {
        let mut whole = Outcome::default();
        let mut after: Option<QueryCursor> = None;
        loop {
            self.go_on()?;
            let query = under(kek).with_limit(PER_PAGE).with_after(after.take());
            let page = self.ring.store.query(&query).await?;
            if page.records.is_empty() {
                return Ok(whole);
            }
            let former = self.ring.kek(kek).await?;
            let current = self.ring.current().await?;
            let moves = Moves {
                ring: self.ring,
                former: &former,
                current: &current,
            };
            let batches = page.records.chunks(PER_BATCH);
            let batches: Vec<_> = batches.map(|keys| moves.many(keys)).collect();
            let mut moving = stream::iter(batches).buffer_unordered(AT_ONCE);
            let mut stopped = None;
            while let Some(outcome) = moving.next().await {
                match outcome {
                    Ok(outcome) => {
                        whole.moved += outcome.moved;
                        whole.crossed += outcome.crossed;
                        self.take(outcome);
                    }
                    // Batches under way are seen to their end.
                    Err(error) => stopped = stopped.or(Some(error)),
                }
            }
            match (stopped, page.next) {
                (Some(error), _) => return Err(error),
                (None, None) => return Ok(whole),
                (None, next) => after = next,
            }
        }
    }

    fn take(&mut self, outcome: Outcome) {
        self.moved += outcome.moved;
        self.ring
            .store
            .telemetry()
            .count(KEYS_REWRAPPED, &[], outcome.moved);
        self.failed += outcome.failures.len() as u64;
        for failure in outcome.failures {
            self.tell.emit(RotationEvent::Failed {
                record: failure.record.clone(),
                kind: failure.kind,
                message: failure.message.clone(),
            });
            if self.failures.len() < NAMED {
                self.failures.push(failure);
            }
        }
        self.progress();
    }

    fn progress(&self) {
        let took = self.ring.clock.elapsed().saturating_sub(self.begun);
        let done = self.moved + self.failed;
        let progress = RotationProgress::new(done, self.total, took);
        self.tell.emit(RotationEvent::Progress(progress));
    }

    fn go_on(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "keys.rotate",
                "the rotation was cancelled",
            ));
        }
        Ok(())
    }
}

/// The keys under one epoch.
pub(super) fn under(kek: KekId) -> Query {
    let key = Bound::Included(kek.to_string().into());
    Query::all(FILE_KEYS.name().clone())
        .by(BY_EPOCH)
        .between(key.clone(), key)
}

/// From one epoch to the current one.
struct Moves<'a> {
    ring: &'a KeyRing,
    former: &'a SecretKey,
    current: &'a Current,
}

impl Moves<'_> {
    /// Moves keys in one batch; if somebody has changed one of them meanwhile, one by one.
    async fn many(&self, keys: &[Record]) -> Result<Outcome> {
        match self.at_once(keys).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            other => return other,
        }
        let mut whole = Outcome::default();
        for key in keys.chunks(1) {
            match self.at_once(key).await {
                Err(error) if error.kind() == ErrorKind::Conflict => whole.crossed += 1,
                outcome => {
                    let outcome = outcome?;
                    whole.moved += outcome.moved;
                    whole.failures.extend(outcome.failures);
                }
            }
        }
        Ok(whole)
    }

    async fn at_once(&self, keys: &[Record]) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut batch = Batch::new(self.ring.clock.now());
        let mut moved = 0;
        for (number, record) in keys.iter().enumerate() {
            if number % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            match self.one(&mut batch, record) {
                Ok(()) => moved += 1,
                // Without chance nothing can be wrapped; everything else is about this one key.
                Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
                Err(error) => outcome.failures.push(failure(record, &error)),
            }
        }
        if moved > 0 {
            self.current.guard(&mut batch)?;
            let rotated = Rotated {
                epoch: self.current.number,
                keys: moved,
            };
            note(&mut batch, &self.ring.actor, ROTATED, None, &rotated)?;
            self.ring.store.commit(batch).await?;
            outcome.moved = moved as u64;
        }
        Ok(outcome)
    }

    fn one(&self, batch: &mut Batch, record: &Record) -> Result<()> {
        let mut value: FileKey = record.value.read()?;
        let context = value.name()?.context(self.ring.store.organization())?;
        if id(&context)? != record.id {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "keys.rotate",
                "the record of a key stands under the id of another",
            ));
        }
        let key = value.wrap()?.unwrap(self.former, &context)?;
        let Current { kek, key: to, .. } = self.current;
        value.wrap_anew(&WrapRecord::wrap(
            *kek,
            to,
            &context,
            &key,
            &*self.ring.entropy,
        )?);
        // The version holds the batch to what was read: a key destroyed or made anew is left alone.
        value.put(
            batch,
            record.id.clone(),
            *kek,
            Precondition::At(record.version),
        )
    }
}

fn failure(record: &Record, error: &Error) -> FailedKey {
    let value = record.value.read::<FileKey>().ok();
    let (file, version) = value
        .map(|value| (value.file, value.version))
        .unwrap_or_default();
    FailedKey {
        record: record.id.to_string(),
        file,
        version,
        kind: error.kind(),
        message: error.to_string(),
    }
}
