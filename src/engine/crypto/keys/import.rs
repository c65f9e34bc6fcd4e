//! Reading a bundle of wrapped keys back.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};

use crate::engine::crypto::sealed::SealContext;
use crate::engine::crypto::secret::SecretKey;
use crate::engine::crypto::wrap::WrapRecord;
use crate::engine::journal::Lines;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, Precondition, RecordId};

use super::bundle::{Line, VERSION};
use super::events::{Counted, IMPORTED, note};
use super::records::{FILE_KEYS, FileKey, KeyEpoch, KeyName, id};
use super::ring::KeyRing;

/// How many keys one batch brings, beside its event and the condition on the epoch.
const PER_BATCH: usize = Batch::MAX - 2;

/// How many records are asked for at once.
const AT_ONCE: usize = 32;

/// How many refusals a report names.
const NAMED: usize = 100;

/// The longest line in bytes: names of 65,535 bytes each, at their longest in JSON, fit.
const LONGEST: usize = 1 << 20;

/// What an import has done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ImportReport {
    /// Keys that were not here.
    pub added: u64,
    /// Keys that were here already, the same.
    pub known: u64,
    /// Keys that were destroyed here, and stay so.
    pub destroyed: u64,
    /// Lines that were passed over: damaged, under another root, of another organization, or of a
    /// name that has a different key here.
    pub refused: u64,
    /// The first 100 of those.
    pub refusals: Vec<RefusedLine>,
    /// Whether the bundle had its last line, and that agrees with what was read.
    pub complete: bool,
}

/// A line of a bundle that was passed over.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RefusedLine {
    /// Which, from 1.
    pub line: u64,
    /// What kind of fault.
    pub kind: ErrorKind,
    /// What is wrong with it.
    pub message: String,
}

impl KeyRing {
    /// Brings the keys of a bundle into the database: an empty one, or that of the same organization.
    ///
    /// Every key is opened before it is taken, and wrapped under the current epoch of this ring, so
    /// that no former epoch comes back. A key that is here is never replaced, and one that was
    /// destroyed here stays destroyed; where the database itself was lost, so were the marks of what
    /// was destroyed: destroy it again, by the journal. Importing twice changes nothing.
    ///
    /// To open a sealed object it takes the bundle, the root (the key file, the passphrase, the key
    /// service), the organization's id, and the object with the name of its key.
    ///
    /// A [`SealedConnector`](crate::crypto::SealedConnector) needs more, which no bundle has: the records
    /// of [`SEALED_FILES`](crate::crypto::SEALED_FILES), out of a backup of the database. Without them it
    /// refuses every object as one that was not sealed for its place. Into an empty database import
    /// before anything asks for a key: [`shared`](Self::shared), which a sealed account asks for at its
    /// first use, makes a fresh key where there is none, and that of the bundle is then refused
    /// ([`ErrorKind::AlreadyExists`] in the report).
    ///
    /// # Errors
    /// - [`ErrorKind::Corrupt`]: this is not a bundle.
    /// - [`ErrorKind::Unsupported`]: a later garland wrote it.
    /// - [`ErrorKind::Refused`]: it is of another organization.
    /// - Those of `bundle`, the root and the database; what was brought until then stays.
    ///
    /// Faults of single lines are in the report.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; a later import goes on.
    pub async fn import(
        &self,
        bundle: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<ImportReport> {
        let mut importing = Importing::new(self);
        let mut bundle = std::pin::pin!(bundle);
        let mut lines = Lines::default();
        while let Some(piece) = bundle.next().await {
            lines.push(&piece?);
            while let Some(line) = lines.next() {
                importing.line(&line).await?;
            }
            if lines.rest().len() > LONGEST {
                return Err(not_a_bundle("a line is longer than any of a bundle"));
            }
        }
        if !lines.rest().is_empty() {
            importing.line(lines.rest()).await?;
        }
        importing.finish().await
    }
}

struct Importing<'a> {
    ring: &'a KeyRing,
    line: u64,
    begun: bool,
    /// The opened epochs of the bundle, by the id of their key.
    epochs: HashMap<String, SecretKey>,
    keys: u64,
    /// Keys that are good and not yet brought.
    waiting: BTreeMap<RecordId, Arrival>,
    report: ImportReport,
}

