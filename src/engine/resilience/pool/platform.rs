//! The permits of one account on one platform.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use futures_util::FutureExt as _;

use crate::clock::Clock;
use crate::connector::{self, PlatformConnector};
use crate::engine::resilience::layers::AccountName;
use crate::error::Result;
use crate::id::Chance;
use crate::telemetry::{POOL_CALLS, POOL_HEALTH, POOL_WAIT_SECONDS, Telemetry};

use super::controller::{Algorithm, Bounds, Controller, Sample};
use super::events::{PoolEvent, PoolEvents, Tell};
use super::health::{Health, HealthState};
use super::options::PoolOptions;
use super::outcome::Outcome;
use super::permits::{Permit, Permits};
use super::priority::Priority;
use super::stats::{OutcomeCounts, PoolStats};

/// Who may call one account of one platform now, and how many at once.
///
/// It holds permits, not sockets: see the documentation of [this module](crate::resilience::pool) for what a pool is over HTTP.
/// Each call holds a permit while it runs, and says at its end what became of it ([`PoolPermit::done`]); by
/// that the number of permits moves between [`PoolOptions::min`] and [`PoolOptions::max`], and the
/// [health](HealthState) is told. Nothing is refused for ill health: that is the business of a circuit breaker.
///
/// Clones are handles of one pool. It owns no task; [`watch`](Self::watch) is a future of the host's.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::SystemClock;
/// use garland::connector::{AuthKind, Category, Platform};
/// use garland::resilience::AccountName;
/// use garland::resilience::pool::{HealthState, Outcome, PlatformPool, PoolOptions, Priority};
///
/// static DRIVE: Platform = Platform::new("drive", "Drive", Category::Cloud, AuthKind::OAuth2);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let options = PoolOptions::for_platform(&DRIVE);
/// let account = AccountName::new(DRIVE.id, "studio-7/clients");
/// let pool = PlatformPool::new(account, options, Arc::new(SystemClock::new()));
///
/// let permit = pool.acquire(Priority::WEDDING_DAY).await?;
/// let answer: garland::Result<()> = Ok(()); // the call
/// permit.done(Outcome::of(&answer));
///
/// let stats = pool.stats();
/// assert_eq!((stats.limit, stats.in_use, stats.outcomes.answered), (4, 0, 1));
/// assert_eq!(pool.health(), HealthState::Healthy);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PlatformPool(Arc<Inner>);

struct Inner {
    account: AccountName,
    options: PoolOptions,
    clock: Arc<dyn Clock>,
    permits: Permits,
    brain: Mutex<Brain>,
    tell: Tell<PoolEvent>,
    telemetry: Telemetry,
}

/// What the pool has learnt.
struct Brain {
    controller: Controller,
    health: Health,
    outcomes: OutcomeCounts,
    probed_at: Duration,
    drained: bool,
}

impl PlatformPool {
    /// Makes the pool of `account`, with as many permits as it may have.
    #[must_use]
    pub fn new(account: AccountName, options: PoolOptions, clock: Arc<dyn Clock>) -> Self {
        let now = clock.elapsed();
        let bounds = Bounds::new(options.min, options.max);
        let controller = Controller::new(options.algorithm, bounds, options.max);
        let permits = match options.ageing {
            None => Permits::new(controller.limit()),
            Some(places) => Permits::with_ageing(controller.limit(), places),
        };
        Self(Arc::new(Inner {
            account,
            telemetry: options.telemetry.clone().unwrap_or_default(),
            options,
            clock,
            permits,
            brain: Mutex::new(Brain {
                controller,
                health: Health::new(now),
                outcomes: OutcomeCounts::default(),
                probed_at: now,
                drained: false,
            }),
            tell: Tell::new(),
        }))
    }

    /// Returns the name of the account.
    #[must_use]
    pub fn account(&self) -> &AccountName {
        &self.0.account
    }

    /// Waits for a permit; the more urgent goes first.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused): the pool is [draining](Self::drain).
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: no permit is lost by it.
    pub async fn acquire(&self, priority: Priority) -> Result<PoolPermit> {
        let inner = &self.0;
        let permit = match inner.permits.try_acquire() {
            Some(permit) => permit,
            None => {
                let begun = inner.clock.elapsed();
                let permit = inner
                    .permits
                    .acquire(priority)
                    .await
                    .map_err(|error| error.with_context("account", &inner.account))?;
                let waited = inner.clock.elapsed().saturating_sub(begun);
                let labels = [("platform", inner.account.platform())];
                inner.telemetry.took(POOL_WAIT_SECONDS, &labels, waited);
                permit
            }
        };
        Ok(self.begin(permit))
    }

