//! The service of members and weddings.

use std::fmt;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use serde::Serialize as _;
use serde_json::Value;

use crate::clock::Clock;
use crate::engine::journal::{Event, EventKind};
use crate::error::{Error, ErrorKind, Result};
use crate::permission::{Action, Actor, PermissionResolver, Resource, authorize};
use crate::storage::{
    Batch, JournalName, Precondition, Query, RecordId, Store, Version, Versioned,
};
use crate::telemetry::{self, call};
use crate::wedding::{OrganizationRole, Role, Zones};

use super::check::{check_access, check_member, check_size, check_wedding};
use super::kind::{Kind, MEMBER, WEDDING};
use super::records::{Access, Changed, Written};

const READ: Action = Action::new("team.read");
const MANAGE: Action = Action::new("team.manage");
const OWNERS: Action = Action::new("team.manage_owners");

/// How often a change that names no version is tried again because somebody else was quicker; each time somebody was.
const TRIES: usize = 100;

/// The members and weddings of one organization, and its own statements of rights, for one actor. Cheap to clone.
///
/// Reading asks the resolver for `team.read`, writing for `team.manage`: of the `member`, `wedding` or `statement` by its
/// id, of lists for the `organization`. A member who is or becomes an owner asks for
/// `team.manage_owners` too.
///
/// Every write takes a [`Precondition`]: with a version, the write is a [`ErrorKind::Conflict`] that names both
/// versions if somebody else has changed the record since.
#[derive(Clone)]
pub struct Directory {
    pub(super) store: Store,
    permissions: Arc<dyn PermissionResolver>,
    clock: Arc<dyn Clock>,
    zones: Arc<dyn Zones>,
    actor: Actor,
}

impl Directory {
    /// Binds the members and weddings in `store`. The host itself acts; `zones` are those a wedding may be in.
    #[must_use]
    pub fn new(
        store: Store,
        permissions: Arc<dyn PermissionResolver>,
        clock: Arc<dyn Clock>,
        zones: Arc<dyn Zones>,
    ) -> Self {
        Self {
            store,
            permissions,
            clock,
            zones,
            actor: Actor::default(),
        }
    }

