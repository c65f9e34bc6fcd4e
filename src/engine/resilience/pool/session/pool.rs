//! The pool of sessions.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::timeout;

use crate::clock::Clock;
use crate::engine::resilience::layers::AccountName;
use crate::engine::resilience::pool::events::Tell;
use crate::engine::resilience::pool::permits::{Permit, Permits};
use crate::engine::resilience::pool::priority::Priority;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Chance;
use crate::telemetry::SESSIONS;

use super::events::{CloseReason, SessionEvent, SessionEvents};
use super::factory::SessionFactory;
use super::guard::PooledSession;
use super::options::SessionOptions;
use super::shelf::{Found, Gone, Open, Shelf, Slot};
use super::stats::SessionStats;

/// Sessions of one account, opened when needed, kept open between calls, and lent to one user at a time.
///
/// - Who asks goes by [`Priority`], and waits for a turn no longer than [`SessionOptions::wait`].
/// - The session used last is lent first; one that lay idle for [`SessionOptions::validate_after`] is validated before,
///   and dropped if it fails.
/// - A session ends at its [lifetime](SessionOptions::lifetime), after too long
///   [idleness](SessionOptions::idle_timeout), and when it is not [given back as good](PooledSession::release).
/// - A factory that fails, hangs or panics costs whoever asked an error, and nobody a turn.
/// - Sessions that are out for too long are [told](SessionEvent::Overdue) and counted, not taken away.
///
/// Clones are handles of one pool. It owns no task: [`maintain`](Self::maintain) is a future of the host's. Without it sessions
/// are still looked after whenever one is taken.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use async_trait::async_trait;
/// use garland::resilience::AccountName;
/// use garland::resilience::pool::{Priority, SessionFactory, SessionOptions, SessionPool};
/// use garland::{Chance, Result, SystemClock};
///
/// #[derive(Debug)]
/// struct Desk;
///
/// #[async_trait]
/// impl SessionFactory for Desk {
///     type Session = Vec<&'static str>;
///
///     async fn connect(&self) -> Result<Self::Session> {
///         Ok(vec!["hello"])
///     }
///
///     async fn validate(&self, _: &mut Self::Session) -> Result<()> {
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let account = AccountName::new("sftp", "studio-7/lab");
/// let clock = Arc::new(SystemClock::new());
/// let pool = SessionPool::new(account, Desk, SessionOptions::default(), clock, Chance::system());
///
/// let mut session = pool.get(Priority::NORMAL).await?;
/// session.push("list");
/// session.release();
/// let session = pool.get(Priority::NORMAL).await?;
/// assert_eq!(*session, ["hello", "list"]); // the same one
/// drop(session); // not given back as good
/// assert_eq!(pool.stats().open, 0);
/// # Ok(())
/// # }
/// ```
pub struct SessionPool<F: SessionFactory>(Arc<Inner<F>>);

pub(super) struct Inner<F: SessionFactory> {
    account: AccountName,
    factory: F,
    options: SessionOptions,
    clock: Arc<dyn Clock>,
    chance: Chance,
    permits: Permits,
    shelf: Mutex<Shelf<F::Session>>,
    tell: Tell<SessionEvent>,
}

impl<F: SessionFactory> SessionPool<F> {
    /// Makes an empty pool of `account`; `chance` spreads the ends of lifetimes.
    #[must_use]
    pub fn new(
        account: AccountName,
        factory: F,
        options: SessionOptions,
        clock: Arc<dyn Clock>,
        chance: Chance,
    ) -> Self {
        Self(Arc::new(Inner {
            account,
            factory,
            permits: Permits::new(options.max.max(1)),
            options,
            clock,
            chance,
            shelf: Mutex::new(Shelf::new()),
            tell: Tell::new(),
        }))
    }

    /// Returns the name of the account.
    #[must_use]
    pub fn account(&self) -> &AccountName {
        &self.0.account
    }

