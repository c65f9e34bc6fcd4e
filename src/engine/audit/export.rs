//! A journal with its heads as JSON Lines.

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::{JournalEntry, JournalName, Store};

use super::checkpoint::Origin;
use super::head::SignedHead;
use super::records::{self, HeadRecord};
use super::sides::{SideOpening, SideRef, SubjectVault};

/// Entries of one page.
const PAGE: usize = 500;

/// The version of the lines.
pub(super) const VERSION: u32 = 1;

/// One line of an export.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Audit(Start),
    Entry(JournalEntry),
    Head(SignedHead),
    Side(SideOpening),
}

#[derive(Deserialize, Serialize)]
pub(super) struct Start {
    pub(super) version: u32,
    pub(super) organization: OrganizationId,
    pub(super) origin: String,
}

/// Writes a whole journal as [JSON Lines], many lines a piece: a line that names it, then each entry,
/// behind it the side records that it refers to, and each signed head behind the last entry it covers.
///
/// Side records are written in clear if a vault is given: only to whoever may see them. Those that were
/// erased are left out, and the rest stays as valid as it was.
///
/// A line is an object with one field: `audit`, `entry` (as [`journal::export`](crate::journal::export)
/// has it), `side` ([`SideOpening`]) or `head` (text). [`verify_export`](super::verify_export) reads them.
///
/// The stream ends after an error.
///
/// [JSON Lines]: https://jsonlines.org
#[must_use]
pub fn export(
    store: &Store,
    journal: &JournalName,
    vault: Option<SubjectVault>,
) -> BoxStream<'static, Result<Bytes>> {
    let writer = Writer {
        store: store.clone(),
        journal: journal.clone(),
        vault,
        heads: records::following(store, journal, 0),
        head: None,
        after: None,
    };
    let pieces = stream::unfold(Some(writer), |writer| async {
        let mut writer = writer?;
        match writer.piece().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(writer))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    pieces.boxed()
}

struct Writer {
    store: Store,
    journal: JournalName,
    vault: Option<SubjectVault>,
    heads: BoxStream<'static, Result<HeadRecord>>,
    head: Option<HeadRecord>,
    /// The last entry written; `None` before the first line.
    after: Option<u64>,
}

impl Writer {
    async fn piece(&mut self) -> Result<Option<Bytes>> {
        let mut lines = Vec::new();
        let Some(after) = self.after else {
            let organization = self.store.organization();
            let start = Line::Audit(Start {
                version: VERSION,
                organization: organization.clone(),
                origin: Origin::new(organization, &self.journal).to_string(),
            });
            write(&mut lines, &start)?;
            self.head = self.heads.next().await.transpose()?;
            self.after = Some(0);
            return Ok(Some(lines.into()));
        };
        let page = self.store.read_journal(&self.journal, after, PAGE).await?;
        if page.is_empty() {
            return Ok(None);
        }
        for entry in page {
            let sequence = entry.sequence;
            let sides = match &self.vault {
                Some(_) => SideRef::find(&entry.event)?,
                None => Vec::new(),
            };
            write(&mut lines, &Line::Entry(entry))?;
            for side in sides {
                if let Some(vault) = &self.vault
                    && let Some(opening) = vault.open(&side).await?
                {
                    write(&mut lines, &Line::Side(opening))?;
                }
            }
            while let Some(record) = self.head.take_if(|head| head.size <= sequence) {
                write(&mut lines, &Line::Head(record.head))?;
                self.head = self.heads.next().await.transpose()?;
            }
            self.after = Some(sequence);
        }
        Ok(Some(lines.into()))
    }
}

fn write(lines: &mut Vec<u8>, line: &Line) -> Result<()> {
    serde_json::to_writer(&mut *lines, line).map_err(|cause| {
        Error::new(
            ErrorKind::Corrupt,
            "audit.export",
            "a stored event is not JSON",
        )
        .with_source(cause)
    })?;
    lines.push(b'\n');
    Ok(())
}
