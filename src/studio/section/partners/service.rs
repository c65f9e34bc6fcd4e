//! Partners, as a service: asked, and written in one batch with its event.

use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;
use crate::engine::journal::{Event, EventKind};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Chance;
use crate::permission::{Action, Actor, PermissionResolver, Resource, authorize};
use crate::storage::{Batch, JournalName, Precondition, RecordId, Store, Version, Versioned};
use crate::studio::team::check_id;
use crate::telemetry::call;

use super::super::policy::StoredPolicy;
use super::super::service::{MANAGE, MANAGE_PROTECTED};
use super::options::PartnerOptions;
use super::records::{
    Partner, PartnerPlace, SECTION_PARTNER_CHANGED, SECTION_PARTNER_PLACES,
    SECTION_PARTNER_REMOVED, SECTION_PARTNERS,
};
use super::transport::PartnerTransport;

/// Longest URL, in bytes.
const URL: usize = 2_048;

/// The external systems of one organization, for one actor. Cheap to clone.
///
/// Every call asks the resolver for `section.manage` of the organization, and for `section.manage_protected` besides if the
/// partner is told of [protected](Partner::protected) sections, or is to be.
#[derive(Clone)]
pub struct Partners {
    pub(super) store: Store,
    pub(super) policy: StoredPolicy,
    permissions: Arc<dyn PermissionResolver>,
    pub(super) transport: Arc<dyn PartnerTransport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) chance: Chance,
    pub(super) options: PartnerOptions,
    actor: Actor,
}

impl Partners {
    /// Binds the partners in `store`. The host itself acts; `policy` follows the same database, so that nobody is told
    /// of stored results that hold no more.
    #[must_use]
    pub fn new(
        store: Store,
        policy: StoredPolicy,
        permissions: Arc<dyn PermissionResolver>,
        transport: Arc<dyn PartnerTransport>,
        clock: Arc<dyn Clock>,
        chance: Chance,
        options: PartnerOptions,
    ) -> Self {
        Self {
            store,
            policy,
            permissions,
            transport,
            clock,
            chance,
            options,
            actor: Actor::default(),
        }
    }

