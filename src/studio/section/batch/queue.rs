//! The queue: when it closes a flush, and which flush is to be carried out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::item::BatchItem;
use crate::permission::codes::codes;

codes! {
    /// What closed a flush.
    Trigger:
    /// The window of its first item ended.
    Time = "time",
    /// It was full.
    Count = "count",
    /// The queue was shut down.
    Shutdown = "shutdown",
}

/// Numbers the flushes of one queue, from 0 on, without gaps.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct FlushId(u64);

/// What is carried out together.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Flush<E> {
    /// Its number; [`BatchQueue::push`] tells it for every item.
    pub id: FlushId,
    /// When it was closed: the end of the window for [`Trigger::Time`], however late that was noticed.
    pub at: Duration,
    /// What closed it.
    pub trigger: Trigger,
    /// How many items it is made of.
    pub received: usize,
    /// One entry a key, in the order of their first item.
    pub items: Vec<E>,
}

/// A queue that merges what arrives within a window, and hands it out as flushes, one at a time and in order.
///
/// It is a state machine: it keeps no clock, spawns nothing and waits for nothing. Instants are times since any fixed
/// start, as [`Clock::elapsed`](crate::Clock::elapsed) gives them, and must not go back; if one does, nothing is lost, but
/// a window may end later. Whoever drives it
///
/// 1. gives it items by [`push`](Self::push), and keeps the number of the flush each will be in;
/// 2. at [`due`](Self::due), or when anything happened, asks [`begin`](Self::begin) for a flush to carry out;
/// 3. says how that ended, by [`accepted`](Self::accepted) or [`failed`](Self::failed). A flush that failed stays the first
///    and is handed out again. Only after its flush was accepted is an item's success reported.
///
/// It holds whatever it is given until that is accepted: whoever drives it looks at [`len`](Self::len), and stops taking
/// items while the store takes none.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use garland::section::{BatchQueue, ConfigurationChange, Patch, Trigger};
/// use serde_json::json;
///
/// let at = Duration::from_millis;
/// let change = |patch| Ok::<_, garland::Error>(ConfigurationChange::new("c1", Patch::try_from(patch)?, "ann"));
/// let mut queue = BatchQueue::new();
/// queue.push(at(0), change(json!({ "layout": { "position": 1 } }))?);
/// queue.push(at(1_900), change(json!({ "customization": { "title": "x" } }))?);
/// assert_eq!(queue.due(), Some(at(2_000)));
///
/// let flush = queue.begin(at(2_000)).unwrap();
/// assert_eq!((flush.trigger, flush.items.len(), flush.items[0].merged), (Trigger::Time, 1, 2));
/// queue.failed(flush.id, at(2_500));
/// assert_eq!(queue.due(), Some(at(2_500)));
/// let again = queue.begin(at(2_500)).unwrap();
/// assert!(queue.accepted(again.id));
/// assert!(queue.is_empty());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BatchQueue<I: BatchItem> {
    open: Option<Open<I::Entry>>,
    pending: VecDeque<Arc<Flush<I::Entry>>>,
    state: State,
    next: FlushId,
    closed: bool,
}

/// What still takes items.
#[derive(Clone, Debug)]
struct Open<E> {
    end: Duration,
    received: usize,
    items: Vec<E>,
}

/// What is going on with the first flush.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Nobody carries it out, and nobody may before that instant.
    Waiting(Duration),
    UnderWay,
}

