//! The resolver that follows the database.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::task::unconstrained;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::permission::{PermissionResolver, PermissionSnapshot, Snapshot};
use crate::storage::{StorageBackend, Store, Wake};
use crate::telemetry::Telemetry;
use crate::wedding::Zones;

use super::arranged::Arranged;
use super::flight::{Views, is_fresh};
use super::options::PolicyOptions;
use super::reader::{Loaded, Reader};

/// Decides by the members, weddings and section configurations that are stored. Cheap to clone; clones share what
/// they have read.
///
/// The state of an organization is read once and then followed: entries of its journal name the records that are read
/// anew. A state is always that of one entry of the journal. Wake-ups of the database say when to look; without any it
/// looks once an answer is older than [`PolicyOptions::freshness`]. What cannot be read is an error, never an empty
/// state.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::permission::TrustedHost;
/// use garland::section::{PolicyOptions, StoredPolicy};
/// use garland::storage::{Precondition, Store};
/// use garland::{OrganizationId, SystemClock, backends::Memory, team::Directory, wedding::UtcOnly};
/// use serde_json::json;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let (backend, clock) = (Arc::new(Memory::new()), Arc::new(SystemClock::new()));
/// let (studio, zones) = (OrganizationId::default(), Arc::new(UtcOnly::new()));
/// let policy = StoredPolicy::new(backend.clone(), zones.clone(), clock.clone(), PolicyOptions::default());
/// assert_eq!(policy.state(&studio, None).await?.members().len(), 0);
///
/// let store = Store::new(backend, studio.clone());
/// let team = Directory::new(store, Arc::new(TrustedHost::new()), clock, zones);
/// let ann = json!({"id": "ann", "organizationId": "default", "role": "couple"});
/// let written = team.put_member(&ann, Precondition::Absent).await?;
/// let state = policy.state(&studio, Some(written.revision)).await?;
/// assert!(state.member("ann").is_some());
/// # Ok::<(), garland::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct StoredPolicy(Arc<Shared>);

struct Shared {
    backend: Arc<dyn StorageBackend>,
    zones: Arc<dyn Zones>,
    clock: Arc<dyn Clock>,
    options: PolicyOptions,
    telemetry: Telemetry,
    views: Arc<Views>,
    /// `None` once the stream has ended.
    wakes: Mutex<Option<BoxStream<'static, Wake>>>,
}

impl StoredPolicy {
    /// Follows the organizations of a database. Nothing is read before it is asked for.
    #[must_use]
    pub fn new(
        backend: Arc<dyn StorageBackend>,
        zones: Arc<dyn Zones>,
        clock: Arc<dyn Clock>,
        options: PolicyOptions,
    ) -> Self {
        Self::counting(backend, zones, clock, options, Telemetry::default())
    }

    /// The same, and what it does is counted.
    pub(crate) fn counting(
        backend: Arc<dyn StorageBackend>,
        zones: Arc<dyn Zones>,
        clock: Arc<dyn Clock>,
        options: PolicyOptions,
        telemetry: Telemetry,
    ) -> Self {
        let wakes = Mutex::new(Some(backend.watch()));
        Self(Arc::new(Shared {
            backend,
            zones,
            clock,
            views: Arc::new(Views::new(options.organizations)),
            options,
            telemetry,
            wakes,
        }))
    }

