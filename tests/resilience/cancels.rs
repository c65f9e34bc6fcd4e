//! Whoever gives up while he waits takes nothing along: no place, no turn, no trial.

use std::sync::Arc;
use std::time::Duration;

use garland::connector::{PlatformConnector, RateLimit};
use garland::resilience::{
    Breaker, BreakerOptions, BreakerState, BudgetOptions, Bulkhead, BulkheadOptions, CallKind,
    ConnectorLayer as _, Hedge, HedgeOptions, Pause, PauseOptions, Quota, QuotaOptions, Retry,
    RetryOptions,
};
use garland::{Error, ErrorKind};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::tools::{Answer, Script, World, busiest, ms, s, stat};

/// Makes calls in bursts, each given up on after a random while within `within`; returns how many were.
async fn give_up(
    world: &World,
    account: &Arc<dyn PlatformConnector>,
    calls: u32,
    within: Duration,
) -> usize {
    let mut crowd = JoinSet::new();
    for number in 0..calls {
        let account = Arc::clone(account);
        let patience = within.mul_f64(world.chance.unit());
        crowd.spawn(async move { timeout(patience, stat(&account)).await.is_ok() });
        if number % 16 == 0 {
            sleep(ms(1)).await;
        }
    }
    let through = crowd.join_all().await;
    through.iter().filter(|through| !**through).count()
}

