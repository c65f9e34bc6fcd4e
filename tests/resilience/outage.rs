//! A platform that fails for ten minutes, and comes back.

use std::sync::Arc;
use std::time::Duration;

use garland::connector::PlatformConnector;
use garland::resilience::{
    BudgetOptions, CallKind, ConnectorLayer as _, ResilienceEventKind, Retry, RetryOptions,
};
use garland::{ErrorKind, Result};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::tools::{Answer, Script, World, ms, s, stat};

const RATE: u64 = 20;

/// What came of the calls of a day: when each was made, and its answer.
type Day = Vec<(Duration, Result<()>)>;

/// Well for two minutes, ten minutes of failures from `BROKEN` to `MENDED`, well for two minutes.
const BROKEN: Duration = s(120);
const MENDED: Duration = s(720);
const END: Duration = s(840);

fn platform(world: &World) -> Script {
    let begun = world.now();
    Script::new(world, move |now, _| match now - begun {
        at if (BROKEN..MENDED).contains(&at) => Answer::Bad(ErrorKind::Unavailable),
        _ => Answer::Good,
    })
}

async fn day(world: &World, account: &Arc<dyn PlatformConnector>) -> Day {
    let mut calls = JoinSet::new();
    let begun = world.now();
    while world.now() - begun < END {
        let (account, at) = (Arc::clone(account), world.now() - begun);
        calls.spawn(async move { (at, stat(&account).await) });
        sleep(s(1) / u32::try_from(RATE).unwrap()).await;
    }
    let mut day = calls.join_all().await;
    day.sort_by_key(|(at, _)| *at);
    day
}

#[tokio::test(start_paused = true)]
async fn retries_alone_add_a_fifth_at_most() {
    for seed in 0..3 {
        let world = World::new(seed);
        let script = platform(&world);
        let retry = Retry::new(
            world.scope(),
            RetryOptions::default(),
            BudgetOptions::default(),
        );
        let begun = world.now();
        let day = day(&world, &retry.apply(script.connector())).await;
        let asked = day
            .iter()
            .filter(|(at, _)| (BROKEN..MENDED).contains(at))
            .count();
        // Spent within the outage may also be what ten seconds before it have saved.
        let made = script.count(begun + BROKEN, begun + MENDED);
        let saved = usize::try_from(RATE).unwrap() * 10 / 5;
        println!("alone: {made} requests in the outage for {asked} calls");
        assert!(made > asked, "nothing was tried again");
        assert!(made <= asked * 6 / 5 + saved, "{made} for {asked}");
        let whole = script.seen().len();
        assert!(whole <= day.len() * 6 / 5 + 1, "{whole} for {}", day.len());
    }
}

#[tokio::test(start_paused = true)]
async fn the_stack_spares_the_platform_and_is_back_within_30_seconds() {
    for seed in 0..3 {
        let world = World::new(seed);
        let script = platform(&world);
        let stack = world.standard();
        let mut events = stack.events();
        let begun = world.now();
        let day = day(&world, &stack.apply("clients", script.connector())).await;

        let asked = day
            .iter()
            .filter(|(at, _)| (BROKEN..MENDED).contains(at))
            .count();
        let made = script.count(begun + BROKEN, begun + MENDED);
        assert!(
            made * 20 <= asked,
            "{made} requests in the outage for {asked} calls"
        );

        let first = day
            .iter()
            .find(|(at, answer)| *at >= MENDED && answer.is_ok());
        let first = first.unwrap().0 - MENDED;
        println!("stack: {made} requests in the outage for {asked} calls, back after {first:?}");
        assert!(first <= s(30), "back after {first:?}");
        let after = day.iter().filter(|(at, _)| *at >= MENDED + s(30));
        assert!(after.clone().count() > 1_700);
        assert!(
            after.clone().all(|(_, answer)| answer.is_ok()),
            "back, and stays so"
        );

        // What ten quiet seconds have saved may be spent at once when the outage begins; when it ends,
        // there is nothing saved and nobody waits.
        let most = |from: Duration, to: Duration| {
            let seconds = from.as_secs()..to.as_secs();
            let counts = seconds.map(|at| script.count(begun + s(at), begun + s(at + 1)));
            counts.max().unwrap()
        };
        let rate = usize::try_from(RATE).unwrap();
        assert!(
            most(s(0), END) <= 3 * rate,
            "{} in a second",
            most(s(0), END)
        );
        let back = most(MENDED, END);
        assert!(back <= 3 * rate / 2, "a stampede: {back} in a second");

        let mut turns = Vec::new();
        while let Some(event) = events.try_next() {
            match event.kind {
                ResilienceEventKind::BreakerOpened { kind, wait } => {
                    assert_eq!(kind, CallKind::Read);
                    assert!(wait >= s(4) && wait <= s(24), "{wait:?}");
                    turns.push("opened");
                }
                ResilienceEventKind::BreakerProbing { .. } => turns.push("probing"),
                ResilienceEventKind::BreakerClosed { .. } => turns.push("closed"),
                _ => {}
            }
        }
        assert_eq!(turns.first(), Some(&"opened"));
        assert_eq!(turns.last_chunk(), Some(&["opened", "probing", "closed"]));
        assert_eq!(events.missed(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn callers_that_come_back_when_they_are_told_to_are_no_stampede() {
    let world = World::new(9);
    let script = platform(&world);
    let account = world.standard().apply("clients", script.connector());
    let begun = world.now();
    sleep(BROKEN).await;
    // As transfers do: each goes on until it is through, after whatever wait it is told.
    let mut callers = JoinSet::new();
    for _ in 0..300 {
        let (account, world) = (Arc::clone(&account), world.clone());
        callers.spawn(async move {
            while let Err(error) = stat(&account).await {
                let jitter = ms(500).mul_f64(world.chance.unit());
                sleep(error.retry_after().unwrap_or(s(1)) + jitter).await;
            }
        });
    }
    callers.join_all().await;
    let through = world.now() - begun - MENDED;
    assert!(through <= s(60), "all through after {through:?}");
    // The crowd itself comes at once in the beginning; from then on the breaker stands before it.
    let seconds = BROKEN.as_secs() + 1..MENDED.as_secs();
    let most = seconds
        .map(|at| script.count(begun + s(at), begun + s(at + 1)))
        .max();
    assert!(most.unwrap() <= 10, "{most:?} in a second of the outage");
}
