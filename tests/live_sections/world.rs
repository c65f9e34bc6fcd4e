//! What the tests stand on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use garland::backends::Memory;
use garland::journal::{Event, EventKind};
use garland::permission::{
    Action, Actor, Context, Decision, EffectiveSection, PermissionResolver, PermissionSnapshot,
    Reason, Resource, TrustedHost,
};
use garland::section::{
    LiveOptions, LiveSections, LiveView, PolicyOptions, SECTION_CHANGED, SECTION_CONFIGURATIONS,
    SECTION_PERSONALIZED, SECTION_REMOVED, SectionService, StoredPolicy, Subscription, Update,
    WatchRequest,
};
use garland::storage::{
    Batch, Collection, CollectionName, JournalName, Precondition, RecordId, StorageBackend, Store,
    Version,
};
use garland::team::{
    MEMBER_CHANGED, MEMBER_REMOVED, TEAM_MEMBERS, WEDDING_CHANGED, WEDDING_REMOVED, WEDDINGS,
};
use garland::testing::PausedClock;
use garland::wedding::{Phase, SectionType, ZoneTable, Zones};
use garland::{Chance, Clock, OrganizationId, Result, Timestamp};
use serde_json::{Value, json};

use crate::wired::Wired;

pub(crate) type Backend = Arc<dyn StorageBackend>;

/// 20 June 2026, ten in the morning, UTC.
pub(crate) const MORNING: i64 = 1_781_949_600_000;

pub(crate) fn studio() -> OrganizationId {
    "studio".parse().unwrap()
}

pub(crate) fn cairo() -> ZoneTable {
    // The clocks went from 00:00 to 01:00 on 24 April 2026.
    let change = Timestamp::from_millis(1_776_981_600_000);
    ZoneTable::new()
        .with("UTC", 0, vec![])
        .with("Africa/Cairo", 7_200, vec![(change, 10_800)])
}

/// A database, and all that is made of it.
pub(crate) struct World {
    pub(crate) inner: Backend,
    pub(crate) backend: Backend,
    pub(crate) clock: Arc<PausedClock>,
    pub(crate) zones: Arc<dyn Zones>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::at(MORNING)
    }

    /// Begins at an instant; to be called in a runtime whose time stands.
    pub(crate) fn at(millis: i64) -> Self {
        let inner: Backend = Arc::new(Memory::new());
        Self {
            backend: Arc::clone(&inner),
            inner,
            clock: Arc::new(PausedClock::starting(Timestamp::from_millis(millis))),
            zones: Arc::new(cairo()),
        }
    }

    /// Gives no wake-ups.
    pub(crate) fn silent(mut self) -> Self {
        let wired = Wired::new(&self.inner);
        wired.is_silent.store(true, Ordering::SeqCst);
        self.backend = Arc::new(wired);
        self
    }

    pub(crate) fn through(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    pub(crate) fn desk(&self) -> Desk {
        self.desk_of(studio())
    }

    pub(crate) fn desk_of(&self, organization: OrganizationId) -> Desk {
        Desk(Store::new(Arc::clone(&self.inner), organization))
    }

    /// The store in the database that the world is seen through.
    pub(crate) fn through_store(&self) -> Store {
        Store::new(Arc::clone(&self.backend), studio())
    }

    pub(crate) fn policy(&self) -> StoredPolicy {
        let (zones, clock) = (Arc::clone(&self.zones), Arc::clone(&self.clock));
        StoredPolicy::new(
            Arc::clone(&self.backend),
            zones,
            clock,
            PolicyOptions::default(),
        )
    }

    pub(crate) fn live(&self) -> LiveSections {
        self.live_with(LiveOptions::default(), Arc::new(TrustedHost::new()))
    }

    /// Looks seldom, for tests in which much time passes.
    pub(crate) fn calm(&self, interval: Duration) -> LiveSections {
        let options = LiveOptions::default().with_interval(interval);
        let options = options.with_recheck(interval);
        self.live_with(options, Arc::new(TrustedHost::new()))
    }

    pub(crate) fn live_with(
        &self,
        options: LiveOptions,
        permissions: Arc<dyn PermissionResolver>,
    ) -> LiveSections {
        LiveSections::new(
            self.policy(),
            permissions,
            Arc::<PausedClock>::clone(&self.clock),
            options,
        )
    }

    /// What a member sees now, worked out from the records alone: the phase, and each section with its versions and
    /// contents. Nothing if there is no such member.
    pub(crate) async fn fresh(&self, member: &str, wedding: Option<&str>) -> Option<Sight> {
        let (zones, clock) = (Arc::clone(&self.zones), Arc::clone(&self.clock));
        let policy = StoredPolicy::new(
            Arc::clone(&self.inner),
            zones,
            clock,
            PolicyOptions::default(),
        );
        let state = policy.state(&studio(), None).await.unwrap();
        state.member(member)?;
        let context = match wedding {
            Some(wedding) => Context::wedding(wedding, self.clock.now()),
            None => Context::organization(self.clock.now()),
        };
        let mut sight = Sight::default();
        for section in state.decide_all(member, &context) {
            if section.can_view {
                let contents = self.contents(&section).await;
                let versions = contents.iter().map(|(version, _)| *version).collect();
                sight.order.push(section.section_type.clone());
                sight.read.insert(section.section_type.clone(), contents);
                sight.sections.push((section, versions));
            }
        }
        if !sight.sections.is_empty() {
            sight.phase = state.at(&context).phase();
        }
        Some(sight)
    }

    /// What a client reads of a section.
    pub(crate) async fn contents(&self, section: &EffectiveSection) -> Vec<(Version, Value)> {
        let store = Store::new(Arc::clone(&self.inner), studio());
        let mut contents = Vec::new();
        for id in &section.config_ids {
            let id: RecordId = id.parse().unwrap();
            // It may be gone again by the time it is read.
            let found = store.get(&SECTIONS, &id).await.unwrap();
            contents.extend(found.map(|found| (found.version, found.value)));
        }
        contents
    }
}

