//! What was worked out and stored: one record for each user and context, replaced in one step.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::engine::journal::{Event, EventKind};
use crate::error::{Error, ErrorKind, Result};
use crate::permission::{Actor, Context, EffectiveSection, Resource, Snapshot};
use crate::storage::{
    Batch, Collection, IndexKey, IndexName, JournalName, Precondition, RecordId, Write,
};
use crate::studio::team::check_id;
use crate::telemetry::{SECTION_RESULTS_STORED, call};
use crate::wedding::SectionType;

use super::super::records::key;
use super::handle::{MANAGE, READ, SectionService, is_protected};

/// The collection of stored results, by user and wedding, or user alone for the organization itself.
pub const SECTION_PERMISSIONS: Collection<SectionResults> = Collection::new("section_permissions");

/// The collection of one record: the newest revision that results were stored of. Every writer of results holds to it,
/// so that none puts older results over newer ones.
pub const SECTION_RESULTS: Collection<u64> = Collection::new("section_results");

/// Results were stored. Subject `organization`; data `revision` and `results`, of whom and in which wedding.
pub const SECTION_RESULTS_CHANGED: EventKind = EventKind::new("section.results_changed");

/// Most results of one batch, next to what else stands in it.
pub(in super::super) const AT_ONCE: usize = 90;

/// Finds results by the wedding they are of.
pub(in super::super) const BY_WEDDING: IndexName = IndexName::new("wedding");

/// About how many bytes of results go into one batch.
const BYTES: usize = 2 << 20;

/// How often writing is tried again because somebody else was quicker; each time somebody was.
const TRIES: usize = 100;

/// What one user sees in one context, as stored: `permissions.md`, §4.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SectionResults {
    /// Who.
    pub user_id: String,
    /// Of which organization.
    pub organization_id: String,
    /// In which wedding; nothing for the organization itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wedding_id: Option<String>,
    /// The revision of the state they were worked out of.
    pub revision: u64,
    /// When they were worked out.
    pub computed_at: Timestamp,
    /// The first instant at which time alone may change them; they must not be used then or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// The sections they see, in the order of the page. A type that is not among them is denied.
    pub sections: Vec<SectionResult>,
}

/// What somebody may with a section they see.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SectionResult {
    /// The section type.
    pub section_type: SectionType,
    /// Whether it is to be seen; true of all that are stored.
    pub can_view: bool,
    /// Whether it may be changed.
    pub can_edit: bool,
    /// Whether it may be hidden.
    pub can_hide: bool,
    /// What may be done in it, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
}

impl From<EffectiveSection> for SectionResult {
    fn from(section: EffectiveSection) -> Self {
        let capabilities = section.capabilities.iter();
        Self {
            section_type: section.section_type,
            can_view: section.can_view,
            can_edit: section.can_edit,
            can_hide: section.can_hide,
            capabilities: capabilities.map(|one| one.as_str().to_owned()).collect(),
        }
    }
}

impl SectionResults {
    /// Holds what is stored against what decides now: itself if it still holds, else what holds instead.
    pub(in super::super) fn holding(self, fresh: Option<Self>, now: Timestamp) -> Option<Self> {
        let is_in_time = self.valid_until.is_none_or(|until| now < until);
        match fresh {
            Some(fresh) if is_in_time && fresh.sections == self.sections => Some(self),
            fresh => fresh,
        }
    }
}

/// How far the journal reaches that a state is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reached {
    /// To what was wanted, or beyond.
    Wanted,
    /// Not so far, as an older backup was restored: to this revision.
    Restored { revision: u64 },
}

/// Adds to a batch what is to be written with that many results.
pub(super) type Also<'a> = dyn Fn(&mut Batch, usize) -> Result<()> + Send + Sync + 'a;

/// A user and a context.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(in super::super) struct Pair {
    pub(in super::super) user: String,
    pub(in super::super) wedding: Option<String>,
}

impl Pair {
    pub(in super::super) fn new(user: impl Into<String>, wedding: Option<&str>) -> Self {
        Self {
            user: user.into(),
            wedding: wedding.map(ToOwned::to_owned),
        }
    }

    pub(in super::super) fn id(&self) -> Result<RecordId> {
        match &self.wedding {
            Some(wedding) => key(&[&self.user, wedding]),
            None => key(&[&self.user]),
        }
    }

    /// Reads the key of a stored result back.
    pub(in super::super) fn of(id: &RecordId) -> Option<Self> {
        let parts: Vec<String> = serde_json::from_str(id.as_str()).ok()?;
        let mut parts = parts.into_iter();
        let pair = Self {
            user: parts.next()?,
            wedding: parts.next(),
        };
        parts.next().is_none().then_some(pair)
    }
}

