//! Making and removing sections.

use std::ops::Bound;

use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, JournalName, Precondition, Query, RecordId, Version};
use crate::studio::team::{WEDDINGS, Written};
use crate::telemetry::call;

use super::super::configuration::Configuration;
use super::super::patch::Patch;
use super::super::records::{
    Author, BY_SECTION, Changed, HistoryEntry, HistoryKind, RAW_OVERLAYS,
    SECTION_ARRANGEMENTS_REMOVED, SECTION_CHANGED, SECTION_CONFIGURATIONS, SECTION_REMOVED,
    SECTION_SLOTS, key,
};
use super::change::{bare, put_history};
use super::check::check_new;
use super::handle::{MANAGE, SectionService, keyed, section_key, section_resource};

/// How many overlays of a section go at once, next to what else stands in the batch.
const SWEPT: usize = 90;

impl SectionService {
    /// Makes a section: an object with `id`, `organizationId`, `sectionType`, if wanted `weddingId` and `metadata`, and
    /// the four groups, which are checked and sanitized like a patch.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`], [`ErrorKind::LimitExceeded`]: it is not a configuration of this organization.
    /// - [`ErrorKind::Denied`]: the actor may not `section.manage` it, or not `section.manage_protected` it though its type
    ///   is protected.
    /// - [`ErrorKind::NotFound`]: there is no such wedding.
    /// - [`ErrorKind::AlreadyExists`]: there is a section of this id, or one of this type in the same wedding or
    ///   organization.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// As [`SectionService::patch`].
    pub async fn create(&self, configuration: &Value) -> Result<Written> {
        let work = async {
            let configuration = check_new(configuration, self.store.organization())?;
            let id = configuration.id().unwrap_or_default();
            self.ask(&MANAGE, section_resource(id)).await?;
            self.ask_protected(&configuration).await?;
            let known = self
                .store
                .get(&SECTION_CONFIGURATIONS, &section_key(id)?)
                .await?;
            if known.is_none() {
                // What a removal that did not come to its end left of an earlier one is nobody's of this one.
                self.sweep(id).await.map_err(taken)?;
            }
            let mut batch = Batch::new(self.clock.now());
            self.hold_wedding(&mut batch, configuration.wedding())
                .await?;
            self.add_new(&mut batch, &configuration)?;
            self.commit_new(batch).await
        };
        call!(self.store.telemetry(), "section.create", work)
    }

