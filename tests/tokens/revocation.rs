//! What was taken back is refused at the next check, everywhere, or nobody is let in.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use garland::backends::{Memory, Sqlite, SqliteOptions};
use garland::crypto::tokens::{DenyReason, Revocation, TOKEN_REVOCATIONS, TOKEN_SESSIONS};
use garland::permission::Actor;
use garland::storage::{CollectionName, Query, StorageBackend, Store};
use garland::testing::crypto::jws_sign;
use garland::testing::{FaultKind, FaultRule, Faults, FaultyStorage, Moment, Operation};
use garland::{Clock, ErrorKind, OrganizationId, Timestamp};

use crate::between::{Between, Middleman};
use crate::world::{ACCESS, START, Shared, World, grant, policy, reason, user};

/// The same database three ways: counting its own writes, shared with others, and behind a wrapper.
fn backends() -> Vec<(&'static str, Arc<dyn StorageBackend>)> {
    let faulty = FaultyStorage::new(Arc::new(Memory::new()), Faults::none());
    vec![
        ("alone", Arc::new(Memory::new())),
        ("shared", Shared::new(Arc::new(Memory::new()), false)),
        ("wrapped", Arc::new(faulty)),
    ]
}

#[tokio::test]
async fn t5_one_token_is_taken_back_for_every_node() {
    for (name, backend) in backends() {
        let world = World::on(backend);
        let other = world.other();
        let [one, two] = [world.sign_in("u1").await, world.sign_in("u1").await];
        for node in [&world, &other] {
            assert_eq!(node.refuses(one.access()).await, None, "{name}");
        }
        let verified = other.tokens.verify(one.access()).await.unwrap();
        other.tokens.revoke(&verified).await.unwrap();
        for node in [&world, &other, &world.other()] {
            let denied = node.refuses(one.access()).await;
            assert_eq!(denied, Some(DenyReason::Revoked), "{name}");
            assert_eq!(node.refuses(two.access()).await, None, "{name}");
        }
        // The session is not over by that.
        assert!(
            world.tokens.refresh(one.refresh(), "web").await.is_ok(),
            "{name}"
        );
        assert_eq!(world.events().await.last().unwrap(), "token.revoked");
    }
}

#[tokio::test]
async fn t5_everything_of_a_user_before_a_moment() {
    for (name, backend) in backends() {
        let world = World::on(backend);
        let other = world.other();
        let studio = OrganizationId::default();
        let (old, friend) = (world.sign_in("u1").await, world.sign_in("u2").await);
        let service = garland::crypto::tokens::Grant::new(
            Actor::Service("u1".into()),
            studio.clone(),
            "cron",
        );
        let service = world.tokens.issue(&service).await.unwrap();
        world.pass(10);
        let middle = world.clock.now();
        let young = world.sign_in("u1").await;
        assert_eq!(other.refuses(old.access()).await, None, "{name}");
        let (tokens, actor) = (&world.tokens, user("u1"));
        tokens
            .revoke_all_before(&studio, &actor, Some(middle))
            .await
            .unwrap();
        for node in [&world, &other] {
            let denied = node.refuses(old.access()).await;
            assert_eq!(denied, Some(DenyReason::Revoked), "{name}");
            let kept = [young.access(), friend.access(), service.access()];
            for token in kept {
                assert_eq!(node.refuses(token).await, None, "{name}");
            }
        }
        let denied = reason(other.tokens.refresh(old.refresh(), "web").await);
        assert_eq!(denied, DenyReason::Revoked, "{name}");
        // A later cut with an earlier moment gives nothing back.
        let earlier = Timestamp::from_millis(middle.as_millis() - 60_000);
        tokens
            .revoke_all_before(&studio, &actor, Some(earlier))
            .await
            .unwrap();
        assert_eq!(
            world.other().refuses(old.access()).await,
            Some(DenyReason::Revoked)
        );
        // Until now, and not beyond: whoever signs in within the same moment is let in.
        tokens
            .revoke_all_before(&studio, &actor, None)
            .await
            .unwrap();
        assert_eq!(
            other.refuses(young.access()).await,
            Some(DenyReason::Revoked)
        );
        let fresh = other.sign_in("u1").await;
        assert_eq!(world.refuses(fresh.access()).await, None, "{name}");
        let again = world.tokens.refresh(fresh.refresh(), "web").await.unwrap();
        assert_eq!(other.refuses(again.access()).await, None, "{name}");
    }
}

