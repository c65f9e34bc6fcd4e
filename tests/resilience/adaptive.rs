//! Permits around calls: as many at once as the platform bears.

use std::sync::Arc;

use garland::connector::{MediaSource, PlatformConnector, Post, PostMedia, RateLimit};
use garland::resilience::pool::{PlatformPool, PoolOptions, Priority};
use garland::resilience::{Adaptive, ConnectorLayer as _, Quota, QuotaOptions};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::tools::{Answer, Script, World, ms, path, s, stat};

fn adaptive(world: &World, permits: usize) -> Adaptive {
    let options = PoolOptions::default().with_max(permits);
    let account = world.scope().account().clone();
    let pool = PlatformPool::new(account, options, Arc::new(world.clock));
    Adaptive::new(world.scope(), pool)
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_once_than_there_are_permits_and_the_urgent_go_first() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Late(s(1)));
    let layer = adaptive(&world, 2);
    let connector = script.connector();
    let archive = layer.clone().with_priority(Priority::BACKGROUND);
    let archive = archive.apply(Arc::clone(&connector));
    let wedding = layer.clone().with_priority(Priority::WEDDING_DAY);
    let wedding = wedding.apply(connector);
    let begun = world.now();
    let mut calls = JoinSet::new();
    let mut call = |name: &'static str, account: &Arc<dyn PlatformConnector>| {
        let (account, world) = (Arc::clone(account), world.clone());
        calls.spawn(async move {
            stat(&account).await.unwrap();
            ((world.now() - begun).as_secs(), name)
        });
    };
    for _ in 0..4 {
        call("archive", &archive);
    }
    sleep(ms(1)).await;
    for _ in 0..2 {
        call("wedding", &wedding);
    }
    let mut ended = calls.join_all().await;
    ended.sort_unstable();
    let expected = [
        (1, "archive"),
        (1, "archive"),
        (2, "wedding"),
        (2, "wedding"),
        (3, "archive"),
        (3, "archive"),
    ];
    assert_eq!(ended, expected);
}

#[tokio::test(start_paused = true)]
async fn refusals_bring_the_number_down_and_answers_bring_it_up() {
    let world = World::new(1);
    let until = world.now() + s(20);
    let script = Script::new(&world, move |now, _| match now < until {
        true => Answer::Limited(None),
        false => Answer::Late(ms(100)),
    });
    let layer = adaptive(&world, 16);
    let account = layer.apply(script.connector());
    for _ in 0..20 {
        stat(&account).await.unwrap_err();
        sleep(s(1)).await;
    }
    let low = layer.pool().stats().limit;
    assert!(low <= 2, "{low}");
    let mut calls = JoinSet::new();
    for _ in 0..2_000 {
        let account = Arc::clone(&account);
        calls.spawn(async move { stat(&account).await });
    }
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    assert_eq!(layer.pool().stats().limit, 16);
}

#[tokio::test(start_paused = true)]
async fn a_post_takes_no_permit_for_it_may_read_from_its_own_account() {
    let world = World::new(1);
    let script = Script::new(&world, |_, _| Answer::Late(ms(10)));
    let layer = adaptive(&world, 1);
    let account = layer.apply(script.connector());
    let key = "post-1".parse().unwrap();
    let source = MediaSource::File {
        connector: Arc::clone(&account),
        path: path("a"),
    };
    let post = Post::new("Just married").with_media(PostMedia::new(source, "image/jpeg"));
    let publisher = account.publisher().unwrap();
    let posted = timeout(s(60), publisher.publish(&key, &post, None)).await;
    posted.expect("it waits for itself").unwrap();
    let seen = script.seen();
    let names: Vec<&str> = seen.iter().map(|seen| seen.name).collect();
    assert!(
        names.len() > 1 && names[0] == "publisher.publish",
        "{names:?}"
    );
    assert_eq!(layer.pool().stats().in_use, 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_quota_refuses_says_nothing_of_the_platform() {
    let world = World::new(1);
    let options = QuotaOptions::default().with_patience(ms(0));
    let quota = Quota::new(world.scope(), &[RateLimit::new(1, s(60))], options);
    let layer = adaptive(&world, 4).with_quota(&quota);
    let script = Script::new(&world, |_, _| Answer::Good);
    let account = layer.apply(script.connector());
    stat(&account).await.unwrap();
    let error = stat(&account).await.unwrap_err();
    assert_eq!(error.operation(), "resilience.quota");
    let stats = layer.pool().stats();
    assert_eq!((stats.limit, stats.in_use), (4, 0));
    assert_eq!(
        (stats.outcomes.answered, stats.outcomes.rate_limited),
        (1, 0)
    );
}
