//! Subscriptions to what people see.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::permission::{Action, Actor, PermissionResolver, Resource};
use crate::telemetry::call;

use super::super::policy::StoredPolicy;
use super::follower::Follower;
use super::options::LiveOptions;
use super::request::WatchRequest;
use super::subscription::Subscription;

pub(super) const WATCH: Action = Action::new("section.watch");

/// Tells people what they see of the sections of a workspace: all of it first, then what differs, as soon as it does.
///
/// What differs is what one member sees: a change that nobody in view is affected by sends nothing. A new role, another
/// access, a wedding that moves, and time itself (a phase that ends, a section that opens at an hour) arrive in the same
/// way as a change of a section. What a person arranges for themselves (`sections.md`, §4: scope `user`) arrives at
/// subscriptions to that person's view and at no others; each reads it of its own, when it begins and when its person has
/// arranged something anew, or what they had arranged went with a section. A cursor of before that is answered with everything.
///
/// One task follows the journal of an organization, however many subscribe; it runs as long as one of them does. The
/// database's wake-ups only make it quick; lose them all and it looks every
/// [`interval`](LiveOptions::interval). A subscriber that does not read holds no queue: when it reads again, it is told in
/// one difference how far things have come. Cheap to clone.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::permission::TrustedHost;
/// use garland::section::{LiveOptions, LiveSections, PolicyOptions, StoredPolicy, Update, WatchRequest};
/// use garland::storage::{Precondition, Store};
/// use garland::{OrganizationId, SystemClock, backends::Memory, team::Directory, wedding::UtcOnly};
/// use serde_json::json;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let (backend, clock) = (Arc::new(Memory::new()), Arc::new(SystemClock::new()));
/// let (studio, zones) = (OrganizationId::default(), Arc::new(UtcOnly::new()));
/// let trusted = Arc::new(TrustedHost::new());
/// let team = Directory::new(Store::new(backend.clone(), studio.clone()), trusted.clone(), clock.clone(), zones.clone());
/// team.put_member(&json!({"id": "ann", "organizationId": "default", "role": "couple"}), Precondition::Absent).await?;
///
/// let policy = StoredPolicy::new(backend, zones, clock.clone(), PolicyOptions::default());
/// let live = LiveSections::new(policy, trusted, clock, LiveOptions::default());
/// let mut hers = live.subscribe(WatchRequest::new(studio, "ann")).await?;
/// let Update::Snapshot(all) = hers.next().await? else { panic!("everything comes first") };
/// assert!(all.sections.is_empty());
///
/// // Whoever is let go is told no more.
/// team.remove_member("ann", Precondition::Any).await?;
/// assert_eq!(hers.next().await.unwrap_err().kind(), garland::ErrorKind::Denied);
/// # Ok::<(), garland::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LiveSections(Arc<Shared>);

pub(super) struct Shared {
    pub(super) policy: StoredPolicy,
    permissions: Arc<dyn PermissionResolver>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) options: LiveOptions,
    followers: Arc<Followers>,
}

/// Who follows which organization.
#[derive(Debug, Default)]
pub(super) struct Followers(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    is_closed: bool,
    rows: HashMap<OrganizationId, Weak<Follower>>,
}

impl LiveSections {
    /// Serves the organizations that `policy` follows. Nothing runs before somebody subscribes.
    #[must_use]
    pub fn new(
        policy: StoredPolicy,
        permissions: Arc<dyn PermissionResolver>,
        clock: Arc<dyn Clock>,
        options: LiveOptions,
    ) -> Self {
        Self(Arc::new(Shared {
            policy,
            permissions,
            clock,
            options,
            followers: Arc::default(),
        }))
    }

