//! What an entry of the journal makes of messages to a partner.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::engine::journal::Event;
use crate::error::Result;
use crate::storage::{IndexKey, JournalEntry, Query, QueryCursor, RecordId, Store, Version};
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
use super::super::service::{
    AT_ONCE, BY_WEDDING, Pair, SECTION_PERMISSIONS, SECTION_RESULTS_CHANGED, worked_out,
};
use super::records::{Partner, SECTION_PARTNER_CHANGED, SECTION_PARTNER_REMOVED};

/// What an entry has to do with partners. Every id in it makes a key.
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
    Wedding(IndexKey),
    /// A partner was changed or removed.
    Partner,
}

/// What a partner is told of at once.
#[derive(Debug)]
pub(super) enum Part {
    /// What was done: the same whenever it is told.
    Message(PartnerMessage),
    /// What somebody may: worked out when it is told.
    Statement(Pair),
}

/// How far one has come within an entry.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Mark {
    /// How many parts were told, where an entry has the same whenever it is read.
    pub(super) part: u64,
    /// The key of the last stored result that was told, where they are read anew.
    pub(super) pair: Option<RecordId>,
}

impl Mark {
    fn part(part: u64) -> Self {
        Self { part, pair: None }
    }

    fn pair(pair: RecordId) -> Self {
        Self {
            part: 0,
            pair: Some(pair),
        }
    }
}

/// Some of what a partner is to be told of an entry.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// In order, each with how far one has come with it.
    pub(super) parts: Vec<(Part, Mark)>,
    /// Behind what the rest is; nothing if there is none.
    pub(super) next: Option<Mark>,
}

/// Reads an entry. One of others' words is nothing to partners, nor is one about what nothing can be stored of.
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
    #[derive(Deserialize)]
    struct Kinds {
        kinds: Vec<String>,
    }
    let event: Event = entry.event.read().ok()?;
    let about = |kind: &str| {
        let subject = event.subject.as_ref();
        let subject = subject.filter(|subject| subject.kind == kind);
        subject.map(|subject| subject.id.clone())
    };
    let is_removed = event.kind == SECTION_REMOVED;
    if is_removed || event.kind == SECTION_CHANGED {
        let id = about("section").filter(|id| RecordId::parse(id.as_str()).is_ok())?;
        let of: Option<Of> = event.data.and_then(|data| data.read().ok());
        let (version, change) = of.map_or_else(Default::default, |of| (of.version, of.change));
        let change = change.filter(|change| key(&[&id, change]).is_ok());
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
        let pairs = pairs.filter(|pair| pair.id().is_ok());
        return Some(Matter::Results(pairs.collect()));
    }
    if [MEMBER_CHANGED, MEMBER_REMOVED].contains(&event.kind) {
        let id = about("member").filter(|id| key(&[id]).is_ok());
        return id.map(Matter::Member);
    }
    if [WEDDING_CHANGED, WEDDING_REMOVED].contains(&event.kind) {
        let id = IndexKey::parse(about("wedding")?).ok()?;
        let of: Option<Kinds> = event.data.and_then(|data| data.read().ok());
        // A wedding decides by when it is, and nobody may more or less for what else is written down of it.
        let is_aside = event.kind == WEDDING_CHANGED
            && of.is_some_and(|of| of.kinds.iter().all(|kind| kind == "other"));
        return (!is_aside).then_some(Matter::Wedding(id));
    }
    let ours = [SECTION_PARTNER_CHANGED, SECTION_PARTNER_REMOVED];
    ours.contains(&event.kind).then_some(Matter::Partner)
}

