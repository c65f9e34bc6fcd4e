//! Those who wait for a permit, in the order in which they get one.

use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;

use super::priority::Priority;

/// A place in the line: the lower goes first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Ticket {
    rank: u64,
    /// Unique: the count of those who came before.
    number: u64,
}

/// What has become of a ticket.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Fate {
    /// Its permit is taken, and is now its holder's.
    Granted,
    /// It waits.
    Waits,
    /// The line was sent away.
    Dismissed,
}

/// The line. A ticket is in `waiting`, in `granted`, or gone.
#[derive(Debug)]
pub(super) struct Line {
    next: u64,
    /// How many later tickets one level of priority is worth; `None`: all of them.
    ageing: Option<u64>,
    waiting: BTreeMap<Ticket, Waker>,
    /// Permits that are taken for a ticket whose holder does not know yet.
    granted: BTreeSet<u64>,
}

impl Line {
    pub(super) fn new(ageing: Option<u64>) -> Self {
        Self {
            next: 0,
            ageing,
            waiting: BTreeMap::new(),
            granted: BTreeSet::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Draws a ticket.
    pub(super) fn join(&mut self, priority: Priority, waker: Waker) -> Ticket {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        let behind = u64::from(u8::MAX.saturating_sub(priority.level()));
        let rank = match self.ageing {
            None => behind,
            Some(worth) => number.saturating_add(behind.saturating_mul(worth)),
        };
        let ticket = Ticket { rank, number };
        self.waiting.insert(ticket, waker);
        ticket
    }

    /// Grants the first ticket a permit.
    pub(super) fn grant(&mut self) -> Option<Waker> {
        let (ticket, waker) = self.waiting.pop_first()?;
        self.granted.insert(ticket.number);
        Some(waker)
    }

    /// Asks after a ticket; if it waits, `waker` is the one to call from now on. Returns the waker that is not
    /// needed any more, to be dropped without the lock.
    pub(super) fn ask(&mut self, ticket: Ticket, waker: &Waker) -> (Fate, Option<Waker>) {
        if self.granted.remove(&ticket.number) {
            return (Fate::Granted, None);
        }
        match self.waiting.get_mut(&ticket) {
            None => (Fate::Dismissed, None),
            Some(kept) if kept.will_wake(waker) => (Fate::Waits, None),
            Some(kept) => (Fate::Waits, Some(std::mem::replace(kept, waker.clone()))),
        }
    }

    /// Gives a ticket up, and tells what it was.
    pub(super) fn leave(&mut self, ticket: Ticket) -> (Fate, Option<Waker>) {
        if self.granted.remove(&ticket.number) {
            return (Fate::Granted, None);
        }
        match self.waiting.remove(&ticket) {
            Some(waker) => (Fate::Waits, Some(waker)),
            None => (Fate::Dismissed, None),
        }
    }

    /// Sends everybody away who has not been granted a permit.
    pub(super) fn dismiss(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.waiting).into_values().collect()
    }
}
