//! External systems: every change once and in order, whatever happens to them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use garland::permission::{Actor, PermissionResolver, TrustedHost};
use garland::section::{
    Partner, PartnerAttempt, PartnerCall, PartnerEnd, PartnerOptions, PartnerTransport, Partners,
    SectionService,
};
use garland::storage::{Precondition, Version};
use garland::testing::PausedClock;
use garland::{Chance, Clock, Error, ErrorKind};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::world::{Gate, World, member, section, sections, studio};

/// What a partner does with a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mood {
    Takes,
    /// Takes until it has taken so many.
    TakesOnly(usize),
    Fails,
    /// Takes it, and its answer is lost.
    TakesAndSaysNothing,
    WantsNoMore,
}

/// A partner that writes down what it takes.
#[derive(Debug)]
pub(crate) struct Endpoint {
    mood: Mutex<Mood>,
    pub(crate) taken: Mutex<Vec<(String, Value)>>,
    pub(crate) tries: AtomicU64,
}

impl Endpoint {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            mood: Mutex::new(Mood::Takes),
            taken: Mutex::default(),
            tries: AtomicU64::new(0),
        })
    }

    pub(crate) fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What it was told, without what it has had before by its id.
    pub(crate) fn told(&self) -> Vec<Value> {
        let mut seen = std::collections::HashMap::new();
        let taken = self.taken.lock().unwrap();
        let mut told = Vec::new();
        for (id, body) in &*taken {
            match seen.insert(id.clone(), body.clone()) {
                None => told.push(body.clone()),
                Some(before) => assert_eq!(before, *body, "{id} is another message"),
            }
        }
        told
    }
}

#[async_trait]
impl PartnerTransport for Endpoint {
    async fn attempt(&self, call: PartnerCall<'_>) -> PartnerAttempt {
        tokio::time::sleep(Duration::from_millis(3)).await;
        self.tries.fetch_add(1, Ordering::SeqCst);
        let mood = match *self.mood.lock().unwrap() {
            Mood::TakesOnly(most) if self.taken.lock().unwrap().len() < most => Mood::Takes,
            mood => mood,
        };
        if matches!(mood, Mood::Takes | Mood::TakesAndSaysNothing) {
            let body = serde_json::from_slice(&call.body).unwrap();
            self.taken.lock().unwrap().push((call.id.to_owned(), body));
        }
        match mood {
            Mood::Takes => PartnerAttempt::Delivered,
            Mood::Fails | Mood::TakesOnly(_) => PartnerAttempt::Retry { after: None },
            Mood::TakesAndSaysNothing => {
                self.is(Mood::Takes);
                PartnerAttempt::Retry { after: None }
            }
            Mood::WantsNoMore => {
                let message = "the receiver wants no more";
                let reason = Error::new(ErrorKind::NotFound, "endpoint.attempt", message);
                PartnerAttempt::GiveUp { reason }
            }
        }
    }
}

pub(crate) fn partners(world: &World, endpoint: &Arc<Endpoint>) -> Partners {
    partners_asking(world, endpoint, Arc::new(TrustedHost::new()))
}

pub(crate) fn partners_asking(
    world: &World,
    endpoint: &Arc<Endpoint>,
    permissions: Arc<dyn PermissionResolver>,
) -> Partners {
    let store = world.through_store();
    let endpoint = Arc::clone(endpoint) as Arc<dyn PartnerTransport>;
    let (clock, chance) = (Arc::clone(&world.clock), Chance::seeded(0x9a27));
    Partners::new(
        store,
        world.policy(),
        permissions,
        endpoint,
        clock,
        chance,
        PartnerOptions::default(),
    )
}

/// Delivers, and begins again when it has to wait for a process that died.
pub(crate) fn delivering(partners: &Partners) -> JoinHandle<PartnerEnd> {
    let partners = partners.clone();
    tokio::spawn(async move {
        loop {
            match partners.deliver("crm").await {
                Ok(end) => return end,
                Err(error) if error.kind() == ErrorKind::Locked => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    })
}

pub(crate) fn crm(settings: Value) -> Partner {
    Partner::new("https://crm.example.com/hook", "crm-key").with_settings(settings)
}

async fn with_crm(world: &World, endpoint: &Arc<Endpoint>, settings: Value) -> Partners {
    let partners = partners(world, endpoint);
    partners
        .put("crm", &crm(settings), Precondition::Absent)
        .await
        .unwrap();
    partners
}

pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_secs(900)).await;
}