/// Returns what a partner is to be told of an entry next, behind what it was told of it already.
pub(super) async fn page(
    store: &Store,
    partner: &Partner,
    matter: &Matter,
    behind: &Mark,
) -> Result<Page> {
    let told = usize::try_from(behind.part).unwrap_or(usize::MAX);
    let parts = match matter {
        Matter::Section { .. } if told > 0 => Vec::new(),
        Matter::Section {
            id,
            version,
            change,
            is_removed,
        } => {
            let change = history(store, id, change.as_deref()).await?;
            let message = if *is_removed {
                removed(store, partner, id, *version, change.as_ref())?
            } else {
                changed(store, partner, id, change).await?
            };
            let message = message.map(|message| (Part::Message(message), Mark::part(1)));
            message.into_iter().collect()
        }
        Matter::Partner => Vec::new(),
        // Whoever is told of no type is told nothing of anybody.
        _ if partner.sent().sections.is_empty() => Vec::new(),
        Matter::Results(pairs) => {
            let rest = (1..).zip(pairs).skip(told);
            let parts = rest.map(|(part, pair)| (Part::Statement(pair.clone()), Mark::part(part)));
            parts.collect()
        }
        // A partner knows of those alone of whom results are stored, and of these it may know what holds no more.
        Matter::Member(user) => return of_member(store, user, behind).await,
        Matter::Wedding(wedding) => {
            let key = || Bound::Included(wedding.as_str().into());
            let query = stored().by(BY_WEDDING).between(key(), key());
            let after = behind.pair.clone();
            let after = after.map(|pair| QueryCursor::new(Some(wedding.clone()), pair));
            return pairs(store, query.with_after(after)).await;
        }
    };
    Ok(Page { parts, next: None })
}

/// What is stored of somebody: first in the organization itself, then in each wedding.
async fn of_member(store: &Store, user: &str, behind: &Mark) -> Result<Page> {
    let own = Pair::new(user, None);
    let id = own.id()?;
    let mut first = None;
    if behind.pair.is_none() && store.get(&SECTION_PERMISSIONS, &id).await?.is_some() {
        first = Some((Part::Statement(own), Mark::pair(id.clone())));
    }
    let after = behind.pair.clone().filter(|pair| *pair != id);
    let query = stored().prefix(&key_prefix(user)?);
    let query = query.with_after(after.map(|pair| QueryCursor::new(None, pair)));
    let mut page = pairs(store, query).await?;
    page.parts.splice(..0, first);
    Ok(page)
}

fn stored() -> Query {
    Query::all(SECTION_PERMISSIONS.name().clone()).with_limit(AT_ONCE)
}

/// Finds of whom results are stored, a page of them.
async fn pairs(store: &Store, query: Query) -> Result<Page> {
    let found = store.query(&query).await?;
    let last = found.records.last().map(|last| last.id.clone());
    let parts = found.records.into_iter().filter_map(|one| {
        let pair = Pair::of(&one.id)?;
        Some((Part::Statement(pair), Mark::pair(one.id)))
    });
    Ok(Page {
        parts: parts.collect(),
        next: last.filter(|_| found.next.is_some()).map(Mark::pair),
    })
}

fn removed(
    store: &Store,
    partner: &Partner,
    id: &str,
    version: Version,
    change: Option<&HistoryEntry>,
) -> Result<Option<PartnerMessage>> {
    let known = identity(store, id, change);
    // Of what type it was may stand nowhere any more. Then nothing but its id is told, which must not be kept from those
    // who were told of it while it was there.
    let section_type = known.section_type();
    if section_type.is_some() && !partner.hears_of(section_type) {
        return Ok(None);
    }
    PartnerMessage::deleted(&known, version.next().get()).map(Some)
}

/// What was changed, or all of it as it is now where that is not on record.
async fn changed(
    store: &Store,
    partner: &Partner,
    id: &str,
    change: Option<HistoryEntry>,
) -> Result<Option<PartnerMessage>> {
    let settings = &partner.sent();
    if let Some(change) = change {
        if !partner.hears_of(change.section_type.as_deref()) {
            return Ok(None);
        }
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
    if !partner.hears_of(record.value.section_type()) {
        return Ok(None);
    }
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