#[tokio::test]
async fn t5_until_now_reaches_what_came_from_a_clock_that_was_ahead() {
    let studio = OrganizationId::default();
    for whole in [false, true] {
        for ahead in [30, 600, 3 * 86_400] {
            for (name, backend) in backends() {
                let world = World::on(backend);
                let fast = world.ahead(Duration::from_secs(ahead));
                let thief = fast.sign_in("u1").await;
                let later = fast.tokens.refresh(thief.refresh(), "web").await.unwrap();
                assert_eq!(fast.refuses(later.access()).await, None);
                let tokens = &world.tokens;
                if whole {
                    let cut = tokens.revoke_organization_before(&studio, None);
                    cut.await.unwrap();
                } else {
                    let actor = user("u1");
                    let cut = tokens.revoke_all_before(&studio, &actor, None);
                    cut.await.unwrap();
                    // A later cut in the past gives nothing back.
                    let past = Some(Timestamp::from_millis(START));
                    let cut = tokens.revoke_all_before(&studio, &actor, past);
                    cut.await.unwrap();
                }
                let when = format!("{name}, {ahead} s ahead, whole: {whole}");
                for node in [&fast, &fast.ahead(Duration::ZERO), &world, &world.other()] {
                    let denied = reason(node.tokens.refresh(later.refresh(), "web").await);
                    assert_eq!(denied, DenyReason::Revoked, "{when}");
                }
                for token in [thief.access(), later.access()] {
                    let denied = fast.refuses(token).await;
                    assert_eq!(denied, Some(DenyReason::Revoked), "{when}");
                }
                // The clock that was behind gets there, and nothing comes back by that.
                world.pass(ahead);
                for token in [thief.access(), later.access()] {
                    let denied = world.refuses(token).await;
                    assert_eq!(denied, Some(DenyReason::Revoked), "{when}");
                }
                // Whoever signs in after the call is let in by every machine.
                let fresh = world.sign_in("u1").await;
                let young = fast.sign_in("u1").await;
                assert_eq!(world.refuses(fresh.access()).await, None, "{when}");
                assert_eq!(fast.refuses(young.access()).await, None, "{when}");
                let again = fast.tokens.refresh(young.refresh(), "web").await.unwrap();
                assert_eq!(fast.refuses(again.access()).await, None, "{when}");
            }
        }
    }
}

#[tokio::test]
async fn t5_until_now_holds_after_the_clock_was_set_back() {
    let world = World::new();
    let studio = OrganizationId::default();
    world.pass(3_600);
    let thief = world.sign_in("u1").await;
    world.clock.back(Duration::from_secs(600));
    let tokens = &world.tokens;
    tokens
        .revoke_all_before(&studio, &user("u1"), None)
        .await
        .unwrap();
    let denied = reason(tokens.refresh(thief.refresh(), "web").await);
    assert_eq!(denied, DenyReason::Revoked);
    let fresh = world.sign_in("u1").await;
    assert_eq!(world.refuses(fresh.access()).await, None);
    world.pass(600);
    let denied = world.refuses(thief.access()).await;
    assert_eq!(denied, Some(DenyReason::Revoked));
    assert_eq!(
        world.refuses(fresh.access()).await,
        Some(DenyReason::Expired)
    );
    assert!(tokens.refresh(fresh.refresh(), "web").await.is_ok());
}

