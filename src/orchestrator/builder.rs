//! What a host gives to an orchestrator.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::connector::{Category, ConnectorRegistry, PlatformConnector};
use crate::engine::bandwidth::Bandwidth;
#[cfg(feature = "crypto")]
use crate::engine::crypto::tokens::{TokenKeys, TokenPolicy};
#[cfg(feature = "crypto")]
use crate::engine::crypto::{Entropy, KeyProvider, SealedOptions};
use crate::engine::resilience::layers::{Resilience, ResilienceOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Chance, OrganizationId};
use crate::permission::{HostOnly, PermissionResolver};
use crate::storage::StorageBackend;
use crate::studio::section::{LiveOptions, LiveSections, PolicyOptions, StoredPolicy};
use crate::telemetry::{Metrics, Registry, Telemetry};
use crate::wedding::{UtcOnly, Zones};

use super::handle::{Orchestrator, Shared};
#[cfg(feature = "crypto")]
use super::security::{SecurityOptions, ToSeal};

/// Takes what a host gives, then [`build`](OrchestratorBuilder::build)s an [`Orchestrator`].
#[derive(Debug)]
pub struct OrchestratorBuilder {
    storage: Option<Arc<dyn StorageBackend>>,
    connectors: Vec<(OrganizationId, String, Arc<dyn PlatformConnector>)>,
    /// `None`: what is stored decides.
    permissions: Option<Arc<dyn PermissionResolver>>,
    policy: PolicyOptions,
    live: LiveOptions,
    zones: Arc<dyn Zones>,
    clock: Option<Arc<dyn Clock>>,
    chance: Chance,
    bandwidth: Option<Bandwidth>,
    resilience: Option<ResilienceOptions>,
    metrics: Vec<Arc<dyn Metrics>>,
    #[cfg(feature = "crypto")]
    security: SecurityOptions,
}

impl OrchestratorBuilder {
    pub(super) fn new() -> Self {
        Self {
            storage: None,
            connectors: Vec::new(),
            permissions: Some(Arc::new(HostOnly::new())),
            policy: PolicyOptions::default(),
            live: LiveOptions::default(),
            zones: Arc::new(UtcOnly::new()),
            clock: None,
            chance: Chance::system(),
            bandwidth: None,
            resilience: Some(ResilienceOptions::default()),
            metrics: Vec::new(),
            #[cfg(feature = "crypto")]
            security: SecurityOptions::default(),
        }
    }

    /// Sets where garland's own state is kept. Required.
    #[must_use]
    pub fn storage(mut self, backend: impl StorageBackend) -> Self {
        self.storage = Some(Arc::new(backend));
        self
    }

    /// Adds an account of the default organization under a [name](crate::connector::ConnectorName).
    #[must_use]
    pub fn connector(self, name: &str, connector: impl PlatformConnector) -> Self {
        self.connector_of(&OrganizationId::default(), name, Arc::new(connector))
    }

    /// Adds an account of one organization.
    #[must_use]
    pub fn connector_of(
        mut self,
        organization: &OrganizationId,
        name: &str,
        connector: Arc<dyn PlatformConnector>,
    ) -> Self {
        self.connectors
            .push((organization.clone(), name.into(), connector));
        self
    }

    /// Sets who decides what actors may do. By default only the host itself may act
    /// ([`HostOnly`]).
    #[must_use]
    pub fn permissions(mut self, resolver: impl PermissionResolver) -> Self {
        self.permissions = Some(Arc::new(resolver));
        self
    }

    /// Lets what is stored decide what actors may do: the [members](crate::team::Directory), weddings and
    /// [sections](crate::section::SectionService) of each organization; see [`StoredPolicy`].
    #[must_use]
    pub fn stored_permissions(mut self, options: PolicyOptions) -> Self {
        self.permissions = None;
        self.policy = options;
        self
    }

    /// Sets how [live sections](super::Organization::watch_sections) are served.
    #[must_use]
    pub fn live(mut self, options: LiveOptions) -> Self {
        self.live = options;
        self
    }

    /// Sets the rules of time zones, by which a wedding has its day: `IanaZones` (feature `zones`), or the host's own. By
    /// default only UTC is known, and a wedding elsewhere is refused.
    #[must_use]
    pub fn zones(mut self, zones: impl Zones) -> Self {
        self.zones = Arc::new(zones);
        self
    }

    /// Sets where time comes from; the system's clock by default.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Sets where chance comes from (ids, jitter); the system by default.
    #[must_use]
    pub fn chance(mut self, chance: Chance) -> Self {
        self.chance = chance;
        self
    }

    /// Sets how the link is shared between all transfers; without one, nothing holds them back.
    ///
    /// Only what goes to platforms and comes from them shares it, under the [id](crate::connector::Platform::id) of the
    /// platform; folders of this machine do not.
    #[must_use]
    pub fn bandwidth(mut self, bandwidth: Bandwidth) -> Self {
        self.bandwidth = Some(bandwidth);
        self
    }

    /// Sets what stands around each account on a platform: retries, pauses, quotas, breakers; by default
    /// [all of it](crate::resilience::Resilience). `None` leaves accounts bare. Folders of this machine always are.
    ///
    /// What the layers know they know by organization and name: an account that is added under two names has two pauses
    /// and two quotas, and may be asked twice as often as its platform has published.
    ///
    /// The layers wait by the timers of tokio; a [clock](Self::clock) has to run as fast as those. They count where the
    /// orchestrator counts, unless the options have [a place of their own](ResilienceOptions::with_metrics).
    #[must_use]
    pub fn resilience(mut self, options: impl Into<Option<ResilienceOptions>>) -> Self {
        self.resilience = options.into();
        self
    }

