//! The paved stack: all layers around an account, in the order that makes sense.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::connector::{Platform, PlatformConnector};
use crate::engine::resilience::pool::{PlatformPool, PoolOptions, Priority};
use crate::id::Chance;
use crate::telemetry::{Metrics, Telemetry};

use super::adaptive::{Adaptive, AdaptiveOptions};
use super::base::{AccountName, BudgetOptions, EventStream, ResilienceEvents, Scope};
use super::breaker::{Breaker, BreakerOptions};
use super::bulkhead::{Bulkhead, BulkheadOptions};
use super::entrance::Entrance;
use super::hedge::{Hedge, HedgeOptions};
use super::hush::PauseOptions;
use super::pause::Pause;
use super::quota::{Quota, QuotaOptions};
use super::retry::{Retry, RetryOptions};
use super::seam::ConnectorLayer;
use super::timeout::{Timeout, TimeoutOptions};

/// Which layers stand around an account, and how each goes about it. `None` leaves a layer out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResilienceOptions {
    /// Making calls again.
    pub retry: Option<RetryOptions>,
    /// How many calls retries and hedges may add together.
    pub budget: BudgetOptions,
    /// How many calls run and wait at once.
    pub bulkhead: Option<BulkheadOptions>,
    /// Refusing what fails anyway.
    pub breaker: Option<BreakerOptions>,
    /// Pausing an account that was asked to slow down.
    pub pause: Option<PauseOptions>,
    /// Letting as many calls run at once as the platform bears. Default
    /// [`PoolOptions::for_platform`] of each platform.
    pub adaptive: Option<AdaptiveOptions>,
    /// Holding requests to [`Platform::rate_limits`].
    pub quota: Option<QuotaOptions>,
    /// Ending calls that hang.
    pub timeout: Option<TimeoutOptions>,
    /// Asking twice for small reads that are late.
    pub hedge: Option<HedgeOptions>,
    /// How long all waits of a try together may take on its way in: for a place, the end of a pause, a
    /// permit and the quota. Then it fails with an error that tells when to come again. Default 30 s. A transfer
    /// that takes calls for stalled does not count these waits.
    pub patience: Duration,
    /// How many events are kept for each listener. Default 1,024.
    pub events: usize,
    /// `None`: the host has not said where counts go.
    telemetry: Option<Telemetry>,
}

impl Default for ResilienceOptions {
    /// Every layer with its own defaults.
    fn default() -> Self {
        Self {
            retry: Some(RetryOptions::default()),
            budget: BudgetOptions::default(),
            bulkhead: Some(BulkheadOptions::default()),
            breaker: Some(BreakerOptions::default()),
            pause: Some(PauseOptions::default()),
            adaptive: Some(AdaptiveOptions::default()),
            quota: Some(QuotaOptions::default()),
            timeout: Some(TimeoutOptions::default()),
            hedge: Some(HedgeOptions::default()),
            patience: Duration::from_secs(30),
            events: 1024,
            telemetry: None,
        }
    }
}

impl ResilienceOptions {
    /// Sets [`ResilienceOptions::retry`].
    #[must_use]
    pub fn with_retry(mut self, retry: impl Into<Option<RetryOptions>>) -> Self {
        self.retry = retry.into();
        self
    }

    /// Sets [`ResilienceOptions::budget`].
    #[must_use]
    pub fn with_budget(mut self, budget: BudgetOptions) -> Self {
        self.budget = budget;
        self
    }

    /// Sets [`ResilienceOptions::bulkhead`].
    #[must_use]
    pub fn with_bulkhead(mut self, bulkhead: impl Into<Option<BulkheadOptions>>) -> Self {
        self.bulkhead = bulkhead.into();
        self
    }

    /// Sets [`ResilienceOptions::breaker`].
    #[must_use]
    pub fn with_breaker(mut self, breaker: impl Into<Option<BreakerOptions>>) -> Self {
        self.breaker = breaker.into();
        self
    }

