//! The limiter.

use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};

use super::decision::{Decision, MOST_LIMITS, RawLevel};
use super::hits::{Budget, Rules, State};
use super::limit::{Limit, LimiterOptions};
use super::shard::{Census, Shard, Shared, Tag};

/// Counts requests by key, and lets no key pass more often than its limits say: never more than
/// `max` in any window, and again exactly when the oldest of them falls out.
///
/// A key stands in a scope, mostly the organization; the scope bounds how much of the room its keys
/// may take ([`LimiterOptions::share`]). Several limits hold together: a request that one of them
/// refuses is counted by none.
///
/// - **Memory**: a key that passed once within its windows takes 43 to 60 bytes, however long it is; one that
///   passed up to five times takes 64 more; one that passed more often takes 128 more, and 12 to 24 for
///   each pass still counted. The most of both is set by [`LimiterOptions`].
/// - **When it is full**: nobody's counter is dropped while it counts something, so that nobody frees
///   himself, or another, by coming under many names. A key that finds no room is refused
///   ([`Decision::crowded`]); those already counted go on. Idle keys are forgotten a few at a time
///   by every check, and more by a check that finds no room.
/// - **Time** is the clock's [`elapsed`](Clock::elapsed). A clock that goes back all the same neither
///   frees nor freezes: the limiter's time stands still for the jump, and goes on with the clock.
/// - **Hashing** is seeded by chance for each limiter, so that nobody outside can choose keys that meet.
///
/// Checks never wait for I/O; locks are held for some tens of nanoseconds, and never over an `await`.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use garland::SystemClock;
/// use garland::limits::{Limit, LimiterOptions, RateLimiter};
///
/// let limits = [Limit::new(2, Duration::from_secs(60))?, Limit::new(100, Duration::from_secs(3_600))?];
/// let limiter = RateLimiter::new(&limits, LimiterOptions::default(), Arc::new(SystemClock::new()))?;
///
/// let key = ("zoë", "POST /galleries");
/// assert!(limiter.check("studio-7", &key).allowed);
/// assert!(limiter.check("studio-7", &key).allowed);
/// let refused = limiter.check("studio-7", &key);
/// assert!(!refused.allowed && refused.retry_after <= Some(Duration::from_secs(60)));
/// assert!(limiter.check("studio-8", &key).allowed);
/// # Ok::<(), garland::Error>(())
/// ```
pub struct RateLimiter {
    clock: Arc<dyn Clock>,
    limits: Vec<Limit>,
    shared: Shared,
    shards: Shards,
    seed: RandomState,
    /// Which shard is swept next when there is no room.
    hand: AtomicUsize,
}

/// Keeps the locks of two shards out of one cache line.
#[repr(align(128))]
struct Padded(Mutex<Shard>);

/// How many shards there are: a power of two.
const SHARDS: usize = 64;

/// All shards, one of which is surely there.
struct Shards {
    others: Box<[Padded]>,
    last: Padded,
}

impl Shards {
    fn new(elapsed: Duration) -> Self {
        let shard = || Padded(Mutex::new(Shard::new(elapsed)));
        Self {
            others: (1..SHARDS).map(|_| shard()).collect(),
            last: shard(),
        }
    }

    /// Locks the shard of a key.
    fn lock(&self, tag: Tag) -> MutexGuard<'_, Shard> {
        self.number(usize::try_from(tag.0 % (SHARDS as u64)).unwrap_or(0))
    }

    /// Locks the shard of this number, counted round.
    fn number(&self, number: usize) -> MutexGuard<'_, Shard> {
        let own = self.others.get(number % SHARDS).unwrap_or(&self.last);
        own.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many shards, and slots in each, a check looks at that finds no room.
const WIDE: (usize, usize) = (8, 512);

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("limits", &self.limits)
            .field("keys", &self.keys())
            .finish_non_exhaustive()
    }
}

