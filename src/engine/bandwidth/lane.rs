//! The part of one transfer in a link.

use std::fmt;
use std::sync::Arc;

use super::class::Class;
use super::events::{BandwidthEvent, Who};
use super::gate::Gate;
use super::hub::Hub;
use super::rate::Rate;
use super::side::tell;

/// A transfer that takes part. It asks before its bytes go out or come in, and leaves when it is dropped.
pub struct Lane {
    hub: Arc<Hub>,
    gate: Arc<Gate>,
    who: Who,
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("who", &self.who)
            .field("taken", &self.taken())
            .finish_non_exhaustive()
    }
}

impl Lane {
    pub(super) fn new(hub: Arc<Hub>, gate: Arc<Gate>, who: Who) -> Self {
        Self { hub, gate, who }
    }

    /// Returns which transfer this is.
    #[must_use]
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// Waits until `bytes` may pass. Several who take at once are served in the order they came.
    ///
    /// What passes at once is the grain of the pace: a rate is held to within one such piece, so take about as much as is
    /// sent at a time, best up to 64 KiB. If the rate changes meanwhile, what is still lacking comes at the new one; while
    /// that is zero, this waits. Where nothing bounds the transfer it costs some nanoseconds.
    ///
    /// To be called inside a tokio runtime with time enabled.
    ///
    /// # Panics
    /// It has to wait, and there is no such runtime.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: bytes that were waited for are given back.
    pub async fn take(&self, bytes: usize) {
        let look = || self.hub.start_if_overdue();
        if self.gate.pass_freely(bytes, look) || bytes == 0 {
            return;
        }
        let start = || self.hub.start();
        self.gate.pass(&*self.hub.clock, bytes, start).await;
    }

    /// Changes how urgent it is.
    pub fn set_class(&self, class: Class) {
        let mut state = self.hub.state();
        let side = state.side_mut(self.who.direction);
        if side.set_class(&self.who, class) {
            tell(&self.hub.events, || BandwidthEvent::Class {
                who: self.who.clone(),
                class,
            });
            drop(state);
            self.hub.wake();
        }
    }

    /// Returns its rate, rounded down; nothing if nothing bounds it. A transfer that has just joined has none yet.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        let state = self.hub.state();
        let member = state.side(self.who.direction).member(&self.who);
        member.map_or(Some(Rate::ZERO), |member| member.told())
    }

    /// Returns how many bytes it took so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.gate.taken()
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        let was_due = state.is_due();
        state.side_mut(self.who.direction).leave(&self.who);
        let due = state.is_due();
        tell(&self.hub.events, || BandwidthEvent::Left {
            who: self.who.clone(),
            bytes: self.gate.taken(),
        });
        drop(state);
        self.hub.wake_if_due(was_due, due);
    }
}
