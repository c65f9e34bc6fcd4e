//! A set of permits that goes by priority.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::error::{Error, ErrorKind, Result};

use super::line::{Fate, Line, Ticket};
use super::priority::Priority;

/// A number of permits that can be changed at any time, handed to whoever is the most urgent.
///
/// - **Order**: the higher [`Priority`] goes first, ties in the order in which they came. Nobody slips past
///   the line because a permit looks free for a moment.
/// - **Ageing** ([`with_ageing`](Self::with_ageing)): a level of priority is then worth a number of places in the line, so
///   that nobody waits for ever.
/// - **Limit**: raised or lowered while permits are out. Lowered, nothing is taken away: as many must come back first.
/// - **Cancellation**: a wait that is dropped, even at the moment when it is granted, loses nothing.
///
/// Clones are handles of one set. A free permit is taken and given back by an atomic operation on the set and
/// one on the count of its handles, without allocation; a lock is taken only while somebody waits, for as long as it takes
/// to find a place in the line.
///
/// # Example
///
/// ```
/// use garland::resilience::pool::{Permits, Priority};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let permits = Permits::new(2);
/// let first = permits.acquire(Priority::NORMAL).await?;
/// let second = permits.acquire(Priority::EMERGENCY).await?;
/// assert!(permits.try_acquire().is_none());
///
/// permits.set_limit(1);
/// drop(first);
/// assert!(permits.try_acquire().is_none()); // one is still out
/// drop(second);
/// assert!(permits.try_acquire().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Permits(Arc<Inner>);

/// One permit. Given back when it is dropped.
#[must_use = "the permit goes back at once if it is not kept"]
pub struct Permit(Permits);

/// INVARIANT: while [`Word::WAITING`] or [`Word::CLOSED`] is set, `word` is changed only by whoever holds `line`, and
/// `WAITING` is set exactly while somebody waits in the line. Whoever lets go of the lock has granted all there was to
/// grant, so that somebody waits only while no permit is free.
struct Inner {
    word: AtomicU64,
    line: Mutex<Line>,
    changed: Notify,
}

/// The whole state but the line: limit, permits out, and two flags.
#[derive(Clone, Copy)]
struct Word(u64);

impl Word {
    const BITS: u32 = 31;
    const MASK: u64 = (1 << Self::BITS) - 1;
    const ONE: u64 = 1 << Self::BITS;
    const CLOSED: u64 = 1 << 62;
    const WAITING: u64 = 1 << 63;

    fn limit(self) -> u64 {
        self.0 & Self::MASK
    }

    fn in_use(self) -> u64 {
        (self.0 >> Self::BITS) & Self::MASK
    }

    fn has_room(self) -> bool {
        self.in_use() < self.limit()
    }

    fn is_closed(self) -> bool {
        self.0 & Self::CLOSED != 0
    }

    /// Tells whether a change must hold the line.
    fn by_lock_only(self) -> bool {
        self.0 & (Self::CLOSED | Self::WAITING) != 0
    }
}

impl Permits {
    /// The highest limit.
    pub const MOST: usize = (1 << Word::BITS) - 1;

