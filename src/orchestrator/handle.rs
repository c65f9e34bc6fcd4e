//! The handle a host works with.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::connector::{ConnectorRegistry, NamedConnector};
use crate::engine::bandwidth::{Bandwidth, Class, Rate};
use crate::engine::resilience::layers::Resilience;
use crate::engine::sync::Environment;
use crate::engine::transfer::{Moved, Mover, TransferJob, TransferOptions};
use crate::error::Result;
use crate::id::{Chance, OrganizationId};
use crate::permission::{Action, Actor, PermissionResolver, Resource, authorize};
use crate::storage::{StorageBackend, Store};
use crate::studio::section::{LiveSections, StoredPolicy};
use crate::telemetry::{BANDWIDTH_RATE, BANDWIDTH_STREAMS, MetricsSnapshot, Registry, Telemetry};
use crate::wedding::Zones;

use super::builder::OrchestratorBuilder;
use super::sync::SyncRequest;

const CONNECTORS: Action = Action::new("connectors.open");
const STORE: Action = Action::new("store.open");
const TRANSFER: Action = Action::new("transfer.run");

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) storage: Arc<dyn StorageBackend>,
    pub(super) connectors: BTreeMap<OrganizationId, ConnectorRegistry>,
    pub(super) permissions: Arc<dyn PermissionResolver>,
    pub(super) policy: StoredPolicy,
    pub(super) live: LiveSections,
    pub(super) zones: Arc<dyn Zones>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) chance: Chance,
    pub(super) bandwidth: Bandwidth,
    pub(super) resilience: Option<Resilience>,
    pub(super) registry: Arc<Registry>,
    pub(super) telemetry: Telemetry,
    #[cfg(feature = "crypto")]
    pub(super) security: super::security::Security,
}

/// The accounts, the database and the rules of a host.
///
/// It acts for the default organization; [`organization`](Orchestrator::organization) gives the
/// handle of another. Cheap to clone.
///
/// # Example
///
/// ```
/// use garland::{Orchestrator, backends::Memory, sync::ConflictStrategy};
/// # #[cfg(feature = "local")]
/// use garland::platforms::LocalFolder;
///
/// # #[cfg(feature = "local")]
/// # async fn run() -> garland::Result<()> {
/// # let card = tempfile::tempdir().unwrap();
/// # let archive = tempfile::tempdir().unwrap();
/// let studio = Orchestrator::builder()
///     .storage(Memory::new())
///     .connector("card", LocalFolder::open(card.path())?)
///     .connector("archive", LocalFolder::open(archive.path())?)
///     .build()
///     .await?;
/// let report = studio
///     .sync("card")
///     .to("archive")
///     .on_conflict(ConflictStrategy::NewerWins)
///     .run()
///     .await?;
/// assert!(report.is_complete());
/// # Ok(())
/// # }
/// # #[cfg(feature = "local")]
/// # tokio::runtime::Runtime::new().unwrap().block_on(run())?;
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Orchestrator(Organization);

impl Orchestrator {
    /// Begins to put one together.
    #[must_use]
    pub fn builder() -> OrchestratorBuilder {
        OrchestratorBuilder::new()
    }

    pub(super) fn new(shared: Shared) -> Self {
        Self(Organization {
            shared: Arc::new(shared),
            organization: OrganizationId::default(),
            actor: Actor::Host,
        })
    }

    /// Returns how the link is shared between all transfers of all organizations: for the host, to look at and to change
    /// while they run.
    #[must_use]
    pub fn bandwidth(&self) -> &Bandwidth {
        &self.0.shared.bandwidth
    }

    /// Returns the layers around accounts on platforms, to listen to their events and to look at their health; an account is
    /// called `organization/name` there. Nothing if they [were left out](super::OrchestratorBuilder::resilience).
    #[must_use]
    pub fn resilience(&self) -> Option<&Resilience> {
        self.0.shared.resilience.as_ref()
    }

    /// Returns everything counted and timed so far, over all organizations: for the host, to show or to export. No name of
    /// a file, a person or an organization is in it.
    ///
    /// # Example
    ///
    /// ```
    /// # async fn run() -> garland::Result<()> {
    /// use garland::storage::Precondition;
    /// use garland::{Orchestrator, backends::Memory, permission::TrustedHost};
    ///
    /// let studio = Orchestrator::builder()
    ///     .storage(Memory::new())
    ///     .permissions(TrustedHost::new())
    ///     .build()
    ///     .await?;
    /// let ann = serde_json::json!({"id": "ann", "organizationId": "default", "role": "couple"});
    /// studio.team().put_member(&ann, Precondition::Absent).await?;
    /// assert_eq!(studio.metrics().total("garland_storage_commits_total"), 1);
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run())?;
    /// # Ok::<(), garland::Error>(())
    /// ```
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        let shared = &self.0.shared;
        let links = shared.bandwidth.snapshot();
        for (direction, link) in [("upload", &links.upload), ("download", &links.download)] {
            for class in Class::ALL {
                let rates = link
                    .streams()
                    .filter(|stream| stream.effective_class == class);
                let (streams, rate) = rates.fold((0_u32, 0_u64), |(streams, rate), stream| {
                    let more = stream.rate.map_or(0, Rate::as_bytes);
                    (streams.saturating_add(1), rate.saturating_add(more))
                });
                let labels = [("direction", direction), ("class", class.as_str())];
                shared
                    .telemetry
                    .set(BANDWIDTH_STREAMS, &labels, f64::from(streams));
                #[expect(clippy::cast_precision_loss, reason = "a rate for people to look at")]
                shared.telemetry.set(BANDWIDTH_RATE, &labels, rate as f64);
            }
        }
        shared.registry.snapshot()
    }

    /// Returns the handle of one organization. Everything reached from it is bound to it.
    #[must_use]
    pub fn organization(&self, id: OrganizationId) -> Organization {
        Organization {
            organization: id,
            ..self.0.clone()
        }
    }
}

