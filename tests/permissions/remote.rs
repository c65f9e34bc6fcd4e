//! An engine elsewhere: whatever it does but answer properly in time denies.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use garland::permission::{
    Action, Actor, Decision, PermissionResolver, Reason, RemoteEngine, RemoteOptions,
    RemoteResolver, Resource, authorize,
};
use garland::{Error, ErrorKind, OrganizationId, Result};
use tokio::time::Instant;

/// What an engine does when it is asked about a resource, which is named so.
#[derive(Debug, Default)]
struct Engine {
    calls: Mutex<Vec<(Option<u64>, usize)>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    dropped: AtomicUsize,
}

/// Counts a call that is dropped before it has an answer.
struct Dropped<'a>(&'a Engine, bool);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.at_once.fetch_sub(1, Ordering::Relaxed);
        self.0
            .dropped
            .fetch_add(usize::from(!self.1), Ordering::Relaxed);
    }
}

#[derive(Clone, Debug, Default)]
struct Asked(Arc<Engine>);

#[async_trait]
impl RemoteEngine for Asked {
    async fn decide_batch(
        &self,
        _: &OrganizationId,
        at_least: Option<u64>,
        _: &Actor,
        _: &Action,
        resources: &[Resource],
    ) -> Result<Vec<Decision>> {
        let engine = &*self.0;
        engine
            .calls
            .lock()
            .unwrap()
            .push((at_least, resources.len()));
        let now = engine.at_once.fetch_add(1, Ordering::Relaxed) + 1;
        engine.most_at_once.fetch_max(now, Ordering::Relaxed);
        let mut call = Dropped(engine, false);
        let mut decisions = Vec::new();
        for resource in resources {
            match resource.id.as_str() {
                "slow" => tokio::time::sleep(Duration::from_millis(1_500)).await,
                "never" => std::future::pending().await,
                "down" => {
                    let message = "host 10.0.0.7 is down";
                    return Err(Error::new(ErrorKind::Unavailable, "engine.ask", message));
                }
                "twice" => decisions.push(yes()),
                "lost" => continue,
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
            let no = Decision::deny(Reason::new("no", "not this"));
            decisions.push(if resource.id == "no" { no } else { yes() });
        }
        call.1 = true;
        Ok(decisions)
    }
}

fn yes() -> Decision {
    Decision::allow(Reason::new("yes", "why not"))
}

fn many(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

async fn ask(engine: &Asked, batch: usize, ids: &[&str]) -> Vec<String> {
    let options = RemoteOptions::default()
        .with_batch(many(batch))
        .with_concurrency(many(2));
    let resolver = RemoteResolver::new(engine.clone(), options);
    let resources: Vec<_> = ids.iter().map(|id| Resource::new("photo", *id)).collect();
    let (studio, see) = ("studio".parse().unwrap(), Action::new("photo.see"));
    let decisions = resolver.decide(&studio, Some(7), &Actor::Host, &see, &resources);
    let decisions = decisions.await.unwrap();
    // Asking for all of them together is asking for each.
    let all = authorize(&resolver, &studio, &Actor::Host, &see, &resources).await;
    assert_eq!(
        all.is_ok(),
        !decisions.is_empty() && decisions.iter().all(|decision| decision.allow)
    );
    if let Err(error) = all {
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(!error.to_string().contains("10.0.0.7"), "{error}");
    }
    let told = decisions.iter().map(|decision| {
        let code = decision.reasons.first().map(|reason| &*reason.code);
        assert_eq!(decision.allow, code == Some("yes"));
        code.unwrap_or_default().to_owned()
    });
    told.collect()
}

#[tokio::test(start_paused = true)]
async fn answers_come_in_the_order_of_the_resources() {
    let engine = Asked::default();
    let codes = ask(&engine, 2, &["slow", "no", "b", "no", "c"]).await;
    assert_eq!(codes, ["yes", "no", "yes", "no", "yes"]);
    let calls = engine.0.calls.lock().unwrap().clone();
    // Once by itself, with the revision it must know, and once by `authorize`.
    assert_eq!(calls[..3], [(Some(7), 2), (Some(7), 2), (Some(7), 1)]);
    assert_eq!(calls[3..], [(None, 2), (None, 2), (None, 1)]);
    assert_eq!(engine.0.most_at_once.load(Ordering::Relaxed), 2);
    assert_eq!(engine.0.dropped.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_denied_and_the_rest_is_not() {
    let engine = Asked::default();
    let codes = ask(&engine, 2, &["a", "down", "b", "c"]).await;
    assert_eq!(codes, ["engine_failed", "engine_failed", "yes", "yes"]);
}

#[tokio::test(start_paused = true)]
async fn another_number_of_answers_is_denied() {
    let engine = Asked::default();
    let codes = ask(&engine, 2, &["a", "lost", "twice", "b", "c", "no"]).await;
    let miscounted = "engine_miscounted";
    assert_eq!(
        codes,
        [miscounted, miscounted, miscounted, miscounted, "yes", "no"]
    );
    // Also if it is one call, and as many too few as too many would be right again for two.
    let codes = ask(&engine, 9, &["lost", "lost", "lost"]).await;
    assert_eq!(codes, [miscounted; 3]);
}

#[tokio::test(start_paused = true)]
async fn whatever_is_not_answered_in_time_is_denied() {
    let engine = Asked::default();
    let begun = Instant::now();
    let codes = ask(&engine, 1, &["a", "never", "b", "slow", "slow", "c"]).await;
    let late = "engine_timeout";
    assert_eq!(codes, ["yes", late, late, late, late, late]);
    // Both questions took their two seconds, and no more.
    assert_eq!(begun.elapsed(), Duration::from_secs(4));
    // Nothing runs on that nobody waits for.
    assert_eq!(engine.0.at_once.load(Ordering::Relaxed), 0);
    assert!(engine.0.dropped.load(Ordering::Relaxed) >= 2);
}

#[tokio::test(start_paused = true)]
async fn all_calls_of_a_question_share_its_time() {
    let engine = Asked::default();
    // Three slow calls, two at a time: the third would end after three seconds.
    let codes = ask(&engine, 1, &["slow", "slow", "slow"]).await;
    assert_eq!(codes, ["yes", "yes", "engine_timeout"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_about_nothing() {
    let engine = Asked::default();
    assert!(ask(&engine, 4, &[]).await.is_empty());
    assert!(engine.0.calls.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn it_has_no_picture_to_give() {
    let resolver = RemoteResolver::new(Asked::default(), RemoteOptions::default());
    let found = resolver.snapshot(&"studio".parse().unwrap(), None).await;
    assert_eq!(found.unwrap_err().kind(), ErrorKind::Unsupported);
}

/// Held as the orchestrator holds it, and moved between threads while it waits: it keeps no lock meanwhile.
#[tokio::test]
async fn it_is_a_resolver_like_any_other() {
    let engine = Asked::default();
    let options = RemoteOptions::default();
    let resolver: Arc<dyn PermissionResolver> = Arc::new(RemoteResolver::new(engine, options));
    let asking = tokio::spawn(async move {
        let see = Action::new("photo.see");
        let resources = [Resource::new("photo", "a")];
        authorize(
            &*resolver,
            &"studio".parse()?,
            &Actor::Host,
            &see,
            &resources,
        )
        .await
    });
    asking.await.unwrap().unwrap();
}
