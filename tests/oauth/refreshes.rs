//! Fresh tokens: ahead of time, once, whoever asks.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use garland::backends::{Memory, Sqlite};
use garland::connector::kit::Credentials as _;
use garland::oauth::{AccountState, OAuthOptions};
use garland::storage::StorageBackend;
use garland::testing::{FaultKind, FaultRule, Faults, FaultyStorage, Operation};
use garland::{ErrorKind, OrganizationId};
use tokio::sync::Notify;

use crate::between::{Between, Call, Middleman};
use crate::fake::{Bad, Habit};
use crate::world::{World, name, refused, service, signed, text};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_token_that_has_run_out_is_refreshed_by_one_of_all_who_want_it() {
    for habit in [Habit::Stays, Habit::Forgiving, Habit::Strict] {
        let world = World::new(habit).await;
        let account = world.connect().await;
        let first = text(&account.token().await.unwrap());
        for round in 1..4 {
            world.clock.forward(HOUR);
            let all = (0..20).map(|_| account.token());
            let all = futures_util::future::join_all(all).await;
            let now = text(all[0].as_ref().unwrap());
            assert!(all.iter().all(|token| text(token.as_ref().unwrap()) == now));
            assert_ne!(now, first);
            assert_eq!(world.fake.refreshes(), round, "{habit:?}");
        }
        let mut events = vec!["oauth.connected"];
        events.extend(["oauth.refreshed"; 3]);
        assert_eq!(world.events().await, events);
        let rotated: Vec<bool> = world.all_events().await[1..]
            .iter()
            .map(|event| {
                let data: serde_json::Value = event.data.as_ref().unwrap().read().unwrap();
                data["rotated"].as_bool().unwrap()
            })
            .collect();
        assert_eq!(rotated, [habit != Habit::Stays; 3]);
    }
}

#[tokio::test]
async fn it_is_refreshed_ahead_while_the_old_one_is_used() {
    let world = World::new(Habit::Strict).await;
    let account = world.connect().await;
    let old = text(&account.token().await.unwrap());
    // 5 min ahead, and up to as much again by chance: at 49 min nothing happens, at 55 it does.
    world.clock.forward(Duration::from_secs(49 * 60));
    assert_eq!(text(&account.token().await.unwrap()), old);
    world.oauth.close().await.unwrap();
    assert_eq!(world.fake.refreshes(), 0);
    world.clock.forward(Duration::from_secs(6 * 60));
    assert_eq!(text(&account.token().await.unwrap()), old, "nobody waits");
    world.oauth.close().await.unwrap();
    assert_eq!(world.fake.refreshes(), 1);
    assert_ne!(text(&account.token().await.unwrap()), old);
}

#[tokio::test]
async fn a_fault_ahead_of_time_hurts_nobody_and_is_not_repeated_at_once() {
    let world = World::new(Habit::Strict).await;
    let account = world.connect().await;
    let old = text(&account.token().await.unwrap());
    world.clock.forward(Duration::from_secs(56 * 60));
    world.fake.book().bad.push_back(Bad::Page);
    for _ in 0..5 {
        assert_eq!(text(&account.token().await.unwrap()), old);
        world.oauth.close().await.unwrap();
    }
    assert_eq!(world.fake.refreshes(), 1);
    world.clock.forward(Duration::from_secs(31));
    assert_eq!(text(&account.token().await.unwrap()), old);
    world.oauth.close().await.unwrap();
    assert_eq!(world.fake.refreshes(), 2);
    assert_ne!(text(&account.token().await.unwrap()), old);
}

#[tokio::test]
async fn a_short_life_is_used_for_most_of_it() {
    let world = World::new(Habit::Strict).await;
    world.fake.book().expires_in = Some(8);
    let account = world.connect().await;
    let old = text(&account.token().await.unwrap());
    world.clock.forward(Duration::from_secs(3));
    assert_eq!(text(&account.token().await.unwrap()), old);
    world.oauth.close().await.unwrap();
    assert_eq!(world.fake.refreshes(), 0);
    world.clock.forward(Duration::from_millis(4_001));
    assert_ne!(
        text(&account.token().await.unwrap()),
        old,
        "a second before its end it is no good"
    );
}