    /// Makes a set of `limit` permits, at most [`MOST`](Self::MOST), strictly by priority.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self::with_line(limit, Line::new(None))
    }

    /// Makes a set in which waiting counts: one level of [`Priority`] is worth `places` places in the line.
    ///
    /// Somebody who waits is passed by at most `places` later ones for each level that they are above him. With 0 the
    /// set goes by time of arrival alone.
    #[must_use]
    pub fn with_ageing(limit: usize, places: u32) -> Self {
        Self::with_line(limit, Line::new(Some(u64::from(places))))
    }

    fn with_line(limit: usize, line: Line) -> Self {
        Self(Arc::new(Inner {
            word: AtomicU64::new(capped(limit)),
            line: Mutex::new(line),
            changed: Notify::new(),
        }))
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`]: the set is [closed](Self::close), or was while this waited.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: the place in the line is given up, and a permit that was just granted goes to the next.
    pub async fn acquire(&self, priority: Priority) -> Result<Permit> {
        match self.try_acquire() {
            Some(permit) => Ok(permit),
            None => {
                Wait {
                    permits: self,
                    priority,
                    ticket: None,
                }
                .await
            }
        }
    }

    /// Takes a permit if one is free and nobody waits.
    #[must_use]
    pub fn try_acquire(&self) -> Option<Permit> {
        self.0.try_take().then(|| Permit(self.clone()))
    }

    /// Changes the limit, to at most [`MOST`](Self::MOST). With 0 nobody gets a permit.
    pub fn set_limit(&self, limit: usize) {
        self.resize(limit).into_iter().for_each(Waker::wake);
    }

    /// Changes the limit, and leaves it to the caller to wake those who got a permit by it.
    #[must_use]
    pub(super) fn resize(&self, limit: usize) -> Vec<Waker> {
        let limit = capped(limit);
        let mut line = self.0.line();
        self.0.change(|word| Some(word.0 & !Word::MASK | limit));
        let mut wakers = Vec::new();
        while let Some(waker) = self.0.grant(&mut line) {
            wakers.push(waker);
        }
        wakers
    }

    /// Returns the limit.
    #[must_use]
    pub fn limit(&self) -> usize {
        count(self.0.load().limit())
    }

    /// Returns how many permits are out; after the limit was lowered it may be more than the limit.
    #[must_use]
    pub fn in_use(&self) -> usize {
        count(self.0.load().in_use())
    }

    /// Returns how many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.line().len()
    }

    /// Hands out no more permits, for good, and sends away those who wait. Permits that are out stay valid.
    pub fn close(&self) {
        let mut line = self.0.line();
        self.0
            .change(|word| Some(word.0 & !Word::WAITING | Word::CLOSED));
        let wakers = line.dismiss();
        drop(line);
        wakers.into_iter().for_each(Waker::wake);
        self.0.changed.notify_waiters();
    }

    /// Tells whether the set was [closed](Self::close).
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.load().is_closed()
    }

    /// Waits until the set is [closed](Self::close) and every permit has come back.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop and to call again.
    pub async fn drained(&self) {
        self.until(Inner::is_drained).await;
    }

    /// Waits until the set is [closed](Self::close).
    ///
    /// # Cancel safety
    ///
    /// Safe to drop and to call again.
    pub async fn closed(&self) {
        self.until(|inner| inner.load().is_closed()).await;
    }

    async fn until(&self, is_so: impl Fn(&Inner) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            // Listens before it looks, so that nothing falls between the two.
            changed.as_mut().enable();
            if is_so(&self.0) {
                return;
            }
            changed.await;
        }
    }
}

impl fmt::Debug for Permits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permits")
            .field("limit", &self.limit())
            .field("in_use", &self.in_use())
            .field("waiting", &self.waiting())
            .field("closed", &self.is_closed())
            .finish()
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").finish_non_exhaustive()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.0.put_back();
    }
}

impl Inner {
    fn load(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the word, unless `to` finds nothing to change.
    fn change(&self, to: impl Fn(Word) -> Option<u64>) -> bool {
        self.word
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| to(Word(word)))
            .is_ok()
    }

    fn try_take(&self) -> bool {
        self.change(|word| (!word.by_lock_only() && word.has_room()).then_some(word.0 + Word::ONE))
    }

    fn put_back(&self) {
        let alone = self.change(|word| (!word.by_lock_only()).then_some(word.0 - Word::ONE));
        if !alone {
            self.put_back_to(self.line());
        }
    }

    /// Takes a permit back while somebody waits, or the set is closed.
    fn put_back_to(&self, mut line: MutexGuard<'_, Line>) {
        self.word.fetch_sub(Word::ONE, Ordering::AcqRel);
        let waker = self.grant(&mut line);
        drop(line);
        if let Some(waker) = waker {
            waker.wake();
        }
        self.tell_if_drained();
    }

    /// Takes a free permit for the first in the line.
    fn grant(&self, line: &mut Line) -> Option<Waker> {
        if !self.load().has_room() {
            return None;
        }
        let waker = line.grant()?;
        self.word.fetch_add(Word::ONE, Ordering::AcqRel);
        self.unmark_if_empty(line);
        Some(waker)
    }

    fn unmark_if_empty(&self, line: &Line) {
        if line.is_empty() {
            self.word.fetch_and(!Word::WAITING, Ordering::AcqRel);
        }
    }

    fn is_drained(&self) -> bool {
        let word = self.load();
        word.is_closed() && word.in_use() == 0
    }

    fn tell_if_drained(&self) {
        if self.is_drained() {
            self.changed.notify_waiters();
        }
    }
}

/// A wait for a permit.
struct Wait<'a> {
    permits: &'a Permits,
    priority: Priority,
    /// The place in the line, until the permit is here or refused.
    ticket: Option<Ticket>,
}

impl Wait<'_> {
    /// Takes a permit, or joins the line, or is refused.
    fn arrive(&mut self, waker: &Waker) -> Poll<Result<Permit>> {
        let inner = &self.permits.0;
        let mut line = inner.line();
        loop {
            if inner.load().is_closed() {
                return Poll::Ready(Err(closed()));
            }
            if inner.try_take() {
                return Poll::Ready(Ok(Permit(self.permits.clone())));
            }
            // From here on nothing comes back without the lock, so that no permit passes unseen.
            let marked = inner.change(|word| {
                let nothing_free = word.by_lock_only() || !word.has_room();
                (nothing_free && !word.is_closed()).then_some(word.0 | Word::WAITING)
            });
            if marked {
                self.ticket = Some(line.join(self.priority, waker.clone()));
                return Poll::Pending;
            }
        }
    }
}

impl Future for Wait<'_> {
    type Output = Result<Permit>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(ticket) = self.ticket else {
            return self.arrive(context.waker());
        };
        // What is not needed any more is dropped after the lock, because a waker is foreign code.
        let (fate, _old) = self.permits.0.line().ask(ticket, context.waker());
        match fate {
            Fate::Waits => Poll::Pending,
            Fate::Granted => {
                self.ticket = None;
                Poll::Ready(Ok(Permit(self.permits.clone())))
            }
            Fate::Dismissed => {
                self.ticket = None;
                Poll::Ready(Err(closed()))
            }
        }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let inner = &self.permits.0;
        let mut line = inner.line();
        let (fate, waker) = line.leave(ticket);
        match fate {
            Fate::Granted => inner.put_back_to(line),
            Fate::Waits => {
                inner.unmark_if_empty(&line);
                drop(line);
            }
            Fate::Dismissed => drop(line),
        }
        drop(waker);
    }
}

fn closed() -> Error {
    Error::new(
        ErrorKind::Refused,
        "pool.acquire",
        "the pool hands out nothing more",
    )
}

fn capped(limit: usize) -> u64 {
    u64::try_from(limit).map_or(Word::MASK, |limit| limit.min(Word::MASK))
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
