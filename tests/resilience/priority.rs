//! What cannot wait goes before what has time, wherever the stack lets calls wait.

use std::sync::Arc;
use std::time::Duration;

use garland::connector::{AuthKind, Category, Platform, PlatformConnector, RateLimit};
use garland::resilience::pool::Priority;
use garland::resilience::{AccountLayers, BulkheadOptions, ConnectorLayer as _, ResilienceOptions};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::tools::{Answer, Script, World, ms, s, stat};

static LIMITED: Platform = Platform::new("limited", "Limited", Category::Cloud, AuthKind::OAuth2)
    .with_rate_limits(&[RateLimit::new(10, s(1))]);

/// How long a call of an emergency takes that comes when `crowd` others wait already.
async fn emergency(
    world: &World,
    layers: &AccountLayers,
    script: &Script,
    crowd: usize,
) -> Duration {
    let normal = layers.apply(script.connector());
    let urgent = layers.clone().with_priority(Priority::EMERGENCY);
    let urgent: Arc<dyn PlatformConnector> = urgent.apply(script.connector());
    let mut calls = JoinSet::new();
    for _ in 0..crowd {
        let normal = Arc::clone(&normal);
        calls.spawn(async move { stat(&normal).await.is_ok() });
    }
    sleep(ms(1)).await;
    let begun = world.now();
    stat(&urgent).await.unwrap();
    let took = world.now() - begun;
    let through = calls.join_all().await;
    assert!(
        through.iter().any(|through| *through),
        "the crowd came to nothing"
    );
    took
}

#[tokio::test(start_paused = true)]
async fn an_emergency_passes_a_crowd_that_waits_for_a_place() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Late(s(1)));
    let options = ResilienceOptions::default().with_hedge(None);
    let layers = world
        .with(options)
        .account("clients", script.connector().platform());
    let took = emergency(&world, &layers, &script, 200).await;
    assert!(took <= s(3), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_emergency_is_not_sent_away_because_of_a_crowd() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Late(s(1)));
    let bulkhead = BulkheadOptions::default().with_queue(20);
    let options = ResilienceOptions::default()
        .with_hedge(None)
        .with_retry(None)
        .with_bulkhead(bulkhead);
    let layers = world
        .with(options)
        .account("clients", script.connector().platform());
    let took = emergency(&world, &layers, &script, 200).await;
    assert!(took <= s(3), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_emergency_passes_a_crowd_that_waits_for_the_quota() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Good);
    let bulkhead = BulkheadOptions::default().with_at_once(1_000);
    for adaptive in [true, false] {
        let mut options = ResilienceOptions::default().with_bulkhead(bulkhead);
        if !adaptive {
            options = options.with_adaptive(None);
        }
        let layers = world.with(options).account("clients", &LIMITED);
        let took = emergency(&world, &layers, &script, 200).await;
        assert!(took <= s(3), "{took:?}");
        sleep(s(2)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_emergency_passes_a_crowd_that_waits_for_the_end_of_a_pause() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Good);
    let bulkhead = BulkheadOptions::default().with_at_once(1_000);
    let options = ResilienceOptions::default().with_bulkhead(bulkhead);
    let layers = world
        .with(options)
        .account("clients", script.connector().platform());
    layers.pause().unwrap().hold(s(10));
    let took = emergency(&world, &layers, &script, 200).await;
    assert!((s(9)..=s(11)).contains(&took), "{took:?}");
}