    /// Returns the same members and weddings for another actor.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self {
            actor,
            ..self.clone()
        }
    }

    /// Adds or replaces a member: an object with `id`, `organizationId`, and if wanted `role`, `weddingAccess` and
    /// `customFields`. Other fields are kept as they are.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`], [`ErrorKind::LimitExceeded`]: it is not a member of this organization as
    ///   `permissions.md` has it, or over 64 KiB or 32 levels.
    /// - [`ErrorKind::Denied`]: the actor may not.
    /// - [`ErrorKind::Conflict`]: the precondition does not hold.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// After a drop the member and its event are written, or neither.
    pub async fn put_member(&self, member: &Value, expected: Precondition) -> Result<Written> {
        let id = check_member(member, self.store.organization())?;
        let make = |_: Option<&Value>| Ok(member.clone());
        self.write(&MEMBER, id, expected, make).await
    }

    /// Changes the role of a member.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: there is no such member; else as [`Directory::put_member`].
    ///
    /// # Cancel safety
    ///
    /// As [`Directory::put_member`].
    pub async fn change_role(
        &self,
        member: &str,
        role: Role,
        expected: Precondition,
    ) -> Result<Written> {
        let role = Value::from(role.as_str());
        let make = |old: Option<&Value>| replaced(old, "role", &role);
        self.write(&MEMBER, member, expected, make).await
    }

    /// Replaces the list of weddings a member is let into.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: there is no such member; else as [`Directory::put_member`].
    ///
    /// # Cancel safety
    ///
    /// As [`Directory::put_member`].
    pub async fn change_access(
        &self,
        member: &str,
        access: &[Access],
        expected: Precondition,
    ) -> Result<Written> {
        check_access(access)?;
        let list = access
            .serialize(serde_json::value::Serializer)
            .map_err(|cause| {
                let message = "the list cannot be written as JSON";
                Error::new(ErrorKind::InvalidInput, "team.change_access", message)
                    .with_source(cause)
            })?;
        let make = |old: Option<&Value>| replaced(old, "weddingAccess", &list);
        self.write(&MEMBER, member, expected, make).await
    }

    /// Removes a member.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: there is no such member.
    /// - [`ErrorKind::Denied`], [`ErrorKind::Conflict`], and those of the database.
    ///
    /// # Cancel safety
    ///
    /// As [`Directory::put_member`].
    pub async fn remove_member(&self, member: &str, expected: Precondition) -> Result<Written> {
        self.remove(&MEMBER, member, expected).await
    }

    /// Returns a member as stored.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`]: the actor may not; and those of the database.
    pub async fn member(&self, id: &str) -> Result<Option<Versioned<Value>>> {
        self.get(&MEMBER, id).await
    }

    /// Returns all members by id, page by page. A refusal or a failure is the last item.
    #[must_use]
    pub fn members(&self) -> BoxStream<'static, Result<Versioned<Value>>> {
        self.list(&MEMBER)
    }

    /// Adds or replaces a wedding: an object with `id`, `organizationId`, and if decided `date`, `endDate` (the
    /// last of several days) and `timeZone`. Other fields are kept as they are.
    ///
    /// # Errors
    /// As [`Directory::put_member`]; a date that is none, an end before the beginning and a zone that is not known are
    /// [`ErrorKind::InvalidInput`].
    ///
    /// # Cancel safety
    ///
    /// As [`Directory::put_member`].
    pub async fn put_wedding(&self, wedding: &Value, expected: Precondition) -> Result<Written> {
        let id = check_wedding(wedding, self.store.organization(), &*self.zones)?;
        let make = |_: Option<&Value>| Ok(wedding.clone());
        self.write(&WEDDING, id, expected, make).await
    }

    /// Removes a wedding. Sections and access that name it stay, and let nobody in.
    ///
    /// # Errors
    /// As [`Directory::remove_member`].
    ///
    /// # Cancel safety
    ///
    /// As [`Directory::put_member`].
    pub async fn remove_wedding(&self, wedding: &str, expected: Precondition) -> Result<Written> {
        self.remove(&WEDDING, wedding, expected).await
    }

    /// Returns a wedding as stored.
    ///
    /// # Errors
    /// As [`Directory::member`].
    pub async fn wedding(&self, id: &str) -> Result<Option<Versioned<Value>>> {
        self.get(&WEDDING, id).await
    }

    /// Returns all weddings by id, page by page. A refusal or a failure is the last item.
    #[must_use]
    pub fn weddings(&self) -> BoxStream<'static, Result<Versioned<Value>>> {
        self.list(&WEDDING)
    }
}

impl Directory {
    pub(super) async fn write(
        &self,
        kind: &Kind,
        id: &str,
        expected: Precondition,
        make: impl Fn(Option<&Value>) -> Result<Value> + Send + Sync,
    ) -> Result<Written> {
        let work = async {
            let key = kind.key(id)?;
            self.ask(&MANAGE, Resource::new(kind.resource, id)).await?;
            for _ in 1..TRIES {
                match self.try_write(kind, &key, expected, &make).await {
                    Err(error) if expected == Precondition::Any && is_conflict(&error) => {}
                    done => return done,
                }
            }
            self.try_write(kind, &key, expected, &make).await
        };
        call!(self.store.telemetry(), "team.write", work)
    }

    async fn try_write(
        &self,
        kind: &Kind,
        key: &RecordId,
        expected: Precondition,
        make: &(impl Fn(Option<&Value>) -> Result<Value> + Send + Sync),
    ) -> Result<Written> {
        let old = self.store.get(kind.collection, key).await?;
        let found = old.as_ref().map(|old| old.version);
        expected.verify(kind.collection.name(), key, found)?;
        let old = old.map(|old| old.value);
        let value = make(old.as_ref()).map_err(|error| error.with_context("id", key))?;
        check_size(&value, "team.write")?;
        self.ask_of_owners(kind, key, [old.as_ref(), Some(&value)])
            .await?;
        let version = found.map_or(Version::new(1), Version::next);
        let kinds = kind.changes(old.as_ref(), &value);
        let event = self.event(kind.changed.clone(), kind, key);
        let event = event.with_data(&Changed {
            version,
            kinds: &kinds,
        })?;
        let mut batch = Batch::new(self.clock.now());
        // What was read decides what is written, so it must still be there.
        let held = found.map_or(Precondition::Absent, Precondition::At);
        batch.put_with(kind.collection, key.clone(), &value, held, Vec::new())?;
        batch.append(JournalName::main(), &event)?;
        self.commit(batch, version).await
    }

