//! In no window are there more requests than the platform has published, whatever callers do.

use std::sync::Arc;

use garland::ErrorKind;
use garland::connector::{AuthKind, Category, Platform, RateLimit};
use garland::resilience::{
    BudgetOptions, ConnectorLayer as _, Hedge, HedgeOptions, Quota, QuotaOptions, Resilience,
    ResilienceEventKind, ResilienceEvents, ResilienceOptions, Retry, RetryOptions,
};
use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::tools::{Answer, Script, World, busiest, ms, s, stat};

static LIMITED: Platform = Platform::new("limited", "Limited", Category::Cloud, AuthKind::OAuth2)
    .with_rate_limits(&[
        RateLimit::new(10, s(1)),
        RateLimit::new(150, s(30)),
        RateLimit::new(5_000, s(86_400)),
    ]);

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Calls come in bursts, fail, are slow, are asked twice and are given up on.
    #[test]
    fn no_window_holds_more_than_published(
        seed in any::<u64>(),
        gaps in prop::collection::vec(prop_oneof![Just(0u64), 0u64..30, 0u64..3_000], 50..400),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let world = World::new(seed);
            let chance = world.chance.clone();
            let script = Script::new(&world, move |_, _| match chance.unit() {
                unit if unit < 0.1 => Answer::Bad(ErrorKind::Unavailable),
                unit if unit < 0.3 => Answer::Late(s(2).mul_f64(unit)),
                _ => Answer::Good,
            });
            let options = ResilienceOptions::default().with_breaker(None);
            let layers = world.with(options).account("clients", &LIMITED);
            let account = layers.apply(script.connector());
            let mut calls = JoinSet::new();
            for gap in gaps {
                sleep(ms(gap)).await;
                let account = Arc::clone(&account);
                let patience = s(4).mul_f64(world.chance.unit());
                calls.spawn(async move { tokio::time::timeout(patience, stat(&account)).await.is_ok() });
            }
            calls.join_all().await;
            let seen = script.seen();
            for limit in LIMITED.rate_limits {
                let most = busiest(&seen, limit.per);
                assert!(most <= limit.requests as usize, "{most} in {limit:?}");
            }
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_served_in_order_and_nearly_as_fast_as_published() {
    let world = World::new(1);
    let events = ResilienceEvents::new(16);
    let mut told = events.subscribe();
    let options = QuotaOptions::default()
        .with_slack(ms(0))
        .with_patience(s(120));
    let scope = world.scope().with_events(events);
    let quota = Quota::new(scope, &[RateLimit::new(10, s(1))], options);
    let script = Script::new(&world, |_, _| Answer::Good);
    let account = quota.apply(script.connector());
    let begun = world.now();
    let mut calls = JoinSet::new();
    for number in 0..600 {
        let (account, world) = (Arc::clone(&account), world.clone());
        calls.spawn(async move {
            stat(&account).await.unwrap();
            (world.now(), number)
        });
    }
    let mut served = calls.join_all().await;
    served.sort_unstable();
    assert!(
        served.is_sorted_by_key(|(_, number)| *number),
        "somebody was passed over"
    );
    let took = world.now() - begun;
    assert!((s(59)..s(60)).contains(&took), "{took:?}");
    assert!(matches!(
        told.try_next().unwrap().kind,
        ResilienceEventKind::QuotaReached { .. }
    ));
    assert_eq!(told.try_next(), None, "told once");
}

#[tokio::test(start_paused = true)]
async fn a_day_that_is_used_up_is_told_at_once() {
    let world = World::new(2);
    let limits = [RateLimit::new(5, s(1)), RateLimit::new(5, s(86_400))];
    let options = QuotaOptions::default().with_slack(ms(0));
    let quota = Quota::new(world.scope(), &limits, options);
    let script = Script::new(&world, |_, _| Answer::Good);
    let retry = Retry::new(
        world.scope(),
        RetryOptions::default(),
        BudgetOptions::default(),
    );
    let account = retry.apply(quota.apply(script.connector()));
    for _ in 0..5 {
        stat(&account).await.unwrap();
    }
    sleep(s(3600)).await;
    let begun = world.now();
    let error = stat(&account).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::RateLimited, "resilience.quota")
    );
    let left = error.retry_after().unwrap();
    assert!((s(82_799)..=s(82_801)).contains(&left), "{left:?}");
    assert_eq!(world.now(), begun, "neither waited nor tried again");
}

#[tokio::test(start_paused = true)]
async fn a_second_asking_counts_in_the_quota() {
    let world = World::new(3);
    let options = QuotaOptions::default().with_slack(ms(0));
    let quota = Quota::new(world.scope(), &[RateLimit::new(3, s(10))], options);
    let always = HedgeOptions::default().with_least_answers(1);
    let generous = BudgetOptions::default()
        .with_percent(100)
        .with_least_per_second(9);
    let hedge = Hedge::new(world.scope(), always, generous).with_quota(&quota);
    let script = Script::new(&world, |_, number| match number {
        1 => Answer::Good,
        _ => Answer::Late(s(1)),
    });
    let account = quota.apply(hedge.apply(script.connector()));
    stat(&account).await.unwrap();
    stat(&account).await.unwrap();
    assert_eq!(script.seen().len(), 3, "the second was asked twice");
    let begun = world.now();
    stat(&account).await.unwrap();
    assert!(world.now() - begun >= s(8), "the quota was used up by then");
}

#[tokio::test(start_paused = true)]
async fn a_platform_without_published_limits_is_not_held_back() {
    let world = World::new(4);
    let script = Script::new(&world, |_, _| Answer::Good);
    let stack: Resilience = world.standard();
    let account = stack.apply("clients", script.connector());
    let begun = world.now();
    for _ in 0..10_000 {
        stat(&account).await.unwrap();
    }
    assert_eq!(world.now(), begun);
}
