//! Refresh tokens: one use, one winner, and an end.

use std::sync::Arc;
use std::time::Duration;

use garland::ErrorKind;
use garland::OrganizationId;
use garland::backends::{Memory, Sqlite, SqliteOptions};
use garland::crypto::tokens::{DenyReason, Issued};
use garland::storage::StorageBackend;
use garland::testing::{FaultKind, FaultRule, Faults, FaultyStorage, Operation};
use tokio::task::JoinSet;

use crate::world::{Shared, World, policy, reason, user};

#[tokio::test]
async fn t6_a_refresh_token_is_good_once() {
    let world = World::new();
    let mut issued = world.sign_in("u1").await;
    for _ in 0..5 {
        world.pass(60);
        let next = world.tokens.refresh(issued.refresh(), "web").await.unwrap();
        assert_ne!(next.refresh(), issued.refresh());
        assert_ne!(next.access(), issued.access());
        assert_eq!(next.session(), issued.session());
        assert_eq!(world.refuses(next.access()).await, None);
        issued = next;
    }
    assert_eq!(world.events().await, ["token.session_started"]);
}

#[tokio::test]
async fn t6_the_second_use_of_a_token_ends_the_session() {
    let world = World::new();
    let first = world.sign_in("u1").await;
    let other = world.sign_in("u1").await;
    world.pass(60);
    let second = world.tokens.refresh(first.refresh(), "web").await.unwrap();
    let third = world.tokens.refresh(second.refresh(), "web").await.unwrap();
    // Whoever shows it, from whatever client.
    let denied = reason(world.tokens.refresh(first.refresh(), "phone").await);
    assert_eq!(denied, DenyReason::Reused);
    for issued in [&first, &second, &third] {
        assert_eq!(
            world.refuses(issued.access()).await,
            Some(DenyReason::Revoked)
        );
        let denied = reason(world.tokens.refresh(issued.refresh(), "web").await);
        assert_eq!(denied, DenyReason::Revoked);
    }
    assert_eq!(world.refuses(other.access()).await, None);
    assert!(world.tokens.refresh(other.refresh(), "web").await.is_ok());
    let events = world.events().await;
    assert_eq!(events[2..], ["token.reused"]);
}

#[tokio::test]
async fn t6_a_token_that_was_made_up_ends_nothing() {
    let world = World::new();
    let issued = world.sign_in("u1").await;
    let good = issued.refresh();
    for at in 0..good.len() {
        let mut bytes = good.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        let denied = reason(world.tokens.refresh(&changed, "web").await);
        assert!(
            matches!(denied, DenyReason::Malformed | DenyReason::Signature),
            "byte {at}: {denied}"
        );
        assert!(world.tokens.refresh(&good[..at], "web").await.is_err());
    }
    // An access token is no refresh token, nor the other way round.
    assert_eq!(
        reason(world.tokens.refresh(issued.access(), "web").await),
        DenyReason::Malformed
    );
    assert!(world.refuses(good).await.is_some());
    assert!(world.tokens.refresh(good, "web").await.is_ok());
}

#[tokio::test]
async fn t6_a_token_belongs_to_its_client() {
    let world = World::new();
    let issued = world.sign_in("u1").await;
    let denied = reason(world.tokens.refresh(issued.refresh(), "phone").await);
    assert_eq!(denied, DenyReason::Binding);
    assert!(world.tokens.refresh(issued.refresh(), "web").await.is_ok());
}

#[tokio::test]
async fn t6_a_session_ends_when_it_rests_and_in_any_case() {
    let day = Duration::from_secs(86_400);
    let policy = || policy().with_idle_life(day).with_session_life(day * 3);
    let world = World::with(policy());
    let resting = world.sign_in("u1").await;
    assert_eq!(
        resting.session_ends().as_millis(),
        crate::world::START + 86_400_000
    );
    world.pass(86_400);
    let denied = reason(world.tokens.refresh(resting.refresh(), "web").await);
    assert_eq!(denied, DenyReason::Expired);
    let world = World::with(policy());
    let mut busy = world.sign_in("u1").await;
    for _ in 0..5 {
        world.pass(86_399 / 2);
        busy = world.tokens.refresh(busy.refresh(), "web").await.unwrap();
    }
    world.pass(86_399 / 2);
    let last = world.tokens.refresh(busy.refresh(), "web").await.unwrap();
    // The last access token ends with the session.
    assert_eq!(
        last.expires().as_millis(),
        crate::world::START + 3 * 86_400_000
    );
    world.pass(86_400 / 2);
    let denied = reason(world.tokens.refresh(last.refresh(), "web").await);
    assert_eq!(denied, DenyReason::Expired);
    assert_eq!(
        world.refuses(last.access()).await,
        Some(DenyReason::Expired)
    );
}

#[tokio::test]
async fn t6_signing_out_ends_the_session_on_every_node() {
    let world = World::new();
    let node = world.other();
    let issued = world.sign_in("u1").await;
    let next = world.tokens.refresh(issued.refresh(), "web").await.unwrap();
    assert_eq!(node.refuses(issued.access()).await, None);
    // By a refresh token that is spent, as the client may have no other.
    world
        .tokens
        .sign_out_refresh(issued.refresh())
        .await
        .unwrap();
    for token in [issued.access(), next.access()] {
        assert_eq!(node.refuses(token).await, Some(DenyReason::Revoked));
    }
    assert_eq!(
        reason(node.tokens.refresh(next.refresh(), "web").await),
        DenyReason::Revoked
    );
    // Again is no error, and no news.
    world
        .tokens
        .sign_out_refresh(issued.refresh())
        .await
        .unwrap();
    let studio = OrganizationId::default();
    world
        .tokens
        .end_session(&studio, issued.session())
        .await
        .unwrap();
    let events = world.events().await;
    assert_eq!(events, ["token.session_started", "token.session_ended"]);
}