    /// Returns the state of an organization, at a revision not below `at_least`: the number of an entry of its main
    /// journal.
    ///
    /// # Errors
    /// - [`ErrorKind::Unavailable`]: the journal does not reach `at_least`, or grows faster than it can be read.
    /// - [`ErrorKind::Corrupt`]: a record is not JSON.
    /// - [`ErrorKind::Unexpected`]: the database panicked. The next question reads anew.
    /// - Those of the database, of their kinds.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; others who wait for the same reading go on with it.
    pub async fn state(
        &self,
        organization: &OrganizationId,
        at_least: Option<u64>,
    ) -> Result<Snapshot> {
        let shared = &*self.0;
        let wanted = |loaded: &Loaded| {
            at_least.is_none_or(|least| loaded.state.snapshot.revision() >= least)
        };
        let before = shared.views.flights();
        loop {
            shared.notice();
            let now = shared.clock.elapsed();
            if let Some(loaded) = shared.views.known(organization)
                && is_fresh(&loaded, now, shared.options.freshness)
                && wanted(&loaded)
            {
                return Ok(loaded.state.snapshot.clone());
            }
            let flight = shared.views.fly(organization, shared.reader(organization));
            let landed = flight.land().await;
            // One that began before the call may have missed what the caller knows to be there, and why it failed may be
            // over.
            if flight.number > before {
                let loaded = landed.map_err(unread)?;
                if wanted(&loaded) {
                    return Ok(loaded.state.snapshot.clone());
                }
                return Err(behind(&loaded, at_least));
            }
        }
    }
}

impl StoredPolicy {
    /// Returns the state, and who has arranged sections for themselves, as the database has it at the end of a look that
    /// begins after the call, however young what is known may be.
    ///
    /// # Cancel safety
    ///
    /// As [`StoredPolicy::state`].
    pub(in super::super) async fn look(
        &self,
        organization: &OrganizationId,
    ) -> Result<(Snapshot, Arranged)> {
        let shared = &*self.0;
        let before = shared.views.flights();
        loop {
            let flight = shared.views.fly(organization, shared.reader(organization));
            let landed = flight.land().await;
            if flight.number > before {
                let loaded = landed.map_err(unread)?;
                let state = &loaded.state;
                return Ok((state.snapshot.clone(), state.arranged.clone()));
            }
        }
    }

    pub(in super::super) fn telemetry(&self) -> &Telemetry {
        &self.0.telemetry
    }

    /// Returns the store of an organization in the database that is followed.
    pub(in super::super) fn store(&self, organization: &OrganizationId) -> Store {
        self.0.reader(organization).store
    }
}

impl Shared {
    /// Takes note of all wake-ups that have come.
    fn notice(&self) {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            // Outside the runtime's budget for a task: used up, it would look as if there were no wake-up.
            let next = wakes
                .as_mut()
                .and_then(|wakes| unconstrained(wakes.next()).now_or_never());
            match next {
                Some(Some(wake)) => self.views.wake(&wake),
                // The age of an answer alone says then when to look.
                Some(None) => *wakes = None,
                None => return,
            }
        }
    }

    fn reader(&self, organization: &OrganizationId) -> Reader {
        let store = Store::new(Arc::clone(&self.backend), organization.clone());
        Reader {
            store: store
                .with_patience(self.options.patience)
                .with_telemetry(self.telemetry.clone()),
            zones: Arc::clone(&self.zones),
            grace: self.options.grace,
            clock: Arc::clone(&self.clock),
        }
    }
}

#[async_trait]
impl PermissionResolver for StoredPolicy {
    /// As [`StoredPolicy::state`], to be asked at the instant of the call.
    ///
    /// The host may everything; acts in general are for the roles of members; `section.read` and `section.edit` are for
    /// the sections themselves to say.
    async fn snapshot(
        &self,
        organization: &OrganizationId,
        at_least: Option<u64>,
    ) -> Result<Arc<dyn PermissionSnapshot>> {
        let state = self.state(organization, at_least).await?;
        Ok(Arc::new(state.as_of(self.0.clock.now())))
    }
}

impl fmt::Debug for StoredPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredPolicy")
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}

fn unread(cause: Arc<Error>) -> Error {
    let message = "what decides in the organization cannot be read";
    let error = Error::new(cause.kind(), "section.policy", message);
    let error = match cause.retry_after() {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    };
    error.with_source(cause)
}

fn behind(loaded: &Loaded, at_least: Option<u64>) -> Error {
    let message = "the journal does not reach the revision that was asked for";
    Error::new(ErrorKind::Unavailable, "section.policy", message)
        .with_context("wanted", at_least.unwrap_or_default())
        .with_context("found", loaded.state.snapshot.revision())
}
