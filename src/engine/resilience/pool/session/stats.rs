//! What a pool of sessions is doing.

use serde::Serialize;

use super::events::CloseReason;

/// What a pool of sessions is doing, and has done.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SessionStats {
    /// How many sessions are open, or being opened. Never more than
    /// [`SessionOptions::max`](super::SessionOptions::max).
    pub open: usize,
    /// How many of them lie idle.
    pub idle: usize,
    /// How many are out.
    pub in_use: usize,
    /// How many of those are out for too long.
    pub overdue: usize,
    /// How many wait for one.
    pub waiting: usize,
    /// How many were opened since the pool was made.
    pub opened: u64,
    /// How often an idle one was lent again.
    pub reused: u64,
    /// How often one could not be opened.
    pub connect_failed: u64,
    /// How many were closed.
    pub closed: ClosedSessions,
}

/// How many sessions were closed, by reason.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClosedSessions {
    /// Those with [`CloseReason::Retired`].
    pub retired: u64,
    /// Those with [`CloseReason::Idle`].
    pub idle: u64,
    /// Those with [`CloseReason::Invalid`].
    pub invalid: u64,
    /// Those with [`CloseReason::Broken`].
    pub broken: u64,
    /// Those with [`CloseReason::Closing`].
    pub closing: u64,
}

impl ClosedSessions {
    pub(super) fn add(&mut self, reason: CloseReason) {
        let count = match reason {
            CloseReason::Retired => &mut self.retired,
            CloseReason::Idle => &mut self.idle,
            CloseReason::Invalid => &mut self.invalid,
            CloseReason::Broken => &mut self.broken,
            CloseReason::Closing => &mut self.closing,
        };
        *count = count.saturating_add(1);
    }
}
