//! The service and what all its calls have in common.

use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;
use crate::engine::journal::{Event, EventKind};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Chance, Ids, RunId};
use crate::permission::{
    Action, Actor, Context, PermissionResolver, Resource, Snapshot, authorize,
};
use crate::storage::{Batch, JournalName, RecordId, Store, Version, Versioned};
use crate::studio::team::{Written, check_id};
use crate::wedding::SectionKind;

use super::super::configuration::Configuration;
use super::super::policy::StoredPolicy;
use super::super::records::SECTION_CONFIGURATIONS;

pub(super) const READ: Action = Action::new("section.read");
pub(super) const EDIT: Action = Action::new("section.edit");
pub(in super::super) const MANAGE: Action = Action::new("section.manage");
pub(in super::super) const MANAGE_PROTECTED: Action = Action::new("section.manage_protected");

/// The sections of one organization, for one actor. Cheap to clone.
///
/// Every call asks the resolver: `section.read` to see, `section.edit` to change how a section looks,
/// `section.manage` to make and remove sections, to change who sees them, for their past, and for all that is about other
/// people; to do that with a section of a [protected](crate::wedding::SectionKind::is_protected) type, or of one that
/// cannot be read, besides `section.manage_protected`, also where it is gone or stands in a template. A person,
/// [`Actor::User`], besides gets only what the stored state lets them see, and changes only what it lets them edit, and so
/// does an [`Actor::Service`] that is a member; the host and other services get what the resolver allows.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::permission::{Actor, TrustedHost};
/// use garland::section::{PolicyOptions, SectionService, StoredPolicy};
/// use garland::storage::{Precondition, Store};
/// use garland::{Chance, OrganizationId, SystemClock, backends::Memory, team::Directory, wedding::UtcOnly};
/// use serde_json::json;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let (backend, clock, zones) = (Arc::new(Memory::new()), Arc::new(SystemClock::new()), Arc::new(UtcOnly::new()));
/// let store = Store::new(backend.clone(), OrganizationId::default());
/// let policy = StoredPolicy::new(backend, zones.clone(), clock.clone(), PolicyOptions::default());
/// let trusted = Arc::new(TrustedHost::new());
/// let team = Directory::new(store.clone(), trusted.clone(), clock.clone(), zones);
/// let sections = SectionService::new(store, policy, trusted, clock, Chance::system());
///
/// team.put_member(&json!({"id": "ann", "organizationId": "default", "role": "couple"}), Precondition::Absent).await?;
/// let budget = json!({"id": "b", "organizationId": "default", "sectionType": "budget",
///     "visibility": {"roles": ["couple"]}});
/// let made = sections.create(&budget).await?;
/// let title = json!({"customization": {"title": "What it costs"}});
/// sections.patch("b", None, &title, made.version).await?;
/// // A change made against another version is never applied.
/// assert!(sections.patch("b", None, &title, made.version).await.is_err());
///
/// let ann = sections.acting_as(Actor::User("ann".into()));
/// let seen = ann.read("b", None).await?;
/// assert_eq!(seen.configuration.as_map()["customization"]["title"], "What it costs");
/// # Ok::<(), garland::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SectionService {
    pub(super) store: Store,
    pub(super) policy: StoredPolicy,
    pub(super) permissions: Arc<dyn PermissionResolver>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) chance: Chance,
    pub(super) actor: Actor,
}

impl SectionService {
    /// Binds the sections in `store`. The host itself acts; `policy` follows the same database.
    #[must_use]
    pub fn new(
        store: Store,
        policy: StoredPolicy,
        permissions: Arc<dyn PermissionResolver>,
        clock: Arc<dyn Clock>,
        chance: Chance,
    ) -> Self {
        Self {
            store,
            policy,
            permissions,
            clock,
            chance,
            actor: Actor::default(),
        }
    }