    /// Sets [`ResilienceOptions::pause`].
    #[must_use]
    pub fn with_pause(mut self, pause: impl Into<Option<PauseOptions>>) -> Self {
        self.pause = pause.into();
        self
    }

    /// Sets [`ResilienceOptions::adaptive`].
    #[must_use]
    pub fn with_adaptive(mut self, adaptive: impl Into<Option<AdaptiveOptions>>) -> Self {
        self.adaptive = adaptive.into();
        self
    }

    /// Sets [`ResilienceOptions::quota`].
    #[must_use]
    pub fn with_quota(mut self, quota: impl Into<Option<QuotaOptions>>) -> Self {
        self.quota = quota.into();
        self
    }

    /// Sets [`ResilienceOptions::timeout`].
    #[must_use]
    pub fn with_timeout(mut self, timeout: impl Into<Option<TimeoutOptions>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// Sets [`ResilienceOptions::hedge`].
    #[must_use]
    pub fn with_hedge(mut self, hedge: impl Into<Option<HedgeOptions>>) -> Self {
        self.hedge = hedge.into();
        self
    }

    /// Counts into `sink`. By default nothing is counted.
    #[must_use]
    pub fn with_metrics(mut self, sink: Arc<dyn Metrics>) -> Self {
        self.telemetry = Some(Telemetry::of(sink));
        self
    }

    /// Counts there unless the host has said where.
    pub(crate) fn or_telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry.get_or_insert(telemetry);
        self
    }

    /// Sets [`ResilienceOptions::patience`].
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets [`ResilienceOptions::events`].
    #[must_use]
    pub fn with_events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }
}

/// Puts the paved stack around accounts, and remembers each, so that every connector to one account
/// shares what was learnt of it, and no account suffers for another.
///
/// A call goes through the layers from the outside in:
///
/// | layer | why it stands there |
/// |---|---|
/// | [`Retry`] | outermost, so that each try passes everything else anew: it waits through pauses and counts in the quota |
/// | [`Bulkhead`] | before whatever waits, so that its bound holds for those that wait too; a retry gives its place back between tries |
/// | [`Breaker`] | refuses before a call queues; sees each try, not what a retry makes of several |
/// | [`Pause`] | sees what the platform answers to each try, and holds all others |
/// | [`Adaptive`] | inside the pause, so that nobody holds a permit while all have to wait; looks at it again before a request goes out |
/// | [`Quota`] | inside both, so that a request is counted in the moment it goes out, not when it begins to wait |
/// | [`Timeout`] | inside whatever waits, so that it measures the platform; outside the hedge, so that both askings end together |
/// | [`Hedge`] | innermost, so that it measures the platform and not our own queues; asks permits, quota, pause and budget for itself |
///
/// All waits of a try together end with [`ResilienceOptions::patience`]. What cannot be made anew waits on
/// instead of being refused: the end of an upload whose bytes have arrived, and the next page of a listing.
///
/// A layer never takes the refusal of another for an answer of the platform: such a refusal is
/// neither retried nor counted, and nothing is paused for it.
///
/// Transfers retry too, from the outside, and obey the waits that refusals tell. To the stack each of
/// their tries is a call that was asked for; the budget bounds what the stack adds to them.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::connector::PlatformConnector as _;
/// use garland::platforms::MemoryPlatform;
/// use garland::resilience::{BreakerState, CallKind, Resilience};
/// use garland::{Chance, SystemClock};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let calm = Resilience::standard(Arc::new(SystemClock::new()), Chance::system());
/// let mut events = calm.events();
/// let platform = MemoryPlatform::default();
/// let layers = calm.account("studio-7/clients", platform.platform());
/// let account = calm.apply("studio-7/clients", Arc::new(platform));
/// account.check().await?;
///
/// let breaker = layers.breaker().expect("the standard has one");
/// assert_eq!(breaker.state(CallKind::Check), BreakerState::Closed);
/// assert_eq!(events.try_next(), None, "a good day");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Resilience(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: ResilienceOptions,
    clock: Arc<dyn Clock>,
    chance: Chance,
    events: ResilienceEvents,
    accounts: Mutex<BTreeMap<AccountName, AccountLayers>>,
}