    /// Takes a session: an idle one, or a new one; waits for a turn if all are out.
    ///
    /// # Errors
    /// - [`ErrorKind::Timeout`]: no turn came within [`SessionOptions::wait`], or opening took longer than
    ///   [`SessionOptions::connect_timeout`].
    /// - [`ErrorKind::Refused`]: the pool is [closing](Self::close).
    /// - [`ErrorKind::Unexpected`]: the factory panicked.
    /// - Those of [`SessionFactory::connect`].
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: the turn goes to the next. A session that was being opened or validated is closed.
    pub async fn get(&self, priority: Priority) -> Result<PooledSession<F>> {
        let inner = &self.0;
        let permit = inner.turn(priority).await?;
        loop {
            let open = match inner.take() {
                Found::Closing => return Err(inner.closing()),
                Found::Room(slot) => inner.connect(slot).await?,
                Found::Idle(open) => match inner.validated(open).await {
                    Some(open) => open,
                    None => continue,
                },
            };
            if inner.permits.is_closed() {
                inner.put(open);
                return Err(inner.closing());
            }
            return Ok(PooledSession::new(open, Arc::clone(inner), permit));
        }
    }

    /// Returns what the pool is doing, and has done.
    #[must_use]
    pub fn stats(&self) -> SessionStats {
        let inner = &self.0;
        let waiting = inner.permits.waiting();
        let now = inner.clock.elapsed();
        SessionStats {
            waiting,
            ..inner.shelf().stats(now, inner.options.overdue_after)
        }
    }

    /// Listens from now on. A receiver that is too slow loses the oldest events, and is told how many.
    #[must_use]
    pub fn events(&self) -> SessionEvents {
        SessionEvents::new(self.0.tell.subscribe())
    }

    /// Looks after the sessions every [`SessionOptions::maintain_every`], until the pool [closes](Self::close): closes those
    /// that are too old or idle for too long, opens some ahead of need ([`SessionOptions::min_idle`]), and tells which are
    /// overdue. Run it in a task that the host owns, one for each pool.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop. A session that was being opened is closed.
    pub async fn maintain(&self) {
        let inner = &self.0;
        let every = inner.options.maintain_every.max(Duration::from_millis(1));
        while !inner.permits.is_closed() {
            tokio::select! {
                biased;
                () = inner.permits.closed() => return,
                () = inner.look_after() => {}
            }
            tokio::select! {
                biased;
                () = inner.permits.closed() => return,
                () = tokio::time::sleep(every) => {}
            }
        }
    }

    /// Closes the pool, for good: sends away those who wait, closes what lies idle, and waits until every session that is
    /// out has come back and is closed.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: the pool stays closed. Call it again to wait on.
    pub async fn close(&self) {
        let inner = &self.0;
        inner.permits.close();
        let gone = inner.shelf().close();
        inner.tell_gone(gone);
        inner.permits.drained().await;
        if inner.shelf().drained() {
            inner.tell.emit(SessionEvent::Drained);
        }
    }
}

impl<F: SessionFactory> Clone for SessionPool<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: SessionFactory> fmt::Debug for SessionPool<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<F: SessionFactory> fmt::Debug for Inner<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionPool")
            .field("account", &self.account)
            .field("permits", &self.permits)
            .finish_non_exhaustive()
    }
}

impl<F: SessionFactory> Inner<F> {
    fn shelf(&self) -> MutexGuard<'_, Shelf<F::Session>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn turn(&self, priority: Priority) -> Result<Permit> {
        if let Some(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let turn = timeout(self.options.wait, self.permits.acquire(priority)).await;
        turn.map_err(|cause| {
            self.error(ErrorKind::Timeout, "no session came free in time")
                .with_source(cause)
        })?
        .map_err(|error| error.with_context("account", &self.account))
    }

    fn take(&self) -> Found<F::Session> {
        let now = self.clock.elapsed();
        let (found, gone) = self.shelf().take(now, &self.options);
        self.tell_gone(gone);
        found
    }

    /// Lays a session down, or closes it if it is not to be used again.
    pub(super) fn put(&self, open: Open<F::Session>) {
        let now = self.clock.elapsed();
        let gone = self.shelf().put(open, now);
        self.tell_gone(gone);
    }

    pub(super) fn lend(&self) -> u64 {
        let now = self.clock.elapsed();
        self.shelf().lend(now)
    }

    pub(super) fn returned(&self, loan: u64) {
        self.shelf().returned(loan);
    }

    /// Notes that a session was closed that did not lie on the shelf.
    pub(super) fn closed(&self, reason: CloseReason) {
        self.shelf().tally.closed.add(reason);
        self.tell_closed(reason);
    }

