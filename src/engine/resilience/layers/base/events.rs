//! What layers have done, as one bounded stream.

use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};

use crate::clock::Timestamp;
use crate::error::ErrorKind;
use crate::telemetry::{RESILIENCE_EVENTS, Telemetry};

use super::super::seam::CallKind;
use super::account::AccountName;

/// Something a layer has done to calls of an account.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ResilienceEvent {
    /// When, by the host's clock.
    pub at: Timestamp,
    /// To which account.
    pub account: AccountName,
    /// What.
    pub kind: ResilienceEventKind,
}

impl ResilienceEvent {
    pub(super) fn new(at: Timestamp, account: AccountName, kind: ResilienceEventKind) -> Self {
        Self { at, account, kind }
    }
}

/// What a layer has done.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ResilienceEventKind {
    /// A call has failed and is made again after a wait.
    Retrying {
        /// The name of the call.
        call: &'static str,
        /// How often it has failed so far, from 1.
        failures: u32,
        /// How long it waits.
        wait: Duration,
        /// What it failed with.
        error: ErrorKind,
    },
    /// A call that might have been made again was not, because the budget of retries is spent.
    BudgetSpent {
        /// The name of the call.
        call: &'static str,
    },
    /// The platform asked to slow down; the whole account waits.
    Paused {
        /// How long.
        wait: Duration,
        /// Whether the platform said how long; otherwise it was guessed.
        asked: bool,
    },
    /// The first call after a pause was let through.
    Resumed,
    /// A quota is used up, and calls have begun to wait for it.
    QuotaReached {
        /// How long the first of them waits.
        wait: Duration,
    },
    /// Too many calls of a kind have failed; no more of them are made for a while.
    BreakerOpened {
        /// The kind.
        kind: CallKind,
        /// For how long.
        wait: Duration,
    },
    /// A few calls of a kind are tried again.
    BreakerProbing {
        /// The kind.
        kind: CallKind,
    },
    /// Calls of a kind go through again.
    BreakerClosed {
        /// The kind.
        kind: CallKind,
    },
    /// A small read was slow and was asked for a second time.
    Hedged {
        /// The name of the call.
        call: &'static str,
        /// After how long.
        after: Duration,
    },
    /// A call was refused because too many of its kind wait already, or none of them ended in time.
    Crowded {
        /// The kind.
        kind: CallKind,
    },
}

impl ResilienceEventKind {
    /// Returns the stable code, in snake case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Retrying { .. } => "retrying",
            Self::BudgetSpent { .. } => "budget_spent",
            Self::Paused { .. } => "paused",
            Self::Resumed => "resumed",
            Self::QuotaReached { .. } => "quota_reached",
            Self::BreakerOpened { .. } => "breaker_opened",
            Self::BreakerProbing { .. } => "breaker_probing",
            Self::BreakerClosed { .. } => "breaker_closed",
            Self::Hedged { .. } => "hedged",
            Self::Crowded { .. } => "crowded",
        }
    }
}

/// Where layers put their events. A clone is the same place.
///
/// It keeps the last `capacity` events for each listener; a listener that is slower loses the oldest
/// and is told how many ([`EventStream::missed`]). Nothing ever waits for a listener.
#[derive(Clone, Debug)]
pub struct ResilienceEvents {
    listeners: broadcast::Sender<ResilienceEvent>,
    telemetry: Telemetry,
}

impl ResilienceEvents {
    /// Keeps up to `capacity` events, 1 to 65,536, for each listener.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            listeners: broadcast::Sender::new(capacity.clamp(1, 1 << 16)),
            telemetry: Telemetry::default(),
        }
    }

    pub(in super::super) fn counting_into(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    pub(super) fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Listens from here on.
    #[must_use]
    pub fn subscribe(&self) -> EventStream {
        EventStream {
            events: self.listeners.subscribe(),
            missed: 0,
        }
    }

    pub(super) fn send(&self, event: ResilienceEvent) {
        let kind = event.kind.code();
        self.telemetry
            .count(RESILIENCE_EVENTS, &[("event", kind)], 1);
        tracing::debug!(account = %event.account, event = kind, "resilience");
        // Without a listener there is nobody to tell.
        drop(self.listeners.send(event));
    }
}

/// A listener to [`ResilienceEvents`].
#[derive(Debug)]
pub struct EventStream {
    events: broadcast::Receiver<ResilienceEvent>,
    missed: u64,
}

impl EventStream {
    /// Waits for the next event; `None` once all layers are gone.
    ///
    /// # Cancel safety
    /// Safe to drop; no event is lost by it.
    pub async fn next(&mut self) -> Option<ResilienceEvent> {
        loop {
            match self.events.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(count)) => self.missed = self.missed.saturating_add(count),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Returns the next event that is there already.
    #[must_use]
    pub fn try_next(&mut self) -> Option<ResilienceEvent> {
        use broadcast::error::TryRecvError;
        loop {
            match self.events.try_recv() {
                Ok(event) => return Some(event),
                Err(TryRecvError::Lagged(count)) => {
                    self.missed = self.missed.saturating_add(count);
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
    }

    /// Returns how many events were lost so far because this listener was too slow.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }
}