impl Resilience {
    /// Makes the paved stack with every layer at its defaults.
    #[must_use]
    pub fn standard(clock: Arc<dyn Clock>, chance: Chance) -> Self {
        Self::new(clock, chance, ResilienceOptions::default())
    }

    /// Makes a stack with options. The clock must run as fast as the timers of tokio.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, chance: Chance, options: ResilienceOptions) -> Self {
        Self(Arc::new(Shared {
            events: ResilienceEvents::new(options.events)
                .counting_into(options.telemetry.clone().unwrap_or_default()),
            options,
            clock,
            chance,
            accounts: Mutex::default(),
        }))
    }

    /// Wraps a connector to the account that the host calls `name`.
    #[must_use]
    pub fn apply(
        &self,
        name: impl Into<Arc<str>>,
        inner: Arc<dyn PlatformConnector>,
    ) -> Arc<dyn PlatformConnector> {
        self.account(name, inner.platform()).apply(inner)
    }

    /// Returns the layers of an account, made when it is first asked for.
    #[must_use]
    pub fn account(&self, name: impl Into<Arc<str>>, platform: &'static Platform) -> AccountLayers {
        let account = AccountName::new(platform.id, name);
        let make = || self.make(account.clone(), platform);
        let mut accounts = self.accounts();
        accounts.entry(account.clone()).or_insert_with(make).clone()
    }

    /// Forgets an account. Connectors that were wrapped keep what they know; those wrapped from here
    /// on begin anew, with a quota that is unused and without a pause. So drop the old ones first: while
    /// both are in use, they may send twice what the platform allows.
    pub fn forget(&self, account: &AccountName) {
        self.accounts().remove(account);
    }

    /// Listens to the events of all accounts from here on.
    #[must_use]
    pub fn events(&self) -> EventStream {
        self.0.events.subscribe()
    }

    fn accounts(&self) -> MutexGuard<'_, BTreeMap<AccountName, AccountLayers>> {
        let accounts = self.0.accounts.lock();
        accounts.unwrap_or_else(PoisonError::into_inner)
    }

    fn make(&self, account: AccountName, platform: &'static Platform) -> AccountLayers {
        let options = &self.0.options;
        let scope = Scope::new(account, Arc::clone(&self.0.clock), self.0.chance.clone())
            .with_events(self.0.events.clone());
        let retry = options
            .retry
            .map(|retry| Retry::new(scope.clone(), retry, options.budget));
        let pause = options.pause.map(|pause| Pause::new(scope.clone(), pause));
        let quota = options
            .quota
            .map(|quota| Quota::new(scope.clone(), platform.rate_limits, quota));
        let adaptive = options.adaptive.as_ref().map(|adaptive| {
            let pool = adaptive.pool.clone();
            let mut pool = pool.unwrap_or_else(|| PoolOptions::for_platform(platform));
            pool.telemetry = pool.telemetry.or_else(|| options.telemetry.clone());
            let (account, clock) = (scope.account().clone(), Arc::clone(&self.0.clock));
            let pool = PlatformPool::new(account, pool, clock);
            let mut adaptive = Adaptive::new(scope.clone(), pool);
            if let Some(quota) = &quota {
                adaptive = adaptive.with_quota(quota);
            }
            if let Some(pause) = &pause {
                adaptive = adaptive.with_pause(pause);
            }
            if let Some(timeout) = &options.timeout {
                adaptive = adaptive.hanging_after(timeout.limit);
            }
            adaptive
        });
        let hedge = options.hedge.map(|hedge| {
            let mut hedge = Hedge::new(scope.clone(), hedge, options.budget);
            if let Some(retry) = &retry {
                hedge = hedge.with_budget(retry.budget());
            }
            if let Some(quota) = &quota {
                hedge = hedge.with_quota(quota);
            }
            if let Some(pause) = &pause {
                hedge = hedge.with_pause(pause);
            }
            if let Some(adaptive) = &adaptive {
                hedge = hedge.with_pool(adaptive.pool());
            }
            hedge
        });
        let breaker = options
            .breaker
            .map(|breaker| Breaker::new(scope.clone(), breaker));
        let timeout = options.timeout.map(|timeout| {
            let timeout = Timeout::new(scope.clone(), timeout);
            match &breaker {
                Some(breaker) => timeout.with_breaker(breaker),
                None => timeout,
            }
        });
        AccountLayers {
            entrance: Entrance::new(scope.clone(), options.patience),
            timeout,
            adaptive,
            bulkhead: options
                .bulkhead
                .map(|bulkhead| Bulkhead::new(scope.clone(), bulkhead)),
            breaker,
            retry,
            pause,
            quota,
            hedge,
        }
    }
}

