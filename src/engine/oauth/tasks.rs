//! Refreshes under way. They belong to the handles: with the last one they end.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::task::JoinSet;
use tracing::Instrument as _;

/// What runs apart from those who wait for it, so that none of them breaks it off.
#[derive(Default)]
pub(super) struct Tasks(Mutex<JoinSet<()>>);

impl Tasks {
    /// Runs a task, within the span it was asked in.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut set = self.set();
        // Those that have ended are of no interest: what they found is where it belongs.
        while set.try_join_next().is_some() {}
        set.spawn(task.in_current_span());
    }

    /// Waits until none is left.
    pub(super) async fn idle(&self) {
        poll_fn(|context| {
            let mut set = self.set();
            loop {
                match set.poll_join_next(context) {
                    Poll::Ready(Some(_)) => {}
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
    }

    fn set(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tasks").field(&self.set().len()).finish()
    }
}