    /// Removes a section that has version `at`, and what people have arranged of it for themselves. What was changed of
    /// it stays on record. Of a section that is gone already, a call takes what an earlier one left of arrangements.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the actor may not `section.manage` it, or not `section.manage_protected` it though its type
    ///   is protected.
    /// - [`ErrorKind::NotFound`], [`ErrorKind::Conflict`]: there is none, or it has another version.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// After a drop, as after a failure, the section is there with all that people have arranged of it, or it is gone with
    /// its history and its event. What is left of arrangements then, of more than 90 or of those made at the same moment,
    /// nobody sees; another call takes it, and so does whoever makes a section of that id.
    pub async fn remove(&self, section: &str, at: Version) -> Result<Written> {
        let work = async {
            let id = section_key(section)?;
            self.ask(&MANAGE, section_resource(section)).await?;
            let found = match self.find(section).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.sweep_gone(section).await?;
                    return Err(error);
                }
                found => found?,
            };
            self.ask_protected(&keyed(&found.id, found.value.clone()))
                .await?;
            let expected = Precondition::At(at);
            expected.verify(SECTION_CONFIGURATIONS.name(), &id, Some(found.version))?;
            let before = found.value;
            let now = self.clock.now();
            let mut batch = Batch::new(now);
            batch.delete(&SECTION_CONFIGURATIONS, id, expected);
            let slot = slot(&before)?;
            if let Some(held) = self.store.get(&SECTION_SLOTS, &slot).await?
                && held.value == section
            {
                batch.delete(&SECTION_SLOTS, slot, Precondition::At(held.version));
            }
            let entry = HistoryEntry {
                change: self.name_change(at.next()),
                section_id: section.to_owned(),
                section_type: before.section_type().map(Into::into),
                wedding_id: before.wedding().map(Into::into),
                kind: HistoryKind::Removed,
                version: at,
                at: now,
                by: vec![Author::from(&self.actor)],
                before: Patch::diff(&bare(&before), &before),
                after: Patch::diff(&before, &bare(&before)),
            };
            put_history(&mut batch, &entry)?;
            // In the same step as far as they fit, so that they are there as long as the section is.
            let overlays = self.overlays(section).await?;
            self.take_overlays(&mut batch, section, overlays)?;
            let event = self.event(SECTION_REMOVED, section);
            let event = event.with_data(&Changed {
                version: at,
                kinds: &["removed"],
                change: &entry.change,
            })?;
            batch.append(JournalName::main(), &event)?;
            let written = self.commit(batch, at).await?;
            // Those that did not fit, or were made up to that commit. Nobody can make any since.
            self.sweep_gone(section).await?;
            Ok(written)
        };
        call!(self.store.telemetry(), "section.remove", work)
    }

    /// Holds a batch to the condition that the wedding is there.
    pub(super) async fn hold_wedding(
        &self,
        batch: &mut Batch,
        wedding: Option<&str>,
    ) -> Result<()> {
        let Some(wedding) = wedding else {
            return Ok(());
        };
        let id = RecordId::parse(wedding)?;
        let found = self.store.get(&WEDDINGS, &id).await?;
        let found = found.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "section.create",
                "there is no such wedding",
            )
            .with_context("wedding", wedding)
        })?;
        batch.check(&WEDDINGS, id, Precondition::At(found.version));
        Ok(())
    }

    /// Adds a new section: four steps of a batch.
    pub(super) fn add_new(&self, batch: &mut Batch, configuration: &Configuration) -> Result<()> {
        let id = configuration.id().unwrap_or_default();
        let fresh = Precondition::Absent;
        let none = Vec::new;
        batch.put_with(
            &SECTION_CONFIGURATIONS,
            section_key(id)?,
            configuration,
            fresh,
            none(),
        )?;
        let slot = slot(configuration)?;
        batch.put_with(&SECTION_SLOTS, slot, &id.to_owned(), fresh, none())?;
        let version = Version::new(1);
        let entry = HistoryEntry {
            change: self.name_change(version),
            section_id: id.to_owned(),
            section_type: configuration.section_type().map(Into::into),
            wedding_id: configuration.wedding().map(Into::into),
            kind: HistoryKind::Created,
            version,
            at: batch.at(),
            by: vec![Author::from(&self.actor)],
            before: Patch::diff(configuration, &bare(configuration)),
            after: Patch::diff(&bare(configuration), configuration),
        };
        put_history(batch, &entry)?;
        let event = self.event(SECTION_CHANGED, id);
        let event = event.with_data(&Changed {
            version,
            kinds: &["created"],
            change: &entry.change,
        })?;
        batch.append(JournalName::main(), &event)?;
        Ok(())
    }

    pub(super) async fn commit_new(&self, batch: Batch) -> Result<Written> {
        self.commit(batch, Version::new(1)).await.map_err(taken)
    }

    /// Takes what is left of arrangements of a section that is gone. A conflict is a section that is there again.
    async fn sweep(&self, section: &str) -> Result<()> {
        loop {
            let overlays = self.overlays(section).await?;
            if overlays.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new(self.clock.now());
            let gone = Precondition::Absent;
            batch.check(&SECTION_CONFIGURATIONS, section_key(section)?, gone);
            self.take_overlays(&mut batch, section, overlays)?;
            self.store.commit(batch).await?;
        }
    }

    /// The same after a removal: whoever has made the section anew has taken what was left first.
    async fn sweep_gone(&self, section: &str) -> Result<()> {
        match self.sweep(section).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done,
        }
    }

    /// Some of the arrangements of a section, whatever stands in them.
    async fn overlays(&self, section: &str) -> Result<Vec<RecordId>> {
        let this = || Bound::Included(section.into());
        let query = Query::all(RAW_OVERLAYS.name().clone())
            .by(BY_SECTION)
            .between(this(), this())
            .with_limit(SWEPT);
        let found = self.store.query(&query).await?;
        Ok(found.records.into_iter().map(|found| found.id).collect())
    }

    /// Adds to a batch that these go, and tells those they are of.
    fn take_overlays(
        &self,
        batch: &mut Batch,
        section: &str,
        overlays: Vec<RecordId>,
    ) -> Result<()> {
        if overlays.is_empty() {
            return Ok(());
        }
        let mut users = Vec::with_capacity(overlays.len());
        for id in overlays {
            let of: Option<(String, String)> = serde_json::from_str(id.as_str()).ok();
            users.extend(of.map(|(user, _)| user));
            batch.delete(&RAW_OVERLAYS, id, Precondition::Any);
        }
        let event = self.event(SECTION_ARRANGEMENTS_REMOVED, section);
        let event = event.with_data(&json!({ "users": users }))?;
        batch.append(JournalName::main(), &event)?;
        Ok(())
    }
}

/// What a conflict of a section that is made comes from.
fn taken(error: Error) -> Error {
    if error.kind() != ErrorKind::Conflict {
        return error;
    }
    let message =
        "there is a section of this id or type already, or the wedding has changed meanwhile";
    Error::new(ErrorKind::AlreadyExists, "section.create", message).with_source(error)
}

/// The place of a section: its type, in its wedding or in the organization.
fn slot(configuration: &Configuration) -> Result<RecordId> {
    let section_type = configuration.section_type().unwrap_or_default();
    match configuration.wedding() {
        Some(wedding) => key(&[section_type, wedding]),
        None => key(&[section_type]),
    }
}
