//! A studio that knows some people.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use garland::audit::{SubjectId, SubjectVault};
use garland::backends::Memory;
use garland::crypto::{KeyRing, SecretKey, SystemEntropy};
use garland::journal::{Event, EventKind};
use garland::permission::{Actor, Resource};
use garland::privacy::{
    Coverage, Finder, HoldCheck, HoldScope, OnErasure, PersonalData, PersonalSource, Privacy,
    Redaction, Subject,
};
use garland::storage::{
    Batch, Collection, CollectionName, IndexKey, IndexName, JournalEntry, JournalName, Json,
    Precondition, Query, StorageBackend, Store,
};
use garland::testing::PausedClock;
use garland::{Clock, ErrorKind, OrganizationId, Result, SystemClock, Timestamp};
use serde_json::{Value, json};

use crate::root::Root;

pub(crate) const GUESTS: Collection<Value> = Collection::new("guests");
pub(crate) const MESSAGES: Collection<Value> = Collection::new("messages");
pub(crate) const INVOICES: Collection<Value> = Collection::new("invoices");
pub(crate) const TABLES: Collection<Value> = Collection::new("tables");
pub(crate) const NOTES: Collection<Value> = Collection::new("notes");

const BY_SENDER: IndexName = IndexName::new("sender");
const BY_SEAT: IndexName = IndexName::new("seat");
const ACTED: EventKind = EventKind::new("test.acted");

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(crate) fn organization() -> OrganizationId {
    "studio-7".parse().unwrap()
}

pub(crate) fn id(text: &str) -> SubjectId {
    text.parse().unwrap()
}

/// Known by one id here, and by another to the CRM.
pub(crate) fn anna() -> Subject {
    Subject::new(id("u-anna")).also(id("crm-12"))
}

pub(crate) fn staff() -> Actor {
    Actor::User("u-staff".into())
}

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap()
}

/// Pictures of people, kept somewhere else.
#[derive(Debug, Default)]
pub(crate) struct Pictures(pub(crate) Mutex<BTreeMap<String, Vec<String>>>);

#[async_trait]
impl PersonalSource for Pictures {
    fn name(&self) -> &str {
        "pictures"
    }

    async fn count(&self, subject: &Subject) -> Result<u64> {
        let all = self.0.lock().unwrap();
        let ours = subject.ids().iter().filter_map(|id| all.get(id.as_str()));
        Ok(ours.map(|names| names.len() as u64).sum())
    }

    fn export(&self, subject: &Subject) -> BoxStream<'static, Result<Json>> {
        let all = self.0.lock().unwrap();
        let ours = subject.ids().iter().filter_map(|id| all.get(id.as_str()));
        let names: Vec<_> = ours.flatten().map(Json::of).collect();
        stream::iter(names).boxed()
    }

    async fn erase(&self, subject: &Subject, holds: &mut HoldCheck) -> Result<u64> {
        holds.person().await?;
        let mut all = self.0.lock().unwrap();
        let ours = subject
            .ids()
            .iter()
            .filter_map(|id| all.remove(id.as_str()));
        Ok(ours.map(|names| names.len() as u64).sum())
    }
}

/// All of it over one database.
pub(crate) struct Studio {
    pub(crate) store: Store,
    pub(crate) vault: SubjectVault,
    pub(crate) privacy: Privacy,
    pub(crate) pictures: Arc<Pictures>,
}