impl<I: BatchItem> BatchQueue<I> {
    /// Makes an empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            open: None,
            pending: VecDeque::new(),
            state: State::Waiting(Duration::ZERO),
            next: FlushId(0),
            closed: false,
        }
    }

    /// Takes an item at `now`, and returns the number of the flush it will be in; nothing after the shutdown, when the item
    /// is not taken.
    ///
    /// A queue whose window has ended by then is closed first, at the end of the window. The item that fills it closes it.
    pub fn push(&mut self, now: Duration, item: I) -> Option<FlushId> {
        self.tick(now);
        if self.closed {
            return None;
        }
        let id = self.next;
        let open = self.open.get_or_insert_with(|| Open {
            end: now.saturating_add(I::WINDOW),
            received: 0,
            items: Vec::new(),
        });
        open.received += 1;
        item.merge_into(&mut open.items);
        if open.received >= I::ITEMS {
            self.close(now, Trigger::Count);
        }
        Some(id)
    }

    /// Closes what is open if its window has ended by `now`.
    pub fn tick(&mut self, now: Duration) {
        if let Some(end) = self.open.as_ref().map(|open| open.end)
            && end <= now
        {
            self.close(end, Trigger::Time);
        }
    }

    /// Closes what is open, and takes nothing any more. What is pending is still to be carried out.
    pub fn shutdown(&mut self, now: Duration) {
        self.tick(now);
        self.close(now, Trigger::Shutdown);
        self.closed = true;
    }

    /// Returns the instant from which on [`begin`](Self::begin) has something, if nothing else happens; it may be past.
    /// Nothing while a flush is under way, or if nothing waits.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        let State::Waiting(until) = self.state else {
            return None;
        };
        let closed = self.pending.front().map(|flush| flush.at);
        let first = closed.or_else(|| self.open.as_ref().map(|open| open.end))?;
        Some(first.max(until))
    }

    /// Returns the flush to be carried out now, which then is under way; nothing while one is, or if none is due.
    pub fn begin(&mut self, now: Duration) -> Option<Arc<Flush<I::Entry>>> {
        self.tick(now);
        match self.state {
            State::Waiting(until) if until <= now => {
                let first = self.pending.front()?;
                self.state = State::UnderWay;
                Some(Arc::clone(first))
            }
            _ => None,
        }
    }

    /// Says that the store has accepted a flush, which is gone then. Returns whether it was the one under way; nothing
    /// changes if it was not.
    pub fn accepted(&mut self, id: FlushId) -> bool {
        let ended = self.end(id, Duration::ZERO);
        if ended {
            self.pending.pop_front();
        }
        ended
    }

    /// Says that a flush failed: it stays the first, and is handed out again from the instant `again` on. Returns whether it
    /// was the one under way; nothing changes if it was not.
    pub fn failed(&mut self, id: FlushId, again: Duration) -> bool {
        self.end(id, again)
    }

    /// Returns how many items wait, those of the flush under way included.
    #[must_use]
    pub fn len(&self) -> usize {
        let pending: usize = self.pending.iter().map(|flush| flush.received).sum();
        pending + self.open.as_ref().map_or(0, |open| open.received)
    }

    /// Whether nothing waits and nothing is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_none() && self.pending.is_empty()
    }

    /// Whether it takes nothing more, after [`shutdown`](BatchQueue::shutdown).
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns what is closed and not accepted yet, in order.
    pub fn pending(&self) -> impl Iterator<Item = &Flush<I::Entry>> {
        self.pending.iter().map(AsRef::as_ref)
    }

    fn close(&mut self, at: Duration, trigger: Trigger) {
        if let Some(open) = self.open.take() {
            self.pending.push_back(Arc::new(Flush {
                id: self.next,
                at,
                trigger,
                received: open.received,
                items: open.items,
            }));
            self.next = FlushId(self.next.0.saturating_add(1));
        }
    }

    fn end(&mut self, id: FlushId, again: Duration) -> bool {
        let under_way = matches!(self.state, State::UnderWay)
            && self.pending.front().is_some_and(|flush| flush.id == id);
        if under_way {
            self.state = State::Waiting(again);
        }
        under_way
    }
}

impl<I: BatchItem> Default for BatchQueue<I> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::item::PermissionMark;
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn mark(user: &str) -> PermissionMark {
        PermissionMark::new(user, "o", None)
    }

    #[test]
    fn one_flush_is_under_way_at_a_time() {
        let mut queue = BatchQueue::new();
        queue.push(at(0), mark("a"));
        let second = queue.push(at(1_000), mark("b")).unwrap();
        let first = queue.begin(at(1_000)).unwrap();
        queue.tick(at(2_000));
        assert_eq!(queue.begin(at(2_000)), None);
        assert_eq!(queue.due(), None);
        assert!(!queue.accepted(second), "it has not been handed out");
        assert!(queue.failed(first.id, at(3_000)));
        assert!(
            !queue.failed(first.id, at(9_000)),
            "it is not under way any more"
        );
        assert_eq!(queue.begin(at(2_999)), None);
        assert_eq!(queue.begin(at(3_000)).unwrap(), first);
        assert!(queue.accepted(first.id));
        assert_eq!(queue.due(), Some(at(2_000)));
        assert_eq!(queue.begin(at(3_000)).unwrap().id, second);
    }

    #[test]
    fn a_shutdown_keeps_what_is_pending_and_takes_nothing_more() {
        let mut queue = BatchQueue::new();
        queue.push(at(0), mark("a"));
        queue.shutdown(at(10));
        queue.shutdown(at(11));
        assert_eq!(queue.push(at(12), mark("b")), None);
        let flush = queue.begin(at(12)).unwrap();
        assert_eq!((flush.at, flush.trigger), (at(10), Trigger::Shutdown));
        assert!(queue.failed(flush.id, at(20)));
        assert_eq!(queue.len(), 1);
        assert!(queue.begin(at(20)).is_some());
        assert!(queue.accepted(flush.id));
        assert!(queue.is_empty());
        assert_eq!(queue.due(), None);
    }

    #[test]
    fn an_instant_that_goes_back_loses_nothing() {
        let mut queue = BatchQueue::new();
        queue.push(at(5_000), mark("a"));
        queue.push(at(10), mark("b"));
        assert_eq!(queue.begin(at(20)), None);
        assert_eq!(queue.begin(at(6_000)).unwrap().received, 2);
    }
}
