//! What the tests stand on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use garland::connector::{AuthKind, Category, Platform};
use garland::resilience::AccountName;
use garland::resilience::pool::{
    PlatformPool, PoolOptions, SessionFactory, SessionOptions, SessionPool,
};
use garland::testing::PausedClock;
use garland::{Chance, Error, ErrorKind, Result, Timestamp};

pub(crate) static DRIVE: Platform =
    Platform::new("drive", "Drive", Category::Cloud, AuthKind::OAuth2).with_concurrency(8);

pub(crate) fn clock() -> Arc<PausedClock> {
    Arc::new(PausedClock::starting(Timestamp::from_millis(0)))
}

pub(crate) fn pool(options: PoolOptions) -> PlatformPool {
    PlatformPool::new(AccountName::new(DRIVE.id, "clients"), options, clock())
}

/// Polls once, as somebody who may never poll again.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A number below `bound`.
pub(crate) fn below(chance: &Chance, bound: u64) -> u64 {
    chance.word() % bound
}

/// What a factory does next.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Does {
    #[default]
    Works,
    Fails,
    Hangs,
    Panics,
    /// Takes so many turns of the runtime.
    Takes(usize),
}

impl Does {
    async fn act(self) -> Result<()> {
        match self {
            Self::Works => {}
            Self::Fails => {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    "desk.connect",
                    "no answer",
                ));
            }
            Self::Hangs => std::future::pending().await,
            // Without the noise of a message.
            Self::Panics => std::panic::resume_unwind(Box::new("a fault in a factory")),
            Self::Takes(turns) => {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
            }
        }
        Ok(())
    }
}

/// How many sessions are open, and how many ever were at once.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) now: AtomicUsize,
    pub(crate) most: AtomicUsize,
    pub(crate) made: AtomicUsize,
}

/// An open session: its number.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) number: usize,
    live: Arc<Live>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.live.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A factory that does what it is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desk {
    pub(crate) live: Arc<Live>,
    pub(crate) connects: Arc<Mutex<Does>>,
    pub(crate) validates: Arc<Mutex<Does>>,
}

impl Desk {
    pub(crate) fn live(&self) -> usize {
        self.live.now.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl SessionFactory for Desk {
    type Session = Line;

    async fn connect(&self) -> Result<Line> {
        let does = *self.connects.lock().unwrap();
        // It is there from the first packet, not only when it is ready.
        let now = self.live.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.live.most.fetch_max(now, Ordering::SeqCst);
        let line = Line {
            number: self.live.made.fetch_add(1, Ordering::SeqCst),
            live: Arc::clone(&self.live),
        };
        does.act().await?;
        Ok(line)
    }

    async fn validate(&self, _: &mut Line) -> Result<()> {
        let does = *self.validates.lock().unwrap();
        does.act().await
    }
}

pub(crate) fn sessions(desk: &Desk, options: SessionOptions) -> SessionPool<Desk> {
    let account = AccountName::new("sftp", "lab");
    SessionPool::new(account, desk.clone(), options, clock(), Chance::seeded(11))
}
