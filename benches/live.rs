//! Live sections: how long until a change has reached the last of many who watch, and whether every one of them is told of
//! every change once and in order, however often they reconnect.
//!
//! `cargo bench --bench live` prints both; without optimization a small number is run, as a test.

use std::sync::Arc;
use std::time::Duration;

use garland::backends::Memory;
use garland::journal::Event;
use garland::permission::{Resource, TrustedHost};
use garland::section::{
    LiveOptions, LiveSections, PolicyOptions, SECTION_CHANGED, StoredPolicy, Update, WatchRequest,
};
use garland::storage::{Batch, Collection, JournalName, StorageBackend, Store};
use garland::team::TEAM_MEMBERS;
use garland::wedding::UtcOnly;
use garland::{Chance, Clock, OrganizationId, SystemClock, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc;

const SECTIONS: Collection<Value> = Collection::new("section_configurations");
const SEED: u64 = 0x11fe;

fn main() {
    let (subscribers, changes) = if cfg!(debug_assertions) {
        (50, 20)
    } else {
        (1_000, 1_000)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime");
    println!("seed {SEED:#x}, {subscribers} subscribers, {changes} changes, 20 sections");
    runtime.block_on(deliver(subscribers, changes, 0, "all stay"));
    runtime.block_on(deliver(subscribers, changes, 5, "1 in 20 reconnects"));
}

fn studio() -> OrganizationId {
    OrganizationId::default()
}

/// What one subscriber counts.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    deliveries: u64,
    lost: u64,
    duplicated: u64,
    disordered: u64,
    reconnects: u64,
    /// How often it was told everything, and not what differs.
    snapshots: u64,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.deliveries += other.deliveries;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.disordered += other.disordered;
        self.reconnects += other.reconnects;
        self.snapshots += other.snapshots;
    }

    /// Takes note of a version that was told after another.
    fn note(&mut self, last: u64, told: u64) {
        self.deliveries += 1;
        match told.checked_sub(last) {
            None => self.disordered += 1,
            Some(0) => self.duplicated += 1,
            Some(1) => {}
            Some(more) => self.lost += more - 1,
        }
    }
}

async fn deliver(subscribers: u64, changes: u64, percent: u64, name: &str) {
    let backend: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    let store = Store::new(Arc::clone(&backend), studio());
    furnish(&store, subscribers).await;
    let watch = SystemClock::new();
    let (clock, zones) = (Arc::new(watch), Arc::new(UtcOnly::new()));
    let options = PolicyOptions::default();
    let policy = StoredPolicy::new(backend, zones, Arc::<SystemClock>::clone(&clock), options);
    let trusted = Arc::new(TrustedHost::new());
    let live = LiveSections::new(policy, trusted, clock, LiveOptions::default());

    let (told, mut heard) = mpsc::unbounded_channel();
    let (ready, mut started) = mpsc::unbounded_channel();
    let mut tasks = Vec::new();
    for number in 0..subscribers {
        let subscriber = subscribe(
            live.clone(),
            watch,
            number,
            percent,
            changes,
            told.clone(),
            ready.clone(),
        );
        tasks.push(tokio::spawn(subscriber));
    }
    for _ in 0..subscribers {
        started.recv().await.expect("a subscriber that has begun");
    }
    let mut late = Vec::new();
    for change in 1..=changes {
        put(&store, 0, change).await;
        let committed = watch.elapsed();
        for _ in 0..subscribers {
            let at: Duration = heard.recv().await.expect("a subscriber that was told");
            late.push(at.saturating_sub(committed));
        }
        let last = late
            .iter()
            .rev()
            .take(usize::try_from(subscribers).unwrap_or(1))
            .max();
        let last = last.copied().unwrap_or_default();
        late.truncate(usize::try_from(change - 1).unwrap_or(0));
        late.push(last);
    }
    let mut count = Count::default();
    for task in tasks {
        count.add(task.await.expect("a subscriber that ends"));
    }
    late.sort_unstable();
    let quantile = |percent: usize| late.get(late.len() * percent / 100).or(late.last());
    let shown = |time: Option<&Duration>| format!("{:.2?}", time.copied().unwrap_or_default());
    println!(
        "{name}: from the commit to the last of {subscribers}: p50 {}, p99 {}, most {}",
        shown(quantile(50)),
        shown(quantile(99)),
        shown(late.last()),
    );
    println!(
        "{name}: {} deliveries, {} lost, {} duplicated, {} out of order, {} reconnects, {} told everything",
        count.deliveries,
        count.lost,
        count.duplicated,
        count.disordered,
        count.reconnects,
        count.snapshots,
    );
    assert_eq!(count.deliveries, subscribers * changes);
    assert_eq!((count.lost, count.duplicated, count.disordered), (0, 0, 0));
}