/// The layers of one account, to be looked at, and to be applied once more.
#[derive(Clone, Debug)]
pub struct AccountLayers {
    entrance: Entrance,
    retry: Option<Retry>,
    bulkhead: Option<Bulkhead>,
    breaker: Option<Breaker>,
    pause: Option<Pause>,
    adaptive: Option<Adaptive>,
    quota: Option<Quota>,
    timeout: Option<Timeout>,
    hedge: Option<Hedge>,
}

impl AccountLayers {
    /// Returns the same layers for calls of another urgency, by which they wait wherever they do: for a place, the
    /// end of a pause, a permit and the quota. The default is [`Priority::NORMAL`].
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        let (bulkhead, pause) = (self.bulkhead.take(), self.pause.take());
        let (adaptive, quota) = (self.adaptive.take(), self.quota.take());
        self.bulkhead = bulkhead.map(|layer| layer.with_priority(priority));
        self.pause = pause.map(|layer| layer.with_priority(priority));
        self.adaptive = adaptive.map(|layer| layer.with_priority(priority));
        self.quota = quota.map(|layer| layer.with_priority(priority));
        self
    }

    /// Returns the permits, with the health of the account.
    #[must_use]
    pub fn pool(&self) -> Option<&PlatformPool> {
        self.adaptive.as_ref().map(Adaptive::pool)
    }

    /// Returns the breakers, one for each kind of call.
    #[must_use]
    pub fn breaker(&self) -> Option<&Breaker> {
        self.breaker.as_ref()
    }

    /// Returns the bounds on calls at once.
    #[must_use]
    pub fn bulkhead(&self) -> Option<&Bulkhead> {
        self.bulkhead.as_ref()
    }

    /// Returns the pause.
    #[must_use]
    pub fn pause(&self) -> Option<&Pause> {
        self.pause.as_ref()
    }

    /// Returns the quota.
    #[must_use]
    pub fn quota(&self) -> Option<&Quota> {
        self.quota.as_ref()
    }
}

impl ConnectorLayer for AccountLayers {
    fn apply(&self, inner: Arc<dyn PlatformConnector>) -> Arc<dyn PlatformConnector> {
        // The permits ask the quota themselves, so it stands alone only without them.
        let alone = self.quota.as_ref().filter(|_| self.adaptive.is_none());
        let inside_out: [Option<&dyn ConnectorLayer>; 9] = [
            self.hedge.as_ref().map(|layer| layer as _),
            self.timeout.as_ref().map(|layer| layer as _),
            alone.map(|layer| layer as _),
            self.adaptive.as_ref().map(|layer| layer as _),
            self.pause.as_ref().map(|layer| layer as _),
            self.breaker.as_ref().map(|layer| layer as _),
            self.bulkhead.as_ref().map(|layer| layer as _),
            Some(&self.entrance),
            self.retry.as_ref().map(|layer| layer as _),
        ];
        let layers = inside_out.into_iter().flatten();
        layers.fold(inner, |inner, layer| layer.apply(inner))
    }
}