/// The steps that replace some results, and how many pairs they are of.
struct Steps {
    writes: Vec<Write>,
    events: Vec<(String, Option<String>)>,
}

impl SectionService {
    /// Works out anew what these users see, each in one context, and replaces what is stored; of who or what is not there
    /// any more nothing stays stored. A reader sees the old results of a pair or the new ones. A pair that is named twice
    /// is worked out once.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: an id is none.
    /// - [`ErrorKind::Denied`]: the actor may not `section.manage` the organization.
    /// - [`ErrorKind::Unavailable`]: what decides cannot be read; and those of the database.
    ///
    /// # Cancel safety
    ///
    /// After a drop some pairs have new results and the others their old ones.
    pub async fn recompute(&self, pairs: &[(&str, Option<&str>)]) -> Result<()> {
        let work = async {
            let (mut wanted, mut seen) = (Vec::new(), HashSet::new());
            for (user, wedding) in pairs {
                check_pair(user, *wedding)?;
                if seen.insert((user, wedding)) {
                    wanted.push(Pair::new(*user, *wedding));
                }
            }
            self.ask_all(&MANAGE).await?;
            let head = self.store.journal_head(&JournalName::main()).await?;
            self.replace(&wanted, head.sequence).await.map(drop)
        };
        call!(self.store.telemetry(), "section.recompute", work)
    }

    /// Returns what is stored of one user in one context; nothing if there is nothing, or the user or the wedding is gone.
    /// What is stored is held against what decides now, and where it says something else that is returned. Of somebody
    /// else's, sections of protected types are left out unless the actor may `section.manage_protected` the organization.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: it is not the user who acts, and the actor may not `section.manage` the organization; or
    ///   it is, and may not `section.read` it.
    /// - Those of the database.
    pub async fn results(
        &self,
        user: &str,
        wedding: Option<&str>,
    ) -> Result<Option<SectionResults>> {
        let work = async {
            check_pair(user, wedding)?;
            let own =
                |actor: &Actor| matches!(actor, Actor::User(id) | Actor::Service(id) if id == user);
            let is_own = own(&self.actor);
            if is_own {
                self.ask(&READ, Resource::new("member", user)).await?;
            } else {
                self.ask_all(&MANAGE).await?;
            }
            let pair = Pair::new(user, wedding);
            let found = self.store.get(&SECTION_PERMISSIONS, &pair.id()?).await?;
            let Some(found) = found.map(|found| found.value) else {
                return Ok(None);
            };
            // What is stored may be behind a change that nobody has marked yet.
            let (state, now) = (self.state(None).await?, self.clock.now());
            let Some(mut holding) = found.holding(worked_out(&state, &pair, now), now) else {
                return Ok(None);
            };
            let is_more = |one: &SectionResult| is_protected(Some(one.section_type.as_str()));
            let asks_more = !is_own && holding.sections.iter().any(is_more);
            if asks_more && !self.may_see_protected().await? {
                holding.sections.retain(|one| !is_more(one));
            }
            Ok(Some(holding))
        };
        call!(self.store.telemetry(), "section.results", work)
    }

    /// Replaces the results of all pairs, by states as [`reached`](Self::reached) has them.
    pub(super) async fn replace(&self, pairs: &[Pair], at_least: u64) -> Result<Reached> {
        let (mut state, reached) = self.reached(at_least).await?;
        let mut rest = pairs;
        while !rest.is_empty() {
            let (done, newer) = self.replace_some(&state, rest, None).await?;
            rest = rest.get(done..).unwrap_or_default();
            state = newer;
        }
        Ok(reached)
    }

    /// Returns the state at a revision not below `at_least`. A journal only grows: one that ends before is that of an
    /// older backup, and the state is the one at its end.
    pub(super) async fn reached(&self, at_least: u64) -> Result<(Snapshot, Reached)> {
        let behind = match self.state(Some(at_least)).await {
            Ok(state) => return Ok((state, Reached::Wanted)),
            Err(error) if error.kind() == ErrorKind::Unavailable => error,
            Err(error) => return Err(error),
        };
        if self.head().await? >= at_least {
            return Err(behind);
        }
        let (state, _) = self.policy.look(self.store.organization()).await?;
        let revision = state.revision();
        tracing::warn!(wanted = at_least, found = revision, "section.restored");
        Ok((state, Reached::Restored { revision }))
    }

