//! What the tests stand on.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use garland::connector::{AuthKind, Category, Platform};
use garland::resilience::AccountName;
use garland::resilience::pool::{PlatformPool, PoolOptions};
use garland::testing::PausedClock;
use garland::{Chance, Timestamp};

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
