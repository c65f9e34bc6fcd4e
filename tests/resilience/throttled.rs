//! A platform that answers 429: with seconds, with a date, by a wrong clock, and without a word.

use std::sync::Arc;
use std::time::Duration;

use garland::connector::PlatformConnector;
use garland::resilience::{RateAdvice, ResilienceEventKind};
use garland::{Clock as _, ErrorKind, Result};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::tools::{Answer, Script, World, ms, s, stat};

/// Refuses the first request with `wait`, and asserts that the account is left alone exactly as long.
async fn is_left_alone_for(world: &World, wait: Duration) {
    let first = move |_, number| match number {
        1 => Answer::Limited(Some(wait)),
        _ => Answer::Good,
    };
    let script = Script::new(world, first);
    let account = world.standard().apply("clients", script.connector());
    let begun = world.now();
    let mut calls = JoinSet::new();
    for number in 0..40 {
        let account = Arc::clone(&account);
        calls.spawn(async move {
            // One is refused, the others come while the account is paused.
            sleep(ms(number * 10)).await;
            stat(&account).await
        });
    }
    let answers: Vec<Result<()>> = calls.join_all().await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let seen = script.seen();
    assert_eq!(seen.len(), 41);
    let again = seen[1].at - begun;
    assert!(
        (wait..=wait + ms(50)).contains(&again),
        "{again:?} for {wait:?}"
    );
    assert!(
        script.count(seen[1].at, seen[1].at + s(1)) <= 40,
        "a stampede"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_in_seconds_is_obeyed_by_the_whole_account() {
    let world = World::new(1);
    let advice = RateAdvice::from_headers([("retry-after", "7")], world.clock.now());
    is_left_alone_for(&world, advice.wait().unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn a_date_is_obeyed_whatever_our_clock_shows() {
    // Our clock shows 2026; the server lives in 1994, and says so.
    let headers = [
        ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("Retry-After", "Sun, 06 Nov 1994 08:49:49 GMT"),
    ];
    let world = World::new(2);
    let advice = RateAdvice::from_headers(headers, world.clock.now());
    assert_eq!(advice.wait(), Some(s(12)));
    is_left_alone_for(&world, s(12)).await;
}

#[tokio::test(start_paused = true)]
async fn a_date_without_a_date_is_counted_by_our_clock() {
    let world = World::new(3);
    // 2026-05-28T20:26:40Z is where the clock starts.
    let headers = [("Retry-After", "Thu, 28 May 2026 20:26:55 GMT")];
    let advice = RateAdvice::from_headers(headers, world.clock.now());
    assert_eq!(advice.wait(), Some(s(15)));
    is_left_alone_for(&world, s(15)).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_word_the_pauses_grow_and_the_platform_is_hardly_asked() {
    for seed in 0..5 {
        let world = World::new(seed);
        let until = world.now() + s(300);
        let script = Script::new(&world, move |now, _| match now < until {
            true => Answer::Limited(None),
            false => Answer::Good,
        });
        let account = world.standard().apply("clients", script.connector());
        let begun = world.now();
        let late = steadily(&world, &account, s(420), ms(100)).await;
        let asked = script.count(begun, until);
        assert!(asked <= 40, "{asked} requests in five minutes of refusals");
        let first = late.iter().find(|(_, answer)| answer.is_ok()).unwrap().0;
        let recovered = first.saturating_sub(until);
        assert!(recovered <= s(60), "{recovered:?} after the last refusal");
        let good = late.iter().filter(|(at, _)| *at > until + s(75));
        assert!(good.clone().count() > 300);
        assert!(
            good.clone().all(|(_, answer)| answer.is_ok()),
            "well again, and stays so"
        );
        // Hundreds have waited; they come by and by, twice as many every five seconds.
        let back = script
            .seen()
            .iter()
            .find(|seen| seen.at >= until)
            .unwrap()
            .at;
        for (from, most) in [(0, 30), (5, 60), (10, 120)] {
            let seconds = from..from + 5;
            let counts = seconds.map(|at| script.count(back + s(at), back + s(at + 1)));
            let counts: Vec<usize> = counts.collect();
            assert!(
                counts.iter().all(|count| *count <= most),
                "{counts:?} from {from} s"
            );
        }
    }
}

/// A call every `gap` for `length`; each answer with when its call was made.
async fn steadily(
    world: &World,
    account: &Arc<dyn PlatformConnector>,
    length: Duration,
    gap: Duration,
) -> Vec<(Duration, Result<()>)> {
    let end = world.now() + length;
    let mut calls = JoinSet::new();
    while world.now() < end {
        let (account, at) = (Arc::clone(account), world.now());
        calls.spawn(async move { (at, stat(&account).await) });
        sleep(gap).await;
    }
    let mut answers = calls.join_all().await;
    answers.sort_by_key(|(at, _)| *at);
    answers
}

#[tokio::test(start_paused = true)]
async fn a_crowd_that_waited_is_let_through_by_and_by() {
    let world = World::new(4);
    let script = Script::new(&world, |_, _| Answer::Good);
    let stack = world.standard();
    let connector = script.connector();
    let layers = stack.account("clients", connector.platform());
    let account = stack.apply("clients", connector);
    // Short enough for the last of the crowd: all its waits together are within 30 s.
    layers.pause().unwrap().hold(s(12));
    let begun = world.now();
    let mut calls = JoinSet::new();
    for _ in 0..500 {
        let account = Arc::clone(&account);
        calls.spawn(async move { stat(&account).await });
    }
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    let second = |at: u64| script.count(begun + s(at), begun + s(at + 1));
    assert_eq!(script.count(begun, begun + s(12)), 0);
    assert!(
        (10..=40).contains(&second(12)),
        "{} in the first second",
        second(12)
    );
    assert!(second(18) > second(12), "more and more");
    assert_eq!(script.seen().len(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_too_long_is_told_and_not_waited_for() {
    let world = World::new(5);
    let script = Script::new(&world, |_, _| Answer::Limited(Some(s(3600))));
    let stack = world.standard();
    let mut events = stack.events();
    let account = stack.apply("clients", script.connector());
    for waited in [0, 10] {
        sleep(s(waited)).await;
        let begun = world.now();
        let error = stat(&account).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.retry_after(), Some(s(3600 - waited)));
        assert_eq!(world.now(), begun);
    }
    assert_eq!(script.seen().len(), 1);
    let told = events.try_next().unwrap();
    let wait = s(3600);
    assert_eq!(told.kind, ResilienceEventKind::Paused { wait, asked: true });
    assert_eq!(told.account.to_string(), "memory:clients");
}
