//! What somebody who bounds a call himself and the layers around the account tell each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

tokio::task_local! {
    /// Who bounds the call that this task makes.
    static CALLER: Caller;
}

/// Somebody who gives a call up once it has stalled: not before it has been out for long, and not for
/// another reason.
///
/// A layer sees a call dropped and cannot know why. That somebody has changed his mind says nothing of the
/// platform; that a call came to nothing does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// How many waits on the way in are under way.
    waits: watch::Sender<usize>,
    has_stalled: AtomicBool,
}

impl Caller {
    /// Makes a call, and gives it up with `None` once it has been out for `limit`. What layers wait before
    /// the request goes out does not count.
    pub(crate) async fn within<F: Future>(&self, limit: Duration, call: F) -> Option<F::Output> {
        let call = CALLER.scope(self.clone(), call);
        tokio::select! {
            biased;
            answer = call => Some(answer),
            // The call is dropped after this has been noted.
            () = self.stall(limit) => None,
        }
    }

    /// Ends when nobody has waited for `limit`, and notes that the call has stalled.
    async fn stall(&self, limit: Duration) {
        let mut waits = self.0.waits.subscribe();
        loop {
            let waiting = *waits.borrow_and_update() > 0;
            let changed = waits.changed();
            // The sender is ours, so that the channel never closes.
            if waiting {
                drop(changed.await);
            } else if timeout(limit, changed).await.is_err() {
                self.0.has_stalled.store(true, Ordering::Release);
                return;
            }
        }
    }
}

/// Tells whether the call that is being dropped is given up because it has stalled.
pub(in crate::engine::resilience) fn has_stalled() -> bool {
    let stalled = CALLER.try_with(|caller| caller.0.has_stalled.load(Ordering::Acquire));
    stalled.unwrap_or(false)
}

/// A wait on the way in, until dropped.
#[derive(Debug)]
pub(in crate::engine::resilience) struct Waiting(Caller);

impl Waiting {
    /// Tells the caller, if he wants to know.
    pub(in crate::engine::resilience) fn begin() -> Option<Self> {
        let caller = CALLER.try_with(Caller::clone).ok()?;
        caller.0.waits.send_modify(|waits| *waits += 1);
        Some(Self(caller))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.waits.send_modify(|waits| *waits -= 1);
    }
}