    /// Takes a permit if one is free and nobody waits.
    #[must_use]
    pub fn try_acquire(&self) -> Option<PoolPermit> {
        self.0
            .permits
            .try_acquire()
            .map(|permit| self.begin(permit))
    }

    fn begin(&self, permit: Permit) -> PoolPermit {
        PoolPermit {
            started: self.0.clock.elapsed(),
            pool: Arc::clone(&self.0),
            told: false,
            _permit: permit,
        }
    }

    /// Changes between which numbers the permits move. `min` is at least 1, `max` at least `min`.
    pub fn set_bounds(&self, min: usize, max: usize) {
        let bounds = Bounds::new(min, max);
        self.0.learn(|brain| brain.controller.set_bounds(bounds));
    }

    /// Changes how the number of permits is found, from the one there is.
    pub fn set_algorithm(&self, algorithm: Algorithm) {
        self.0
            .learn(|brain| brain.controller.set_algorithm(algorithm));
    }

    /// Returns how the platform is doing.
    #[must_use]
    pub fn health(&self) -> HealthState {
        self.0.brain().health.state()
    }

    /// Listens from now on. A receiver that is too slow loses the oldest events, and is told how many.
    #[must_use]
    pub fn events(&self) -> PoolEvents {
        PoolEvents::new(self.0.tell.subscribe())
    }

    /// Returns what the pool is doing, and has done.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        let permits = &self.0.permits;
        let (limit, in_use, waiting) = (permits.limit(), permits.in_use(), permits.waiting());
        let brain = self.0.brain();
        PoolStats {
            limit,
            in_use,
            waiting,
            health: brain.health.state(),
            latency: brain.health.latency(),
            trouble_rate: brain.health.trouble_rate(),
            outcomes: brain.outcomes,
        }
    }

    /// Takes the pool out of use, for good: sends away those who wait, and waits until every permit has come back.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: the pool stays out of use. Call it again to wait on.
    pub async fn drain(&self) {
        let inner = &self.0;
        let now = inner.clock.elapsed();
        inner.learn(|brain| brain.health.drain(now));
        inner.permits.close();
        inner.permits.drained().await;
        let told = std::mem::replace(&mut inner.brain().drained, true);
        if !told {
            inner.tell.emit(PoolEvent::Drained);
        }
    }

    /// Probes the account by [`PlatformConnector::check`] if a probe is due, and returns what came of it; `None` if none is
    /// due.
    ///
    /// One is due when nothing was called for [`PoolOptions::probe_after`] and no permit is out; and, while the platform is
    /// down or the last probe failed, every [`PoolOptions::probe_again`]. Calls that run tell enough by themselves.
    /// A probe that panics or takes longer than [`PoolOptions::probe_timeout`] has failed. One that a layer of our own
    /// refuses tells nothing ([`Outcome::Cancelled`]).
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; the probe then tells nothing.
    pub async fn probe(&self, connector: &dyn PlatformConnector) -> Option<Outcome> {
        let inner = &self.0;
        let now = inner.clock.elapsed();
        {
            let mut brain = inner.brain();
            if !inner.until_probe(&brain, now).is_zero() {
                return None;
            }
            brain.probed_at = now;
        }
        let check = AssertUnwindSafe(async { connector.check().await }).catch_unwind();
        let answer = tokio::time::timeout(inner.options.probe_timeout, check).await;
        let (outcome, well) = match answer {
            Ok(Ok(answer)) => (
                Outcome::of(&answer),
                !matches!(answer, Ok(connector::Health::Degraded(_))),
            ),
            // It hung or panicked.
            Ok(Err(_)) | Err(_) => (Outcome::Unavailable, true),
        };
        let now = inner.clock.elapsed();
        inner.learn(|brain| brain.health.probed(outcome, well, now));
        Some(outcome)
    }

    /// Probes the account whenever a probe is due, until the pool [drains](Self::drain).
    ///
    /// The waits are lengthened by up to a quarter by `chance`, so that many accounts do not probe one platform together.
    /// Run it in a task that the host owns, one for each pool.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn watch(&self, connector: &dyn PlatformConnector, chance: &Chance) {
        let inner = &self.0;
        while !inner.permits.is_closed() {
            let until = inner.until_probe(&inner.brain(), inner.clock.elapsed());
            // A part of the wait is within range, however long it is.
            let wait = until.saturating_add((until / 4).mul_f64(chance.unit()));
            // Rounded up to what a timer can tell apart, so that no turn is for nothing.
            let wait = wait.max(Duration::from_millis(1));
            tokio::select! {
                biased;
                () = inner.permits.closed() => return,
                () = tokio::time::sleep(wait) => {}
            }
            tokio::select! {
                biased;
                () = inner.permits.closed() => return,
                _ = self.probe(connector) => {}
            }
        }
    }
}

