//! A fair queue in which the first waits for a rule, and the others for the first.

use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::clock::Clock;
use crate::engine::resilience::pool::{Permits, Priority};

use super::queue::Queue;

/// Lets calls through one after the other as a rule allows, the most urgent first, ties in the order they came.
///
/// Nobody takes the place of the first while it waits for the rule.
///
/// Nothing is handed out before a call goes through, so a call that is dropped while it waits takes
/// nothing along: whoever is next becomes the first.
#[derive(Debug)]
pub(in super::super) struct Turnstile {
    first: Permits,
    waiting: Queue,
    changed: Notify,
}

/// Why a call was not let through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Refusal {
    /// Too many wait already.
    Crowded,
    /// It would wait longer than it has patience; how long is known for the first in the queue.
    TooLong(Option<Duration>),
}

impl Turnstile {
    /// A queue for up to `most` calls.
    pub(in super::super) fn new(most: usize) -> Self {
        Self {
            first: Permits::new(1),
            waiting: Queue::new(most),
            changed: Notify::new(),
        }
    }

    /// Goes through as soon as `rule` allows, which is asked with the time, takes what it allows, and
    /// tells how long to wait if it does not. `queued` is called once if there is a wait.
    pub(in super::super) async fn pass(
        &self,
        clock: &dyn Clock,
        patience: Duration,
        priority: Priority,
        mut rule: impl FnMut(Duration) -> Result<(), Duration>,
        queued: impl FnOnce(Duration),
    ) -> Result<(), Refusal> {
        let begun = clock.elapsed();
        let wait = if self.is_empty() {
            match rule(begun) {
                Ok(()) => return Ok(()),
                Err(wait) => Some(wait),
            }
        } else {
            None
        };
        if let Some(wait) = wait {
            if wait > patience {
                return Err(Refusal::TooLong(Some(wait)));
            }
            queued(wait);
        }
        let _place = self.waiting.join(priority).ok_or(Refusal::Crowded)?;
        let Ok(turn) = timeout(patience, self.first.acquire(priority)).await else {
            return Err(Refusal::TooLong(None));
        };
        // The queue is never closed; if it were, nobody would be first and all would go by the rule.
        let _turn = turn.ok();
        let end = begun.saturating_add(patience);
        loop {
            let now = clock.elapsed();
            let Err(wait) = rule(now) else {
                return Ok(());
            };
            if now.saturating_add(wait) > end {
                return Err(Refusal::TooLong(Some(wait)));
            }
            // The clock may be finer than the timer; at least one tick passes.
            tokio::select! {
                () = sleep(wait.max(Duration::from_millis(1))) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// Lets the first in the queue ask the rule again, which allows more than it did.
    pub(in super::super) fn look_again(&self) {
        self.changed.notify_one();
    }

    /// Tells whether nobody waits.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