#[tokio::test]
async fn whoever_goes_away_breaks_nothing_off() {
    let world = World::new(Habit::Strict).await;
    let account = world.connect().await;
    let old = text(&account.token().await.unwrap());
    world.clock.forward(HOUR);
    let go = Arc::new(Notify::new());
    world.fake.book().bad.push_back(Bad::Waits(Arc::clone(&go)));
    {
        let mut wanted = Box::pin(account.token());
        let asked = async {
            while world.fake.refreshes() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = &mut wanted => panic!("nobody has answered yet"),
            () = asked => {}
        }
    }
    go.notify_one();
    world.oauth.close().await.unwrap();
    assert_ne!(text(&account.token().await.unwrap()), old);
    assert_eq!(world.fake.refreshes(), 1);
    assert_eq!(account.record().await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let world = World::new(Habit::Strict).await;
    let account = world.connect().await;
    let request = signed(&account).await.unwrap();
    let all = (0..10).map(|_| account.refused(&request));
    for answer in futures_util::future::join_all(all).await {
        assert!(answer.unwrap(), "there is another");
    }
    assert_eq!(world.fake.refreshes(), 1);
    assert!(
        account.refused(&request).await.unwrap(),
        "somebody else already did"
    );
    assert_eq!(world.fake.refreshes(), 1);
    // One that is brand-new is not refused for its age.
    let request = signed(&account).await.unwrap();
    assert!(!account.refused(&request).await.unwrap());
    assert_eq!(world.fake.refreshes(), 1);
}

#[tokio::test]
async fn the_loser_uses_what_the_winner_got() {
    let world = World::new(Habit::Strict).await;
    let here = world.connect().await;
    let there = world.other().account(&name()).await.unwrap();
    world.clock.forward(HOUR);
    let (one, other) = tokio::join!(here.token(), there.token());
    assert_eq!(text(&one.unwrap()), text(&other.unwrap()));
    assert_eq!(world.fake.refreshes(), 1);
    let request = signed(&here).await.unwrap();
    world.clock.forward(Duration::from_secs(60));
    let (one, other) = tokio::join!(here.refused(&request), there.refused(&request));
    assert!(one.unwrap() && other.unwrap());
    assert_eq!(world.fake.refreshes(), 2);
}

/// Two services over one SQLite file, each its own connection to it, and a provider that ends everything at a mistake.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_refresh_a_hundred_times_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = Sqlite::open(folder.path().join("studio.db")).await.unwrap();
    let database: Arc<dyn StorageBackend> = Arc::new(database);
    let world = World::with(Habit::Strict, database, OAuthOptions::default()).await;
    let here = world.connect().await;
    let there = world.other().account(&name()).await.unwrap();
    for round in 1..=100 {
        world.clock.forward(HOUR);
        let (one, other) = tokio::join!(here.token(), there.token());
        assert_eq!(text(&one.unwrap()), text(&other.unwrap()), "round {round}");
        assert_eq!(world.fake.refreshes(), round);
    }
    let record = here.record().await.unwrap();
    assert_eq!(record.state, AccountState::Connected);
    assert_eq!(record.generation, 101);
}

#[tokio::test]
async fn a_lost_answer_costs_nothing_where_the_provider_forgives_it() {
    for habit in [Habit::Stays, Habit::Forgiving] {
        let world = World::new(habit).await;
        let account = world.connect().await;
        world.clock.forward(HOUR);
        world.fake.book().bad.push_back(Bad::LostAnswer);
        refused(account.token().await, ErrorKind::Unavailable);
        account.token().await.unwrap();
        assert_eq!(world.fake.refreshes(), 2);
        assert_eq!(
            account.record().await.unwrap().state,
            AccountState::Connected
        );
    }
}

/// The new token was never heard of by the provider's other half: the one before is tried before anybody is asked.
#[tokio::test]
async fn the_token_before_is_kept_until_the_new_one_has_worked() {
    let world = World::new(Habit::Forgiving).await;
    let account = world.connect().await;
    world.clock.forward(HOUR);
    account.token().await.unwrap();
    world.clock.forward(HOUR);
    let no = serde_json::json!({"error": "invalid_grant"});
    world.fake.book().bad.push_back(Bad::Says(400, no));
    account.token().await.unwrap();
    let used: Vec<String> = world.fake.book().forms[2..]
        .iter()
        .map(|form| form["refresh_token"].clone())
        .collect();
    assert_ne!(used[0], used[1]);
    assert_eq!(used[1], world.fake.book().forms[1]["refresh_token"]);
    assert_eq!(
        account.record().await.unwrap().state,
        AccountState::Connected
    );
}

