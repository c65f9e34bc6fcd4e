//! What an entry of the journal makes of messages to a partner.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::engine::journal::Event;
use crate::error::Result;
use crate::storage::{JournalEntry, RecordId, Store, Version};

use super::super::configuration::Configuration;
use super::super::external::{PartnerGrant, PartnerMessage, PartnerSettings};
use super::super::group::Group;
use super::super::patch::Patch;
use super::super::records::{
    HistoryEntry, SECTION_CHANGED, SECTION_CONFIGURATIONS, SECTION_HISTORY, SECTION_REMOVED, key,
};
use super::super::service::{SECTION_PERMISSIONS, SECTION_RESULTS_CHANGED};
use super::records::{SECTION_PARTNER_CHANGED, SECTION_PARTNER_REMOVED};

/// What an entry has to do with partners.
#[derive(Debug)]
pub(super) enum Matter {
    Section {
        id: String,
        version: Version,
        /// Its name in the history.
        change: Option<String>,
        is_removed: bool,
    },
    /// Results of these users, each in a wedding or in the organization.
    Results(Vec<(String, Option<String>)>),
    /// A partner was changed or removed.
    Partner,
}

/// Reads an entry; one of others' words is nothing to partners.
pub(super) fn matter(entry: &JournalEntry) -> Option<Matter> {
    #[derive(Deserialize)]
    struct Of {
        version: Version,
        change: Option<String>,
    }
    #[derive(Deserialize)]
    struct Pairs {
        results: Vec<(String, Option<String>)>,
    }
    let event: Event = entry.event.read().ok()?;
    let is_removed = event.kind == SECTION_REMOVED;
    if is_removed || event.kind == SECTION_CHANGED {
        let of: Option<Of> = event.data.and_then(|data| data.read().ok());
        let (version, change) = of.map_or_else(Default::default, |of| (of.version, of.change));
        return Some(Matter::Section {
            id: event
                .subject
                .filter(|subject| subject.kind == "section")?
                .id,
            version,
            change,
            is_removed,
        });
    }
    if event.kind == SECTION_RESULTS_CHANGED {
        let pairs: Pairs = event.data?.read().ok()?;
        return Some(Matter::Results(pairs.results));
    }
    let ours = [SECTION_PARTNER_CHANGED, SECTION_PARTNER_REMOVED];
    ours.contains(&event.kind).then_some(Matter::Partner)
}

/// Returns the messages of an entry, in their order.
pub(super) async fn messages(
    store: &Store,
    settings: &PartnerSettings,
    entry: &JournalEntry,
    matter: &Matter,
) -> Result<Vec<PartnerMessage>> {
    match matter {
        Matter::Section {
            id,
            version,
            change,
            is_removed,
        } => {
            let change = history(store, id, change.as_deref()).await?;
            let message = if *is_removed {
                let known = identity(store, id, change.as_ref());
                Some(PartnerMessage::deleted(&known, version.next().get())?)
            } else {
                changed(store, settings, id, change).await?
            };
            Ok(message.into_iter().collect())
        }
        Matter::Results(pairs) => {
            let mut all = Vec::new();
            for (user, wedding) in pairs {
                all.extend(stated(store, settings, user, wedding.as_deref(), entry).await?);
            }
            Ok(all)
        }
        Matter::Partner => Ok(Vec::new()),
    }
}

/// What was changed, or all of it as it is now where that is not on record.
async fn changed(
    store: &Store,
    settings: &PartnerSettings,
    id: &str,
    change: Option<HistoryEntry>,
) -> Result<Option<PartnerMessage>> {
    if let Some(change) = change {
        let known = identity(store, id, Some(&change));
        return PartnerMessage::changed(settings, &known, change.version.get(), &change.after);
    }
    let record = store
        .get(&SECTION_CONFIGURATIONS, &RecordId::parse(id)?)
        .await?;
    let Some(record) = record else {
        // Its removal stands further on in the journal.
        return Ok(None);
    };
    let known = identity_of(
        store,
        id,
        record.value.wedding(),
        record.value.section_type(),
    );
    let mut bare = record.value.as_map().clone();
    for group in Group::ALL {
        bare.remove(group.as_str());
    }
    let all = Patch::diff(&Configuration::new(bare), &record.value);
    PartnerMessage::changed(settings, &known, record.version.get(), &all)
}

/// What one user may, as it is stored now: what is not, is denied.
async fn stated(
    store: &Store,
    settings: &PartnerSettings,
    user: &str,
    wedding: Option<&str>,
    entry: &JournalEntry,
) -> Result<Option<PartnerMessage>> {
    let id = match wedding {
        Some(wedding) => key(&[user, wedding])?,
        None => key(&[user])?,
    };
    let stored = store.get(&SECTION_PERMISSIONS, &id).await?;
    let mut granted = BTreeMap::new();
    let mut revision = entry.sequence;
    if let Some(stored) = stored {
        revision = stored.value.revision;
        for section in &stored.value.sections {
            let grant = PartnerGrant {
                can_view: section.can_view,
                can_edit: section.can_edit,
                capabilities: section.capabilities.iter().cloned().collect(),
            };
            granted.insert(section.section_type.as_str().to_owned(), grant);
        }
    }
    let organization = store.organization().as_str();
    Ok(PartnerMessage::permissions(
        settings,
        organization,
        wedding,
        user,
        revision,
        &granted,
    ))
}

/// Finds what an entry of the journal tells of in the history, by the name that stands in both.
async fn history(
    store: &Store,
    section: &str,
    change: Option<&str>,
) -> Result<Option<HistoryEntry>> {
    let Some(change) = change else {
        return Ok(None);
    };
    let found = store
        .get(&SECTION_HISTORY, &key(&[section, change])?)
        .await?;
    Ok(found.map(|found| found.value))
}

/// Which configuration a change is of.
fn identity(store: &Store, id: &str, change: Option<&HistoryEntry>) -> Configuration {
    let wedding = change.and_then(|change| change.wedding_id.as_deref());
    let section_type = change.and_then(|change| change.section_type.as_deref());
    identity_of(store, id, wedding, section_type)
}

fn identity_of(
    store: &Store,
    id: &str,
    wedding: Option<&str>,
    section_type: Option<&str>,
) -> Configuration {
    let fields = [
        ("id", json!(id)),
        ("organizationId", json!(store.organization().as_str())),
        ("weddingId", json!(wedding)),
        ("sectionType", json!(section_type)),
    ];
    let fields = fields
        .into_iter()
        .filter(|(_, value)| !Value::is_null(value));
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    Configuration::new(fields.collect())
}
