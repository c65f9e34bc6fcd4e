//! A second asking helps a call, and nothing pays for it that need not.

use std::sync::Arc;

use garland::ErrorKind;
use garland::connector::{PlatformConnector, RateLimit};
use garland::resilience::pool::PoolOptions;
use garland::resilience::{
    AdaptiveOptions, BudgetOptions, ConnectorLayer as _, Hedge, HedgeOptions, Pause, PauseOptions,
    Quota, QuotaOptions, ResilienceOptions, RetryBudget,
};

use super::tools::{Answer, Script, World, ms, s, stat};

/// Answers 20 calls in 10 ms each, then the next two as told.
fn late(world: &World, first: Answer, second: Answer) -> Script {
    Script::new(world, move |_, number| match number {
        1..=20 => Answer::Late(ms(10)),
        21 => first.clone(),
        _ => second.clone(),
    })
}

fn hedge(world: &World) -> Hedge {
    let budget = BudgetOptions::default();
    Hedge::new(world.scope(), HedgeOptions::default(), budget)
}

async fn twenty(account: &Arc<dyn PlatformConnector>) {
    for _ in 0..20 {
        stat(account).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_definite_no_is_the_answer_at_once() {
    let no = || Answer::LateBad(ms(100), ErrorKind::NotFound);
    for (first, second, after) in [
        (no(), Answer::Late(s(9)), ms(100)),
        (Answer::Late(s(9)), no(), ms(120)),
    ] {
        let world = World::new(1);
        let script = late(&world, first, second);
        let account = hedge(&world).apply(script.connector());
        twenty(&account).await;
        let begun = world.now();
        let error = stat(&account).await.unwrap_err();
        assert_eq!(
            (error.kind(), world.now() - begun),
            (ErrorKind::NotFound, after)
        );
        assert_eq!(script.seen().len(), 22);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_pace_is_told_even_if_the_other_answers() {
    let limited = || Answer::LateLimited(ms(100), Some(s(60)));
    for (first, second) in [
        (limited(), Answer::Late(s(1))),
        (Answer::Late(s(1)), limited()),
    ] {
        let world = World::new(1);
        let script = late(&world, first, second);
        let pause = Pause::new(world.scope(), PauseOptions::default());
        let account = hedge(&world).with_pause(&pause).apply(script.connector());
        twenty(&account).await;
        stat(&account).await.unwrap();
        assert_eq!(script.seen().len(), 22);
        let left = pause.remaining().expect("nobody told it");
        assert!((s(58)..s(60)).contains(&left), "{left:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_asking_that_the_quota_forbids_costs_nothing() {
    let world = World::new(1);
    let script = late(&world, Answer::Late(ms(500)), Answer::Good);
    let quota = Quota::new(
        world.scope(),
        &[RateLimit::new(0, s(60))],
        QuotaOptions::default(),
    );
    let budget = RetryBudget::new(BudgetOptions::default().with_percent(0));
    let hedge = hedge(&world).with_budget(&budget).with_quota(&quota);
    let account = hedge.apply(script.connector());
    twenty(&account).await;
    stat(&account).await.unwrap();
    assert_eq!(script.seen().len(), 21);
    assert!(budget.spend(world.now()), "spent for nothing");
}

#[tokio::test(start_paused = true)]
async fn a_second_asking_needs_a_permit() {
    for (permits, asked) in [(1, 21), (2, 22)] {
        let world = World::new(1);
        let script = late(&world, Answer::Late(ms(500)), Answer::Late(ms(10)));
        let pool = PoolOptions::default().with_max(permits);
        let adaptive = AdaptiveOptions::default().with_pool(pool);
        let options = ResilienceOptions::default().with_adaptive(adaptive);
        let connector = script.connector();
        let layers = world.with(options).account("clients", connector.platform());
        let account = layers.apply(connector);
        twenty(&account).await;
        stat(&account).await.unwrap();
        assert_eq!(script.seen().len(), asked);
        assert_eq!(layers.pool().unwrap().stats().in_use, 0);
    }
}