    /// Opens a session.
    async fn connect(&self, slot: Slot) -> Result<Open<F::Session>> {
        // A block of its own, so that a factory that panics before its first await does so in there.
        let connect = AssertUnwindSafe(async { self.factory.connect().await }).catch_unwind();
        let session = match timeout(self.options.connect_timeout, connect).await {
            Ok(Ok(answer)) => answer.map_err(|error| error.with_context("account", &self.account)),
            Ok(Err(_panic)) => Err(self.error(ErrorKind::Unexpected, "the factory panicked")),
            Err(cause) => Err(self
                .error(ErrorKind::Timeout, "the session took too long to open")
                .with_source(cause)),
        };
        match session {
            Ok(session) => {
                let now = self.clock.elapsed();
                let lifetime = self.options.lifetime;
                let less = lifetime.mul_f64(self.chance.unit() / 10.0);
                self.shelf().tally.opened += 1;
                self.count("opened");
                self.tell.emit(SessionEvent::Opened);
                Ok(Open {
                    session,
                    retires: now.saturating_add(lifetime.saturating_sub(less)),
                    idle_since: now,
                    slot,
                })
            }
            Err(error) => {
                self.shelf().tally.connect_failed += 1;
                self.count("connect_failed");
                self.tell
                    .emit(SessionEvent::ConnectFailed { kind: error.kind() });
                Err(error)
            }
        }
    }

    /// Makes sure that an idle session still works, if it lay for long.
    async fn validated(&self, open: Open<F::Session>) -> Option<Open<F::Session>> {
        let idle = self.clock.elapsed().saturating_sub(open.idle_since);
        let mut doubt = Doubt {
            pool: self,
            cleared: false,
        };
        // Dropped before the doubt, which says that it is closed.
        let mut open = open;
        if idle >= self.options.validate_after {
            let session = &mut open.session;
            let validate = AssertUnwindSafe(async { self.factory.validate(session).await });
            let answer = timeout(self.options.validate_timeout, validate.catch_unwind()).await;
            if !matches!(answer, Ok(Ok(Ok(())))) {
                return None;
            }
        }
        doubt.cleared = true;
        self.shelf().tally.reused += 1;
        self.count("reused");
        Some(open)
    }

    async fn look_after(&self) {
        let now = self.clock.elapsed();
        let gone = self.shelf().sweep(now, &self.options);
        self.tell_gone(gone);
        let overdue = self.shelf().newly_overdue(now, self.options.overdue_after);
        for out_for in overdue {
            self.tell.emit(SessionEvent::Overdue { out_for });
        }
        // A round opens no more than are kept ready, even if they end at once.
        for _ in 0..self.options.min_idle.min(self.options.max) {
            // Only with a permit that nobody waits for.
            let Some(_permit) = self.permits.try_acquire() else {
                return;
            };
            let Some(slot) = self.shelf().room_ahead(&self.options) else {
                return;
            };
            match self.connect(slot).await {
                Ok(open) => self.put(open),
                // Told already; the next round tries again.
                Err(_) => return,
            }
        }
    }

    /// Closes sessions, and tells it.
    fn tell_gone(&self, gone: Gone<F::Session>) {
        for (session, reason) in gone {
            drop(session);
            self.tell_closed(reason);
        }
    }

    fn tell_closed(&self, reason: CloseReason) {
        self.count(reason.code());
        self.tell.emit(SessionEvent::Closed { reason });
    }

    fn count(&self, event: &'static str) {
        let labels = [("platform", self.account.platform()), ("event", event)];
        self.options.telemetry.count(SESSIONS, &labels, 1);
    }

    fn error(&self, kind: ErrorKind, message: &'static str) -> Error {
        Error::new(kind, "sessions.get", message).with_context("account", &self.account)
    }

    fn closing(&self) -> Error {
        self.error(ErrorKind::Refused, "the pool is closing")
    }
}

/// Notes that a session was closed, unless it turned out to work.
struct Doubt<'a, F: SessionFactory> {
    pool: &'a Inner<F>,
    cleared: bool,
}

impl<F: SessionFactory> Drop for Doubt<'_, F> {
    fn drop(&mut self) {
        if !self.cleared {
            self.pool.closed(CloseReason::Invalid);
        }
    }
}
