//! What a pool of sessions tells while it works.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::broadcast;

use crate::engine::resilience::pool::events::Listener;
use crate::error::ErrorKind;

/// One thing that happened to a pool of sessions.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SessionEvent {
    /// A session was opened.
    Opened,
    /// A session could not be opened.
    ConnectFailed {
        /// What can be done.
        kind: ErrorKind,
    },
    /// A session was closed.
    Closed {
        /// Why.
        reason: CloseReason,
    },
    /// A session has been out for longer than
    /// [`SessionOptions::overdue_after`](super::SessionOptions::overdue_after). Told once for each.
    Overdue {
        /// For how long.
        out_for: Duration,
    },
    /// All sessions are closed after [`close`](super::SessionPool::close).
    Drained,
    /// The receiver was too slow, and this many events are gone. What holds now is in
    /// [`stats`](super::SessionPool::stats).
    Missed(u64),
}

/// Why a session was closed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CloseReason {
    /// It reached its lifetime.
    Retired,
    /// It lay idle for too long.
    Idle,
    /// It did not pass validation, or nobody waited for the end of it.
    Invalid,
    /// Its user did not give it back as good.
    Broken,
    /// The pool closes.
    Closing,
}

impl CloseReason {
    /// Returns the stable code, in snake case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Retired => "retired",
            Self::Idle => "idle",
            Self::Invalid => "invalid",
            Self::Broken => "broken",
            Self::Closing => "closing",
        }
    }
}

/// The events of a pool of sessions, in order.
pub struct SessionEvents(Listener<SessionEvent>);

impl SessionEvents {
    pub(super) fn new(receiver: broadcast::Receiver<SessionEvent>) -> Self {
        Self(Listener(receiver))
    }

    /// Waits for the next event; `None` when the pool is gone.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; no event is lost by it.
    pub async fn next(&mut self) -> Option<SessionEvent> {
        self.0.next(SessionEvent::Missed).await
    }
}

impl fmt::Debug for SessionEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionEvents").finish_non_exhaustive()
    }
}