#[tokio::test]
async fn t5_a_cut_is_exact_within_a_second() {
    let world = World::new();
    let studio = OrganizationId::default();
    world.clock.forward(Duration::from_millis(100));
    let before = world.sign_in("u1").await;
    world.clock.forward(Duration::from_millis(1));
    let cut = world.clock.now();
    let after = world.sign_in("u1").await;
    let tokens = &world.tokens;
    tokens
        .revoke_all_before(&studio, &user("u1"), Some(cut))
        .await
        .unwrap();
    assert_eq!(
        world.refuses(before.access()).await,
        Some(DenyReason::Revoked)
    );
    assert_eq!(world.refuses(after.access()).await, None);
    let tomorrow = cut.saturating_add(Duration::from_secs(86_400));
    let error = tokens
        .revoke_all_before(&studio, &user("u1"), Some(tomorrow))
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn t5_a_whole_organization_and_no_other() {
    let world = World::new();
    let (studio, rival) = (
        OrganizationId::default(),
        "rival".parse::<OrganizationId>().unwrap(),
    );
    let ours = world.sign_in("u1").await;
    let mut theirs = grant("u1");
    theirs.organization = rival;
    let theirs = world.tokens.issue(&theirs).await.unwrap();
    world
        .tokens
        .revoke_organization_before(&studio, None)
        .await
        .unwrap();
    assert_eq!(
        world.refuses(ours.access()).await,
        Some(DenyReason::Revoked)
    );
    assert_eq!(world.refuses(theirs.access()).await, None);
    assert_eq!(
        reason(world.tokens.refresh(ours.refresh(), "web").await),
        DenyReason::Revoked
    );
}

#[tokio::test]
async fn t5_a_database_that_fails_lets_nobody_in() {
    let broken = FaultKind::Error(ErrorKind::Unavailable);
    let read = FaultRule::new(Operation::Get, broken).always();
    let query = FaultRule::new(Operation::Query, broken).always();
    for rule in [read, query] {
        let memory: Arc<dyn StorageBackend> = Arc::new(Memory::new());
        let world = World::on(Arc::clone(&memory));
        let (good, bad) = (world.sign_in("u1").await, world.sign_in("u1").await);
        let bad = world.tokens.verify(bad.access()).await.unwrap();
        world.tokens.revoke(&bad).await.unwrap();
        let faults = Faults::none().with_rule(rule);
        let faulty = FaultyStorage::new(Shared::new(memory, false), faults.clone());
        let node = World::on(Arc::new(faulty));
        let denied = node.tokens.verify(good.access()).await.unwrap_err();
        assert_eq!(denied.reason(), DenyReason::Storage);
        assert!(denied.cause().is_some());
        assert_eq!(denied.to_string(), "access denied");
        let denied = node
            .tokens
            .refresh(good.refresh(), "web")
            .await
            .unwrap_err();
        assert_eq!(denied.reason(), DenyReason::Storage);
        assert!(node.tokens.issue(&grant("u1")).await.is_err());
        faults.heal();
    }
}

#[tokio::test]
async fn t5_a_node_that_knew_better_yesterday_lets_nobody_in_either() {
    let broken = FaultKind::Error(ErrorKind::Unavailable);
    let rule = FaultRule::new(Operation::Get, broken).nth(3).always();
    let memory: Arc<dyn StorageBackend> = Shared::new(Arc::new(Memory::new()), false);
    let token = World::on(Arc::clone(&memory)).sign_in("u1").await;
    let node = World::on(Arc::new(FaultyStorage::new(
        memory,
        Faults::none().with_rule(rule),
    )));
    assert_eq!(node.refuses(token.access()).await, None);
    assert_eq!(node.refuses(token.access()).await, None);
    for _ in 0..3 {
        assert_eq!(
            node.refuses(token.access()).await,
            Some(DenyReason::Storage)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn t5_a_database_that_hangs_lets_nobody_in() {
    let hang = FaultRule::new(Operation::Get, FaultKind::Hang(Moment::Before)).always();
    let memory: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    let token = World::on(Arc::clone(&memory)).sign_in("u1").await;
    let faulty = FaultyStorage::new(memory, Faults::none().with_rule(hang));
    let node = World::on(Arc::new(faulty));
    assert_eq!(
        node.refuses(token.access()).await,
        Some(DenyReason::Storage)
    );
}

#[tokio::test]
async fn t5_an_answer_that_is_lost_takes_back_all_the_same() {
    let lost = FaultKind::LostAnswer(ErrorKind::Timeout);
    let rule = FaultRule::new(Operation::Commit, lost).nth(2);
    let faulty = FaultyStorage::new(Arc::new(Memory::new()), Faults::none().with_rule(rule));
    let world = World::on(Arc::new(faulty));
    let token = world.sign_in("u1").await;
    let verified = world.tokens.verify(token.access()).await.unwrap();
    assert!(world.tokens.revoke(&verified).await.is_err());
    assert_eq!(
        world.refuses(token.access()).await,
        Some(DenyReason::Revoked)
    );
}

#[tokio::test]
async fn t5_a_warm_check_asks_the_database_nothing_if_nobody_else_writes() {
    for (counts, expected) in [(true, (0, 0)), (false, (1_000, 0))] {
        let shared = Shared::new(Arc::new(Memory::new()), counts);
        let world = World::on(Arc::<Shared>::clone(&shared));
        let (token, gone) = (world.sign_in("u1").await, world.sign_in("u2").await);
        let gone = world.tokens.verify(gone.access()).await.unwrap();
        world.tokens.revoke(&gone).await.unwrap();
        assert_eq!(world.refuses(token.access()).await, None);
        let (reads, queries) = shared.looks();
        for _ in 0..1_000 {
            assert_eq!(world.refuses(token.access()).await, None);
        }
        let (reads_after, queries_after) = shared.looks();
        assert_eq!(
            (reads_after - reads, queries_after - queries),
            expected,
            "counts: {counts}"
        );
    }
}

#[tokio::test]
async fn t5_a_file_of_ones_own_is_warm_and_a_closed_one_lets_nobody_in() {
    let folder = tempfile::tempdir().unwrap();
    for shared in [false, true] {
        let path = folder.path().join(format!("{shared}.db"));
        let options = SqliteOptions::default().with_shared(shared);
        let database = Sqlite::open_with(&path, options.clone()).await.unwrap();
        let world = World::on(Arc::new(database.clone()));
        let token = world.sign_in("u1").await;
        assert_eq!(world.refuses(token.access()).await, None);
        let count = database.write_count(&OrganizationId::default(), TOKEN_REVOCATIONS.name());
        assert_eq!(count.is_none(), shared);
        // A second service of this process, and if there may be one, a second process.
        let other = if shared {
            World::on(Arc::new(Sqlite::open_with(&path, options).await.unwrap()))
        } else {
            world.other()
        };
        let verified = other.tokens.verify(token.access()).await.unwrap();
        other.tokens.sign_out(&verified).await.unwrap();
        assert_eq!(
            world.refuses(token.access()).await,
            Some(DenyReason::Revoked)
        );
        let fresh = world.sign_in("u1").await;
        assert_eq!(world.refuses(fresh.access()).await, None);
        database.close().await;
        assert_eq!(
            world.refuses(fresh.access()).await,
            Some(DenyReason::Storage)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t5_no_check_that_begins_after_a_revocation_is_late() {
    for (name, backend) in backends() {
        let world = World::on(backend);
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..60 {
            let (node, other) = (world.clone(), world.other());
            tasks.spawn(async move {
                let token = node.sign_in(&format!("u{}", number % 7)).await;
                assert_eq!(other.refuses(token.access()).await, None);
                let verified = node.tokens.verify(token.access()).await.unwrap();
                match number % 2 {
                    0 => node.tokens.revoke(&verified).await.unwrap(),
                    _ => node.tokens.sign_out(&verified).await.unwrap(),
                }
                for node in [&node, &other] {
                    let denied = node.refuses(token.access()).await;
                    assert_eq!(denied, Some(DenyReason::Revoked));
                }
            });
        }
        let done = tasks.join_all().await;
        assert_eq!(done.len(), 60, "{name}");
    }
}

#[tokio::test]
async fn t5_what_has_run_out_is_forgotten_and_nothing_else() {
    let world = World::new();
    let studio = OrganizationId::default();
    let store = Store::new(Arc::clone(&world.backend), studio.clone());
    let count = async |name: &garland::storage::CollectionName| {
        let page = store.query(&Query::all(name.clone())).await.unwrap();
        page.records.len()
    };
    for _ in 0..20 {
        let token = world.sign_in("u1").await;
        let token = world.tokens.verify(token.access()).await.unwrap();
        world.tokens.revoke(&token).await.unwrap();
    }
    world
        .tokens
        .revoke_all_before(&studio, &user("u2"), None)
        .await
        .unwrap();
    assert_eq!(world.tokens.prune(&studio).await.unwrap(), 0);
    assert_eq!(count(TOKEN_REVOCATIONS.name()).await, 21);
    assert_eq!(count(TOKEN_SESSIONS.name()).await, 20);
    world.pass(2 * 3_600);
    let live = world.sign_in("u1").await;
    let live = world.tokens.verify(live.access()).await.unwrap();
    world.tokens.revoke(&live).await.unwrap();
    // Each revocation takes some with it; the cut stays as long as a session can.
    assert_eq!(count(TOKEN_REVOCATIONS.name()).await, 21 + 1 - 8);
    assert_eq!(world.tokens.prune(&studio).await.unwrap(), 12);
    let left: Vec<Revocation> = {
        let page = store
            .query(&Query::all(TOKEN_REVOCATIONS.name().clone()))
            .await
            .unwrap();
        page.records
            .iter()
            .map(|record| record.value.read().unwrap())
            .collect()
    };
    assert_eq!(left.len(), 2, "{left:?}");
    world.pass(31 * 86_400);
    assert_eq!(world.tokens.prune(&studio).await.unwrap(), 21 + 1);
    assert_eq!(count(TOKEN_SESSIONS.name()).await, 0);
    world.pass(400 * 86_400);
    assert_eq!(world.tokens.prune(&studio).await.unwrap(), 1);
    assert_eq!(policy().session_life, Duration::from_secs(30 * 86_400));
}

#[tokio::test]
async fn t5_an_older_copy_of_the_database_is_read_anew() {
    // The new database has seen less than the node remembers; what it says counts.
    let (first, second) = (Memory::new(), Memory::new());
    let swap = Between(Arc::new(Swap(Mutex::new(Arc::new(first)))));
    let world = World::on(Arc::new(swap.clone()));
    for _ in 0..3 {
        let token = world.sign_in("u1").await;
        let token = world.tokens.verify(token.access()).await.unwrap();
        world.tokens.revoke(&token).await.unwrap();
    }
    let restored = World::on(Arc::new(second.clone()));
    let token = restored.sign_in("u1").await;
    let verified = restored.tokens.verify(token.access()).await.unwrap();
    restored.tokens.revoke(&verified).await.unwrap();
    *swap.0.0.lock().unwrap() = Arc::new(second);
    assert_eq!(
        world.refuses(token.access()).await,
        Some(DenyReason::Revoked)
    );
}

/// A database that can be replaced under whoever uses it.
#[derive(Debug)]
struct Swap(Mutex<Arc<dyn StorageBackend>>);

impl Middleman for Swap {
    fn inner(&self) -> Arc<dyn StorageBackend> {
        Arc::clone(&self.0.lock().unwrap())
    }

    fn counts(&self, _: &OrganizationId, _: &CollectionName) -> Option<u64> {
        None
    }
}

#[tokio::test]
async fn t5_what_is_forgotten_for_want_of_room_is_read_again() {
    let world = World::new();
    let token = world.sign_in("u1").await;
    let verified = world.tokens.verify(token.access()).await.unwrap();
    world.tokens.revoke(&verified).await.unwrap();
    assert_eq!(
        world.refuses(token.access()).await,
        Some(DenyReason::Revoked)
    );
    // More organizations than are kept in memory.
    for number in 0..10_050 {
        let claims = serde_json::json!({
            "iss": "garland", "aud": "garland-api", "sub": "u1", "org": format!("o{number}"),
            "iat": START / 1_000, "exp": START / 1_000 + 600, "jti": "j1", "perms": [],
        });
        let header = r#"{"alg":"HS256","typ":"at+jwt","kid":"k1"}"#;
        let claims = claims.to_string();
        let other = jws_sign(ACCESS.as_bytes(), header, claims.as_bytes()).unwrap();
        assert_eq!(world.refuses(&other).await, None);
    }
    assert_eq!(
        world.refuses(token.access()).await,
        Some(DenyReason::Revoked)
    );
}
