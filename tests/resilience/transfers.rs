//! What transfers and the layers around their accounts tell each other.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use garland::backends::Memory;
use garland::connector::{Expect, PlatformConnector};
use garland::platforms::MemoryPlatform;
use garland::resilience::pool::PoolOptions;
use garland::resilience::{
    AccountLayers, AdaptiveOptions, BreakerOptions, ConnectorLayer as _, EventStream,
    ResilienceOptions,
};
use garland::transfer::{Destination, Moved, RetryPolicy, TransferJob, TransferOptions};
use garland::{Orchestrator, OrganizationId, Result};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::tools::{Answer, Script, World, ms, path, s};

/// A studio with a card of one file and an account behind layers.
struct Studio {
    layers: AccountLayers,
    events: Mutex<EventStream>,
    studio: Orchestrator,
}

impl Studio {
    async fn new(world: &World, script: &Script, options: ResilienceOptions) -> Self {
        let connector = script.connector();
        let stack = world.with(options);
        let events = Mutex::new(stack.events());
        let layers = stack.account("clients", connector.platform());
        let card = MemoryPlatform::default();
        card.put("a", "picture").unwrap();
        let account: Arc<dyn PlatformConnector> = layers.apply(connector);
        let studio = Orchestrator::builder()
            .storage(Memory::new())
            .clock(world.clock)
            .resilience(None)
            .connector("card", card)
            .connector_of(&OrganizationId::default(), "clients", account)
            .build()
            .await
            .unwrap();
        Self {
            layers,
            events,
            studio,
        }
    }

    /// Sends the file of the card, once.
    async fn send(&self, to: &str, stall: Duration) -> Result<Moved> {
        let card = self.studio.connector("card").await?;
        let version = card.files()?.stat(&path("a")).await?.unwrap().version;
        let clients = self.studio.connector("clients").await?;
        let to = Destination::new(clients, path(to), Expect::Anything);
        let job = TransferJob::new(card, path("a"), version).to(to);
        let once = RetryPolicy::default().with_attempts(1);
        let options = TransferOptions::default()
            .with_stall(stall)
            .with_retry(once);
        self.studio.transfer(&job, options).await
    }

    /// How many calls the platform has left without an answer, and how often breakers have opened.
    fn unanswered(&self) -> (u64, usize) {
        let unavailable = self.layers.pool().unwrap().stats().outcomes.unavailable;
        let mut events = self.events.lock().unwrap();
        let told = std::iter::from_fn(|| events.try_next());
        let opened = told.filter(|event| event.kind.code() == "breaker_opened");
        (unavailable, opened.count())
    }
}

fn writes(write: Answer) -> impl Fn(&'static str) -> Answer {
    move |name| match name {
        "files.upload" => Answer::Late(ms(100)),
        "upload.write" => write.clone(),
        _ => Answer::Good,
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_on_the_way_in_is_no_stall() {
    let world = World::new(1);
    let script = Script::by_name(&world, writes(Answer::Late(s(35))));
    let studio = Studio::new(&world, &script, ResilienceOptions::default()).await;
    // The upload is begun, and the account paused before its bytes go out.
    let pause = async {
        while script.seen().iter().all(|seen| seen.name != "files.upload") {
            sleep(ms(1)).await;
        }
        studio.layers.pause().unwrap().hold(s(28));
    };
    let (moved, ()) = tokio::join!(studio.send("b", s(60)), pause);
    let sent = moved.unwrap().destinations.remove(0);
    sent.unwrap();
    let writes = script
        .seen()
        .iter()
        .filter(|seen| seen.name == "upload.write")
        .count();
    assert_eq!((writes, script.dropped()), (1, 0));
}

/// Ten files sent at once, each given up on after `patience`.
async fn ten(studio: &Arc<Studio>, stall: Duration, patience: Duration) {
    let mut files = JoinSet::new();
    for number in 0..10 {
        let studio = Arc::clone(studio);
        files.spawn(async move {
            let name = format!("b{number}");
            let sent = studio.send(&name, stall);
            match timeout(patience, sent).await {
                Ok(Ok(moved)) => moved.destinations.iter().all(Result::is_ok),
                _ => false,
            }
        });
    }
    assert!(files.join_all().await.iter().all(|sent| !sent));
}

/// Opens at the first failure, for what a transfer throws away after one is an answer again.
fn strict() -> BreakerOptions {
    BreakerOptions::default().with_in_a_row(1)
}

#[tokio::test(start_paused = true)]
async fn slow_uploads_that_somebody_cancels_are_no_outage() {
    let world = World::new(1);
    let script = Script::by_name(&world, writes(Answer::Late(s(50))));
    let pool = PoolOptions::default().with_min(10);
    let adaptive = AdaptiveOptions::default().with_pool(pool);
    let options = ResilienceOptions::default()
        .with_adaptive(adaptive)
        .with_breaker(strict());
    let studio = Arc::new(Studio::new(&world, &script, options).await);
    ten(&studio, s(60), s(40)).await;
    assert!(script.dropped() >= 8, "{} were under way", script.dropped());
    assert_eq!(studio.unanswered(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn uploads_that_stall_are_an_outage() {
    let world = World::new(1);
    let script = Script::by_name(&world, writes(Answer::Never));
    let options = ResilienceOptions::default().with_breaker(strict());
    let studio = Arc::new(Studio::new(&world, &script, options).await);
    for _ in 0..2 {
        ten(&studio, s(30), s(3_600)).await;
    }
    let (unanswered, opened) = studio.unanswered();
    assert!(unanswered >= 4, "{unanswered}");
    assert!(opened > 0);
}