const SECTIONS: Collection<Value> = Collection::new("section_configurations");

/// All that somebody sees, contents included.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sight {
    pub(crate) phase: Option<Phase>,
    pub(crate) sections: Vec<(EffectiveSection, Vec<Version>)>,
    pub(crate) order: Vec<SectionType>,
    pub(crate) read: BTreeMap<SectionType, Vec<(Version, Value)>>,
}

/// A client: it believes what it is told, and reads again what it is told is new.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    pub(crate) view: LiveView,
    pub(crate) read: BTreeMap<SectionType, Vec<(Version, Value)>>,
    pub(crate) updates: u64,
}

impl Client {
    pub(crate) async fn hear(&mut self, world: &World, update: Update) {
        self.updates += 1;
        let (shown, gone) = match &update {
            Update::Snapshot(picture) => {
                self.read.clear();
                (picture.sections.clone(), Vec::new())
            }
            Update::Difference(difference) => (difference.shown.clone(), difference.gone.clone()),
            other => panic!("unexpected {other:?}"),
        };
        for name in gone {
            assert!(
                self.read.remove(&name).is_some(),
                "{name} was not there before"
            );
        }
        for shown in shown {
            let name = shown.section.section_type.clone();
            let contents = world.contents(&shown.section).await;
            self.read.insert(name, contents);
        }
        self.view.apply(update);
    }

    pub(crate) fn sight(&self) -> Sight {
        let sections = self.view.sections().into_iter();
        let sections: Vec<_> = sections
            .map(|shown| (shown.section.clone(), shown.versions.clone()))
            .collect();
        Sight {
            phase: self.view.phase(),
            order: sections
                .iter()
                .map(|(section, _)| section.section_type.clone())
                .collect(),
            sections,
            read: self.read.clone(),
        }
    }
}

/// Writes records with their events, as services do.
#[derive(Clone)]
pub(crate) struct Desk(pub(crate) Store);

impl Desk {
    pub(crate) async fn section(&self, record: Value) {
        self.write(SECTIONS, "section", SECTION_CHANGED, record)
            .await;
    }

    pub(crate) async fn member(&self, record: Value) {
        self.write(TEAM_MEMBERS, "member", MEMBER_CHANGED, record)
            .await;
    }

    pub(crate) async fn wedding(&self, record: Value) {
        self.write(WEDDINGS, "wedding", WEDDING_CHANGED, record)
            .await;
    }

    pub(crate) async fn remove_section(&self, id: &str) {
        let name = SECTION_CONFIGURATIONS.name().clone();
        self.remove(name, "section", SECTION_REMOVED, id).await;
    }

    pub(crate) async fn remove_member(&self, id: &str) {
        let name = TEAM_MEMBERS.name().clone();
        self.remove(name, "member", MEMBER_REMOVED, id).await;
    }

    pub(crate) async fn remove_wedding(&self, id: &str) {
        let name = WEDDINGS.name().clone();
        self.remove(name, "wedding", WEDDING_REMOVED, id).await;
    }

    /// As a service does that has asked and checked.
    pub(crate) async fn arrange(&self, user: &str, section: &str, patch: Value) {
        let mut batch = Batch::new(Timestamp::from_millis(0));
        let overlays: Collection<Value> = Collection::new("section_overlays");
        let record = json!({"userId": user, "sectionId": section, "overlay": patch});
        let id = json!([user, section]).to_string().parse().unwrap();
        batch.put(&overlays, id, &record).unwrap();
        let event = Event::new(SECTION_PERSONALIZED).about(Resource::new("section", section));
        let event = event.with_data(&json!({"user": user})).unwrap();
        batch.append(JournalName::main(), &event).unwrap();
        self.0.commit(batch).await.unwrap();
    }