    /// Returns the same sections for another actor.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self {
            actor,
            ..self.clone()
        }
    }

    pub(super) async fn ask(&self, action: &Action, resource: Resource) -> Result<()> {
        let (permissions, organization) = (&*self.permissions, self.store.organization());
        authorize(permissions, organization, &self.actor, action, &[resource]).await
    }

    pub(super) async fn ask_all(&self, action: &Action) -> Result<()> {
        let organization = self.store.organization().as_str().to_owned();
        self.ask(action, Resource::new("organization", organization))
            .await
    }

    /// Asks whether the actor may decide over sections of this type, besides [`MANAGE`].
    pub(super) async fn ask_protected(&self, configuration: &Configuration) -> Result<()> {
        let id = configuration.id().unwrap_or_default();
        self.ask_of_type(id, configuration.section_type()).await
    }

    /// The same of a section that need not be there any more, by the type it has or had.
    pub(super) async fn ask_of_type(
        &self,
        section: &str,
        section_type: Option<&str>,
    ) -> Result<()> {
        if !is_protected(section_type) {
            return Ok(());
        }
        let resource = section_resource(section);
        self.ask(&MANAGE_PROTECTED, resource).await
    }

    /// Asks as [`ask`](Self::ask) does, and returns the member whose own view counts: nobody for the host, and for a service
    /// that is no member.
    pub(super) async fn ask_viewer(
        &self,
        action: &Action,
        resource: Resource,
    ) -> Result<Option<&str>> {
        let asked = [resource.clone()];
        self.ask(action, resource).await?;
        let Actor::Service(id) = &self.actor else {
            return self.acting_member().await;
        };
        let state = self.state(None).await?;
        if state.member(id).is_some() {
            return Ok(Some(id));
        }
        // It may have been allowed as a member that it is no more, and what is left of its part then would be everything.
        // So it is asked again, of a moment when it was none.
        let (organization, revision) = (self.store.organization(), Some(state.revision()));
        let permissions = &self.permissions;
        let decided = permissions.decide(organization, revision, &self.actor, action, &asked);
        match decided.await?.as_slice() {
            [decision] if decision.allow => Ok(None),
            _ => {
                let message = "the actor may not do this any more";
                Err(Error::new(ErrorKind::Denied, "section.ask", message)
                    .with_context("action", action.as_str()))
            }
        }
    }

    /// Returns the member who acts: nobody for the host, and for a service that is no member.
    pub(super) async fn acting_member(&self) -> Result<Option<&str>> {
        match &self.actor {
            Actor::Host => Ok(None),
            Actor::User(id) => Ok(Some(id)),
            Actor::Service(id) => {
                let state = self.state(None).await?;
                Ok(state.member(id).map(|_| id.as_str()))
            }
        }
    }

    /// Which of these the actor may, in their order. What cannot be decided is a no.
    pub(super) async fn may(&self, action: &Action, sections: &[&str]) -> Result<Vec<bool>> {
        let resources: Vec<_> = sections.iter().map(|id| section_resource(id)).collect();
        self.may_of(action, &resources).await
    }

    /// The same of any resources: one answer for each.
    pub(super) async fn may_of(
        &self,
        action: &Action,
        resources: &[Resource],
    ) -> Result<Vec<bool>> {
        let organization = self.store.organization();
        let asked = self
            .permissions
            .decide(organization, None, &self.actor, action, resources);
        let decisions = asked.await?;
        let is_whole = decisions.len() == resources.len();
        let allowed = decisions.iter().map(|decision| is_whole && decision.allow);
        let mut allowed: Vec<_> = allowed.collect();
        allowed.resize(resources.len(), false);
        Ok(allowed)
    }

    /// Whether the actor is told of others what they may with protected sections. What cannot be decided is a failure.
    pub(super) async fn may_see_protected(&self) -> Result<bool> {
        let organization = self.store.organization().as_str();
        let whole = Resource::new("organization", organization);
        let may = self.may_of(&MANAGE_PROTECTED, &[whole]).await?;
        Ok(may.iter().all(|may| *may))
    }

    pub(super) async fn state(&self, at_least: Option<u64>) -> Result<Snapshot> {
        self.policy.state(self.store.organization(), at_least).await
    }

    pub(super) fn context(&self, wedding: Option<&str>) -> Context {
        let now = self.clock.now();
        match wedding {
            Some(wedding) => Context::wedding(wedding, now),
            None => Context::organization(now),
        }
    }

    pub(super) fn event(&self, kind: EventKind, section: &str) -> Event {
        Event::new(kind)
            .by(self.actor.clone())
            .about(section_resource(section))
    }

    pub(super) fn new_name(&self) -> String {
        let ids = Ids::new(Arc::clone(&self.clock), self.chance.clone());
        RunId::generate(&ids).to_string()
    }

    /// Names a change that makes `version` of a section, so that names are in the order of the changes.
    pub(super) fn name_change(&self, version: Version) -> String {
        let at = self.clock.now().as_millis().max(0);
        let chance = self.chance.word();
        format!("{at:016x}-{:08x}-{chance:016x}", version.get())
    }

    pub(super) async fn find(&self, section: &str) -> Result<Versioned<Configuration>> {
        let id = section_key(section)?;
        let found = self.store.get(&SECTION_CONFIGURATIONS, &id).await?;
        found.ok_or_else(|| missing(section))
    }

    /// Returns the number of the last entry of the journal.
    pub(super) async fn head(&self) -> Result<u64> {
        let head = self.store.journal_head(&JournalName::main()).await?;
        Ok(head.sequence)
    }

    pub(super) async fn commit(&self, batch: Batch, version: Version) -> Result<Written> {
        let committed = self.store.commit(batch).await?;
        let revision = committed.sequences.last().copied().ok_or_else(|| {
            let message = "the database gave no number to an event";
            Error::new(ErrorKind::Unexpected, "section.commit", message)
        })?;
        Ok(Written::new(revision, version))
    }
}

impl fmt::Debug for SectionService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SectionService")
            .field("organization", self.store.organization())
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}

pub(super) fn section_resource(section: &str) -> Resource {
    Resource::new("section", section)
}

pub(super) fn section_key(section: &str) -> Result<RecordId> {
    check_id(section, "section.key")?;
    RecordId::parse(section)
}

/// The same for what is not there and for what somebody may not see: they learn nothing.
pub(super) fn missing(section: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        "section.find",
        "there is no such section",
    )
    .with_context("section", section)
}

/// Whether more is asked of who decides over sections of this type: also if it cannot be read, as it may be any.
pub(in super::super) fn is_protected(section_type: Option<&str>) -> bool {
    section_type.is_none_or(|name| {
        let kind = name.parse::<SectionKind>();
        kind.is_ok_and(SectionKind::is_protected)
    })
}

/// Returns the configuration with the id of its key, which decides.
pub(super) fn keyed(id: &RecordId, configuration: Configuration) -> Configuration {
    if configuration.id() == Some(id.as_str()) {
        return configuration;
    }
    let mut record = configuration.as_map().clone();
    record.insert("id".into(), id.as_str().into());
    Configuration::new(record)
}
