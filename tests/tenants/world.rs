//! Two organizations on one database, and a third that is nowhere near.

use std::sync::Arc;

use garland::audit::{Auditor, HmacHeads, SubjectVault};
use garland::backends::Memory;
use garland::connector::PlatformConnector;
use garland::crypto::presigned::Presigner;
use garland::crypto::signatures::Deliveries;
use garland::crypto::tokens::{
    KeySet, KeyUse, KnownPermissions, SigningKey, TokenKeys, TokenPolicy, TokenService,
};
use garland::crypto::{
    AuthorizationStates, ChunkSize, KeyRing, SealedConnector, SealedOptions, SecretBytes,
};
use garland::permission::TrustedHost;
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::privacy::{Coverage, Privacy};
use garland::storage::{JournalName, StorageBackend, Store};
use garland::upload::{Uploads, UploadsOptions};
use garland::{Chance, Clock, Ids, Orchestrator, Organization, OrganizationId};

use crate::furnish::{Known, furnish};
use crate::ground::{Dice, Root, SetClock};
use crate::tap::Tap;

/// One organization: its handle, every service of it, and its accounts.
pub(crate) struct Tenant {
    pub(crate) organization: Organization,
    pub(crate) store: Store,
    pub(crate) keys: KeyRing,
    pub(crate) subjects: SubjectVault,
    pub(crate) heads: HmacHeads,
    pub(crate) privacy: Privacy,
    pub(crate) uploads: Uploads,
    pub(crate) deliveries: Deliveries,
    pub(crate) states: AuthorizationStates,
    pub(crate) sealed: SealedConnector,
    pub(crate) accounts: Accounts,
}

/// The accounts of one organization: `card`, `archive` and `vault`, once more under names of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    pub(crate) card: MemoryPlatform,
    pub(crate) archive: MemoryPlatform,
    /// What is inside the vault.
    pub(crate) locker: MemoryPlatform,
}

pub(crate) struct World {
    pub(crate) tap: Tap,
    pub(crate) clock: SetClock,
    pub(crate) studio: Orchestrator,
    pub(crate) presigner: Presigner,
    /// Where uploads of every organization lie.
    pub(crate) disk: MemoryPlatform,
    pub(crate) a: Tenant,
    pub(crate) b: Tenant,
    /// What there is in the second.
    pub(crate) theirs: Known,
}

impl World {
    pub(crate) async fn on(backend: Arc<dyn StorageBackend>) -> Self {
        Self::with(backend, ["anna", "bella"], Root { binds: true }).await
    }

    /// As every other world is, but with other names and other chance: whatever has an id here has none there.
    pub(crate) async fn elsewhere() -> Self {
        let nowhere = ["wanda", "xenia"];
        Self::with(Arc::new(Memory::new()), nowhere, Root { binds: true }).await
    }

