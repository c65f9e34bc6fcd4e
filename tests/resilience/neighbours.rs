//! What befalls one account does not befall another.

use std::sync::Arc;

use garland::resilience::{BreakerState, CallKind, ResilienceOptions};
use garland::{ErrorKind, Result};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::tools::{Answer, Script, World, ms, s, stat};

#[tokio::test(start_paused = true)]
async fn one_account_is_throttled_and_another_of_the_platform_goes_on() {
    let world = World::new(1);
    let stack = world.standard();
    let throttled = Script::new(&world, |_, _| Answer::Limited(Some(s(25))));
    let well = Script::new(&world, |_, _| Answer::Good);
    let slow = stack.apply("studio-1/clients", throttled.connector());
    let quick = stack.apply("studio-2/clients", well.connector());
    let mut waiting = JoinSet::new();
    for _ in 0..100 {
        let slow = Arc::clone(&slow);
        waiting.spawn(async move { stat(&slow).await });
    }
    for _ in 0..200 {
        let begun = world.now();
        stat(&quick).await.unwrap();
        assert_eq!(world.now(), begun, "it waited for a stranger");
        sleep(ms(100)).await;
    }
    assert_eq!(well.seen().len(), 200);
    // The first 16 ran together before the first refusal came.
    assert!(
        throttled.seen().len() <= 16,
        "{} requests",
        throttled.seen().len()
    );
}

#[tokio::test(start_paused = true)]
async fn one_kind_of_call_fails_and_the_others_go_on() {
    let world = World::new(2);
    // No second tries, so that each failure is one call.
    let stack = world.with(ResilienceOptions::default().with_retry(None));
    let bad = Script::new(&world, |_, _| Answer::Bad(ErrorKind::Timeout));
    let connector = bad.connector();
    let layers = stack.account("clients", connector.platform());
    let failing = stack.apply("clients", connector);
    for _ in 0..10 {
        stat(&failing).await.unwrap_err();
    }
    let breaker = layers.breaker().unwrap();
    assert_eq!(breaker.state(CallKind::Read), BreakerState::Open);
    assert_eq!(breaker.state(CallKind::Check), BreakerState::Closed);
    // What the breakers know, they know of the account, not of one connector to it.
    let good = Script::new(&world, |_, _| Answer::Good);
    let second = stack.apply("clients", good.connector());
    let refused = stat(&second).await.unwrap_err();
    assert_eq!(refused.operation(), "resilience.breaker");
    assert!(refused.is_retryable() && refused.retry_after().unwrap() >= s(4));
    assert_eq!(good.seen().len(), 0);
    second.check().await.unwrap();
    stat(&stack.apply("other", good.connector())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_connectors_of_one_account_share_its_pause() {
    let world = World::new(3);
    let stack = world.standard();
    let limited = Script::new(&world, |_, number| match number {
        1 => Answer::Limited(Some(s(9))),
        _ => Answer::Good,
    });
    let [first, second] = [(); 2].map(|()| stack.apply("clients", limited.connector()));
    let other = stack.apply("other", limited.connector());
    let begun = world.now();
    let (a, b, c): (Result<()>, Result<()>, Result<()>) = tokio::join!(
        stat(&first),
        async {
            sleep(ms(1)).await;
            stat(&second).await
        },
        async {
            sleep(ms(2)).await;
            let answer = stat(&other).await;
            assert_eq!(world.now() - begun, ms(2));
            answer
        },
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let seen = limited.seen();
    assert_eq!(seen[1].at - begun, ms(2));
    assert!(
        seen[2..].iter().all(|seen| seen.at - begun >= s(9)),
        "{seen:?}"
    );
}