#[tokio::test]
async fn a_database_that_takes_nothing_does_not_cost_the_account() {
    let faults = Faults::none();
    let memory: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    let faulty = FaultyStorage::new(Arc::clone(&memory), faults.clone());
    let world = World::with(Habit::Strict, Arc::new(faulty), OAuthOptions::default()).await;
    let account = world.connect().await;
    world.clock.forward(HOUR);
    // The lease is taken; what the provider gives is not stored, three times.
    let full = FaultKind::Error(ErrorKind::Full);
    faults.add_rule(FaultRule::new(Operation::Commit, full).nth(2).times(3));
    let token = text(&account.token().await.unwrap());
    assert_eq!(
        account.record().await.unwrap().generation,
        1,
        "it is in memory only"
    );
    // Another process does not spend the old token meanwhile, and gets the new one when it is stored.
    let there = world.other().account(&name()).await.unwrap();
    assert_eq!(text(&there.token().await.unwrap()), token);
    assert_eq!(world.fake.refreshes(), 1);
    world.oauth.close().await.unwrap();
    assert_eq!(account.record().await.unwrap().generation, 2);
}

#[tokio::test]
async fn who_closes_hears_of_tokens_that_cannot_be_stored() {
    let faults = Faults::none();
    let memory: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    let faulty = FaultyStorage::new(memory, faults.clone());
    let world = World::with(Habit::Strict, Arc::new(faulty), OAuthOptions::default()).await;
    let account = world.connect().await;
    world.clock.forward(HOUR);
    let full = FaultKind::Error(ErrorKind::Full);
    faults.add_rule(FaultRule::new(Operation::Commit, full).nth(2).always());
    account.token().await.unwrap();
    refused(world.oauth.close().await, ErrorKind::Full);
    faults.heal();
    world.oauth.close().await.unwrap();
    assert_eq!(account.record().await.unwrap().generation, 2);
}

/// Lets another process refresh just before one of the calls that lead to the lease.
struct Meddler {
    inner: Arc<dyn StorageBackend>,
    calls: AtomicUsize,
    at: usize,
    has_lease: AtomicBool,
    deed: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl std::fmt::Debug for Meddler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meddler")
    }
}

#[async_trait]
impl Middleman for Meddler {
    fn inner(&self) -> Arc<dyn StorageBackend> {
        Arc::clone(&self.inner)
    }

    async fn before(&self, _: &OrganizationId, call: Call) {
        let is_now = self.calls.fetch_add(1, Ordering::SeqCst) == self.at;
        if is_now && !self.has_lease.load(Ordering::SeqCst) {
            let deed = self.deed.lock().unwrap().take();
            if let Some(deed) = deed {
                deed.await;
            }
        }
        if call == Call::Commit {
            self.has_lease.store(true, Ordering::SeqCst);
        }
    }
}

#[tokio::test]
async fn a_winner_at_any_moment_before_the_lease_is_seen() {
    for at in 0.. {
        let world = World::new(Habit::Strict).await;
        let winner = world.connect().await;
        let meddler = Arc::new(Meddler {
            inner: Arc::clone(&world.backend),
            calls: AtomicUsize::new(0),
            at,
            has_lease: AtomicBool::new(false),
            deed: Mutex::new(None),
        });
        let backend: Arc<dyn StorageBackend> = Arc::new(Between(Arc::clone(&meddler)));
        let clock = Arc::new(world.clock.clone());
        let options = OAuthOptions::default();
        let loser = service(&backend, clock, world.fake.provider(), options);
        let loser = loser.account(&name()).await.unwrap();
        meddler.calls.store(0, Ordering::SeqCst);
        world.clock.forward(HOUR);
        let deed = async move { drop(winner.token().await.unwrap()) };
        *meddler.deed.lock().unwrap() = Some(Box::pin(deed));
        loser.token().await.unwrap();
        let is_past = meddler.deed.lock().unwrap().is_some();
        assert_eq!(world.fake.refreshes(), 1, "before call {at}");
        let record = loser.record().await.unwrap();
        assert_eq!(
            (record.generation, record.state),
            (2, AccountState::Connected)
        );
        if is_past {
            assert!(at > 3, "{at} calls are too few to have tried it");
            break;
        }
    }
}