    /// Something that concerns nobody's view.
    pub(crate) async fn aside(&self) {
        let mut batch = Batch::new(Timestamp::from_millis(0));
        let event = Event::new(EventKind::new("sync.started"));
        batch.append(JournalName::main(), &event).unwrap();
        self.0.commit(batch).await.unwrap();
    }

    async fn write(
        &self,
        collection: Collection<Value>,
        subject: &'static str,
        kind: EventKind,
        record: Value,
    ) {
        let id = record["id"].as_str().unwrap().to_owned();
        let mut batch = Batch::new(Timestamp::from_millis(0));
        batch
            .put(&collection, id.parse().unwrap(), &record)
            .unwrap();
        let event = Event::new(kind).about(Resource::new(subject, id));
        batch.append(JournalName::main(), &event).unwrap();
        self.0.commit(batch).await.unwrap();
    }

    async fn remove(
        &self,
        collection: CollectionName,
        subject: &'static str,
        kind: EventKind,
        id: &str,
    ) {
        let collection: Collection<Value> = match collection.as_str() {
            "team_members" => TEAM_MEMBERS,
            "weddings" => WEDDINGS,
            _ => SECTIONS,
        };
        let mut batch = Batch::new(Timestamp::from_millis(0));
        batch.delete(&collection, id.parse().unwrap(), Precondition::Any);
        let event = Event::new(kind).about(Resource::new(subject, id));
        batch.append(JournalName::main(), &event).unwrap();
        self.0.commit(batch).await.unwrap();
    }
}

pub(crate) fn sections(world: &World) -> SectionService {
    let (store, policy) = (world.desk().0, world.policy());
    let trusted = Arc::new(TrustedHost::new());
    SectionService::new(
        store,
        policy,
        trusted,
        Arc::<PausedClock>::clone(&world.clock),
        Chance::seeded(7),
    )
}

pub(crate) fn member(id: &str, role: &str) -> Value {
    json!({"id": id, "organizationId": "studio", "role": role})
}

pub(crate) fn wedding(id: &str, date: &str, zone: &str) -> Value {
    json!({"id": id, "organizationId": "studio", "date": date, "timeZone": zone})
}

pub(crate) fn section(id: &str, kind: &str, roles: &[&str]) -> Value {
    json!({"id": id, "organizationId": "studio", "sectionType": kind, "visibility": {"roles": roles}})
}

/// Waits for the next update, as long as virtual time allows.
pub(crate) async fn next(subscription: &mut Subscription) -> Update {
    let update = tokio::time::timeout(Duration::from_secs(86_400), subscription.next());
    update
        .await
        .expect("nothing came within a day")
        .expect("an update")
}

/// Asserts that nothing comes within a while.
pub(crate) async fn nothing(subscription: &mut Subscription, wait: Duration) {
    if let Ok(update) = tokio::time::timeout(wait, subscription.next()).await {
        panic!("unexpected {update:?}");
    }
}

pub(crate) fn watch(member: &str) -> WatchRequest {
    WatchRequest::new(studio(), member)
}

/// Allows until it is told otherwise, and counts how often it is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate {
    pub(crate) is_shut: Arc<AtomicBool>,
    pub(crate) is_lost: Arc<AtomicBool>,
    pub(crate) asked: Arc<AtomicU64>,
    pub(crate) questions: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl PermissionResolver for Gate {
    async fn snapshot(
        &self,
        _: &OrganizationId,
        _: Option<u64>,
    ) -> Result<Arc<dyn PermissionSnapshot>> {
        tokio::task::yield_now().await;
        if self.is_lost.load(Ordering::SeqCst) {
            let message = "the policy engine is away";
            let kind = garland::ErrorKind::Unavailable;
            return Err(garland::Error::new(kind, "gate.snapshot", message));
        }
        Ok(Arc::new(self.clone()))
    }
}

impl PermissionSnapshot for Gate {
    fn revision(&self) -> u64 {
        0
    }

    fn decide(&self, actor: &Actor, action: &Action, resources: &[Resource]) -> Vec<Decision> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let one = |resource: &Resource| {
            let question = format!("{actor} {} {resource}", action.as_str());
            self.questions.lock().unwrap().push(question);
            let reason = Reason::new("gate", "the gate says so");
            if self.is_shut.load(Ordering::SeqCst) {
                Decision::deny(reason)
            } else {
                Decision::allow(reason)
            }
        };
        resources.iter().map(one).collect()
    }
}
