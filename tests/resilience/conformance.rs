//! A layer changes nothing of what an account promises: the suite for connectors, through each of them
//! alone and through the stack.

use std::sync::Arc;

use garland::connector::{ChangeHint, PlatformConnector, RateLimit};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::resilience::pool::{PlatformPool, PoolOptions};
use garland::resilience::{
    Adaptive, Breaker, BreakerOptions, BudgetOptions, Bulkhead, BulkheadOptions, ConnectorLayer,
    Hedge, HedgeOptions, Pause, PauseOptions, Quota, QuotaOptions, Retry, RetryOptions, Timeout,
    TimeoutOptions,
};
use garland::testing::{Account, connector};

use super::tools::{World, ms, s};

/// The suite on an account in memory, as two processes of one host see it through a layer.
async fn through(layer: &dyn ConnectorLayer) {
    connector(async || {
        let platform = MemoryPlatform::new(MemoryOptions::default().with_page_size(7));
        let wrap = || layer.apply(Arc::new(platform.clone()) as Arc<dyn PlatformConnector>);
        let [expiring, ticking, telling] = [(); 3].map(|()| platform.clone());
        Account::shared(wrap(), wrap())
            .with_expire_cursors(move || expiring.expire_cursors())
            .with_clock(move |by| ticking.advance(by))
            .with_deliveries(move |subscription| {
                let hints = [ChangeHint::Files, ChangeHint::Contacts];
                let delivery = telling.deliver(&subscription.id, &hints).unwrap();
                (delivery, telling.advance(s(0)))
            })
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn retries_keep_every_promise() {
    let world = World::new(1);
    let (options, budget) = (RetryOptions::default(), BudgetOptions::default());
    through(&Retry::new(world.scope(), options, budget)).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_keeps_every_promise() {
    let pause = Pause::new(World::new(1).scope(), PauseOptions::default());
    pause.hold(s(20));
    through(&pause).await;
}

#[tokio::test(start_paused = true)]
async fn a_quota_keeps_every_promise() {
    let limits = [RateLimit::new(40, s(1)), RateLimit::new(2_000, s(60))];
    let options = QuotaOptions::default().with_patience(s(3600));
    through(&Quota::new(World::new(1).scope(), &limits, options)).await;
}

#[tokio::test(start_paused = true)]
async fn a_breaker_keeps_every_promise() {
    through(&Breaker::new(
        World::new(1).scope(),
        BreakerOptions::default(),
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_of_one_keeps_every_promise() {
    let options = BulkheadOptions::default().with_at_once(1);
    through(&Bulkhead::new(World::new(1).scope(), options)).await;
}

#[tokio::test(start_paused = true)]
async fn permits_keep_every_promise_even_if_there_is_only_one() {
    let world = World::new(1);
    let options = PoolOptions::default().with_max(1);
    let account = world.scope().account().clone();
    let pool = PlatformPool::new(account, options, Arc::new(world.clock));
    through(&Adaptive::new(world.scope(), pool)).await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_keeps_every_promise() {
    through(&Timeout::new(
        World::new(1).scope(),
        TimeoutOptions::default(),
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn hedges_keep_every_promise() {
    let options = HedgeOptions::default()
        .with_floor(ms(0))
        .with_least_answers(1);
    let budget = BudgetOptions::default().with_percent(100);
    through(&Hedge::new(World::new(1).scope(), options, budget)).await;
}

#[tokio::test(start_paused = true)]
async fn the_stack_keeps_every_promise() {
    let world = World::new(1);
    let stack = world.standard();
    let platform = MemoryPlatform::default();
    through(&stack.account("studio/clients", platform.platform())).await;
}
