//! A studio with one account that sends webhooks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use garland::backends::Memory;
use garland::connector::{
    ChangeHint, ConnectorRegistry, PlatformConnector, SubscriptionId, WebhookDelivery,
};
use garland::crypto::KeyRing;
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::storage::{JournalName, Query, StorageBackend, Store};
use garland::testing::{Faults, FaultyStorage, PausedClock};
use garland::webhooks::{WEBHOOK_HINTS, WebhookInbox, WebhookOptions, WebhookParts};
use garland::{Chance, Clock as _, OrganizationId, Timestamp};

use crate::dice::Dice;
use crate::root::Root;

/// Where the clock of an account in memory begins.
const START: i64 = 1_750_000_000_000;

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

#[derive(Clone, Debug)]
pub(crate) struct Office {
    pub(crate) drive: MemoryPlatform,
    pub(crate) database: Arc<dyn StorageBackend>,
    clock: PausedClock,
    last: Arc<AtomicU64>,
    seeds: Arc<AtomicU64>,
}

impl Office {
    pub(crate) fn new() -> Self {
        Self {
            drive: MemoryPlatform::new(MemoryOptions::default()),
            database: Arc::new(Memory::new()),
            clock: PausedClock::starting(Timestamp::from_millis(START)),
            last: Arc::default(),
            seeds: Arc::default(),
        }
    }

    pub(crate) fn store(&self) -> Store {
        Store::new(Arc::clone(&self.database), OrganizationId::default())
    }

    /// The inbox of another organization over the same database, with an account of the same name.
    pub(crate) fn elsewhere(&self) -> (Store, WebhookInbox) {
        let other: OrganizationId = "elsewhere".parse().unwrap();
        let store = Store::new(Arc::clone(&self.database), other);
        (store.clone(), self.inbox_of(store))
    }

    /// The inbox as a process that has just begun has it.
    pub(crate) fn inbox(&self) -> WebhookInbox {
        self.inbox_of(self.store())
    }

    pub(crate) fn inbox_over(&self, faults: &Faults) -> WebhookInbox {
        let database = FaultyStorage::new(Arc::clone(&self.database), faults.clone());
        let store = Store::new(Arc::new(database), OrganizationId::default());
        self.inbox_of(store)
    }

    fn inbox_of(&self, store: Store) -> WebhookInbox {
        let seed = self.seeds.fetch_add(1, Ordering::Relaxed);
        let clock: Arc<PausedClock> = Arc::new(self.clock);
        let (root, dice) = (Arc::new(Root { binds: true }), Arc::new(Dice::new(seed)));
        let mut accounts = ConnectorRegistry::new();
        let drive: Arc<dyn PlatformConnector> = Arc::new(self.drive.clone());
        accounts.add("zoë drive", drive).unwrap();
        let parts = WebhookParts {
            keys: KeyRing::new(
                store.clone(),
                root,
                Arc::clone(&clock) as _,
                Arc::clone(&dice) as _,
            ),
            store,
            accounts,
            clock,
            entropy: dice,
            chance: Chance::seeded(seed),
            base: "https://hooks.example.com/garland".into(),
        };
        WebhookInbox::new(parts, WebhookOptions::default()).unwrap()
    }

    /// Lets time pass, here and on the platform.
    pub(crate) async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
        self.drive.advance(time);
    }

    /// What the platform sends to its subscriber, whose number it knows.
    pub(crate) async fn delivery(&self, hints: &[ChangeHint]) -> WebhookDelivery {
        let deliver = |number: u64| {
            let id = SubscriptionId::new(format!("subscription-{number}"));
            self.drive.deliver(&id, hints).ok()
        };
        let last = self.last.load(Ordering::Relaxed);
        let mut found = deliver(last);
        for number in 0..400 {
            if found.is_some() {
                break;
            }
            self.last.store(number, Ordering::Relaxed);
            found = deliver(number);
        }
        // Each look at the account takes a second of its clock.
        let ahead = self.drive.advance(Duration::ZERO);
        tokio::time::sleep(ahead.saturating_since(self.clock.now())).await;
        found.unwrap()
    }

    /// Where somebody has to look.
    pub(crate) async fn hints(&self) -> Vec<ChangeHint> {
        let id = garland::storage::RecordId::parse("zoë drive").unwrap();
        let record = self.store().get(&WEBHOOK_HINTS, &id).await.unwrap();
        record
            .map(|record| record.value.hints())
            .unwrap_or_default()
    }

    /// Everything that is kept, as text.
    pub(crate) async fn everything(&self) -> String {
        let mut text = String::new();
        for name in ["webhook_subscriptions", "webhook_hints", "file_keys"] {
            let page = self
                .store()
                .query(&Query::all(name.parse().unwrap()))
                .await
                .unwrap();
            for record in page.records {
                text += &format!("{} {}\n", record.id, record.value.as_str());
            }
        }
        let journal = self
            .store()
            .read_journal(&JournalName::main(), 0, 1000)
            .await
            .unwrap();
        for entry in journal {
            text += &format!("{entry:?}\n");
        }
        text
    }
}