#[tokio::test(start_paused = true)]
async fn a_partner_that_is_down_for_an_hour_gets_every_change_once_and_in_order() {
    let seed = 0xd0_u64;
    println!("seed {seed:#x}");
    let chance = Chance::seeded(seed);
    let world = World::new();
    let (endpoint, service) = (Endpoint::new(), sections(&world));
    let partners = partners(&world, &endpoint);
    let made = service
        .create(&section("old", "budget", &["couple"]))
        .await
        .unwrap();
    // What was before is not told.
    let settings = json!({"syncLayout": true, "syncCustomization": true});
    partners
        .put("crm", &crm(settings), Precondition::Absent)
        .await
        .unwrap();
    let mut task = delivering(&partners);

    let mut wanted = Vec::new();
    let mut version = made.version;
    let down = world.clock.now();
    endpoint.is(Mood::Fails);
    for at in 0..120 {
        let changes =
            json!({"layout": {"position": at}, "visibility": {"roles": ["couple", "guest"]}});
        let patched = service.patch("old", None, &changes, version).await.unwrap();
        version = patched.version;
        wanted.push(json!({"type": "section.changed", "configId": "old", "organizationId": "studio", "weddingId": null,
            "sectionType": "budget", "version": version.get(), "changes": {"layout": {"position": at}}}));
        if at == 60 {
            // Made and gone while nobody listens.
            let mut brief = section("brief", "photos", &["guest"]);
            brief["customization"] = json!({"title": "Soon gone"});
            let made = service.create(&brief).await.unwrap();
            service.remove("brief", made.version).await.unwrap();
            let of = json!({"configId": "brief", "organizationId": "studio", "weddingId": null, "sectionType": "photos"});
            let (mut came, mut went) = (of.clone(), of);
            came["type"] = json!("section.changed");
            came["version"] = json!(1);
            came["changes"] = json!({"customization": {"title": "Soon gone"}});
            went["type"] = json!("section.deleted");
            went["version"] = json!(2);
            wanted.extend([came, went]);
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
        if chance.word().is_multiple_of(20) {
            // The process dies, and another takes over.
            task.abort();
            task = delivering(&partners);
        }
    }
    assert!(world.clock.now().saturating_since(down) >= Duration::from_secs(3_600));
    assert_eq!(endpoint.told(), Vec::<Value>::new());
    let tries = endpoint.tries.load(Ordering::SeqCst);
    assert!((12..200).contains(&tries), "{tries} tries in an hour");

    endpoint.is(Mood::Takes);
    settle().await;
    assert_eq!(endpoint.told(), wanted);
    assert_eq!(
        endpoint.taken.lock().unwrap().len(),
        wanted.len(),
        "each came once"
    );

    // Nothing again, and the next as before.
    task.abort();
    let task = delivering(&partners);
    settle().await;
    assert_eq!(endpoint.told().len(), wanted.len());
    partners.remove("crm", Precondition::Any).await.unwrap();
    assert_eq!(task.await.unwrap(), PartnerEnd::Removed);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_brings_the_same_message_with_the_same_id() {
    let world = World::new();
    let (endpoint, service) = (Endpoint::new(), sections(&world));
    let partners = with_crm(&world, &endpoint, json!({"syncLayout": true})).await;
    let task = delivering(&partners);
    endpoint.is(Mood::TakesAndSaysNothing);
    let mut placed = section("a", "budget", &["couple"]);
    placed["layout"] = json!({"position": 1});
    service.create(&placed).await.unwrap();
    settle().await;
    let taken = endpoint.taken.lock().unwrap().clone();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0], taken[1]);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn what_a_partner_is_not_told_of_is_not_sent_and_visibility_never_without_its_phases() {
    let world = World::new();
    let (endpoint, service) = (Endpoint::new(), sections(&world));
    let partners = with_crm(&world, &endpoint, json!({"syncCustomization": "true"})).await;
    let task = delivering(&partners);
    let mut full = section("a", "budget", &["couple"]);
    full["permissions"] = json!({"canEdit": ["couple"]});
    let made = service.create(&full).await.unwrap();
    settle().await;
    assert_eq!(endpoint.told(), Vec::<Value>::new());

    let partner = crm(json!({"syncVisibility": true}));
    partners
        .put("crm", &partner, Precondition::Any)
        .await
        .unwrap();
    let changes = json!({"visibility": {"weddingPhase": ["planning"]}, "permissions": {"canView": ["guest"]}});
    service
        .patch("a", None, &changes, made.version)
        .await
        .unwrap();
    settle().await;
    let told = endpoint.told();
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0]["changes"],
        json!({"visibility": {"weddingPhase": ["planning"]}})
    );
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn permissions_are_stated_whole_whenever_results_are_stored() {
    let world = World::new();
    let (endpoint, service) = (Endpoint::new(), sections(&world));
    let partners = partners(&world, &endpoint);
    world.desk().member(member("ann", "couple")).await;
    world.desk().member(member("bo", "guest")).await;
    service
        .create(&section("b", "budget", &["couple"]))
        .await
        .unwrap();
    let settings = json!({"syncSections": ["photos", "budget"], "includeConditions": true});
    partners
        .put("crm", &crm(settings), Precondition::Absent)
        .await
        .unwrap();
    let task = delivering(&partners);
    service
        .recompute(&[("ann", None), ("bo", None)])
        .await
        .unwrap();
    settle().await;
    let told = endpoint.told();
    let users: Vec<_> = told.iter().map(|told| told["userId"].clone()).collect();
    assert_eq!(users, ["ann", "bo"]);
    let shut = json!({"canView": false, "canEdit": false, "conditions": []});
    let open = json!({"canView": true, "canEdit": false, "conditions": ["canViewFullBudget"]});
    assert_eq!(
        told[0]["permissions"],
        json!({"budget": open, "photos": shut})
    );
    assert_eq!(
        told[1]["permissions"],
        json!({"budget": shut, "photos": shut})
    );

    // Of whom nothing is stored any more, everything is taken back.
    world.desk().remove_member("ann").await;
    service.recompute(&[("ann", None)]).await.unwrap();
    settle().await;
    assert_eq!(
        endpoint.told()[2]["permissions"],
        json!({"budget": shut, "photos": shut})
    );
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn what_was_half_told_is_told_to_its_end_or_not_at_all_as_the_settings_say() {
    for settings in [
        json!({"syncSections": ["photos"]}),
        json!({"syncLayout": true}),
    ] {
        let world = World::new();
        let (endpoint, service) = (Endpoint::new(), sections(&world));
        let partners = partners(&world, &endpoint);
        for id in ["ann", "bo", "cy"] {
            world.desk().member(member(id, "couple")).await;
        }
        let first = crm(json!({"syncSections": ["photos"]}));
        partners
            .put("crm", &first, Precondition::Absent)
            .await
            .unwrap();
        let task = delivering(&partners);
        let pairs = [("ann", None), ("bo", None), ("cy", None)];
        service.recompute(&pairs).await.unwrap();
        while endpoint.told().len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        endpoint.is(Mood::Fails);
        tokio::time::sleep(Duration::from_secs(60)).await;
        task.abort();
        let before = endpoint.told().len();
        partners
            .put("crm", &crm(settings.clone()), Precondition::Any)
            .await
            .unwrap();
        let mut placed = section("a", "budget", &["couple"]);
        placed["layout"] = json!({"position": 1});
        service.create(&placed).await.unwrap();
        endpoint.is(Mood::Takes);
        let task = delivering(&partners);
        settle().await;
        let told = endpoint.told();
        let what = if settings["syncLayout"] == true {
            told[before]["configId"].clone()
        } else {
            told[before]["userId"].clone()
        };
        assert_eq!((before, told.len()), (2, 3), "{settings}");
        assert!(what == "a" || what == "cy", "{what}");
        task.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_partner_that_wants_no_more_is_stopped_until_somebody_resumes_it() {
    let world = World::new();
    let (endpoint, service) = (Endpoint::new(), sections(&world));
    let partners = with_crm(&world, &endpoint, json!({"syncLayout": true})).await;
    endpoint.is(Mood::WantsNoMore);
    let mut placed = section("a", "budget", &["couple"]);
    placed["layout"] = json!({"position": 1});
    service.create(&placed).await.unwrap();
    assert_eq!(delivering(&partners).await.unwrap(), PartnerEnd::Stopped);
    assert_eq!(delivering(&partners).await.unwrap(), PartnerEnd::Stopped);
    assert_eq!(endpoint.tries.load(Ordering::SeqCst), 1);
    let (_, place) = partners.get("crm").await.unwrap().unwrap();
    assert!(
        place
            .stopped
            .is_some_and(|why| why.contains("wants no more"))
    );

    endpoint.is(Mood::Takes);
    partners.resume("crm").await.unwrap();
    let task = delivering(&partners);
    settle().await;
    assert_eq!(endpoint.told().len(), 1);
    // One at a time.
    assert_eq!(
        partners.deliver("crm").await.unwrap_err().kind(),
        ErrorKind::Locked
    );
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_manage_sections_has_nothing_to_do_with_partners() {
    let world = World::new();
    let endpoint = Endpoint::new();
    let gate = Gate {
        is_shut: Arc::new(AtomicBool::new(true)),
        ..Gate::default()
    };
    let (clock, chance) = (Arc::clone(&world.clock), Chance::seeded(1));
    let denied = Partners::new(
        world.desk().0,
        world.policy(),
        Arc::new(gate.clone()),
        Arc::<Endpoint>::clone(&endpoint),
        clock,
        chance,
        PartnerOptions::default(),
    );
    partners(&world, &endpoint)
        .put("crm", &crm(json!({})), Precondition::Absent)
        .await
        .unwrap();
    let denied = denied.acting_as(Actor::User("bo".into()));
    let any = Precondition::Any;
    let errors = [
        denied
            .put("crm", &crm(json!({})), any)
            .await
            .map(drop)
            .unwrap_err(),
        denied.remove("crm", any).await.unwrap_err(),
        denied.get("crm").await.map(drop).unwrap_err(),
        denied.resume("crm").await.unwrap_err(),
        denied.deliver("crm").await.map(drop).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    }
    let asked = gate.questions.lock().unwrap().clone();
    assert_eq!(
        asked,
        vec![format!("user bo section.manage organization {}", studio()); 5]
    );
    let (partner, _) = partners(&world, &endpoint)
        .get("crm")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(partner.version, Version::new(1));
    assert!(
        !format!("{partner:?}").contains("example.com"),
        "a URL may hold a secret"
    );
}

/// A wall clock on which every look takes a millisecond.
#[derive(Debug)]
struct Ticking(Arc<PausedClock>, AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> garland::Timestamp {
        let ticks = self.1.fetch_add(1, Ordering::SeqCst);
        self.0.now().saturating_add(Duration::from_millis(ticks))
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What takes a while is still found: a field that was taken away is told as such, not left out.
#[tokio::test(start_paused = true)]
async fn a_removal_is_told_however_long_the_change_took() {
    let world = World::new();
    let endpoint = Endpoint::new();
    let clock = Ticking(Arc::<PausedClock>::clone(&world.clock), AtomicU64::new(0));
    let service = SectionService::new(
        world.desk().0,
        world.policy(),
        Arc::new(TrustedHost::new()),
        Arc::new(clock),
        Chance::seeded(7),
    );
    let mut titled = section("old", "budget", &["couple"]);
    titled["customization"] = json!({"title": "Costs", "subtitle": "So far"});
    let made = service.create(&titled).await.unwrap();
    let partners = partners(&world, &endpoint);
    let settings = json!({"syncCustomization": true});
    partners
        .put("crm", &crm(settings), Precondition::Absent)
        .await
        .unwrap();
    let task = delivering(&partners);
    let changes = json!({"customization": {"title": null}});
    service
        .patch("old", None, &changes, made.version)
        .await
        .unwrap();
    settle().await;
    task.abort();
    let told = endpoint.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["changes"], changes);
}

const SHUT: fn() -> Value = || json!({"budget": {"canView": false, "canEdit": false}});
const OPEN: fn() -> Value = || json!({"budget": {"canView": true, "canEdit": false}});

/// Each statement told so far: of which wedding, and what it says.
fn statements(endpoint: &Endpoint) -> Vec<(Value, Value)> {
    let told = endpoint.told().into_iter();
    told.map(|told| (told["weddingId"].clone(), told["permissions"].clone()))
        .collect()
}

/// Ann, who sees the budget of her wedding; her results are stored.
async fn anns_budget(world: &World, endpoint: &Arc<Endpoint>) -> Partners {
    let june = super::world::wedding("june", "2026-06-20", "UTC");
    world.desk().wedding(june).await;
    world.desk().member(ann("couple", "full")).await;
    let (service, partners) = (sections(world), partners(world, endpoint));
    let mut budget = section("b", "budget", &["couple"]);
    budget["visibility"]["conditions"] = json!({"hasWeddingAccess": true});
    service.create(&budget).await.unwrap();
    let settings = crm(json!({"syncSections": ["budget"]}));
    partners
        .put("crm", &settings, Precondition::Absent)
        .await
        .unwrap();
    let pairs = [("ann", None), ("ann", Some("june"))];
    service.recompute(&pairs).await.unwrap();
    partners
}

fn ann(role: &str, level: &str) -> Value {
    let mut ann = member("ann", role);
    ann["weddingAccess"] = json!([{"weddingId": "june", "level": level}]);
    ann
}

/// Nobody works the stored results out anew, and still nothing goes out that holds no more.
#[tokio::test(start_paused = true)]
async fn a_role_that_is_lost_is_not_told_any_more() {
    let world = World::new();
    let endpoint = Endpoint::new();
    let partners = anns_budget(&world, &endpoint).await;
    world.desk().member(ann("guest", "full")).await;
    let task = delivering(&partners);
    settle().await;
    task.abort();
    let told = statements(&endpoint);
    assert!(!told.is_empty());
    assert!(told.iter().all(|(_, says)| *says == SHUT()), "{told:?}");
}

/// What was tried before the change, and did not arrive, is not what is tried after it.
#[tokio::test(start_paused = true)]
async fn a_role_that_is_lost_while_the_partner_is_away_is_not_told_when_it_is_back() {
    let world = World::new();
    let endpoint = Endpoint::new();
    let partners = anns_budget(&world, &endpoint).await;
    endpoint.is(Mood::Fails);
    let task = delivering(&partners);
    settle().await;
    assert!(endpoint.tries.load(Ordering::SeqCst) > 2);
    world.desk().member(ann("guest", "full")).await;
    endpoint.is(Mood::Takes);
    settle().await;
    task.abort();
    let told = statements(&endpoint);
    assert!(!told.is_empty());
    assert!(told.iter().all(|(_, says)| *says == SHUT()), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_role_access_or_wedding_is_told_of_all_that_is_stored() {
    let world = World::new();
    let endpoint = Endpoint::new();
    let partners = anns_budget(&world, &endpoint).await;
    let task = delivering(&partners);
    settle().await;
    let desk = world.desk();
    let june = || super::world::wedding("june", "2026-06-20", "UTC");
    let (here, there) = (Value::Null, json!("june"));
    let mut wanted = vec![(here.clone(), SHUT()), (there.clone(), OPEN())];
    assert_eq!(statements(&endpoint), wanted);

    desk.member(ann("guest", "full")).await;
    settle().await;
    wanted.extend([(here.clone(), SHUT()), (there.clone(), SHUT())]);
    assert_eq!(statements(&endpoint), wanted, "a role is lost");

    desk.member(ann("couple", "full")).await;
    settle().await;
    wanted.extend([(here.clone(), SHUT()), (there.clone(), OPEN())]);
    assert_eq!(statements(&endpoint), wanted, "and given back");

    desk.member(ann("couple", "none")).await;
    settle().await;
    wanted.extend([(here.clone(), SHUT()), (there.clone(), SHUT())]);
    assert_eq!(statements(&endpoint), wanted, "the wedding is closed");

    desk.member(ann("couple", "full")).await;
    settle().await;
    wanted.extend([(here.clone(), SHUT()), (there.clone(), OPEN())]);
    assert_eq!(statements(&endpoint), wanted, "and opened");

    desk.remove_wedding("june").await;
    settle().await;
    wanted.push((there.clone(), SHUT()));
    assert_eq!(statements(&endpoint), wanted, "there is no wedding");

    desk.wedding(june()).await;
    settle().await;
    wanted.push((there.clone(), OPEN()));
    assert_eq!(statements(&endpoint), wanted, "and there is");

    // Somebody of whom nothing is stored is nobody to partners.
    desk.member(member("bo", "couple")).await;
    desk.remove_member("ann").await;
    settle().await;
    wanted.extend([(here, SHUT()), (there, SHUT())]);
    assert_eq!(statements(&endpoint), wanted, "she is gone");
    // Whoever goes by the revision has the last word as the last.
    let told = endpoint.told().into_iter();
    let revisions: Vec<_> = told
        .map(|told| told["revision"].as_u64().unwrap())
        .collect();
    assert!(revisions.is_sorted(), "{revisions:?}");
    task.abort();
}

/// Results are not told past the instant until which they hold.
#[tokio::test(start_paused = true)]
async fn what_time_has_closed_is_told_as_closed() {
    let world = World::new();
    let endpoint = Endpoint::new();
    let june = super::world::wedding("june", "2026-06-20", "UTC");
    world.desk().wedding(june).await;
    world.desk().member(ann("couple", "full")).await;
    let (service, partners) = (sections(&world), partners(&world, &endpoint));
    let mut budget = section("b", "budget", &["couple"]);
    budget["visibility"]["weddingPhase"] = json!(["wedding_day"]);
    service.create(&budget).await.unwrap();
    let settings = crm(json!({"syncSections": ["budget"]}));
    let new = Precondition::Absent;
    partners.put("crm", &settings, new).await.unwrap();
    service.recompute(&[("ann", Some("june"))]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(14 * 3_600)).await;
    let task = delivering(&partners);
    settle().await;
    task.abort();
    assert_eq!(statements(&endpoint), [(json!("june"), SHUT())]);
}
