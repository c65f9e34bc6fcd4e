//! Wake-ups within one process.

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::storage::Wake;

/// How many wake-ups wait for a slow watcher; one that misses some is told to look at everything.
const WAITING: usize = 256;

/// Tells every watcher.
#[derive(Clone, Debug)]
pub(super) struct Wakes(broadcast::Sender<Wake>);

impl Wakes {
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(WAITING))
    }

    pub(super) fn wake(&self, wake: Wake) {
        // Nobody watching is no error.
        self.0.send(wake).ok();
    }

    /// Whether anybody watches.
    #[cfg(feature = "sqlite")]
    pub(super) fn are_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }

    pub(super) fn watch(&self) -> BoxStream<'static, Wake> {
        stream::unfold(self.0.subscribe(), |mut watcher| async {
            match watcher.recv().await {
                Ok(wake) => Some((wake, watcher)),
                Err(RecvError::Lagged(_)) => Some((Wake::All, watcher)),
                Err(RecvError::Closed) => None,
            }
        })
        .boxed()
    }
}
