//! Everything about one person, as JSON Lines.

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde::Serialize;

use crate::clock::Timestamp;
use crate::engine::audit::SubjectId;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{CollectionName, JournalEntry, JournalName, Json, RecordId};

use super::coverage::{OnErasure, PersonalData};
use super::entries;
use super::find::{self, Pages};
use super::service::Privacy;
use super::subject::Subject;

/// One line of an export.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    Subject {
        version: u32,
        ids: &'a [SubjectId],
        at: Timestamp,
    },
    Record {
        collection: &'a CollectionName,
        id: &'a RecordId,
        value: &'a Json,
    },
    Side {
        at: Timestamp,
        value: &'a Json,
    },
    Entry {
        journal: &'a JournalName,
        sequence: u64,
        at: Timestamp,
        event: &'a Json,
    },
    Source {
        source: &'a str,
        value: &'a Json,
    },
    End {
        lines: u64,
    },
}

impl Privacy {
    /// Gives everything that is held about a person as [JSON Lines], for them to have and to take elsewhere
    /// (GDPR, articles 15 and 20).
    ///
    /// A line is an object with one field: `subject` begins, `record` is one of a collection, `side` a sealed
    /// side record in clear, `entry` one of a journal that names the person, `source` something from
    /// elsewhere, and `end` ends with the number of lines before it; without that line the export is not
    /// complete. Collections that are [not exported](PersonalData::not_exported) are left out. A record may
    /// also speak of others: look before it is handed over.
    ///
    /// Records that change meanwhile may be told as they were or as they are. The stream ends after an error.
    ///
    /// [JSON Lines]: https://jsonlines.org
    #[must_use]
    pub fn export(&self, subject: &Subject) -> BoxStream<'static, Result<Bytes>> {
        let start = self.first(subject);
        let mut parts: Vec<BoxStream<'static, Result<Bytes>>> = Vec::new();
        for data in self.coverage.all().filter(|data| data.exported) {
            match data.erasure {
                OnErasure::Shred => {}
                _ => parts.push(self.records(subject, data)),
            }
        }
        parts.extend(subject.ids().iter().map(|id| self.sides(id)));
        parts.extend(
            self.journals
                .iter()
                .map(|journal| self.entries(subject, journal)),
        );
        for source in &self.sources {
            let name = source.name().to_owned();
            let lines = source.export(subject).map(move |value| {
                line(&Line::Source {
                    source: &name,
                    value: &value?,
                })
            });
            parts.push(lines.boxed());
        }
        let lines = stream::iter([start])
            .chain(stream::iter(parts).flatten())
            .map(Some)
            .chain(stream::iter([None]));
        // The last line counts those before it, and nothing follows an error.
        let counted = lines.scan((0_u64, false), |(count, failed), next| {
            let out = match next {
                _ if *failed => None,
                Some(Ok(line)) => {
                    *count = count.saturating_add(1);
                    Some(Ok(line))
                }
                Some(Err(error)) => {
                    *failed = true;
                    Some(Err(error))
                }
                None => Some(line(&Line::End { lines: *count })),
            };
            std::future::ready(out)
        });
        counted.boxed()
    }

    fn first(&self, subject: &Subject) -> Result<Bytes> {
        line(&Line::Subject {
            version: 1,
            ids: subject.ids(),
            at: self.clock.now(),
        })
    }

    fn records(&self, subject: &Subject, data: &PersonalData) -> BoxStream<'static, Result<Bytes>> {
        let (privacy, subject, data) = (self.clone(), subject.clone(), data.clone());
        let collection = data.collection.clone();
        let pages = async move {
            let names = find::names(&privacy.vault, &data, subject.ids()).await?;
            let pages = Pages::new(&privacy.store, &data, &names);
            Ok::<_, Error>(stream::try_unfold(pages, |mut pages| async {
                let page = pages.next().await?;
                Ok::<_, Error>(page.map(|page| (page, pages)))
            }))
        };
        let lines = stream::once(pages).try_flatten().map_ok(move |page| {
            let lines = page.iter().map(|record| {
                line(&Line::Record {
                    collection: &collection,
                    id: &record.id,
                    value: &record.value,
                })
            });
            stream::iter(lines.collect::<Vec<_>>())
        });
        lines.try_flatten().boxed()
    }

    fn sides(&self, id: &SubjectId) -> BoxStream<'static, Result<Bytes>> {
        let (vault, id) = (self.vault.clone(), id.clone());
        let lines = async move {
            let sides = vault.about(&id).await?;
            Ok::<_, Error>(sides.and_then(|(at, value)| {
                std::future::ready(line(&Line::Side { at, value: &value }))
            }))
        };
        stream::once(lines).try_flatten().boxed()
    }

    fn entries(
        &self,
        subject: &Subject,
        journal: &JournalName,
    ) -> BoxStream<'static, Result<Bytes>> {
        let name = journal.clone();
        let found = entries::about(&self.store, journal, subject);
        let lines = found.map(move |entry| {
            let entry: JournalEntry = entry?;
            line(&Line::Entry {
                journal: &name,
                sequence: entry.sequence,
                at: entry.at,
                event: &entry.event,
            })
        });
        lines.boxed()
    }
}

fn line(line: &Line<'_>) -> Result<Bytes> {
    let mut text = serde_json::to_vec(line).map_err(|cause| {
        Error::new(
            ErrorKind::Corrupt,
            "privacy.export",
            "a stored value is not JSON",
        )
        .with_source(cause)
    })?;
    text.push(b'\n');
    Ok(text.into())
}
