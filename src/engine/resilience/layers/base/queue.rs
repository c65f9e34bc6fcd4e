//! Who waits, by urgency, and how many at most.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::resilience::pool::Priority;

/// A bound on those who wait. Only those who are at least as urgent count against somebody, so that a crowd
/// that has time sends nobody away who has none.
#[derive(Debug)]
pub(in super::super) struct Queue {
    most: usize,
    waiting: Mutex<BTreeMap<Priority, usize>>,
}

impl Queue {
    /// A queue of up to `most` of each urgency and above.
    pub(in super::super) fn new(most: usize) -> Self {
        Self {
            most,
            waiting: Mutex::default(),
        }
    }

    /// Takes a place, unless there are too many already.
    pub(in super::super) fn join(&self, priority: Priority) -> Option<Place<'_>> {
        let mut waiting = self.waiting();
        let before: usize = waiting.range(priority..).map(|(_, count)| *count).sum();
        if before >= self.most {
            return None;
        }
        let count = waiting.entry(priority).or_default();
        *count = count.saturating_add(1);
        let queue = self;
        Some(Place { queue, priority })
    }

    /// Tells whether nobody waits.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Priority, usize>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, given up when dropped.
#[derive(Debug)]
pub(in super::super) struct Place<'a> {
    queue: &'a Queue,
    priority: Priority,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.queue.waiting();
        if let Some(count) = waiting.get_mut(&self.priority) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                waiting.remove(&self.priority);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_have_time_send_nobody_away_who_has_none() {
        let queue = Queue::new(2);
        let crowd = [(); 2].map(|()| queue.join(Priority::NORMAL).unwrap());
        assert!(queue.join(Priority::NORMAL).is_none());
        assert!(queue.join(Priority::BACKGROUND).is_none());
        let urgent = [(); 2].map(|()| queue.join(Priority::EMERGENCY).unwrap());
        assert!(queue.join(Priority::EMERGENCY).is_none());
        drop(crowd);
        assert!(queue.join(Priority::NORMAL).is_none(), "two are before it");
        drop(urgent);
        assert!(queue.is_empty() && queue.join(Priority::BACKGROUND).is_some());
    }
}
