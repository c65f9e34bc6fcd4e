//! A journal as JSON Lines.

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{JournalEntry, JournalName, Store};

/// Entries of one piece.
const PAGE: usize = 1_000;

/// Writes the entries of a journal that follow `after` as [JSON Lines], many lines a piece, up to
/// the end as it is when it is reached.
///
/// A line is one entry: its sequence, its time in milliseconds since 1970 in UTC, the event as it is
/// stored and the hash in hexadecimal. It reads back as a [`JournalEntry`], so that whoever has the
/// lines can check them with [`Chain`](super::Chain), without the database.
///
/// The stream ends after an error; a later export goes on from the last line.
///
/// [JSON Lines]: https://jsonlines.org
#[must_use]
pub fn export(store: Store, journal: JournalName, after: u64) -> BoxStream<'static, Result<Bytes>> {
    stream::unfold(Some(after), move |after| {
        let (store, journal) = (store.clone(), journal.clone());
        async move {
            let page = match store.read_journal(&journal, after?, PAGE).await {
                Ok(page) => page,
                Err(error) => return Some((Err(error), None)),
            };
            let last = page.last()?.sequence;
            match lines(&page) {
                Ok(lines) => Some((Ok(lines), Some(last))),
                Err(error) => Some((Err(error), None)),
            }
        }
    })
    .boxed()
}

fn lines(page: &[JournalEntry]) -> Result<Bytes> {
    let mut lines = Vec::new();
    for entry in page {
        serde_json::to_writer(&mut lines, entry).map_err(|cause| {
            Error::new(
                ErrorKind::Corrupt,
                "journal.export",
                "a stored event is not JSON",
            )
            .with_context("sequence", entry.sequence)
            .with_source(cause)
        })?;
        lines.push(b'\n');
    }
    Ok(lines.into())
}
