//! Which account a layer stands for, and what it goes by.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::id::Chance;
use crate::telemetry::Telemetry;

use super::events::{ResilienceEvent, ResilienceEventKind, ResilienceEvents};

/// Names one account on one platform, for layers and their events.
///
/// The host chooses the name; if accounts of several organizations may bear one name, the
/// organization belongs into it.
///
/// # Example
///
/// ```
/// use garland::resilience::AccountName;
///
/// let account = AccountName::new("dropbox", "studio-7/clients");
/// assert_eq!(account.to_string(), "dropbox:studio-7/clients");
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AccountName {
    platform: &'static str,
    name: Arc<str>,
}

impl AccountName {
    /// Names an account; `platform` is [`Platform::id`](crate::connector::Platform::id).
    #[must_use]
    pub fn new(platform: &'static str, name: impl Into<Arc<str>>) -> Self {
        Self {
            platform,
            name: name.into(),
        }
    }

    /// Returns the id of the platform.
    #[must_use]
    pub fn platform(&self) -> &'static str {
        self.platform
    }

    /// Returns the host's name for the account.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.platform, self.name)
    }
}

/// What all layers of one account go by: its name, time, chance, and who hears of it.
#[derive(Clone, Debug)]
pub struct Scope {
    account: AccountName,
    clock: Arc<dyn Clock>,
    chance: Chance,
    events: ResilienceEvents,
}

impl Scope {
    /// Makes a scope whose events nobody hears. The clock must run as fast as the timers of tokio.
    #[must_use]
    pub fn new(account: AccountName, clock: Arc<dyn Clock>, chance: Chance) -> Self {
        Self {
            account,
            clock,
            chance,
            events: ResilienceEvents::new(1),
        }
    }

    /// Sets where events go.
    #[must_use]
    pub fn with_events(mut self, events: ResilienceEvents) -> Self {
        self.events = events;
        self
    }

    /// Returns the account.
    #[must_use]
    pub fn account(&self) -> &AccountName {
        &self.account
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(in super::super) fn now(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Tells whether the other is of the same account and tells the time by the same clock.
    pub(in super::super) fn is_same(&self, other: &Self) -> bool {
        self.account == other.account && Arc::ptr_eq(&self.clock, &other.clock)
    }

    pub(in super::super) fn unit(&self) -> f64 {
        self.chance.unit()
    }

    pub(in super::super) fn chance(&self) -> &Chance {
        &self.chance
    }

    pub(in super::super) fn telemetry(&self) -> &Telemetry {
        self.events.telemetry()
    }

    pub(in super::super) fn tell(&self, kind: ResilienceEventKind) {
        let event = ResilienceEvent::new(self.clock.now(), self.account.clone(), kind);
        self.events.send(event);
    }
}