/// A key of a bundle, opened.
struct Arrival {
    line: u64,
    name: KeyName,
    context: SealContext,
    key: SecretKey,
}

/// What is here already under the name of an arrival.
enum Here {
    Nothing,
    Same,
    Other,
    Destroyed,
}

impl<'a> Importing<'a> {
    fn new(ring: &'a KeyRing) -> Self {
        Self {
            ring,
            line: 0,
            begun: false,
            epochs: HashMap::new(),
            keys: 0,
            waiting: BTreeMap::new(),
            report: ImportReport::default(),
        }
    }

    async fn line(&mut self, line: &[u8]) -> Result<()> {
        self.line += 1;
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        let parsed: Result<Line> = serde_json::from_slice(line).map_err(|cause| {
            not_a_bundle("this line is not one of a bundle of keys").with_source(cause)
        });
        if !self.begun {
            return self.begin(parsed?);
        }
        self.report.complete = false;
        let taken = match parsed {
            Ok(Line::Begin { .. }) => Err(not_a_bundle("a bundle begins only once")),
            Ok(Line::Epoch(epoch)) => self.epoch(&epoch).await,
            Ok(Line::Key(key)) => match self.arrival(&key) {
                Ok((id, arrival)) => return self.wait(id, arrival).await,
                Err(error) => Err(error),
            },
            Ok(Line::End { epochs, keys }) => {
                self.report.complete = self.epochs.len() as u64 == epochs && self.keys == keys;
                Ok(())
            }
            Err(error) => Err(error),
        };
        match taken {
            Err(error) if is_of_the_line(&error) => {
                self.refuse(self.line, &error);
                Ok(())
            }
            other => other,
        }
    }

