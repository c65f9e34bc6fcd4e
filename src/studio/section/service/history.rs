//! What was changed, and undoing it.

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, JournalName, Precondition, Query, Version, Versioned};
use crate::telemetry::{self, call};

use super::super::patch::Patch;
use super::super::records::{
    HistoryEntry, HistoryKind, SECTION_CONFIGURATIONS, SECTION_HISTORY, SECTION_HISTORY_ERASED,
    key, key_prefix,
};
use super::change::{Edit, Patched, kinds};
use super::handle::{EDIT, MANAGE, SectionService, section_key, section_resource};

/// How many entries go at once.
const ERASED: usize = 90;

impl SectionService {
    /// Returns what was changed of a section, oldest first, page by page; also of one that is gone. A refusal or a
    /// failure is the last item.
    ///
    /// Asks for `section.manage`, and for `section.manage_protected` if the type is protected that the section has, or had
    /// at that change: the name may have been another's.
    #[must_use]
    pub fn history(&self, section: &str) -> BoxStream<'static, Result<HistoryEntry>> {
        let (service, section) = (self.clone(), section.to_owned());
        let entries = async move {
            let query = match service.allow_history(&section).await {
                Ok(query) => query,
                Err(error) => return stream::iter([Err(error)]).boxed(),
            };
            let past = service.past(section, query);
            past.map_ok(|entry| entry.value).boxed()
        };
        let entries = stream::once(entries).flatten().boxed();
        telemetry::within(tracing::debug_span!("section.history"), entries)
    }

    /// Undoes one change of a section that has version `at`, by a change of its own: the fields it touched are as they
    /// were before it, all others stay.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: there is no such section or change.
    /// - [`ErrorKind::Refused`]: it made or removed the section; that is not undone.
    /// - [`ErrorKind::Conflict`]: the section has another version, or a field the change touched was changed since; the
    ///   groups are named.
    /// - As [`SectionService::patch`].
    ///
    /// # Cancel safety
    ///
    /// As [`SectionService::patch`].
    pub async fn undo(
        &self,
        section: &str,
        wedding: Option<&str>,
        change: &str,
        at: Version,
    ) -> Result<Patched> {
        let work = async {
            section_key(section)?;
            section_key(change)?;
            // Whoever may not change the section learns nothing of its past.
            let resource = || section_resource(section);
            if self.ask(&EDIT, resource()).await.is_err() {
                self.ask(&MANAGE, resource()).await?;
            }
            let id = key(&[section, change])?;
            let found = self.store.get(&SECTION_HISTORY, &id).await?;
            let entry = found.ok_or_else(|| {
                let message = "there is no such change of the section";
                Error::new(ErrorKind::NotFound, "section.undo", message)
                    .with_context("section", section)
                    .with_context("change", change)
            })?;
            let entry = entry.value;
            self.allow_edit(section, wedding, &entry.before).await?;
            if !matches!(entry.kind, HistoryKind::Changed | HistoryKind::Undone(_)) {
                let message = "making or removing a section is not undone";
                return Err(Error::new(ErrorKind::Refused, "section.undo", message));
            }
            let now = self.find(section).await?;
            let is_earlier = entry.section_type.as_deref() != now.value.section_type()
                || entry.wedding_id.as_deref() != now.value.wedding();
            if is_earlier {
                // Of an earlier section of this name, which asks for itself.
                self.ask(&MANAGE, resource()).await?;
                self.ask_of_type(section, entry.section_type.as_deref())
                    .await?;
            }
            let since = Patch::diff(&now.value, &entry.after.apply(&now.value));
            if now.version == at && !since.is_empty() {
                let message = "what the change touched was changed since";
                return Err(Error::new(ErrorKind::Conflict, "section.undo", message)
                    .with_context("section", section)
                    .with_context("groups", kinds(&since).join(", ")));
            }
            let edit = Edit {
                section: section.to_owned(),
                patch: entry.before,
                at,
                change: self.name_change(at.next()),
                by: vec![self.actor.clone()],
                kind: HistoryKind::Undone(entry.change),
            };
            self.apply(&edit).await
        };
        call!(self.store.telemetry(), "section.undo", work)
    }

    /// Takes off the record what was changed of a section, and returns how many changes that were. They cannot be undone
    /// any more; the section stays as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`]: the actor may not read all of its [history](SectionService::history), and nothing is erased;
    /// and those of the database.
    ///
    /// # Cancel safety
    ///
    /// After a drop some may be gone; a later call takes the rest.
    pub async fn erase_history(&self, section: &str) -> Result<u64> {
        let work = async {
            let query = self.allow_history(section).await?;
            // All of it is asked about before any of it goes.
            let mut whole = self.past(section.to_owned(), query.clone());
            while whole.try_next().await?.is_some() {}
            let mut found = self.past(section.to_owned(), query).try_chunks(ERASED);
            let mut erased = 0_u64;
            while let Some(entries) = found.try_next().await.map_err(|stopped| stopped.1)? {
                let mut batch = Batch::new(self.clock.now());
                for entry in &entries {
                    let at = Precondition::Any;
                    batch.delete(&SECTION_HISTORY, entry.id.clone(), at);
                }
                let event = self.event(SECTION_HISTORY_ERASED, section);
                let data = serde_json::json!({"changes": entries.len()});
                batch.append(JournalName::main(), &event.with_data(&data)?)?;
                self.store.commit(batch).await?;
                erased = erased.saturating_add(u64::try_from(entries.len()).unwrap_or(u64::MAX));
            }
            Ok(erased)
        };
        call!(self.store.telemetry(), "section.erase_history", work)
    }

    async fn allow_history(&self, section: &str) -> Result<Query> {
        let id = section_key(section)?;
        self.ask(&MANAGE, section_resource(section)).await?;
        if let Some(now) = self.store.get(&SECTION_CONFIGURATIONS, &id).await? {
            self.ask_of_type(section, now.value.section_type()).await?;
        }
        let prefix = key_prefix(section)?;
        Ok(Query::all(SECTION_HISTORY.name().clone()).prefix(&prefix))
    }

    /// Reads changes, each as far as its own type lets the actor; ends with the first that does not.
    fn past(
        &self,
        section: String,
        query: Query,
    ) -> BoxStream<'static, Result<Versioned<HistoryEntry>>> {
        let found = self.store.all(&SECTION_HISTORY, query);
        let begin = (self.clone(), section, found);
        let allowed = stream::try_unfold(begin, |(service, section, mut found)| async move {
            let Some(entry) = found.try_next().await? else {
                return Ok(None);
            };
            let then = entry.value.section_type.as_deref();
            service.ask_of_type(&section, then).await?;
            Ok(Some((entry, (service, section, found))))
        });
        allowed.boxed()
    }
}
