//! Finds the entries of a journal that name a person.

use futures_util::stream::{self, BoxStream, StreamExt};
use serde_json::Value;

use crate::error::Result;
use crate::storage::{JournalEntry, JournalName, Store};

use super::subject::Subject;

/// Entries of one page.
const PAGE: usize = 1_000;

/// Gives the entries of a journal in which one of a person's ids stands anywhere: as who acted, as what
/// it was done to, or in the data. Reads the whole journal.
pub(super) fn about(
    store: &Store,
    journal: &JournalName,
    subject: &Subject,
) -> BoxStream<'static, Result<JournalEntry>> {
    let (store, journal, subject) = (store.clone(), journal.clone(), subject.clone());
    let pages = stream::unfold(Some(0), move |after| {
        let (store, journal, subject) = (store.clone(), journal.clone(), subject.clone());
        async move {
            let page = match store.read_journal(&journal, after?, PAGE).await {
                Ok(page) => page,
                Err(error) => return Some((vec![Err(error)], None)),
            };
            let last = page.last()?.sequence;
            let found = page
                .into_iter()
                .filter_map(|entry| match names(&entry, &subject) {
                    Ok(true) => Some(Ok(entry)),
                    Ok(false) => None,
                    Err(error) => Some(Err(error)),
                });
            Some((found.collect(), Some(last)))
        }
    });
    pages.flat_map(stream::iter).boxed()
}

pub(super) async fn count(store: &Store, journal: &JournalName, subject: &Subject) -> Result<u64> {
    let mut found = about(store, journal, subject);
    let mut count = 0_u64;
    while let Some(entry) = found.next().await {
        entry?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

fn names(entry: &JournalEntry, subject: &Subject) -> Result<bool> {
    let event: Value = entry
        .event
        .read()
        .map_err(|error| error.with_context("sequence", entry.sequence))?;
    Ok(subject.stands_in(&event))
}