impl Deref for Orchestrator {
    type Target = Organization;

    fn deref(&self) -> &Organization {
        &self.0
    }
}

/// What one organization can reach, for one actor.
#[derive(Clone, Debug)]
pub struct Organization {
    pub(super) shared: Arc<Shared>,
    pub(super) organization: OrganizationId,
    pub(super) actor: Actor,
}

impl Organization {
    /// Returns the same handle for an actor: everything it does and gives is asked of the permission resolver first.
    ///
    /// A service is asked for once, when the handle gives it. Take it anew for each request, so that what the resolver has
    /// taken away meanwhile is gone.
    #[must_use]
    pub fn as_actor(&self, actor: Actor) -> Self {
        Self {
            actor,
            ..self.clone()
        }
    }

    /// Returns the organization.
    #[must_use]
    pub fn id(&self) -> &OrganizationId {
        &self.organization
    }

    /// Returns one account as it is. Whoever has it is asked nothing more, so that it is for the host and for those who
    /// administer the organization; everybody else works through [`sync`](Self::sync), [`transfer`](Self::transfer) and the
    /// services.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`](crate::ErrorKind::Denied): the actor may not `connectors.open` there, whether there is such an
    ///   account or not.
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): the organization has none of this name.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn connector(&self, name: &str) -> Result<NamedConnector> {
        let resource = Resource::new("connector", name);
        self.authorize(&CONNECTORS, &[resource]).await?;
        self.account(name)
    }

    /// Returns every account as it is, ordered by name; see [`connector`](Self::connector).
    ///
    /// # Errors
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied): the actor may not `connectors.open` in the organization.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn connectors(&self) -> Result<Vec<NamedConnector>> {
        self.authorize(&CONNECTORS, &[self.resource()]).await?;
        let registry = self.shared.connectors.get(&self.organization);
        let all = registry.into_iter().flat_map(ConnectorRegistry::iter);
        Ok(all.cloned().collect())
    }

    /// Returns the records and journals of the organization as they are. They know no permissions, so that no role of ours
    /// reaches them: they are for the host.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied): the actor may not `store.open`.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn store(&self) -> Result<Store> {
        self.authorize(&STORE, &[self.resource()]).await?;
        Ok(self.records())
    }

    /// Begins a sync with the account called `first`; see [`SyncRequest`].
    #[must_use]
    pub fn sync(&self, first: &str) -> SyncRequest {
        SyncRequest::new(self.clone(), first)
    }

    /// Moves one file from one account to one or several others, verified on the way; see
    /// [`Mover::run`].
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`](crate::ErrorKind::Denied): the actor may not.
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): an account is not one of this organization, whether there is one of
    ///   that name elsewhere or not.
    /// - As [`Mover::run`].
    ///
    /// # Cancel safety
    ///
    /// As [`Mover::run`].
    pub async fn transfer(&self, job: &TransferJob, options: TransferOptions) -> Result<Moved> {
        let targets = job.destinations.iter().map(|to| &to.connector);
        let places: Vec<_> = [&job.source].into_iter().chain(targets).collect();
        let resource = |place: &&NamedConnector| Resource::new("connector", place.name().as_str());
        let resources: Vec<_> = places.iter().map(resource).collect();
        self.authorize(&TRANSFER, &resources).await?;
        for place in places {
            let name = place.name().as_str();
            // Another's account of the same name is not there for this one.
            if !Arc::ptr_eq(self.account(name)?.connector(), place.connector()) {
                return Err(ConnectorRegistry::missing(name));
            }
        }
        let Environment {
            store,
            clock,
            chance,
            bandwidth,
            ..
        } = self.environment();
        let cancel = CancellationToken::new();
        let mover = Mover::new(options, store, clock, chance, bandwidth, cancel);
        mover.run(job).await
    }

    /// An account, for a service that has asked already.
    pub(super) fn account(&self, name: &str) -> Result<NamedConnector> {
        match self.shared.connectors.get(&self.organization) {
            Some(connectors) => connectors.get(name).cloned(),
            None => Err(ConnectorRegistry::missing(name)),
        }
    }

    /// The records, for a service that has asked already.
    pub(super) fn records(&self) -> Store {
        Store::new(Arc::clone(&self.shared.storage), self.organization.clone())
            .with_telemetry(self.shared.telemetry.clone())
    }

    /// The organization as what an action is done to.
    pub(super) fn resource(&self) -> Resource {
        Resource::new("organization", self.organization.as_str())
    }

    pub(super) fn environment(&self) -> Environment {
        Environment {
            store: self.records(),
            clock: Arc::clone(&self.shared.clock),
            chance: self.shared.chance.clone(),
            bandwidth: self.shared.bandwidth.clone(),
            actor: self.actor.clone(),
        }
    }

    pub(super) async fn authorize(&self, action: &Action, resources: &[Resource]) -> Result<()> {
        let permissions = &*self.shared.permissions;
        authorize(
            permissions,
            &self.organization,
            &self.actor,
            action,
            resources,
        )
        .await
    }
}
