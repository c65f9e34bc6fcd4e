//! Keys and what is built on them, for one organization and one actor.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Clock;
use crate::connector::{ConnectorName, PlatformConnector};
use crate::engine::audit::{Auditor, HmacHeads, SubjectVault};
use crate::engine::crypto::tokens::{TokenKeys, TokenPolicy, TokenService, Verified};
use crate::engine::crypto::{
    Entropy, KeyProvider, KeyRing, SealedConnector, SealedOptions, SystemEntropy,
};
use crate::engine::privacy::{Coverage, Privacy};
use crate::engine::resilience::layers::Resilience;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::permission::Action;
use crate::storage::{JournalName, StorageBackend, Store};
use crate::telemetry::Telemetry;

use super::builder::calm;
use super::handle::{Orchestrator, Organization};

const KEYS: Action = Action::new("keys.manage");
const AUDIT: Action = Action::new("audit.manage");
const SUBJECTS: Action = Action::new("subjects.read");

const PRIVACY: Action = Action::new("privacy.manage");

/// The key of signed heads, as the ring knows it.
const HEADS: &str = "audit-heads";
/// The key of the pseudonyms under which erasures are recorded.
const PSEUDONYMS: &str = "privacy-pseudonyms";

/// What a host gives for keeping secrets.
pub(super) struct SecurityOptions {
    pub(super) root: Option<Arc<dyn KeyProvider>>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) tokens: Option<(TokenKeys, TokenPolicy)>,
    /// Accounts that are to be wrapped.
    pub(super) sealed: Vec<ToSeal>,
}

/// An account whose files are to be sealed.
pub(super) struct ToSeal {
    pub(super) organization: OrganizationId,
    pub(super) name: String,
    pub(super) account: Arc<dyn PlatformConnector>,
    pub(super) options: SealedOptions,
}

impl Default for SecurityOptions {
    fn default() -> Self {
        Self {
            root: None,
            entropy: Arc::new(SystemEntropy::new()),
            tokens: None,
            sealed: Vec::new(),
        }
    }
}

impl SecurityOptions {
    pub(super) fn build(
        self,
        storage: &Arc<dyn StorageBackend>,
        clock: &Arc<dyn Clock>,
        telemetry: &Telemetry,
        resilience: Option<&Resilience>,
    ) -> Result<Security> {
        let tokens = self.tokens.map(|(keys, policy)| {
            let (storage, clock) = (Arc::clone(storage), Arc::clone(clock));
            let (entropy, telemetry) = (Arc::clone(&self.entropy), telemetry.clone());
            TokenService::counting(storage, keys, policy, clock, entropy, telemetry)
        });
        let mut security = Security {
            root: self.root,
            tokens: tokens.transpose()?,
            entropy: self.entropy,
            rings: Mutex::default(),
            sealed: BTreeMap::new(),
        };
        for wish in self.sealed {
            let store = Store::new(Arc::clone(storage), wish.organization.clone())
                .with_telemetry(telemetry.clone());
            let ring = security.ring(store, clock)?;
            let name: ConnectorName = wish.name.parse()?;
            let account = calm(resilience, &wish.organization, &wish.name, wish.account);
            let sealed = SealedConnector::wrap(name.clone(), account, ring, wish.options);
            let key = (wish.organization, name);
            if security.sealed.contains_key(&key) {
                return Err(Error::new(
                    ErrorKind::AlreadyExists,
                    "orchestrator.build",
                    "two sealed accounts of one organization have one name",
                )
                .with_context("connector", wish.name));
            }
            security.sealed.insert(key, sealed);
        }
        Ok(security)
    }
}

impl fmt::Debug for SecurityOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityOptions")
            .field("root", &self.root.is_some())
            .field("tokens", &self.tokens.is_some())
            .finish_non_exhaustive()
    }
}

/// What was made of it.
pub(super) struct Security {
    root: Option<Arc<dyn KeyProvider>>,
    entropy: Arc<dyn Entropy>,
    tokens: Option<TokenService>,
    /// One ring an organization, so that its handles share what is unwrapped.
    rings: Mutex<BTreeMap<OrganizationId, KeyRing>>,
    sealed: BTreeMap<(OrganizationId, ConnectorName), SealedConnector>,
}

impl Security {
    /// Returns every account that was wrapped.
    pub(super) fn sealed(
        &self,
    ) -> impl Iterator<Item = (&OrganizationId, &ConnectorName, &SealedConnector)> {
        let sealed = self.sealed.iter();
        sealed.map(|((organization, name), sealed)| (organization, name, sealed))
    }