#[tokio::test(start_paused = true)]
async fn places_of_a_bulkhead() {
    for seed in 0..4 {
        let world = World::new(seed);
        let script = Script::new(&world, |_, _| Answer::Late(ms(20)));
        let options = BulkheadOptions::default()
            .with_at_once(7)
            .with_queue(200_000);
        let bulkhead = Bulkhead::new(world.scope(), options);
        let account = bulkhead.apply(script.connector());
        assert!(give_up(&world, &account, 25_000, ms(400)).await > 1_000);
        assert!(script.dropped() > 0, "none was dropped while it ran");
        assert_eq!(bulkhead.free(CallKind::Read), 7);
        // The queue is empty too: as many as it holds may wait.
        let tight = BulkheadOptions::default().with_at_once(1).with_queue(1);
        let bulkhead = Bulkhead::new(world.scope(), tight);
        let account = bulkhead.apply(script.connector());
        for _ in 0..100 {
            let (first, second) = (stat(&account), timeout(ms(5), stat(&account)));
            let (first, second) = tokio::join!(first, second);
            assert!(first.is_ok() && second.is_err());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn turns_of_a_quota() {
    for seed in 0..4 {
        let world = World::new(seed);
        let script = Script::new(&world, |_, _| Answer::Good);
        let options = QuotaOptions::default()
            .with_slack(ms(0))
            .with_queue(200_000);
        let limit = RateLimit::new(20, s(1));
        let quota = Quota::new(world.scope(), &[limit], options);
        let account = quota.apply(script.connector());
        assert!(give_up(&world, &account, 20_000, s(20)).await > 1_000);
        let seen = script.seen();
        assert!(busiest(&seen, limit.per) <= 20);
        // While anybody waited, nothing of the quota was lost to those who gave up.
        let waited = seen.last().unwrap().at - seen.first().unwrap().at;
        let least = usize::try_from(waited.as_secs()).unwrap() * 20;
        assert!(seen.len() >= least, "{} in {waited:?}", seen.len());
        sleep(s(2)).await;
        for _ in 0..20 {
            let begun = world.now();
            stat(&account).await.unwrap();
            assert_eq!(world.now(), begun);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn places_in_a_pause() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Good);
    let options = PauseOptions::default().with_queue(50_000);
    let pause = Pause::new(world.scope(), options);
    let account = pause.apply(script.connector());
    pause.hold(s(10));
    let begun = world.now();
    // All give up before the end, so none of them is let through before the one who stays.
    assert_eq!(give_up(&world, &account, 10_000, s(9)).await, 10_000);
    assert_eq!(script.seen().len(), 0);
    stat(&account).await.unwrap();
    assert_eq!(world.now() - begun, s(10));
    // One queue place is enough for all who come one after the other.
    let pause = Pause::new(world.scope(), PauseOptions::default().with_queue(1));
    let account = pause.apply(script.connector());
    pause.hold(s(20));
    for _ in 0..100 {
        assert!(timeout(ms(10), stat(&account)).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn the_trial_of_a_breaker() {
    let world = World::new(1);
    let begun = world.now();
    let script = Script::new(&world, move |now, _| match now - begun {
        at if at < s(1) => Answer::Bad(ErrorKind::Unavailable),
        at if at < s(20) => Answer::Never,
        _ => Answer::Good,
    });
    let breaker = Breaker::new(world.scope(), BreakerOptions::default());
    let account = breaker.apply(script.connector());
    for _ in 0..10 {
        stat(&account).await.unwrap_err();
    }
    sleep(s(7)).await;
    for _ in 0..50 {
        // More than the trial takes at once, all of them given up on.
        let three = timeout(ms(50), async {
            tokio::join!(stat(&account), stat(&account), stat(&account))
        });
        assert!(three.await.is_err());
        assert_eq!(breaker.state(CallKind::Read), BreakerState::HalfOpen);
    }
    sleep(s(15)).await;
    for _ in 0..3 {
        stat(&account).await.unwrap();
    }
    assert_eq!(breaker.state(CallKind::Read), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_wait_before_another_try() {
    let world = World::new(1);
    let script = Script::new(&world, |_, number| match number % 2 {
        1 => Answer::Limited(Some(s(5))),
        _ => Answer::Good,
    });
    // Enough for one more try at a time.
    let budget = BudgetOptions::default()
        .with_percent(0)
        .with_least_per_second(1);
    let retry = Retry::new(world.scope(), RetryOptions::default(), budget);
    let account = retry.apply(script.connector());
    for _ in 0..10 {
        assert!(timeout(ms(1), stat(&account)).await.is_err());
        assert!(
            retry.budget().spend(world.now()),
            "what was not used is there again"
        );
        retry.budget().give_back();
        script.forget();
    }
    for number in 0..10 {
        let given_up = timeout(s(1), stat(&account)).await;
        assert!(given_up.is_err());
        assert_eq!(
            script.seen().len(),
            2 * number + 1,
            "nobody tries on for him"
        );
        sleep(s(60)).await;
        stat(&account).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn both_tries_of_a_hedge() {
    let world = World::new(1);
    let script = Script::new(&world, |_, number| match number {
        1..=20 => Answer::Late(ms(5)),
        _ => Answer::Never,
    });
    let hedge = Hedge::new(
        world.scope(),
        HedgeOptions::default(),
        BudgetOptions::default(),
    );
    let account = hedge.apply(script.connector());
    for _ in 0..20 {
        stat(&account).await.unwrap();
    }
    assert!(timeout(s(1), stat(&account)).await.is_err());
    assert_eq!((script.seen().len(), script.dropped()), (22, 2));
}

/// A connector that is dropped in any wait of the whole stack leaves it as good as new.
#[tokio::test(start_paused = true)]
async fn every_wait_of_the_stack() {
    for seed in 0..4 {
        let world = World::new(seed);
        let (begun, chance) = (world.now(), world.chance.clone());
        let script = Script::new(&world, move |now, _| match chance.unit() {
            _ if now - begun > s(200) => Answer::Good,
            unit if unit < 0.02 => Answer::Limited(None),
            unit if unit < 0.3 => Answer::Bad(ErrorKind::Unavailable),
            unit if unit < 0.4 => Answer::Never,
            unit => Answer::Late(s(1).mul_f64(unit)),
        });
        let connector = script.connector();
        let stack = world.standard();
        let layers = stack.account("clients", connector.platform());
        let account = layers.apply(connector);
        let mut given_up = 0;
        for _ in 0..20 {
            given_up += give_up(&world, &account, 500, s(5)).await;
        }
        assert!(given_up > 100, "{given_up}");
        sleep(s(300)).await;
        for _ in 0..20 {
            stat(&account)
                .await
                .unwrap_or_else(|error: Error| panic!("{error:?}"));
        }
        let bulkhead = layers.bulkhead().unwrap();
        assert_eq!(bulkhead.free(CallKind::Read), 16);
        let breaker = layers.breaker().unwrap();
        assert_eq!(breaker.state(CallKind::Read), BreakerState::Closed);
        let pool = layers.pool().unwrap().stats();
        assert_eq!((pool.in_use, pool.waiting), (0, 0));
        assert_eq!(layers.pause().unwrap().remaining(), None);
    }
}