    fn begin(&mut self, line: Line) -> Result<()> {
        let Line::Begin {
            version,
            organization,
        } = line
        else {
            return Err(not_a_bundle(
                "this is not the first line of a bundle of keys",
            ));
        };
        if version != VERSION {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "keys.import",
                "this bundle is of a version that is not known here",
            )
            .with_context("version", version));
        }
        let ours = self.ring.store.organization();
        if organization != ours.as_str() {
            return Err(Error::new(
                ErrorKind::Refused,
                "keys.import",
                "this bundle is of another organization",
            )
            .with_context("bundle", organization)
            .with_context("organization", ours));
        }
        self.begun = true;
        Ok(())
    }

    async fn epoch(&mut self, epoch: &KeyEpoch) -> Result<()> {
        let (kek, wrapped) = (epoch.kek_id()?, epoch.wrapped()?);
        let organization = self.ring.store.organization();
        let key = self.ring.roots.unwrap(organization, kek, &wrapped).await?;
        self.epochs.insert(epoch.kek.clone(), key);
        Ok(())
    }

    /// Opens a key of the bundle.
    fn arrival(&mut self, value: &FileKey) -> Result<(RecordId, Arrival)> {
        self.keys += 1;
        let name = value.name()?;
        let context = name.context(self.ring.store.organization())?;
        let wrap = value.wrap()?;
        let kek = wrap.kek_id();
        let Some(epoch) = self.epochs.get(&kek.to_string()) else {
            return Err(not_a_bundle("the epoch of this key is not in the bundle")
                .with_context("epoch", kek));
        };
        let key = wrap.unwrap(epoch, &context)?;
        let arrival = Arrival {
            line: self.line,
            name,
            key,
            context,
        };
        Ok((id(&arrival.context)?, arrival))
    }

    async fn wait(&mut self, id: RecordId, arrival: Arrival) -> Result<()> {
        if self.waiting.len() >= PER_BATCH || self.waiting.contains_key(&id) {
            self.bring().await?;
        }
        self.waiting.insert(id, arrival);
        Ok(())
    }

    async fn finish(mut self) -> Result<ImportReport> {
        if !self.begun {
            return Err(not_a_bundle("the bundle is empty"));
        }
        self.bring().await?;
        Ok(self.report)
    }

    /// Writes the keys that wait and are not here.
    async fn bring(&mut self) -> Result<()> {
        let arrivals: Vec<_> = std::mem::take(&mut self.waiting).into_iter().collect();
        loop {
            // Collected, for of a closure over borrowed ones the compiler cannot tell that it is `Send`.
            let looks = arrivals.iter().map(|(id, new)| self.here(id, new));
            let looks: Vec<_> = looks.collect();
            let here: Vec<Here> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
            let fresh: Vec<_> = arrivals
                .iter()
                .zip(&here)
                .filter(|(_, here)| matches!(here, Here::Nothing))
                .map(|(arrival, _)| arrival)
                .collect();
            match self.add(&fresh).await {
                // Something was made or destroyed meanwhile: look again.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    self.count(&arrivals, &here);
                    return Ok(());
                }
            }
        }
    }

    async fn here(&self, id: &RecordId, new: &Arrival) -> Result<Here> {
        let Some(found) = self.ring.store.get(&FILE_KEYS, id).await? else {
            return Ok(Here::Nothing);
        };
        if found.value.destroyed.is_some() {
            return Ok(Here::Destroyed);
        }
        // Whatever it is, it is not replaced.
        match self.ring.key(&new.name).await {
            Ok(key) if key.is(&new.key) => Ok(Here::Same),
            Err(error) if !is_of_the_line(&error) => Err(error),
            _ => Ok(Here::Other),
        }
    }

    async fn add(&self, fresh: &[&(RecordId, Arrival)]) -> Result<()> {
        if fresh.is_empty() {
            return Ok(());
        }
        let current = self.ring.current().await?;
        let mut batch = Batch::new(self.ring.clock.now());
        for (id, new) in fresh {
            let entropy = &*self.ring.entropy;
            let wrap =
                WrapRecord::wrap(current.kek, &current.key, &new.context, &new.key, entropy)?;
            let record = FileKey::new(&new.name, &wrap);
            record.put(&mut batch, id.clone(), current.kek, Precondition::Absent)?;
        }
        current.guard(&mut batch)?;
        let counted = Counted {
            epochs: None,
            keys: Some(fresh.len()),
        };
        note(&mut batch, &self.ring.actor, IMPORTED, None, &counted)?;
        self.ring.store.commit(batch).await.map(drop)
    }

    fn count(&mut self, arrivals: &[(RecordId, Arrival)], here: &[Here]) {
        for ((_, arrival), here) in arrivals.iter().zip(here) {
            match here {
                Here::Nothing => self.report.added += 1,
                Here::Same => self.report.known += 1,
                Here::Destroyed => self.report.destroyed += 1,
                Here::Other => {
                    let different = "a different key of this name is here, and is not replaced";
                    let error = Error::new(ErrorKind::AlreadyExists, "keys.import", different);
                    self.refuse(arrival.line, &error);
                }
            }
        }
    }

    fn refuse(&mut self, line: u64, error: &Error) {
        self.report.refused += 1;
        if self.report.refusals.len() < NAMED {
            self.report.refusals.push(RefusedLine {
                line,
                kind: error.kind(),
                message: error.to_string(),
            });
        }
    }
}

/// Whether a fault lies in what was read, and not in the database or the root.
fn is_of_the_line(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Corrupt | ErrorKind::InvalidInput | ErrorKind::NotFound | ErrorKind::Unsupported
    )
}

fn not_a_bundle(message: &str) -> Error {
    Error::new(ErrorKind::Corrupt, "keys.import", message)
}
