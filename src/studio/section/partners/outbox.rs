//! What an entry of the journal makes of messages to a partner.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::engine::journal::Event;
use crate::error::Result;
use crate::storage::{JournalEntry, Query, RecordId, Store, Version};
use crate::studio::team::{MEMBER_CHANGED, MEMBER_REMOVED, WEDDING_CHANGED, WEDDING_REMOVED};

use super::super::configuration::Configuration;
use super::super::external::{PartnerGrant, PartnerMessage, PartnerSettings};
use super::super::group::Group;
use super::super::patch::Patch;
use super::super::policy::StoredPolicy;
use super::super::records::{
    HistoryEntry, SECTION_CHANGED, SECTION_CONFIGURATIONS, SECTION_HISTORY, SECTION_REMOVED, key,
    key_prefix,
};
use super::super::service::{Pair, SECTION_PERMISSIONS, SECTION_RESULTS_CHANGED, worked_out};
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
    /// Results of these were stored.
    Results(Vec<Pair>),
    /// What decides of a member has changed.
    Member(String),
    /// What decides in a wedding has changed.
    Wedding(String),
    /// A partner was changed or removed.
    Partner,
}

impl Matter {
    /// Whether an entry makes the same parts whenever it is read, so that a place within it can be kept.
    pub(super) const fn is_settled(&self) -> bool {
        !matches!(self, Self::Member(_) | Self::Wedding(_))
    }
}

/// What a partner is told of at once.
#[derive(Debug)]
pub(super) enum Part {
    /// What was done: the same whenever it is told.
    Message(PartnerMessage),
    /// What somebody may: worked out when it is told.
    Statement(Pair),
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
    let about = |kind: &str| {
        let subject = event.subject.as_ref();
        let subject = subject.filter(|subject| subject.kind == kind);
        subject.map(|subject| subject.id.clone())
    };
    let is_removed = event.kind == SECTION_REMOVED;
    if is_removed || event.kind == SECTION_CHANGED {
        let id = about("section")?;
        let of: Option<Of> = event.data.and_then(|data| data.read().ok());
        let (version, change) = of.map_or_else(Default::default, |of| (of.version, of.change));
        return Some(Matter::Section {
            id,
            version,
            change,
            is_removed,
        });
    }
    if event.kind == SECTION_RESULTS_CHANGED {
        let pairs: Pairs = event.data?.read().ok()?;
        let pairs = pairs.results.into_iter();
        let pairs = pairs.map(|(user, wedding)| Pair::new(user, wedding.as_deref()));
        return Some(Matter::Results(pairs.collect()));
    }
    if [MEMBER_CHANGED, MEMBER_REMOVED].contains(&event.kind) {
        return about("member").map(Matter::Member);
    }
    if [WEDDING_CHANGED, WEDDING_REMOVED].contains(&event.kind) {
        return about("wedding").map(Matter::Wedding);
    }
    let ours = [SECTION_PARTNER_CHANGED, SECTION_PARTNER_REMOVED];
    ours.contains(&event.kind).then_some(Matter::Partner)
}

/// Returns what a partner is to be told of an entry, in order.
pub(super) async fn parts(
    store: &Store,
    settings: &PartnerSettings,
    matter: &Matter,
) -> Result<Vec<Part>> {
    let pairs = match matter {
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
            return Ok(message.into_iter().map(Part::Message).collect());
        }
        Matter::Partner => return Ok(Vec::new()),
        // Whoever is told of no type is told nothing of anybody.
        _ if settings.permissions(&BTreeMap::new()).is_empty() => return Ok(Vec::new()),
        Matter::Results(pairs) => pairs.clone(),
        // A partner knows of those alone of whom results are stored, and of these it may know what holds no more.
        Matter::Member(user) => {
            let own = Pair::new(user, None);
            let is_stored = store.get(&SECTION_PERMISSIONS, &own.id()?).await?.is_some();
            let weddings = stored(store, Some(&key_prefix(user)?), |_| true).await?;
            let own = is_stored.then_some(own);
            own.into_iter().chain(weddings).collect()
        }
        Matter::Wedding(wedding) => {
            let theirs = |pair: &Pair| pair.wedding.as_ref() == Some(wedding);
            stored(store, None, theirs).await?
        }
    };
    Ok(pairs.into_iter().map(Part::Statement).collect())
}

/// Finds of whom results are stored.
async fn stored(
    store: &Store,
    prefix: Option<&str>,
    wanted: impl Fn(&Pair) -> bool + Send,
) -> Result<Vec<Pair>> {
    let mut query = Query::all(SECTION_PERMISSIONS.name().clone());
    if let Some(prefix) = prefix {
        query = query.prefix(prefix);
    }
    let mut found = Vec::new();
    loop {
        let page = store.query(&query).await?;
        let pairs = page.records.iter().filter_map(|one| Pair::of(&one.id));
        found.extend(pairs.filter(&wanted));
        match page.next {
            Some(next) => query = query.with_after(next),
            None => return Ok(found),
        }
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

/// What somebody may, and as of when.
#[derive(Debug)]
pub(super) struct Stated {
    revision: u64,
    pub(super) message: PartnerMessage,
}

/// States what somebody may: what is stored if it holds, and else what decides now. Of whom nothing is stored, everything is
/// denied. Either is as of the last revision there is, so that what is told later is never of an earlier one. As long as it
/// says the same as `last`, it is the same message. Nothing if the partner is sent nothing of it.
pub(super) async fn stated(
    policy: &StoredPolicy,
    (store, now): (&Store, Timestamp),
    settings: &PartnerSettings,
    pair: &Pair,
    last: Option<Stated>,
) -> Result<Option<Stated>> {
    let found = store.get(&SECTION_PERMISSIONS, &pair.id()?).await?;
    let (state, _) = policy.look(store.organization()).await?;
    let revision = state.revision();
    let holding = found.and_then(|found| found.value.holding(worked_out(&state, pair, now), now));
    let mut granted = BTreeMap::new();
    for section in holding.iter().flat_map(|holding| &holding.sections) {
        let grant = PartnerGrant {
            can_view: section.can_view,
            can_edit: section.can_edit,
            capabilities: section.capabilities.iter().cloned().collect(),
        };
        granted.insert(section.section_type.as_str().to_owned(), grant);
    }
    let organization = store.organization().as_str();
    let at = |revision| {
        let (user, wedding) = (&*pair.user, pair.wedding.as_deref());
        PartnerMessage::permissions(settings, organization, wedding, user, revision, &granted)
    };
    if let Some(last) = last
        && at(last.revision).as_ref() == Some(&last.message)
    {
        return Ok(Some(last));
    }
    Ok(at(revision).map(|message| Stated { revision, message }))
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