    /// Adds a place where counts and durations go, besides the one that
    /// [`Orchestrator::metrics`] reads.
    #[must_use]
    pub fn metrics(mut self, sink: impl Metrics) -> Self {
        self.metrics.push(Arc::new(sink));
        self
    }

    /// Sets the root of all keys: a key service, a key file or a passphrase. Without one nothing can
    /// be sealed.
    #[cfg(feature = "crypto")]
    #[cfg_attr(docsrs, doc(cfg(feature = "crypto")))]
    #[must_use]
    pub fn root(mut self, provider: impl KeyProvider) -> Self {
        self.security.root = Some(Arc::new(provider));
        self
    }

    /// Adds an account of the default organization whose files are sealed on their way out and opened
    /// on their way in; it needs a [root](Self::root). See [`SealedConnector`](crate::crypto::SealedConnector).
    #[cfg(feature = "crypto")]
    #[cfg_attr(docsrs, doc(cfg(feature = "crypto")))]
    #[must_use]
    pub fn sealed(
        self,
        name: &str,
        account: impl PlatformConnector,
        options: SealedOptions,
    ) -> Self {
        self.sealed_of(&OrganizationId::default(), name, Arc::new(account), options)
    }

    /// Adds a sealed account of one organization.
    #[cfg(feature = "crypto")]
    #[cfg_attr(docsrs, doc(cfg(feature = "crypto")))]
    #[must_use]
    pub fn sealed_of(
        mut self,
        organization: &OrganizationId,
        name: &str,
        account: Arc<dyn PlatformConnector>,
        options: SealedOptions,
    ) -> Self {
        self.security.sealed.push(ToSeal {
            organization: organization.clone(),
            name: name.into(),
            account,
            options,
        });
        self
    }

    /// Sets the keys and rules of tokens, for [`Orchestrator::tokens`].
    #[cfg(feature = "crypto")]
    #[cfg_attr(docsrs, doc(cfg(feature = "crypto")))]
    #[must_use]
    pub fn tokens(mut self, keys: TokenKeys, policy: TokenPolicy) -> Self {
        self.security.tokens = Some((keys, policy));
        self
    }

    /// Sets where secrets come from; the system by default.
    #[cfg(feature = "crypto")]
    #[cfg_attr(docsrs, doc(cfg(feature = "crypto")))]
    #[must_use]
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.security.entropy = Arc::new(entropy);
        self
    }

    /// Puts it together. Calls no platform.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: no storage, or a name that cannot be one.
    /// - [`ErrorKind::AlreadyExists`]: two accounts of one organization have one name.
    #[expect(
        clippy::unused_async,
        reason = "a later part may have to ask the database here"
    )]
    pub async fn build(self) -> Result<Orchestrator> {
        let storage = self.storage.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                "orchestrator.build",
                "no storage was given",
            )
        })?;
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        let registry = Arc::new(Registry::new());
        let mut sinks = self.metrics;
        sinks.push(Arc::<Registry>::clone(&registry));
        let telemetry = Telemetry::new(sinks, Arc::clone(&clock));
        let resilience = self.resilience.map(|options| {
            let options = options.or_telemetry(telemetry.clone());
            Resilience::new(Arc::clone(&clock), self.chance.clone(), options)
        });
        let mut connectors: BTreeMap<OrganizationId, ConnectorRegistry> = BTreeMap::new();
        for (organization, name, connector) in self.connectors {
            let connector = calm(resilience.as_ref(), &organization, &name, connector);
            connectors
                .entry(organization)
                .or_default()
                .add(&name, connector)?;
        }
        #[cfg(feature = "crypto")]
        let security = self
            .security
            .build(&storage, &clock, &telemetry, resilience.as_ref())?;
        #[cfg(feature = "crypto")]
        for (organization, name, sealed) in security.sealed() {
            let registry = connectors.entry(organization.clone()).or_default();
            registry.add(name.as_str(), Arc::new(sealed.clone()))?;
        }
        let bandwidth = match self.bandwidth {
            Some(bandwidth) => bandwidth,
            None => Bandwidth::builder()
                .clock(Arc::clone(&clock))
                .zones(Arc::clone(&self.zones))
                .build()?,
        };
        let policy = StoredPolicy::counting(
            Arc::clone(&storage),
            Arc::clone(&self.zones),
            Arc::clone(&clock),
            self.policy,
            telemetry.clone(),
        );
        let permissions = self.permissions.unwrap_or_else(|| Arc::new(policy.clone()));
        let live = LiveSections::new(
            policy.clone(),
            Arc::clone(&permissions),
            Arc::clone(&clock),
            self.live,
        );
        Ok(Orchestrator::new(Shared {
            storage,
            connectors,
            permissions,
            policy,
            live,
            zones: self.zones,
            clock,
            chance: self.chance,
            bandwidth,
            resilience,
            registry,
            telemetry,
            #[cfg(feature = "crypto")]
            security,
        }))
    }
}

/// Puts the layers around an account that is on a platform.
pub(super) fn calm(
    resilience: Option<&Resilience>,
    organization: &OrganizationId,
    name: &str,
    connector: Arc<dyn PlatformConnector>,
) -> Arc<dyn PlatformConnector> {
    match resilience {
        // No name of an account has a slash, so that no two share one.
        Some(resilience) if connector.platform().category != Category::Local => {
            resilience.apply(format!("{organization}/{name}"), connector)
        }
        _ => connector,
    }
}
