//! What the journal tells of a span of time: for the report of a breach (GDPR, article 33).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::engine::journal::Event;
use crate::error::Result;
use crate::permission::Actor;
use crate::storage::JournalEntry;

use super::service::Privacy;

/// Entries of one page.
const PAGE: usize = 1_000;

/// Who did what to what in a span of time.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct IncidentReport {
    /// How many entries there are.
    pub entries: u64,
    /// How many of each kind.
    pub kinds: BTreeMap<String, u64>,
    /// The people and programs that acted, as `user …`, `service …` or `host`.
    pub actors: BTreeSet<String>,
    /// What was acted on, by kind.
    pub resources: BTreeMap<String, BTreeSet<String>>,
    /// Whether there were more actors or resources than are told.
    pub is_cut: bool,
}

impl IncidentReport {
    /// Most actors, and most resources of a kind.
    pub const MAX_NAMES: usize = 10_000;

    fn add(&mut self, entry: &JournalEntry) {
        self.entries = self.entries.saturating_add(1);
        // An entry of the host's own making need not be one of our events.
        let Ok(event) = entry.event.read::<Event>() else {
            count(&mut self.kinds, String::new());
            return;
        };
        count(&mut self.kinds, event.kind.to_string());
        let mut is_cut = keep(&mut self.actors, event.actor.to_string());
        if let Some(resource) = event.subject {
            let names = self.resources.entry(resource.kind.into_owned());
            is_cut |= keep(names.or_default(), resource.id);
        }
        self.is_cut |= is_cut;
    }

    /// Returns the ids of the users who acted.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        let user = Actor::User(String::new()).to_string();
        self.actors
            .iter()
            .filter_map(move |actor| actor.strip_prefix(user.as_str()))
    }
}

fn count(kinds: &mut BTreeMap<String, u64>, kind: String) {
    let count = kinds.entry(kind).or_default();
    *count = count.saturating_add(1);
}

/// Tells whether there was no room.
fn keep(names: &mut BTreeSet<String>, name: String) -> bool {
    if names.len() >= IncidentReport::MAX_NAMES && !names.contains(&name) {
        return true;
    }
    names.insert(name);
    false
}

impl Privacy {
    /// Reads what the journals tell of a span of time. The clocks of those who committed count, and entries
    /// need not be in their order, so each journal is read whole.
    ///
    /// # Errors
    /// Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn incident(&self, span: RangeInclusive<Timestamp>) -> Result<IncidentReport> {
        let mut report = IncidentReport::default();
        for journal in &self.journals {
            let mut after = 0;
            loop {
                let page = self.store.read_journal(journal, after, PAGE).await?;
                let Some(last) = page.last() else {
                    break;
                };
                after = last.sequence;
                let within = page.iter().filter(|entry| span.contains(&entry.at));
                within.for_each(|entry| report.add(entry));
            }
        }
        Ok(report)
    }
}
