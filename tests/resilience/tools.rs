//! A platform that behaves as a test says, and remembers what reached it and when.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use garland::connector::{FilePath, PlatformConnector};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::resilience::{
    AccountName, Around, Call, Resilience, ResilienceOptions, Scope, Wrapped,
};
use garland::testing::PausedClock;
use garland::{Chance, Clock as _, Error, ErrorKind, Result, Timestamp};
use tokio::time::sleep;

/// What the platform does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Good,
    /// A good answer after a while.
    Late(Duration),
    Bad(ErrorKind),
    /// A failure after a while.
    LateBad(Duration, ErrorKind),
    Limited(Option<Duration>),
    /// A refusal that takes a while itself, and what wait it names.
    LateLimited(Duration, Option<Duration>),
    Never,
}

type Rule = dyn Fn(Seen, usize) -> Answer + Send + Sync;

/// Stands before an account in memory and answers by a rule of the time and the number of the request.
#[derive(Clone)]
pub(crate) struct Script {
    clock: PausedClock,
    rule: Arc<Rule>,
    seen: Arc<Mutex<Vec<Seen>>>,
    dropped: Arc<Mutex<usize>>,
}

/// A request that reached the platform.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Duration,
    pub(crate) name: &'static str,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").finish_non_exhaustive()
    }
}

/// Counts a request that was dropped before it was answered.
struct Open<'a>(&'a Mutex<usize>, bool);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.1 {
            *self.0.lock().unwrap() += 1;
        }
    }
}

impl Around for Script {
    async fn around<T, F, Fut>(&self, call: &Call, mut make: F) -> Result<T>
    where
        T: Send,
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T>> + Send,
    {
        if !call.is_request() {
            return make().await;
        }
        let at = self.clock.elapsed();
        let name = call.name();
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(Seen { at, name });
            seen.len()
        };
        let mut open = Open(&self.dropped, true);
        let answer = match (self.rule)(Seen { at, name }, number) {
            Answer::Good => make().await,
            Answer::Late(wait) => {
                sleep(wait).await;
                make().await
            }
            Answer::Bad(kind) => Err(Error::new(kind, "platform.answer", "a bad day")),
            Answer::LateBad(wait, kind) => {
                sleep(wait).await;
                Err(Error::new(kind, "platform.answer", "a bad day"))
            }
            Answer::Limited(wait) => Err(slow_down(wait)),
            Answer::LateLimited(late, wait) => {
                sleep(late).await;
                Err(slow_down(wait))
            }
            Answer::Never => std::future::pending().await,
        };
        open.1 = false;
        answer
    }
}

fn slow_down(wait: Option<Duration>) -> Error {
    let error = Error::new(ErrorKind::RateLimited, "platform.answer", "slow down");
    match wait {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

impl Script {
    pub(crate) fn new(
        world: &World,
        rule: impl Fn(Duration, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self {
            clock: world.clock,
            rule: Arc::new(move |seen: Seen, number| rule(seen.at, number)),
            seen: Arc::default(),
            dropped: Arc::default(),
        }
    }

    /// Answers by the name of the call.
    pub(crate) fn by_name(
        world: &World,
        rule: impl Fn(&'static str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self {
            rule: Arc::new(move |seen: Seen, _| rule(seen.name)),
            ..Self::new(world, |_, _| Answer::Good)
        }
    }

    /// A new connector to the platform, with one file at `a`.
    pub(crate) fn connector(&self) -> Arc<dyn PlatformConnector> {
        let memory = MemoryPlatform::default();
        memory.put("a", "picture").unwrap();
        Arc::new(Wrapped::new(Arc::new(memory), self.clone()))
    }

    /// The same with five files, one to a page.
    pub(crate) fn pages(&self) -> Arc<dyn PlatformConnector> {
        let options = MemoryOptions::default().with_page_size(1);
        let memory = MemoryPlatform::new(options);
        for name in ["a", "b", "c", "d", "e"] {
            memory.put(name, "picture").unwrap();
        }
        Arc::new(Wrapped::new(Arc::new(memory), self.clone()))
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Begins to count anew.
    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }

    /// How many requests came in a span of time.
    pub(crate) fn count(&self, from: Duration, to: Duration) -> usize {
        let seen = self.seen();
        seen.iter()
            .filter(|seen| (from..to).contains(&seen.at))
            .count()
    }

    /// How many requests were given up on before they were answered.
    pub(crate) fn dropped(&self) -> usize {
        *self.dropped.lock().unwrap()
    }
}

/// A clock, chance from a seed, and what is made of them.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) clock: PausedClock,
    pub(crate) chance: Chance,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        println!("seed {seed}");
        Self {
            clock: PausedClock::starting(Timestamp::from_millis(1_780_000_000_000)),
            chance: Chance::seeded(seed),
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.elapsed()
    }

    pub(crate) fn scope(&self) -> Scope {
        let account = AccountName::new("memory", "studio/clients");
        Scope::new(account, Arc::new(self.clock), self.chance.clone())
    }

    pub(crate) fn standard(&self) -> Resilience {
        Resilience::standard(Arc::new(self.clock), self.chance.clone())
    }

    pub(crate) fn with(&self, options: ResilienceOptions) -> Resilience {
        Resilience::new(Arc::new(self.clock), self.chance.clone(), options)
    }
}

pub(crate) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn path(text: &str) -> FilePath {
    text.parse().unwrap()
}

/// The usual call: looks at the one file.
pub(crate) async fn stat(account: &Arc<dyn PlatformConnector>) -> Result<()> {
    let found = account.files().unwrap().stat(&path("a")).await?;
    assert!(found.is_some());
    Ok(())
}

/// The most requests in any span of this length, both ends included.
pub(crate) fn busiest(seen: &[Seen], per: Duration) -> usize {
    let counts = seen.iter().enumerate().map(|(at, end)| {
        let from = end.at.saturating_sub(per);
        at + 1 - seen.partition_point(|seen| seen.at < from)
    });
    counts.max().unwrap_or(0)
}