    pub(crate) async fn with(
        backend: Arc<dyn StorageBackend>,
        names: [&'static str; 2],
        root: Root,
    ) -> Self {
        let tap = Tap::new(backend);
        let clock = SetClock::default();
        let accounts = [Accounts::default(), Accounts::default()];
        let mut builder = Orchestrator::builder()
            .storage(tap.clone())
            .permissions(TrustedHost::new())
            .clock(clock.clone())
            .chance(Chance::seeded(seed(names[1])))
            .entropy(Dice::new(seed(names[1])))
            .root(root)
            .tokens(token_keys(), policy());
        for (name, accounts) in names.iter().zip(&accounts) {
            let id: OrganizationId = name.parse().unwrap();
            for (alike, account) in [("card", &accounts.card), ("archive", &accounts.archive)] {
                let account = Arc::new(account.clone()) as Arc<dyn PlatformConnector>;
                let own = format!("{name}-{alike}");
                builder = builder.connector_of(&id, alike, Arc::clone(&account));
                builder = builder.connector_of(&id, &own, account);
            }
            let locker = Arc::new(accounts.locker.clone()) as Arc<dyn PlatformConnector>;
            let options = SealedOptions::default()
                .with_chunk(ChunkSize::from_log2(14).unwrap())
                .with_resume_from(0);
            builder = builder.sealed_of(&id, "vault", Arc::clone(&locker), options.clone());
            builder = builder.sealed_of(&id, &format!("{name}-vault"), locker, options);
        }
        let studio = builder.build().await.unwrap();
        let backend = Arc::new(tap.clone());
        let keys = key_set(KeyUse::Presign);
        let chance = Arc::new(Dice::new(seed(names[0])));
        let presigner = Presigner::new(backend, keys, Arc::new(clock.clone()), chance).unwrap();
        let disk = MemoryPlatform::new(MemoryOptions::default());
        let [first, second] = accounts;
        let host = Host {
            clock: &clock,
            studio: &studio,
            presigner: &presigner,
            disk: &disk,
        };
        let a = host.tenant(names[0], first).await;
        furnish(&host, &a, names[0]).await;
        let b = host.tenant(names[1], second).await;
        let theirs = furnish(&host, &b, names[1]).await;
        tap.asked();
        Self {
            tap,
            clock,
            studio,
            presigner,
            disk,
            a,
            b,
            theirs,
        }
    }

    pub(crate) fn tokens(&self) -> &TokenService {
        self.studio.tokens().unwrap()
    }
}

/// What all organizations of a world share.
pub(crate) struct Host<'a> {
    pub(crate) clock: &'a SetClock,
    pub(crate) studio: &'a Orchestrator,
    pub(crate) presigner: &'a Presigner,
    pub(crate) disk: &'a MemoryPlatform,
}

impl Host<'_> {
    async fn tenant(&self, name: &'static str, accounts: Accounts) -> Tenant {
        let organization = self.studio.organization(name.parse().unwrap());
        let store = organization.store().await.unwrap();
        let clock = || -> Arc<dyn Clock> { Arc::new(self.clock.clone()) };
        let keys = organization.keys().await.unwrap();
        let subjects = organization.subjects().await.unwrap();
        let hidden = keys.shared("privacy").await.unwrap();
        let coverage = Coverage::garland().unwrap();
        let ids = Ids::new(clock(), Chance::seeded(seed(name)));
        let options = UploadsOptions::default().with_part_size(8);
        let disk = Arc::new(self.disk.clone());
        let states = key_set(KeyUse::Authorization);
        let chance = Arc::new(Dice::new(seed(name)));
        Tenant {
            heads: organization.heads().await.unwrap(),
            privacy: Privacy::new(store.clone(), subjects.clone(), coverage, hidden, clock()),
            uploads: Uploads::new(store.clone(), disk, clock(), ids, options).unwrap(),
            deliveries: Deliveries::new(store.clone(), clock()),
            states: AuthorizationStates::new(store.clone(), states, clock(), chance).unwrap(),
            sealed: organization.sealed("vault").await.unwrap(),
            organization,
            store,
            keys,
            subjects,
            accounts,
        }
    }
}

impl Tenant {
    pub(crate) fn id(&self) -> &OrganizationId {
        self.organization.id()
    }

    /// What signs one of its journals.
    pub(crate) fn auditor(&self, journal: &JournalName, clock: &SetClock) -> Auditor {
        let (signer, clock) = (Arc::new(self.heads.clone()), Arc::new(clock.clone()));
        Auditor::new(self.store.clone(), journal.clone(), signer, clock)
    }
}

/// A number of its own for each name.
pub(crate) fn seed(name: &str) -> u64 {
    let hash = blake3::hash(name.as_bytes());
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap())
}

pub(crate) fn policy() -> TokenPolicy {
    let known = KnownPermissions::parse(["files:read"]).unwrap();
    TokenPolicy::new("garland", "garland-api", known)
}

pub(crate) fn key_set(purpose: KeyUse) -> KeySet {
    let secret = SecretBytes::from(format!("a key of 32 bytes and more for {purpose:?}").as_str());
    KeySet::new(SigningKey::new(purpose, "2027".parse().unwrap(), &secret).unwrap())
}

pub(crate) fn token_keys() -> TokenKeys {
    TokenKeys {
        access: key_set(KeyUse::Access),
        refresh: key_set(KeyUse::Refresh),
    }
}