    /// Replaces the results of as many of these as go into one batch. Returns how many, and the state they are of.
    pub(super) async fn replace_some(
        &self,
        state: &Snapshot,
        pairs: &[Pair],
        also: Option<&Also<'_>>,
    ) -> Result<(usize, Snapshot)> {
        let mut state = state.clone();
        for _ in 0..TRIES {
            let head = self.store.get(&SECTION_RESULTS, &head_id()?).await?;
            let newest = head.as_ref().map_or(0, |head| head.value);
            if newest > state.revision() {
                state = self.reached(newest).await?.0;
            }
            let now = self.clock.now();
            let Steps { writes, events } = self.steps(&state, pairs, now)?;
            let done = events.len();
            let mut batch = Batch::new(now);
            let held = head.map_or(Precondition::Absent, |head| Precondition::At(head.version));
            let revision = state.revision();
            batch.put_with(&SECTION_RESULTS, head_id()?, &revision, held, Vec::new())?;
            for write in writes {
                batch.push(write);
            }
            if let Some(also) = also {
                also(&mut batch, done)?;
            }
            let data = serde_json::json!({"revision": revision, "results": events});
            let event = Event::new(SECTION_RESULTS_CHANGED).by(self.actor.clone());
            let organization = self.store.organization().as_str();
            let event = event.about(Resource::new("organization", organization));
            batch.append(JournalName::main(), &event.with_data(&data)?)?;
            match self.store.commit(batch).await {
                Ok(_) => {
                    let stored = u64::try_from(done).unwrap_or(u64::MAX);
                    self.store
                        .telemetry()
                        .count(SECTION_RESULTS_STORED, &[], stored);
                    return Ok((done, state));
                }
                Err(error) if error.kind() == ErrorKind::Conflict && also.is_none() => {}
                Err(error) => return Err(error),
            }
        }
        let message = "others store results faster than this can";
        Err(Error::new(
            ErrorKind::Unavailable,
            "section.results",
            message,
        ))
    }

    fn steps(&self, state: &Snapshot, pairs: &[Pair], now: Timestamp) -> Result<Steps> {
        let mut steps = Steps {
            writes: Vec::new(),
            events: Vec::new(),
        };
        let mut bytes = 0_usize;
        for pair in pairs.iter().take(AT_ONCE) {
            let id = pair.id()?;
            let mut one = Batch::new(now);
            match worked_out(state, pair, now) {
                Some(results) => {
                    let wedding = pair.wedding.as_deref();
                    let index = wedding.map(|wedding| Ok((BY_WEDDING, IndexKey::parse(wedding)?)));
                    let indexes = index.into_iter().collect::<Result<_>>()?;
                    one.put_with(
                        &SECTION_PERMISSIONS,
                        id,
                        &results,
                        Precondition::Any,
                        indexes,
                    )?;
                }
                None => _ = one.delete(&SECTION_PERMISSIONS, id, Precondition::Any),
            }
            for write in one.into_writes() {
                if let Write::Put { value, .. } = &write {
                    bytes = bytes.saturating_add(value.as_str().len());
                }
                steps.writes.push(write);
            }
            steps.events.push((pair.user.clone(), pair.wedding.clone()));
            if bytes > BYTES {
                break;
            }
        }
        Ok(steps)
    }
}

/// Works out what somebody sees; nothing if they, or the wedding, are not there.
pub(in super::super) fn worked_out(
    state: &Snapshot,
    pair: &Pair,
    now: Timestamp,
) -> Option<SectionResults> {
    state.member(&pair.user)?;
    let context = match pair.wedding.as_deref() {
        Some(wedding) => {
            state.wedding(wedding)?;
            Context::wedding(wedding, now)
        }
        None => Context::organization(now),
    };
    let all = state.decide_all(&pair.user, &context);
    Some(SectionResults {
        user_id: pair.user.clone(),
        organization_id: state.organization().as_str().to_owned(),
        wedding_id: pair.wedding.clone(),
        revision: state.revision(),
        computed_at: now,
        // Also of what is not seen, as time may open it.
        valid_until: all.iter().filter_map(|one| one.valid_until).min(),
        sections: all
            .into_iter()
            .filter(|one| one.can_view)
            .map(SectionResult::from)
            .collect(),
    })
}

pub(super) fn check_pair(user: &str, wedding: Option<&str>) -> Result<()> {
    check_id(user, "section.results")?;
    wedding.map_or(Ok(()), |wedding| check_id(wedding, "section.results"))
}

fn head_id() -> Result<RecordId> {
    RecordId::parse("newest")
}