/// Refreshes one token `times` at once, from several services; the winners.
async fn race(nodes: &[World], token: &Issued, times: usize) -> Vec<Issued> {
    let mut tasks = JoinSet::new();
    for number in 0..times {
        let (node, token) = (
            nodes[number % nodes.len()].clone(),
            token.refresh().to_owned(),
        );
        tasks.spawn(async move { node.tokens.refresh(&token, "web").await });
    }
    let (winners, losers): (Vec<_>, Vec<_>) =
        tasks.join_all().await.into_iter().partition(Result::is_ok);
    for loser in losers {
        let denied = reason(loser);
        assert!(
            matches!(denied, DenyReason::Reused | DenyReason::Revoked),
            "{denied}"
        );
    }
    winners.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t7_one_of_a_hundred_concurrent_refreshes_wins() {
    let backends: [Arc<dyn StorageBackend>; 2] = [
        Arc::new(Memory::new()),
        Shared::new(Arc::new(Memory::new()), false),
    ];
    for backend in backends {
        let world = World::on(backend);
        let nodes = [world.clone(), world.other(), world.other()];
        let issued = world.sign_in("u1").await;
        let winners = race(&nodes, &issued, 100).await;
        assert_eq!(winners.len(), 1);
        // A token that was used twice may be stolen, so that nobody keeps the session.
        assert_eq!(
            nodes[2].refuses(winners[0].access()).await,
            Some(DenyReason::Revoked)
        );
        let reused = world.events().await;
        let reused = reused.iter().filter(|kind| *kind == "token.reused");
        assert_eq!(reused.count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t7_one_of_two_processes_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared.db");
    let options = SqliteOptions::default().with_shared(true);
    let open = || Sqlite::open_with(&path, options.clone());
    let world = World::on(Arc::new(open().await.unwrap()));
    let other = World::on(Arc::new(open().await.unwrap()));
    for _ in 0..10 {
        let issued = world.sign_in("u1").await;
        let winners = race(&[world.clone(), other.clone()], &issued, 4).await;
        assert_eq!(winners.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t7_with_a_leeway_the_winner_keeps_the_session() {
    let world = World::with(policy().with_reuse_leeway(Duration::from_secs(10)));
    let issued = world.sign_in("u1").await;
    let winners = race(std::slice::from_ref(&world), &issued, 100).await;
    assert_eq!(winners.len(), 1);
    assert_eq!(world.refuses(winners[0].access()).await, None);
    let next = world
        .tokens
        .refresh(winners[0].refresh(), "web")
        .await
        .unwrap();
    // Only the last token that was spent, and only for as long.
    assert_eq!(
        reason(world.tokens.refresh(winners[0].refresh(), "web").await),
        DenyReason::Reused
    );
    assert_eq!(world.refuses(next.access()).await, None);
    world.pass(10);
    assert_eq!(
        reason(world.tokens.refresh(winners[0].refresh(), "web").await),
        DenyReason::Reused
    );
    assert_eq!(
        world.refuses(next.access()).await,
        Some(DenyReason::Revoked)
    );
}

#[tokio::test]
async fn t7_a_refresh_that_meets_a_revocation_gives_nothing_that_lasts() {
    for _ in 0..20 {
        let world = World::on(Shared::new(Arc::new(Memory::new()), false));
        let other = world.other();
        let studio = OrganizationId::default();
        let issued = world.sign_in("u1").await;
        world.pass(1);
        let actor = user("u1");
        let (refreshed, cut) = tokio::join!(
            world.tokens.refresh(issued.refresh(), "web"),
            other.tokens.revoke_all_before(&studio, &actor, None),
        );
        cut.unwrap();
        if let Ok(refreshed) = refreshed {
            assert_eq!(
                world.refuses(refreshed.access()).await,
                Some(DenyReason::Revoked)
            );
            let denied = reason(world.tokens.refresh(refreshed.refresh(), "web").await);
            assert_eq!(denied, DenyReason::Revoked);
        }
    }
}

#[tokio::test]
async fn t6_a_client_that_never_heard_the_answer_signs_in_again() {
    let lost = FaultKind::LostAnswer(ErrorKind::Timeout);
    let rule = FaultRule::new(Operation::Commit, lost).nth(2);
    let faulty = FaultyStorage::new(Arc::new(Memory::new()), Faults::none().with_rule(rule));
    let world = World::on(Arc::new(faulty));
    let issued = world.sign_in("u1").await;
    let denied = reason(world.tokens.refresh(issued.refresh(), "web").await);
    assert_eq!(denied, DenyReason::Storage);
    // The token is spent: whether by this client or by a thief, nobody can tell.
    let denied = reason(world.tokens.refresh(issued.refresh(), "web").await);
    assert_eq!(denied, DenyReason::Reused);
    assert_eq!(
        world.refuses(issued.access()).await,
        Some(DenyReason::Revoked)
    );
}