    pub(super) async fn remove(
        &self,
        kind: &Kind,
        id: &str,
        expected: Precondition,
    ) -> Result<Written> {
        let work = async {
            let key = kind.key(id)?;
            self.ask(&MANAGE, Resource::new(kind.resource, id)).await?;
            for _ in 1..TRIES {
                match self.try_remove(kind, &key, expected).await {
                    Err(error) if expected == Precondition::Any && is_conflict(&error) => {}
                    done => return done,
                }
            }
            self.try_remove(kind, &key, expected).await
        };
        call!(self.store.telemetry(), "team.remove", work)
    }

    async fn try_remove(
        &self,
        kind: &Kind,
        key: &RecordId,
        expected: Precondition,
    ) -> Result<Written> {
        let old = self.store.get(kind.collection, key).await?;
        let Some(old) = old else {
            return Err(missing("team.remove").with_context("id", key));
        };
        expected.verify(kind.collection.name(), key, Some(old.version))?;
        self.ask_of_owners(kind, key, [Some(&old.value), None])
            .await?;
        let mut batch = Batch::new(self.clock.now());
        let held = Precondition::At(old.version);
        batch.delete(kind.collection, key.clone(), held);
        let event = self.event(kind.removed.clone(), kind, key);
        batch.append(JournalName::main(), &event)?;
        self.commit(batch, old.version).await
    }

    async fn commit(&self, batch: Batch, version: Version) -> Result<Written> {
        let committed = self.store.commit(batch).await?;
        let revision = committed.sequences.first().copied().ok_or_else(|| {
            let message = "the database gave no number to an event";
            Error::new(ErrorKind::Unexpected, "team.commit", message)
        })?;
        Ok(Written::new(revision, version))
    }

    pub(super) async fn get(&self, kind: &Kind, id: &str) -> Result<Option<Versioned<Value>>> {
        let work = async {
            let key = kind.key(id)?;
            self.ask(&READ, Resource::new(kind.resource, id)).await?;
            self.store.get(kind.collection, &key).await
        };
        call!(self.store.telemetry(), "team.read", work)
    }

    pub(super) fn list(&self, kind: &'static Kind) -> BoxStream<'static, Result<Versioned<Value>>> {
        let directory = self.clone();
        let records = async move {
            let organization = directory.store.organization().as_str().to_owned();
            let resource = Resource::new("organization", organization);
            match directory.ask(&READ, resource).await {
                Ok(()) => {
                    let query = Query::all(kind.collection.name().clone());
                    directory.store.all(kind.collection, query)
                }
                Err(error) => stream::iter([Err(error)]).boxed(),
            }
        };
        let records = stream::once(records).flatten().boxed();
        telemetry::within(tracing::debug_span!("team.list"), records)
    }

    /// Who owns the organization is for its owners: a record that is or becomes one of them asks more.
    async fn ask_of_owners(
        &self,
        kind: &Kind,
        key: &RecordId,
        records: [Option<&Value>; 2],
    ) -> Result<()> {
        let owner = Some(OrganizationRole::Owner.as_str());
        let is_owner =
            |record: &Value| record.get("organizationRole").and_then(Value::as_str) == owner;
        if records.into_iter().flatten().any(is_owner) {
            self.ask(&OWNERS, Resource::new(kind.resource, key.as_str()))
                .await?;
        }
        Ok(())
    }

    async fn ask(&self, action: &Action, resource: Resource) -> Result<()> {
        let (permissions, organization) = (&*self.permissions, self.store.organization());
        authorize(permissions, organization, &self.actor, action, &[resource]).await
    }

    fn event(&self, happened: EventKind, kind: &Kind, key: &RecordId) -> Event {
        Event::new(happened)
            .by(self.actor.clone())
            .about(Resource::new(kind.resource, key.as_str()))
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("organization", self.store.organization())
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}

fn replaced(old: Option<&Value>, name: &str, new: &Value) -> Result<Value> {
    let old = old.ok_or_else(|| missing("team.change"))?;
    let mut fields = old.as_object().cloned().ok_or_else(|| {
        let message = "the stored record is not an object";
        Error::new(ErrorKind::Corrupt, "team.change", message)
    })?;
    fields.insert(name.to_owned(), new.clone());
    Ok(Value::Object(fields))
}

fn missing(operation: &'static str) -> Error {
    Error::new(ErrorKind::NotFound, operation, "there is no such record")
}

fn is_conflict(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict
}
