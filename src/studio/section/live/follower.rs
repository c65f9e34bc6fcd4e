//! One task for each organization that somebody watches.

use std::sync::{Arc, Weak};

use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::id::OrganizationId;

use super::super::policy::StoredPolicy;
use super::options::LiveOptions;
use super::published::Published;
use super::service::Followers;

/// Follows one organization as long as somebody holds it.
#[derive(Debug)]
pub(super) struct Follower {
    organization: OrganizationId,
    published: Arc<watch::Sender<Arc<Published>>>,
    nudge: Arc<Notify>,
    task: JoinHandle<()>,
    followers: Weak<Followers>,
}

impl Follower {
    /// Begins to follow. To be called inside a runtime.
    pub(super) fn new(
        organization: OrganizationId,
        policy: StoredPolicy,
        options: LiveOptions,
        followers: Weak<Followers>,
    ) -> Self {
        let (published, nudge) = (Arc::new(watch::Sender::default()), Arc::new(Notify::new()));
        let store = policy.store(&organization);
        let pursuit = Pursuit {
            organization: organization.clone(),
            // From here on no commit goes unnoticed.
            wakes: Some(store.watch()),
            policy,
            options,
            published: Arc::clone(&published),
            nudge: Arc::clone(&nudge),
        };
        Self {
            organization,
            published,
            nudge,
            task: tokio::spawn(pursuit.run()),
            followers,
        }
    }

    pub(super) fn watch(&self) -> watch::Receiver<Arc<Published>> {
        // Whoever comes looks first at what there is.
        let mut published = self.published.subscribe();
        published.mark_changed();
        published
    }

    /// Whether nobody looks any more, as where its runtime has ended.
    pub(super) fn is_dead(&self) -> bool {
        self.task.is_finished()
    }

    /// Has it look soon.
    pub(super) fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Ends every subscription.
    pub(super) fn close(&self) {
        self.published.send_modify(|published| {
            Arc::make_mut(published).is_closed = true;
        });
        self.task.abort();
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(followers) = self.followers.upgrade() {
            followers.forget(&self.organization);
        }
    }
}

struct Pursuit {
    organization: OrganizationId,
    policy: StoredPolicy,
    options: LiveOptions,
    published: Arc<watch::Sender<Arc<Published>>>,
    nudge: Arc<Notify>,
    /// `None` once the stream has ended.
    wakes: Option<BoxStream<'static, ()>>,
}

impl Pursuit {
    async fn run(mut self) {
        let mut number = 0_u64;
        loop {
            // The look answers every wake-up so far; those that come meanwhile bring about another.
            while let Some(wakes) = &mut self.wakes {
                match wakes.next().now_or_never() {
                    Some(Some(())) => {}
                    // A stream that has ended is asked no more.
                    Some(None) => self.wakes = None,
                    None => break,
                }
            }
            let looked = self.policy.look(&self.organization).await;
            let failed = looked.is_err();
            number = number.saturating_add(1);
            self.published.send_if_modified(|published| {
                let published = Arc::make_mut(published);
                match looked {
                    Ok((snapshot, arranged)) => {
                        published.take(snapshot, arranged, self.options.kept)
                    }
                    Err(cause) => published.fail(number, Arc::new(cause)),
                }
            });
            sleep(self.options.pace).await;
            self.rest(failed).await;
        }
    }

    /// Waits for a reason to look again.
    async fn rest(&mut self, failed: bool) {
        let pause = sleep(self.options.interval);
        if failed {
            return pause.await;
        }
        let woken = async {
            match &mut self.wakes {
                Some(wakes) => wakes.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            woken = woken => {
                if woken.is_none() {
                    self.wakes = None;
                }
            }
            () = self.nudge.notified() => {}
            () = pause => {}
        }
    }
}