impl Studio {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(Memory::new()), Arc::default())
    }

    /// At a moment that does not go by.
    pub(crate) fn over(backend: Arc<dyn StorageBackend>, pictures: Arc<Pictures>) -> Self {
        Self::at(Arc::new(PausedClock::starting(NOW)), backend, pictures)
    }

    /// On several threads, where time cannot be stopped.
    pub(crate) fn live(backend: Arc<dyn StorageBackend>, pictures: Arc<Pictures>) -> Self {
        Self::at(Arc::new(SystemClock::new()), backend, pictures)
    }

    fn at(
        clock: Arc<dyn Clock>,
        backend: Arc<dyn StorageBackend>,
        pictures: Arc<Pictures>,
    ) -> Self {
        let store = Store::new(backend, organization());
        let entropy = Arc::new(SystemEntropy::new());
        let root = Arc::new(Root { binds: true });
        let keys = KeyRing::new(
            store.clone(),
            root,
            Arc::clone(&clock),
            Arc::clone(&entropy) as _,
        );
        let vault = SubjectVault::new(store.clone(), keys, Arc::clone(&clock), entropy);
        let source = Arc::clone(&pictures) as Arc<dyn PersonalSource>;
        let privacy = Privacy::new(store.clone(), vault.clone(), coverage(), key(9), clock)
            .with_source(source);
        Self {
            store,
            vault,
            privacy,
            pictures,
        }
    }

    /// People, and what is known of them: of Anna something in every place, of Ben as well.
    pub(crate) async fn furnish(&self) {
        for (person, crm, name) in [("u-anna", "crm-12", "Anna"), ("u-ben", "crm-13", "Ben")] {
            let guest = json!({"name": name, "crm": crm, "at": 1_000});
            self.put(&GUESTS, person, &guest, vec![]).await;
            for number in 0..3 {
                let message = json!({"from": person, "text": format!("{name} says {number}")});
                let key = (BY_SENDER, IndexKey::parse(person).unwrap());
                self.put(
                    &MESSAGES,
                    &format!("{person}-m{number}"),
                    &message,
                    vec![key],
                )
                .await;
            }
            self.put(&INVOICES, crm, &json!({"owes": 70, "for": name}), vec![])
                .await;
            self.put(
                &NOTES,
                &format!("{person}/1"),
                &json!({"note": name, "at": 5}),
                vec![],
            )
            .await;
            let mut batch = Batch::new(NOW);
            let side = self
                .vault
                .seal(&mut batch, &id(person), name)
                .await
                .unwrap();
            let event = Event::new(ACTED)
                .by(Actor::User(person.into()))
                .with_data(&side)
                .unwrap();
            batch.append(JournalName::main(), &event).unwrap();
            let about = Event::new(ACTED).about(Resource::new("guest", crm));
            batch.append(JournalName::main(), &about).unwrap();
            self.store.commit(batch).await.unwrap();
            let mut pictures = self.pictures.0.lock().unwrap();
            pictures.insert(person.into(), vec![format!("{name}.jpg")]);
        }
        let table = json!({"seat": "t1", "seated": [
            {"who": "u-anna", "eats": "no nuts"}, {"who": "u-ben", "eats": "all"}]});
        let key = (BY_SEAT, IndexKey::parse("t1").unwrap());
        self.put(&TABLES, "t1", &table, vec![key]).await;
    }

    pub(crate) async fn put(
        &self,
        collection: &Collection<Value>,
        name: &str,
        value: &Value,
        indexes: Vec<(IndexName, IndexKey)>,
    ) {
        let mut batch = Batch::new(NOW);
        let name = name.parse().unwrap();
        batch
            .put_with(collection, name, value, Precondition::Any, indexes)
            .unwrap();
        self.store.commit(batch).await.unwrap();
    }

    /// Places a hold called `case-<number>`.
    pub(crate) async fn hold(&self, number: u32, scope: HoldScope) -> Result<()> {
        let name = format!("case-{number}").parse()?;
        self.privacy
            .place_hold(name, scope, "Anna has a lawsuit", &staff())
            .await
    }

    /// Every record of a collection.
    pub(crate) async fn all(&self, collection: &str) -> BTreeMap<String, Value> {
        let name: CollectionName = collection.parse().unwrap();
        let page = self.store.query(&Query::all(name)).await.unwrap();
        assert!(page.next.is_none());
        let read = |record: garland::storage::Record| {
            (record.id.to_string(), record.value.read().unwrap())
        };
        page.records.into_iter().map(read).collect()
    }

    /// How many keys are there that were not destroyed.
    pub(crate) async fn keys(&self) -> usize {
        let all = self.all("file_keys").await;
        let live = all.values().filter(|key| key.get("wrap").is_some());
        live.count()
    }

    pub(crate) async fn names(&self, collection: &str) -> Vec<String> {
        self.all(collection).await.into_keys().collect()
    }

    pub(crate) async fn journal(&self) -> Vec<JournalEntry> {
        self.store
            .read_journal(&JournalName::main(), 0, 10_000)
            .await
            .unwrap()
    }

    /// The kinds of events, and all the text there is in the journal.
    pub(crate) async fn told(&self) -> (Vec<String>, String) {
        let entries = self.journal().await;
        let events = entries.iter().map(|entry| entry.event.read::<Event>());
        let kinds = events.map(|event| event.unwrap().kind.to_string());
        let text: Vec<_> = entries.iter().map(|entry| entry.event.as_str()).collect();
        (kinds.collect(), text.join("\n"))
    }
}

fn coverage() -> Coverage {
    let index = |record: &Json| -> Result<Vec<(IndexName, IndexKey)>> {
        let seat = record.read::<Value>()?["seat"].as_str().unwrap().to_owned();
        Ok(vec![(BY_SEAT, IndexKey::parse(seat)?)])
    };
    let fields = ["seated.*.who", "seated.*.eats"].map(|path| path.parse().unwrap());
    let tables = Redaction::new(fields.to_vec()).with_indexes(index);
    let all = [
        PersonalData::found_by(GUESTS.name().clone(), Finder::Id, "who comes")
            .or_by(Finder::Field("crm".parse().unwrap()))
            .with_time("at".parse().unwrap()),
        PersonalData::found_by(
            MESSAGES.name().clone(),
            Finder::Index(BY_SENDER),
            "what they write",
        ),
        PersonalData::found_by(INVOICES.name().clone(), Finder::Id, "what they owe")
            .with_erasure(OnErasure::Keep("ten years by tax law".into())),
        PersonalData::found_by(
            TABLES.name().clone(),
            Finder::Field("seated.*.who".parse().unwrap()),
            "who sits where",
        )
        .with_erasure(OnErasure::Redact(tables)),
        PersonalData::found_by(
            NOTES.name().clone(),
            Finder::IdPrefix("/".into()),
            "what was noted",
        )
        .with_time("at".parse().unwrap()),
    ];
    all.into_iter()
        .fold(Coverage::garland().unwrap(), |coverage, data| {
            coverage.with(data).unwrap()
        })
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
}
