//! Wrapped keys as lines, to be kept beside the objects they open.

use std::collections::HashSet;
use std::ops::Bound;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Query, Record};

use super::records::{BY_FILE, FILE_KEYS, FileKey, KeyEpoch, file_index};
use super::ring::KeyRing;

/// The version of the lines.
pub(super) const VERSION: u32 = 1;

/// How many keys of one piece.
const PAGE: usize = 1_000;

/// One line of a bundle.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first.
    Begin {
        version: u32,
        organization: String,
    },
    /// Before the keys that are wrapped under it.
    Epoch(KeyEpoch),
    Key(FileKey),
    /// The last: what is cut off does not have it.
    End {
        epochs: u64,
        keys: u64,
    },
}

impl KeyRing {
    /// Writes every key of the organization, wrapped as it is kept, with the epochs that they need, as
    /// [JSON Lines], many lines a piece. No key stands there in clear.
    ///
    /// The bundle and the root together open every sealed object whose file and version are known: keep
    /// a fresh one beside each remote place of sealed files, and the root where neither is.
    /// [`import`](Self::import) reads a bundle back. Keys that are made or destroyed meanwhile are in it
    /// or not; a rotation meanwhile does no harm.
    ///
    /// Which object belongs to which path is not in it: that is in
    /// [`SEALED_FILES`](crate::crypto::SEALED_FILES), where names stand in clear and nothing but the
    /// database vouches for them, so that it may not lie beside the objects. A backup of the database has
    /// both.
    ///
    /// A bundle is a copy: a key that is destroyed later is still in it. Replace bundles after an
    /// erasure.
    ///
    /// The stream ends after an error, and what was written so far then lacks its last line.
    ///
    /// [JSON Lines]: https://jsonlines.org
    #[must_use]
    pub fn export(&self) -> BoxStream<'static, Result<Bytes>> {
        self.bundle(Query::all(FILE_KEYS.name().clone()).with_limit(PAGE))
    }

    /// As [`export`](Self::export), but only the keys of one file, to go along with a copy of it.
    ///
    /// # Errors
    /// Never for a file id that [`KeyName::context`](super::KeyName::context) takes.
    pub fn export_file(&self, file: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        let index = Bound::Included(file_index(file)?.as_str().into());
        let query = Query::all(FILE_KEYS.name().clone())
            .by(BY_FILE)
            .between(index.clone(), index)
            .with_limit(PAGE);
        Ok(self.bundle(query))
    }

    fn bundle(&self, query: Query) -> BoxStream<'static, Result<Bytes>> {
        let exporting = Exporting {
            ring: self.clone(),
            next: Next::Begin(query),
            epochs: HashSet::new(),
            keys: 0,
        };
        stream::unfold(exporting, |mut exporting| async move {
            let piece = exporting.piece().await;
            if piece.is_err() {
                exporting.next = Next::Nothing;
            }
            piece.transpose().map(|piece| (piece, exporting))
        })
        .boxed()
    }
}

struct Exporting {
    ring: KeyRing,
    next: Next,
    /// Those that were written.
    epochs: HashSet<String>,
    keys: u64,
}

enum Next {
    Begin(Query),
    Keys(Query),
    End,
    Nothing,
}

impl Exporting {
    async fn piece(&mut self) -> Result<Option<Bytes>> {
        let mut lines = Vec::new();
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Begin(query) => {
                let line = Line::Begin {
                    version: VERSION,
                    organization: self.ring.store.organization().to_string(),
                };
                add(&mut lines, &line)?;
                self.next = Next::Keys(query);
            }
            Next::Keys(query) => {
                let page = self.ring.store.query(&query).await?;
                for record in page.records {
                    self.key(&mut lines, record).await?;
                }
                self.next = match page.next {
                    Some(cursor) => Next::Keys(query.with_after(cursor)),
                    None => Next::End,
                };
            }
            Next::End => {
                let line = Line::End {
                    epochs: self.epochs.len() as u64,
                    keys: self.keys,
                };
                add(&mut lines, &line)?;
            }
            Next::Nothing => return Ok(None),
        }
        Ok(Some(lines.into()))
    }

    /// Adds a key, after its epoch.
    async fn key(&mut self, lines: &mut Vec<u8>, record: Record) -> Result<()> {
        let mut value: FileKey = record.value.read()?;
        loop {
            if value.destroyed.is_some() {
                return Ok(());
            }
            let kek = value.wrap()?.kek_id();
            if self.epochs.contains(&kek.to_string()) {
                break;
            }
            let epoch = self.ring.find_epoch(kek).await?;
            if let Some(epoch) = epoch.filter(|epoch| epoch.value.is_live()) {
                add(lines, &Line::Epoch(epoch.value))?;
                self.epochs.insert(kek.to_string());
                break;
            }
            // Since the page was read the key has moved on, and its epoch was retired.
            let Some(again) = self.ring.store.get(&FILE_KEYS, &record.id).await? else {
                return Ok(());
            };
            if again.value == value {
                return Err(Error::new(
                    ErrorKind::Corrupt,
                    "keys.export",
                    "the epoch of a key is not known",
                )
                .with_context("epoch", kek)
                .with_context("record", &record.id));
            }
            value = again.value;
        }
        self.keys += 1;
        add(lines, &Line::Key(value))
    }
}

fn add(lines: &mut Vec<u8>, line: &Line) -> Result<()> {
    serde_json::to_writer(&mut *lines, line).map_err(|cause| {
        Error::new(
            ErrorKind::Unexpected,
            "keys.export",
            "a line cannot be written",
        )
        .with_source(cause)
    })?;
    lines.push(b'\n');
    Ok(())
}