impl fmt::Debug for PlatformPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlatformPool")
            .field("account", &self.0.account)
            .field("permits", &self.0.permits)
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn brain(&self) -> MutexGuard<'_, Brain> {
        self.brain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the brain learn, carries out what follows, and tells it. In one step, so that events come in order; but
    /// whoever counts is the host's, may look at the pool, and is told afterwards.
    fn learn(&self, teach: impl FnOnce(&mut Brain)) {
        let mut brain = self.brain();
        let (limit, health) = (brain.controller.limit(), brain.health.state());
        teach(&mut brain);
        let (to_limit, to_health) = (brain.controller.limit(), brain.health.state());
        let mut wakers = Vec::new();
        if to_limit != limit {
            wakers = self.permits.resize(to_limit);
            self.tell.emit(PoolEvent::Limit {
                from: limit,
                to: to_limit,
            });
        }
        if to_health != health {
            self.tell.emit(PoolEvent::Health {
                from: health,
                to: to_health,
            });
        }
        drop(brain);
        wakers.into_iter().for_each(Waker::wake);
        if to_health != health {
            let labels = [
                ("platform", self.account.platform()),
                ("state", to_health.code()),
            ];
            self.telemetry.count(POOL_HEALTH, &labels, 1);
        }
    }

    /// How long until a probe is due, if nothing happens.
    fn until_probe(&self, brain: &Brain, now: Duration) -> Duration {
        let since = |at: Duration| now.saturating_sub(at);
        match brain.health.state() {
            HealthState::Draining => Duration::MAX,
            _ if brain.health.is_half_open() => {
                let wait = self.options.probe_again;
                wait.saturating_sub(since(brain.probed_at))
            }
            // Calls that run will tell.
            _ if self.permits.in_use() > 0 => self.options.probe_after,
            _ => {
                let last = brain.health.last().max(brain.probed_at);
                self.options.probe_after.saturating_sub(since(last))
            }
        }
    }
}

/// One permit of a pool, held while a call runs.
///
/// Dropped without [`done`](Self::done), the call counts as cancelled, which tells neither for nor against the platform.
#[must_use = "the permit goes back at once if it is not kept"]
pub struct PoolPermit {
    started: Duration,
    pool: Arc<Inner>,
    told: bool,
    /// Dropped last, so that this call is among those under way when the pool learns of it.
    _permit: Permit,
}

impl PoolPermit {
    /// Gives the permit back and tells what became of the call, which took from when the permit was given until now.
    pub fn done(self, outcome: Outcome) {
        let now = self.pool.clock.elapsed();
        let latency = now.saturating_sub(self.started);
        self.tell(outcome, Some(latency), now);
    }

    /// As [`done`](Self::done), for a call of which only a part tells how fast the platform is, such as the time to
    /// the first byte of a long download.
    pub fn done_with_latency(self, outcome: Outcome, latency: Duration) {
        let now = self.pool.clock.elapsed();
        self.tell(outcome, Some(latency), now);
    }

    /// As [`done`](Self::done), for a call whose time shows nothing of how fast the platform is, such as the writing
    /// of many bytes.
    pub fn done_without_latency(self, outcome: Outcome) {
        let now = self.pool.clock.elapsed();
        self.tell(outcome, None, now);
    }

    /// Gives the permit back unused: there was no call, and none is counted.
    pub fn give_back(mut self) {
        self.told = true;
    }

    fn tell(mut self, outcome: Outcome, latency: Option<Duration>, now: Duration) {
        self.told = true;
        let sample = Sample {
            started: self.started,
            ended: now,
            latency,
            in_use: self.pool.permits.in_use(),
            outcome,
        };
        self.pool.learn(|brain| {
            brain.controller.record(&sample);
            brain.health.record(outcome, latency, now);
            brain.outcomes.add(outcome);
        });
        self.pool.count(outcome);
    }
}

impl Inner {
    fn count(&self, outcome: Outcome) {
        let labels = [
            ("platform", self.account.platform()),
            ("outcome", outcome.code()),
        ];
        self.telemetry.count(POOL_CALLS, &labels, 1);
    }
}

impl Drop for PoolPermit {
    fn drop(&mut self) {
        if !self.told {
            self.pool.brain().outcomes.add(Outcome::Cancelled);
            self.pool.count(Outcome::Cancelled);
        }
    }
}

impl fmt::Debug for PoolPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolPermit")
            .field("account", &self.pool.account)
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}
