//! The check of an exported journal, without the database.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt};

use crate::engine::journal::Lines;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::JournalHead;

use super::checkpoint::Checkpoint;
use super::export::{Line, VERSION};
use super::head::SignedHead;
use super::sides::SideRef;
use super::signer::HeadVerifier;
use super::verify::sort_out;
use super::walk::{AuditBreak, Walk};

/// Longest line taken, in bytes.
const LINE: usize = 16 << 20;

/// What [`verify_export`] found.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ExportReport {
    /// Which journal.
    pub origin: String,
    /// The last entry found good.
    pub end: JournalHead,
    /// The last entry that a genuine head vouches for.
    pub vouched: u64,
    /// How many heads were compared.
    pub heads: u64,
    /// How many side records were compared with what their entries committed to.
    pub sides: u64,
    /// The first thing found wrong.
    pub broken: Option<AuditBreak>,
}

impl ExportReport {
    /// Tells whether nothing was found wrong. How far it is vouched for is another question:
    /// [`vouched`](ExportReport::vouched).
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.broken.is_none()
    }
}

/// Checks the lines of an [`export`](super::export()) without the database: chain, tree, signatures, side records, and the
/// heads that were kept elsewhere (`heads`, in any order). Reads each line once, in constant memory.
///
/// # Errors
/// - [`ErrorKind::Corrupt`]: not an export, or a side record that its entry did not commit to.
/// - [`ErrorKind::Unsupported`]: an export of a newer version.
/// - [`ErrorKind::LimitExceeded`]: a line of more than 16 MiB.
/// - Those of the lines and of the verifier. A broken journal is an answer, not an error.
///
/// # Cancel safety
///
/// Safe to drop.
pub async fn verify_export(
    lines: impl Stream<Item = Result<Bytes>> + Send,
    verifier: &dyn HeadVerifier,
    heads: &[SignedHead],
) -> Result<ExportReport> {
    let mut lines = Export::new(lines);
    let Some(Line::Audit(start)) = lines.next().await? else {
        return Err(lines.refused("the first line does not begin an export"));
    };
    if start.version != VERSION {
        return Err(Error::new(
            ErrorKind::Unsupported,
            OPERATION,
            "an export of a version that is not known here",
        )
        .with_context("version", start.version));
    }
    let prefix = format!("garland/{}/", start.organization);
    if !start.origin.starts_with(&prefix) {
        return Err(lines.refused("the journal is not of the organization named"));
    }
    let mut given: Vec<&SignedHead> = heads.iter().collect();
    given.sort_by_key(|head| head.size());
    let mut reader = Reader {
        organization: start.organization,
        origin: start.origin,
        verifier,
        walk: Walk::default(),
        given: given.into(),
        here: Vec::new(),
        sides: Vec::new(),
        report: (0, 0),
    };
    let found = reader.run(&mut lines).await?;
    Ok(ExportReport {
        origin: reader.origin,
        end: reader.walk.end(),
        vouched: reader.walk.vouched(),
        heads: reader.report.0,
        sides: reader.report.1,
        broken: found.err(),
    })
}

const OPERATION: &str = "audit.verify_export";

struct Reader<'a> {
    organization: OrganizationId,
    origin: String,
    verifier: &'a dyn HeadVerifier,
    walk: Walk,
    /// By size.
    given: VecDeque<&'a SignedHead>,
    /// What genuine heads say of the journal up to where the walk is.
    here: Vec<Checkpoint>,
    /// The references of the last entry.
    sides: Vec<SideRef>,
    /// Heads and side records.
    report: (u64, u64),
}

type Found = std::result::Result<(), AuditBreak>;

impl Reader<'_> {
    async fn run(&mut self, lines: &mut Export<'_>) -> Result<Found> {
        let given: Vec<_> = self.given.iter().copied().collect();
        let origin = self.origin.clone();
        if let Some(broken) = sort_out(&origin, self.verifier, &given).await? {
            return Ok(Err(broken));
        }
        while let Some(line) = lines.next().await? {
            match line {
                Line::Audit(_) => return Err(lines.refused("a second export begins within one")),
                Line::Entry(entry) => {
                    if let Err(broken) = self.settle() {
                        return Ok(Err(broken));
                    }
                    if let Err(broken) = self.walk.entry(&entry) {
                        return Ok(Err(broken));
                    }
                    self.sides = SideRef::find(&entry.event)?;
                }
                Line::Head(head) => {
                    let size = head.size();
                    if let Some(broken) = sort_out(&origin, self.verifier, &[&head]).await? {
                        return Ok(Err(broken));
                    }
                    if size != self.walk.end().sequence {
                        return Ok(Err(AuditBreak::Cut {
                            end: self.walk.end().sequence,
                            signed: size,
                        }));
                    }
                    self.here.push(head.checkpoint().clone());
                }
                Line::Side(opening) => {
                    opening.verify(&self.organization)?;
                    let referred = self.sides.iter().position(|side| *side == opening.side);
                    let Some(referred) = referred else {
                        return Err(lines.refused("a side record that the entry does not refer to"));
                    };
                    self.sides.remove(referred);
                    self.report.1 = self.report.1.saturating_add(1);
                }
            }
        }
        if let Err(broken) = self.settle() {
            return Ok(Err(broken));
        }
        if let Some(head) = self.given.pop_front() {
            return Ok(Err(AuditBreak::Cut {
                end: self.walk.end().sequence,
                signed: head.size(),
            }));
        }
        Ok(Ok(()))
    }

    /// Compares with every head that ends where the walk is.
    fn settle(&mut self) -> Found {
        let size = self.walk.end().sequence;
        let mut here = std::mem::take(&mut self.here);
        while let Some(head) = self.given.pop_front_if(|head| head.size() == size) {
            here.push(head.checkpoint().clone());
        }
        self.report.0 = self.report.0.saturating_add(here.len() as u64);
        self.walk.compare(&here)
    }
}

/// The lines of an export as they come.
struct Export<'a> {
    pieces: BoxStream<'a, Result<Bytes>>,
    lines: Lines,
    /// The line given last, from 1.
    number: u64,
}

impl<'a> Export<'a> {
    fn new(pieces: impl Stream<Item = Result<Bytes>> + Send + 'a) -> Self {
        Self {
            pieces: pieces.boxed(),
            lines: Lines::default(),
            number: 0,
        }
    }

    async fn next(&mut self) -> Result<Option<Line>> {
        loop {
            if let Some(line) = self.lines.next() {
                self.number = self.number.saturating_add(1);
                let line = serde_json::from_slice(&line).map_err(|cause| {
                    self.refused("a line is not one of an export")
                        .with_source(cause)
                })?;
                return Ok(Some(line));
            }
            let rest = self.lines.rest().len();
            if rest > LINE {
                return Err(Error::new(
                    ErrorKind::LimitExceeded,
                    OPERATION,
                    "a line is longer than 16 MiB",
                )
                .with_context("line", self.number.saturating_add(1)));
            }
            match self.pieces.next().await.transpose()? {
                Some(piece) => self.lines.push(&piece),
                None if rest == 0 => return Ok(None),
                None => return Err(self.refused("the last line is cut off")),
            }
        }
    }

    fn refused(&self, why: &'static str) -> Error {
        Error::new(ErrorKind::Corrupt, OPERATION, why).with_context("line", self.number)
    }
}