    /// Returns the same partners for another actor.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self {
            actor,
            ..self.clone()
        }
    }

    /// Puts a partner. A new one is told what happens from now on; one that is changed goes on from where it stands.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: the id, the URL or the name of the secret is none.
    /// - [`ErrorKind::Denied`]: the actor may not.
    /// - [`ErrorKind::Conflict`]: the precondition does not hold, or the partner was changed at the same moment; and those
    ///   of the database.
    ///
    /// # Cancel safety
    ///
    /// After a drop the partner is written with its event, or not.
    pub async fn put(&self, id: &str, partner: &Partner, at: Precondition) -> Result<Version> {
        let work = async {
            let key = self.ask(id).await?;
            if partner.url.is_empty() || partner.url.len() > URL {
                let message = "a partner has a URL of 1 to 2,048 bytes";
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    "section.partner",
                    message,
                ));
            }
            check_id(&partner.secret, "section.partner")?;
            if partner.protected {
                self.allow(&MANAGE_PROTECTED).await?;
            }
            let at = self.held(&key, at).await?;
            let head = self.store.journal_head(&JournalName::main()).await?;
            let mut batch = Batch::new(self.clock.now());
            batch.put_with(&SECTION_PARTNERS, key.clone(), partner, at, Vec::new())?;
            if self
                .store
                .get(&SECTION_PARTNER_PLACES, &key)
                .await?
                .is_none()
            {
                let place = PartnerPlace {
                    sequence: head.sequence,
                    ..PartnerPlace::default()
                };
                let fresh = Precondition::Absent;
                batch.put_with(&SECTION_PARTNER_PLACES, key, &place, fresh, Vec::new())?;
            }
            batch.append(
                JournalName::main(),
                &self.event(SECTION_PARTNER_CHANGED, id),
            )?;
            let committed = self.store.commit(batch).await?;
            committed.versions.first().copied().ok_or_else(|| {
                let message = "the database gave no version to a record";
                Error::new(ErrorKind::Unexpected, "section.partner", message)
            })
        };
        call!(self.store.telemetry(), "partner.put", work)
    }

    /// Removes a partner, with its place: if it is put again it is told what happens from then on.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    ///
    /// # Cancel safety
    ///
    /// After a drop the partner is gone, or not.
    pub async fn remove(&self, id: &str, at: Precondition) -> Result<()> {
        let work = async {
            let key = self.ask(id).await?;
            let at = self.held(&key, at).await?;
            let mut batch = Batch::new(self.clock.now());
            batch.delete(&SECTION_PARTNERS, key.clone(), at);
            batch.delete(&SECTION_PARTNER_PLACES, key, Precondition::Any);
            batch.append(
                JournalName::main(),
                &self.event(SECTION_PARTNER_REMOVED, id),
            )?;
            self.store.commit(batch).await.map(drop)
        };
        call!(self.store.telemetry(), "partner.remove", work)
    }

    /// Returns a partner and how far it has been told; nothing if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`]: the actor may not; and those of the database.
    pub async fn get(&self, id: &str) -> Result<Option<(Versioned<Partner>, PartnerPlace)>> {
        let work = async {
            let key = self.ask(id).await?;
            let Some(partner) = self.known(&key).await? else {
                return Ok(None);
            };
            let place = self.store.get(&SECTION_PARTNER_PLACES, &key).await?;
            let place = place.map(|place| place.value).unwrap_or_default();
            Ok(Some((partner, place)))
        };
        call!(self.store.telemetry(), "partner.get", work)
    }

    /// Has a partner that was stopped told on, from where it stands.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: there is no such partner; and as [`put`](Self::put).
    ///
    /// # Cancel safety
    ///
    /// After a drop it is resumed, or not.
    pub async fn resume(&self, id: &str) -> Result<()> {
        let work = async {
            let key = self.ask(id).await?;
            self.known(&key).await?;
            let place = self.store.get(&SECTION_PARTNER_PLACES, &key).await?;
            let place = place.ok_or_else(|| missing(id))?;
            let resumed = PartnerPlace {
                stopped: None,
                ..place.value
            };
            let mut batch = Batch::new(self.clock.now());
            let at = Precondition::At(place.version);
            batch.put_with(&SECTION_PARTNER_PLACES, key, &resumed, at, Vec::new())?;
            batch.append(
                JournalName::main(),
                &self.event(SECTION_PARTNER_CHANGED, id),
            )?;
            self.store.commit(batch).await.map(drop)
        };
        call!(self.store.telemetry(), "partner.resume", work)
    }

    /// Asks whether the actor may, and returns the key of a partner.
    pub(super) async fn ask(&self, id: &str) -> Result<RecordId> {
        self.allow(&MANAGE).await?;
        check_id(id, "section.partner")?;
        RecordId::parse(id)
    }

    /// Returns a partner, if there is one and the actor may have to do with it.
    pub(super) async fn known(&self, key: &RecordId) -> Result<Option<Versioned<Partner>>> {
        let found = self.store.get(&SECTION_PARTNERS, key).await?;
        if found.as_ref().is_some_and(|found| found.value.protected) {
            self.allow(&MANAGE_PROTECTED).await?;
        }
        Ok(found)
    }

    /// The same, and returns what holds a batch to the partner that was found, so that no other is replaced.
    async fn held(&self, key: &RecordId, at: Precondition) -> Result<Precondition> {
        let found = self.known(key).await?.map(|found| found.version);
        at.verify(SECTION_PARTNERS.name(), key, found)?;
        Ok(found.map_or(Precondition::Absent, Precondition::At))
    }

    async fn allow(&self, action: &Action) -> Result<()> {
        let organization = self.store.organization();
        let all = [Resource::new("organization", organization.as_str())];
        let permissions = &*self.permissions;
        authorize(permissions, organization, &self.actor, action, &all).await
    }

    pub(super) fn event(&self, kind: EventKind, id: &str) -> Event {
        let event = Event::new(kind).by(self.actor.clone());
        event.about(Resource::new("partner", id))
    }
}

pub(super) fn missing(id: &str) -> Error {
    let message = "there is no such partner";
    Error::new(ErrorKind::NotFound, "section.partner", message).with_context("partner", id)
}

impl fmt::Debug for Partners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partners")
            .field("organization", self.store.organization())
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}