impl RateLimiter {
    /// Makes a limiter that counts nothing yet. Time is that of `clock`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: not 1 to 4 limits, or two with the same window.
    pub fn new(limits: &[Limit], options: LimiterOptions, clock: Arc<dyn Clock>) -> Result<Self> {
        let mut windows: Vec<Duration> = limits.iter().map(Limit::window).collect();
        windows.sort_unstable();
        windows.dedup();
        if windows.len() != limits.len() || !(1..=MOST_LIMITS).contains(&limits.len()) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "rate_limiter.new",
                "a limiter has 1 to 4 limits of different windows",
            )
            .with_context("limits", limits.len()));
        }
        let elapsed = clock.elapsed();
        Ok(Self {
            limits: limits.to_vec(),
            shared: Shared {
                rules: Rules::new(limits),
                budget: Budget::new(options.log_bytes),
                census: Census::new(options.max_keys.max(1), options.share_of_scope()),
            },
            shards: Shards::new(elapsed),
            seed: RandomState::new(),
            hand: AtomicUsize::new(0),
            clock,
        })
    }

    /// Counts one request of `key` in `scope`, if every limit allows it.
    pub fn check(&self, scope: &(impl Hash + ?Sized), key: &(impl Hash + ?Sized)) -> Decision {
        self.check_cost(scope, key, 1)
    }

    /// Counts a request that weighs `cost`, if every limit allows all of it. One that weighs nothing
    /// always passes and tells how things stand.
    pub fn check_cost(
        &self,
        scope: &(impl Hash + ?Sized),
        key: &(impl Hash + ?Sized),
        cost: u32,
    ) -> Decision {
        let tag = Tag(self.seed.hash_one((scope, key)));
        let mut decision = Decision::none();
        for attempt in 0..2 {
            if attempt > 0 {
                self.sweep_widely();
            }
            let mut shard = self.shards.lock(tag);
            let now = shard.advance(self.clock.elapsed());
            shard.sweep_now_and_then(now, &self.shared);
            let scope_of = || self.shared.census.scope(self.seed.hash_one(scope));
            if self.decide(&mut shard, (tag, scope_of), cost, now, &mut decision) {
                return decision;
            }
        }
        self.crowd(&mut decision);
        decision
    }

    /// Returns how many keys are counted, those among them that are idle but not forgotten yet.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.shared.census.keys()
    }

    /// Returns how many bytes the table and the logs of busy keys take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let tables = (0..SHARDS).map(|at| self.shards.number(at).bytes());
        tables.sum::<usize>() + self.shared.budget.used()
    }

    /// Decides, and counts what passes. Returns false if there is no room for it.
    fn decide(
        &self,
        shard: &mut Shard,
        (tag, scope_of): (Tag, impl Fn() -> u32),
        cost: u32,
        now: u64,
        decision: &mut Decision,
    ) -> bool {
        let Shared { rules, budget, .. } = &self.shared;
        let Some(at) = shard.find(tag) else {
            let mut fresh = State::Empty;
            let allowed = self.fits(&fresh, cost, now);
            let counts = allowed && cost > 0;
            if counts && !fresh.push(rules, now, cost, budget) {
                return false;
            }
            self.describe(&fresh, allowed, cost, now, decision);
            return !counts || shard.insert((tag, scope_of()), fresh, now, &self.shared);
        };
        let Some(state) = shard.state(at) else {
            return false;
        };
        state.settle(rules, now, budget);
        let allowed = self.fits(state, cost, now);
        if allowed && cost > 0 && !state.push(rules, now, cost, budget) {
            return false;
        }
        self.describe(state, allowed, cost, now, decision);
        if state.is_empty() {
            shard.remove(at, &self.shared);
        }
        true
    }

    fn fits(&self, state: &State, cost: u32, now: u64) -> bool {
        let mut rules = self.shared.rules.rules.iter().enumerate();
        rules.all(|(number, rule)| {
            let (used, _) = state.used(number, rule, now);
            used.checked_add(cost).is_some_and(|sum| sum <= rule.max)
        })
    }

    fn describe(&self, state: &State, allowed: bool, cost: u32, now: u64, decision: &mut Decision) {
        let newest = state.newest();
        let (mut wait, mut reset) = (Some(0), 0);
        decision.clear();
        for (number, rule) in self.shared.rules.rules.iter().enumerate() {
            let (used, oldest) = state.used(number, rule, now);
            let left = |at: u64| at.saturating_add(rule.window).saturating_sub(now);
            decision.push(RawLevel {
                max: rule.max,
                remaining: rule.max.saturating_sub(used),
                window: rule.window,
                next: oldest.map_or(0, left),
            });
            reset = reset.max(oldest.and(newest).map_or(0, left));
            let excess = used.saturating_add(cost).saturating_sub(rule.max);
            if !allowed && cost > rule.max {
                wait = None;
            } else if !allowed && excess > 0 {
                let until = state.frees(number, rule, now, excess).saturating_sub(now);
                wait = wait.map(|wait| wait.max(until));
            }
        }
        decision.allowed = allowed;
        decision.reset = Duration::from_nanos(reset);
        decision.retry_after = wait.filter(|_| !allowed).map(Duration::from_nanos);
    }

    /// What is told to a key that cannot be counted.
    fn crowd(&self, decision: &mut Decision) {
        decision.clear();
        for rule in &self.shared.rules.rules {
            decision.push(RawLevel {
                max: rule.max,
                remaining: 0,
                window: rule.window,
                next: rule.window,
            });
        }
        let longest = Duration::from_nanos(self.shared.rules.longest());
        (decision.allowed, decision.crowded) = (false, true);
        (decision.retry_after, decision.reset) = (Some(longest), longest);
    }

    /// Forgets idle keys wherever they are, a bounded number of slots at a time and one lock at a time.
    fn sweep_widely(&self) {
        let (shards, slots) = WIDE;
        let from = self.hand.fetch_add(shards, Ordering::Relaxed);
        for at in 0..shards {
            let mut shard = self.shards.number(from.wrapping_add(at));
            let now = shard.advance(self.clock.elapsed());
            shard.sweep(slots, now, &self.shared);
        }
    }
}
