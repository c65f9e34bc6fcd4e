//! Changing a section: field by field, against the version that was seen.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::permission::Actor;
use crate::storage::{Batch, JournalName, Precondition, Version};
use crate::telemetry::call;

use super::super::configuration::Configuration;
use super::super::group::Group;
use super::super::patch::Patch;
use super::super::records::{
    Author, Changed, HistoryEntry, HistoryKind, SECTION_CHANGED, SECTION_CONFIGURATIONS,
    SECTION_HISTORY, key,
};
use super::super::scope::{Reach, Scope, Target};
use super::check::{check_changes, check_configuration};
use super::handle::{EDIT, MANAGE, SectionService, keyed, missing, section_key, section_resource};

/// What a change of a section came to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Patched {
    /// Names the change in the [history](SectionService::history); nothing if nothing had to change.
    pub change: Option<String>,
    /// The version the section has now.
    pub version: Version,
    /// An entry of the organization's main journal by which the section is as it is now. Give it as `at_least` to see
    /// the change.
    pub revision: u64,
    /// Whom it concerns, and whether results of permissions are to be worked out anew.
    pub scope: Scope,
}

/// A change that has been checked and allowed.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) section: String,
    pub(super) patch: Patch,
    /// The version it was made against.
    pub(super) at: Version,
    /// Its name, the same each time it is tried.
    pub(super) change: String,
    pub(super) by: Vec<Actor>,
    pub(super) kind: HistoryKind,
}

impl SectionService {
    /// Changes a section for all who share it: `changes` is a [`Patch`], made against version `at`. What it does not
    /// mention stays. `wedding` is the context in which the person sees the section.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`], [`ErrorKind::LimitExceeded`]: the changes are not valid, or the section would be
    ///   too large.
    /// - [`ErrorKind::Denied`]: the actor may not `section.edit` it, or not `section.manage` it if the changes are
    ///   about who sees it, and `section.manage_protected` if its type is protected.
    /// - [`ErrorKind::NotFound`]: there is no such section, or the person may not edit it there.
    /// - [`ErrorKind::Conflict`]: it has another version; both are named. Nothing was changed.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// After a drop the change, its history and its event are written, or nothing is.
    pub async fn patch(
        &self,
        section: &str,
        wedding: Option<&str>,
        changes: &Value,
        at: Version,
    ) -> Result<Patched> {
        let work = async {
            section_key(section)?;
            let patch = check_changes(changes, Target::Shared)?;
            self.allow_edit(section, wedding, &patch).await?;
            let edit = Edit {
                section: section.to_owned(),
                patch,
                at,
                change: self.name_change(at.next()),
                by: vec![self.actor.clone()],
                kind: HistoryKind::Changed,
            };
            self.apply(&edit).await
        };
        call!(self.store.telemetry(), "section.patch", work)
    }

    /// Asks whether the actor may make this change.
    pub(super) async fn allow_edit(
        &self,
        section: &str,
        wedding: Option<&str>,
        patch: &Patch,
    ) -> Result<()> {
        let guards = [Group::Visibility, Group::Permissions];
        let says = |group| patch.group(group).is_some_and(|fields| !fields.is_empty());
        if guards.into_iter().any(says) {
            // Whoever decides who sees the section may change the rest of it with the same patch.
            self.ask(&MANAGE, section_resource(section)).await?;
            let found = self.find(section).await?;
            return self.ask_protected(&keyed(&found.id, found.value)).await;
        }
        let resource = section_resource(section);
        let Some(user) = self.ask_viewer(&EDIT, resource).await? else {
            return Ok(());
        };
        let state = self.state(None).await?;
        let seen = state.decide_all(user, &self.context(wedding));
        let ours = seen
            .iter()
            .find(|one| one.config_ids.iter().any(|id| **id == *section));
        match ours {
            Some(one) if one.can_view && one.can_edit => Ok(()),
            Some(one) if one.can_view => {
                let message = "the person may see the section and not edit it";
                Err(Error::new(ErrorKind::Denied, "section.patch", message)
                    .with_context("section", section))
            }
            _ => Err(missing(section)),
        }
    }

    /// Makes a change, its history and its event in one step.
    pub(super) async fn apply(&self, edit: &Edit) -> Result<Patched> {
        let id = section_key(&edit.section)?;
        let found = self.find(&edit.section).await?;
        let expected = Precondition::At(edit.at);
        expected.verify(SECTION_CONFIGURATIONS.name(), &id, Some(found.version))?;
        let before = found.value;
        let after = edit.patch.apply(&before);
        let scope = Scope::of(&before, &edit.patch, Target::Shared);
        if scope.reach == Reach::None {
            let head = self.store.journal_head(&JournalName::main()).await?;
            return Ok(Patched {
                change: None,
                version: found.version,
                revision: head.sequence,
                scope,
            });
        }
        check_configuration(&after)?;
        let version = found.version.next();
        let now = self.clock.now();
        let mut batch = Batch::new(now);
        let none = Vec::new();
        batch.put_with(&SECTION_CONFIGURATIONS, id, &after, expected, none)?;
        let entry = HistoryEntry {
            change: edit.change.clone(),
            section_id: edit.section.clone(),
            section_type: before.section_type().map(Into::into),
            wedding_id: before.wedding().map(Into::into),
            kind: edit.kind.clone(),
            version,
            at: now,
            by: edit.by.iter().map(Author::from).collect(),
            before: Patch::diff(&after, &before),
            after: Patch::diff(&before, &after),
        };
        let kinds = kinds(&entry.after);
        put_history(&mut batch, &entry)?;
        let event = self.event(SECTION_CHANGED, &edit.section);
        let event = event.with_data(&Changed {
            version,
            kinds: &kinds,
            change: &entry.change,
        })?;
        batch.append(JournalName::main(), &event)?;
        let written = self.commit(batch, version).await?;
        Ok(Patched {
            change: Some(entry.change),
            version,
            revision: written.revision,
            scope,
        })
    }
}

pub(super) fn put_history(batch: &mut Batch, entry: &HistoryEntry) -> Result<()> {
    let id = key(&[&entry.section_id, &entry.change])?;
    batch.put_with(
        &SECTION_HISTORY,
        id,
        entry,
        Precondition::Absent,
        Vec::new(),
    )?;
    Ok(())
}

/// The groups a patch is about.
pub(super) fn kinds(patch: &Patch) -> Vec<&'static str> {
    let groups = Group::ALL.into_iter();
    let changed = groups.filter(|group| patch.group(*group).is_some());
    changed.map(Group::as_str).collect()
}

/// A configuration of which nothing is known but what it is.
pub(super) fn bare(configuration: &Configuration) -> Configuration {
    let mut record = configuration.as_map().clone();
    for group in Group::ALL {
        record.remove(group.as_str());
    }
    Configuration::new(record)
}