    /// Begins to watch what a member sees, after asking the resolver for `section.watch` of them.
    ///
    /// With a cursor, the first update is what differs from what the client was told, and there is none as long as
    /// nothing does; if that can no longer be made out, it is everything. Without one it is everything.
    ///
    /// To be called inside a runtime, which then runs the task that follows the organization.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the resolver says no, there is no such member, or somebody wants to watch what another
    ///   sees.
    /// - [`ErrorKind::Cancelled`]: after [`close`](Self::close).
    /// - Those of the resolver and of the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; nothing is left behind.
    pub async fn subscribe(&self, request: WatchRequest) -> Result<Subscription> {
        let work = async {
            let shared = &self.0;
            shared.ask(&request).await?;
            let follower = shared.follower(&request.organization)?;
            follower.nudge();
            Subscription::begin(Arc::clone(shared), follower, request).await
        };
        call!(self.0.policy.telemetry(), "section.watch", work)
    }

    /// Returns how many organizations are being followed.
    #[must_use]
    pub fn followed(&self) -> usize {
        self.0.followers.table().rows.len()
    }

    /// Ends every subscription: each is told to resume from its cursor, as with another process of the same host.
    pub fn close(&self) {
        let followers: Vec<_> = {
            let mut table = self.0.followers.table();
            table.is_closed = true;
            table.rows.values().filter_map(Weak::upgrade).collect()
        };
        // Outside the lock, as one of them may be the last to go.
        for follower in followers {
            follower.close();
        }
    }
}

impl Shared {
    /// Asks whether the actor may watch. What cannot be decided is an error, and nothing is told.
    pub(super) async fn ask(&self, request: &WatchRequest) -> Result<()> {
        if let Actor::User(id) = &request.actor
            && **id != *request.member
        {
            return Err(denied(request, "a person watches only what they see"));
        }
        let member = [Resource::new("member", &*request.member)];
        let (organization, actor) = (&request.organization, &request.actor);
        let decided = self
            .permissions
            .decide(organization, None, actor, &WATCH, &member)
            .await;
        let decisions = decided.map_err(|cause| {
            let message = "permissions cannot be read";
            let error = Error::new(cause.kind(), "section.watch", message);
            error.with_source(cause)
        })?;
        match decisions.as_slice() {
            [decision] if decision.allow => Ok(()),
            [decision] => {
                let reasons = decision.reasons.iter().map(|reason| reason.text.as_str());
                Err(denied(request, &reasons.collect::<Vec<_>>().join("; ")))
            }
            _ => Err(denied(request, "the resolver did not decide")),
        }
    }

    fn follower(&self, organization: &OrganizationId) -> Result<Arc<Follower>> {
        let mut table = self.followers.table();
        if table.is_closed {
            let message = "subscriptions have ended";
            return Err(Error::new(ErrorKind::Cancelled, "section.watch", message));
        }
        let known = table.rows.get(organization).and_then(Weak::upgrade);
        if let Some(follower) = known.filter(|follower| !follower.is_dead()) {
            return Ok(follower);
        }
        let follower = Arc::new(Follower::new(
            organization.clone(),
            self.policy.clone(),
            self.options.clone(),
            Arc::downgrade(&self.followers),
        ));
        let row = Arc::downgrade(&follower);
        table.rows.insert(organization.clone(), row);
        Ok(follower)
    }
}

impl Followers {
    /// Takes an organization out that nobody follows any more.
    pub(super) fn forget(&self, organization: &OrganizationId) {
        let mut table = self.table();
        let is_over = |row: &Weak<Follower>| row.strong_count() == 0;
        if table.rows.get(organization).is_some_and(is_over) {
            table.rows.remove(organization);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn denied(request: &WatchRequest, why: &str) -> Error {
    let message = "the actor may not watch this";
    Error::new(ErrorKind::Denied, "section.watch", message)
        .with_context("actor", &request.actor)
        .with_context("member", &request.member)
        .with_context("why", why)
}

impl fmt::Debug for LiveSections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSections")
            .field("options", &self.0.options)
            .field("followed", &self.followed())
            .finish_non_exhaustive()
    }
}