/// Listens until every change was told, and reconnects now and then, before or after it is told.
async fn subscribe(
    live: LiveSections,
    watch: SystemClock,
    number: u64,
    percent: u64,
    changes: u64,
    told: mpsc::UnboundedSender<Duration>,
    ready: mpsc::UnboundedSender<()>,
) -> Count {
    let chance = Chance::seeded(SEED ^ number);
    let request = WatchRequest::new(studio(), format!("m{number}"));
    let mut subscription = live
        .subscribe(request.clone())
        .await
        .expect("a subscription");
    subscription.next().await.expect("everything comes first");
    ready.send(()).expect("somebody waits");
    let (mut count, mut last) = (Count::default(), 1);
    while last < changes + 1 {
        if chance.word() % 100 < percent {
            // The connection is cut, perhaps while something is on its way.
            let patience = Duration::from_micros(chance.word() % 12_000);
            let cut = tokio::time::timeout(patience, subscription.next()).await;
            let cursor = subscription.cursor().expect("something was told");
            drop(subscription);
            subscription = live
                .subscribe(request.clone().after(cursor))
                .await
                .expect("a subscription");
            count.reconnects += 1;
            if let Ok(update) = cut {
                take(update.expect("an update"), &mut count, &mut last);
                told.send(watch.elapsed()).expect("somebody counts");
            }
            continue;
        }
        let update = subscription.next().await.expect("an update");
        take(update, &mut count, &mut last);
        told.send(watch.elapsed()).expect("somebody counts");
    }
    count
}

fn take(update: Update, count: &mut Count, last: &mut u64) {
    let shown = match update {
        Update::Snapshot(picture) => {
            count.snapshots += 1;
            picture.sections
        }
        Update::Difference(difference) => difference.shown,
        other => panic!("unexpected {other:?}"),
    };
    let changed = shown
        .iter()
        .find(|shown| shown.section.section_type.as_str() == "type0");
    let version = changed.map_or(0, |shown| shown.versions[0].get());
    count.note(*last, version);
    *last = version;
}

async fn furnish(store: &Store, members: u64) {
    for number in 0..members {
        let mut batch = Batch::new(Timestamp::from_millis(0));
        let id = format!("m{number}");
        let record = json!({"id": id, "organizationId": "default", "role": "couple"});
        let key = id.parse().expect("an id");
        batch.put(&TEAM_MEMBERS, key, &record).expect("a write");
        store.commit(batch).await.expect("a commit");
    }
    for number in 0..20 {
        put(store, number, 0).await;
    }
}

async fn put(store: &Store, number: u64, position: u64) {
    let id = format!("s{number}");
    let record = json!({
        "id": id, "organizationId": "default", "sectionType": format!("type{number}"),
        "visibility": {"roles": ["couple"]}, "layout": {"position": position},
    });
    let mut batch = Batch::new(Timestamp::from_millis(0));
    let key = id.parse().expect("an id");
    batch.put(&SECTIONS, key, &record).expect("a write");
    let event = Event::new(SECTION_CHANGED).about(Resource::new("section", id));
    batch.append(JournalName::main(), &event).expect("a write");
    store.commit(batch).await.expect("a commit");
}