    /// Returns what makes, checks and takes back tokens.
    pub(super) fn tokens(&self) -> Result<&TokenService> {
        self.tokens.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                "orchestrator.tokens",
                "no keys of tokens were given: call `OrchestratorBuilder::tokens`",
            )
        })
    }

    fn ring(&self, store: Store, clock: &Arc<dyn Clock>) -> Result<KeyRing> {
        let Some(root) = &self.root else {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "orchestrator.keys",
                "no root of the keys was given: call `OrchestratorBuilder::root`",
            ));
        };
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = rings
            .entry(store.organization().clone())
            .or_insert_with(|| {
                let (root, clock) = (Arc::clone(root), Arc::clone(clock));
                KeyRing::new(store, root, clock, Arc::clone(&self.entropy))
            });
        Ok(ring.clone())
    }
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Security")
            .field("root", &self.root.is_some())
            .field("tokens", &self.tokens.is_some())
            .finish_non_exhaustive()
    }
}

impl Orchestrator {
    /// Returns what makes, checks and takes back tokens: for the host, which knows who signs in.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: no [keys of tokens](super::OrchestratorBuilder::tokens) were given.
    pub fn tokens(&self) -> Result<&TokenService> {
        self.shared.security.tokens()
    }

    /// Lets somebody in whose token was [verified](TokenService::verify): returns the handle of their
    /// organization, acting as them. No id that a client sends has a part in it.
    ///
    /// Each thing they then do is asked of the permission resolver; what the token
    /// [permits](Verified::may) is for the host's own routes to ask.
    #[must_use]
    pub fn enter(&self, verified: &Verified) -> Organization {
        self.organization(verified.organization().clone())
            .as_actor(verified.actor().clone())
    }
}

impl Organization {
    /// Returns the keys of the organization, to rotate, destroy or export them.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the actor may not `keys.manage`.
    /// - [`ErrorKind::InvalidInput`]: no [root](super::OrchestratorBuilder::root) was given.
    pub async fn keys(&self) -> Result<KeyRing> {
        self.authorize(&KEYS, &[self.resource()]).await?;
        self.ring()
    }

    /// Returns what signs the ends of the organization's main journal, with a key of the organization.
    /// Give it a [`HeadSink`](crate::audit::HeadSink) that keeps the heads elsewhere.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the actor may not `audit.manage`.
    /// - As [`Organization::keys`], and those of the database.
    pub async fn auditor(&self) -> Result<Auditor> {
        let (store, signer) = (self.records(), self.heads().await?);
        let clock = Arc::clone(&self.shared.clock);
        Ok(Auditor::new(
            store,
            JournalName::main(),
            Arc::new(signer),
            clock,
        ))
    }

    /// Returns what tells genuine heads of the organization's journals from forged ones.
    ///
    /// # Errors
    /// As [`Organization::auditor`].
    pub async fn heads(&self) -> Result<HmacHeads> {
        self.authorize(&AUDIT, &[self.resource()]).await?;
        Ok(HmacHeads::new(self.ring()?.shared(HEADS).await?))
    }

    /// Returns what keeps personal data beside the journal, so that it can be erased.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the actor may not `subjects.read`.
    /// - As [`Organization::keys`].
    pub async fn subjects(&self) -> Result<SubjectVault> {
        self.authorize(&SUBJECTS, &[self.resource()]).await?;
        self.vault()
    }

    /// Returns what exports, erases and keeps for so long and no longer what is known about people.
    /// Begin with [`Coverage::garland`] and add what the host itself keeps.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the actor may not `privacy.manage`.
    /// - As [`Organization::keys`], and those of the database.
    pub async fn privacy(&self, coverage: Coverage) -> Result<Privacy> {
        self.authorize(&PRIVACY, &[self.resource()]).await?;
        let key = self.ring()?.shared(PSEUDONYMS).await?;
        let (store, clock) = (self.records(), Arc::clone(&self.shared.clock));
        Ok(Privacy::new(store, self.vault()?, coverage, key, clock))
    }

    /// Returns an account whose files are sealed, to [tidy](SealedConnector::tidy) or
    /// [prune](SealedConnector::prune) what is kept about it.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the actor may not `keys.manage`.
    /// - [`ErrorKind::NotFound`]: the organization has no sealed account of this name.
    pub async fn sealed(&self, name: &str) -> Result<SealedConnector> {
        self.authorize(&KEYS, &[self.resource()]).await?;
        let wanted = (self.organization.clone(), name.parse()?);
        let found = self.shared.security.sealed.get(&wanted);
        found.cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "orchestrator.sealed",
                "there is no sealed account of this name",
            )
            .with_context("connector", name)
        })
    }

    fn vault(&self) -> Result<SubjectVault> {
        let (clock, entropy) = (&self.shared.clock, &self.shared.security.entropy);
        let (clock, entropy) = (Arc::clone(clock), Arc::clone(entropy));
        Ok(SubjectVault::new(
            self.records(),
            self.ring()?,
            clock,
            entropy,
        ))
    }

    fn ring(&self) -> Result<KeyRing> {
        let shared = &self.shared;
        let ring = shared.security.ring(self.records(), &shared.clock)?;
        Ok(ring.acting_as(self.actor.clone()))
    }
}
