//! Where idle sessions lie, and who has the others. Everything here happens under one lock, and nothing foreign runs
//! in it: what is to be closed is handed out, and dropped without the lock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::events::CloseReason;
use super::options::SessionOptions;
use super::stats::SessionStats;

/// Counts one session as open until it is dropped.
#[derive(Debug)]
pub(super) struct Slot(Arc<AtomicUsize>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An open session.
#[derive(Debug)]
pub(super) struct Open<S> {
    pub(super) session: S,
    /// When it has reached its lifetime.
    pub(super) retires: Duration,
    pub(super) idle_since: Duration,
    /// Dropped after the session, so that what is not counted is closed.
    pub(super) slot: Slot,
}

/// What a borrower finds.
#[derive(Debug)]
pub(super) enum Found<S> {
    Idle(Open<S>),
    /// Nothing; but there is room for a new one.
    Room(Slot),
    Closing,
}

/// Sessions to be closed, and why.
pub(super) type Gone<S> = Vec<(S, CloseReason)>;

#[derive(Debug)]
struct Loan {
    since: Duration,
    told: bool,
}

/// INVARIANT: a session is open by a permit of the pool, or idle; none is opened for a borrower while one lies idle, and
/// none ahead of need while as many as there may be are open. So there are never more open than permits.
#[derive(Debug)]
pub(super) struct Shelf<S> {
    open: Arc<AtomicUsize>,
    /// By when they were given back, the last at the back.
    idle: VecDeque<Open<S>>,
    loans: BTreeMap<u64, Loan>,
    next_loan: u64,
    closing: bool,
    drained: bool,
    pub(super) tally: SessionStats,
}

impl<S> Shelf<S> {
    pub(super) fn new() -> Self {
        Self {
            open: Arc::default(),
            idle: VecDeque::new(),
            loans: BTreeMap::new(),
            next_loan: 0,
            closing: false,
            drained: false,
            tally: SessionStats::default(),
        }
    }

    /// Takes the session that was used last, so that those not needed grow old; or room for one.
    pub(super) fn take(&mut self, now: Duration, options: &SessionOptions) -> (Found<S>, Gone<S>) {
        if self.closing {
            return (Found::Closing, Gone::new());
        }
        let gone = self.sweep(now, options);
        let found = match self.idle.pop_back() {
            Some(open) => Found::Idle(open),
            None => Found::Room(self.room()),
        };
        (found, gone)
    }

    /// Takes room for a session ahead of need.
    pub(super) fn room_ahead(&self, options: &SessionOptions) -> Option<Slot> {
        let wanted = !self.closing && self.idle.len() < options.min_idle;
        (wanted && self.open() < options.max).then(|| self.room())
    }

    fn room(&self) -> Slot {
        self.open.fetch_add(1, Ordering::AcqRel);
        Slot(Arc::clone(&self.open))
    }

    /// Lays a session down.
    pub(super) fn put(&mut self, mut open: Open<S>, now: Duration) -> Gone<S> {
        let reason = if self.closing {
            CloseReason::Closing
        } else if open.retires <= now {
            CloseReason::Retired
        } else {
            open.idle_since = now;
            self.idle.push_back(open);
            return Gone::new();
        };
        self.discard(open, reason).into_iter().collect()
    }

    /// Stops counting a session, and hands it out to be closed.
    fn discard(&mut self, open: Open<S>, reason: CloseReason) -> Option<(S, CloseReason)> {
        let Open { session, slot, .. } = open;
        drop(slot);
        self.tally.closed.add(reason);
        Some((session, reason))
    }

    /// Takes out what is too old, and what lay idle for too long.
    pub(super) fn sweep(&mut self, now: Duration, options: &SessionOptions) -> Gone<S> {
        let mut gone = Gone::new();
        let is_old = |open: &Open<S>| open.retires <= now;
        while let Some(at) = self.idle.iter().position(is_old) {
            let old = self.idle.remove(at);
            gone.extend(old.and_then(|open| self.discard(open, CloseReason::Retired)));
        }
        let is_long =
            |open: &mut Open<S>| now.saturating_sub(open.idle_since) >= options.idle_timeout;
        while self.idle.len() > options.min_idle
            && let Some(open) = self.idle.pop_front_if(is_long)
        {
            gone.extend(self.discard(open, CloseReason::Idle));
        }
        gone
    }

    /// Notes that a session goes out.
    pub(super) fn lend(&mut self, now: Duration) -> u64 {
        let loan = self.next_loan;
        self.next_loan = self.next_loan.wrapping_add(1);
        self.loans.insert(
            loan,
            Loan {
                since: now,
                told: false,
            },
        );
        loan
    }

    /// Notes that a session is not out any more.
    pub(super) fn returned(&mut self, loan: u64) {
        self.loans.remove(&loan);
    }

    /// Returns for how long those are out that are newly overdue.
    pub(super) fn newly_overdue(&mut self, now: Duration, after: Duration) -> Vec<Duration> {
        let loans = self.loans.values_mut().filter(|loan| !loan.told);
        loans
            .filter_map(|loan| {
                let out_for = now.saturating_sub(loan.since);
                loan.told = out_for >= after;
                loan.told.then_some(out_for)
            })
            .collect()
    }

    /// Takes nothing more in, and hands out all that lie idle.
    pub(super) fn close(&mut self) -> Gone<S> {
        self.closing = true;
        let idle = std::mem::take(&mut self.idle);
        idle.into_iter()
            .filter_map(|open| self.discard(open, CloseReason::Closing))
            .collect()
    }

    /// Notes that all are closed, and tells whether that is new.
    pub(super) fn drained(&mut self) -> bool {
        !std::mem::replace(&mut self.drained, true)
    }

    pub(super) fn stats(&self, now: Duration, overdue_after: Duration) -> SessionStats {
        let is_overdue = |loan: &&Loan| now.saturating_sub(loan.since) >= overdue_after;
        SessionStats {
            open: self.open(),
            idle: self.idle.len(),
            in_use: self.loans.len(),
            overdue: self.loans.values().filter(is_overdue).count(),
            ..self.tally.clone()
        }
    }

    fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }
}
