//! What went over the link, minute by minute, and what came of the day's promises.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use garland::bandwidth::Class;

use crate::clock::Saturday;

/// What organizations have sent. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    /// Bytes by organization and minute.
    minutes: BTreeMap<(usize, u64), u64>,
    /// Files and bytes by class.
    classes: BTreeMap<Class, (u64, u64)>,
    /// When each archive last moved, and the longest it stood still since it first did, with the time of its end.
    archives: BTreeMap<usize, (Duration, Duration, Duration)>,
}

impl Ledger {
    /// Notes bytes that may go.
    pub(crate) fn sent(&self, organization: usize, class: Class, bytes: usize, clock: Saturday) {
        let mut book = self.book();
        let (bytes, now) = (bytes as u64, clock.time());
        let minute = now.as_secs() / 60;
        *book.minutes.entry((organization, minute)).or_default() += bytes;
        book.classes.entry(class).or_default().1 += bytes;
        if class == Class::Background {
            let archive = book
                .archives
                .entry(organization)
                .or_insert((now, Duration::ZERO, now));
            let gap = now - archive.0;
            archive.0 = now;
            if gap > archive.1 {
                (archive.1, archive.2) = (gap, now);
            }
        }
    }

    /// Notes a file that has arrived.
    pub(crate) fn arrived(&self, class: Class) {
        self.book().classes.entry(class).or_default().0 += 1;
    }

    /// Returns files and bytes of a class.
    pub(crate) fn of(&self, class: Class) -> (u64, u64) {
        let book = self.book();
        book.classes.get(&class).copied().unwrap_or_default()
    }

    /// Returns what an organization sent in a minute.
    pub(crate) fn minute(&self, organization: usize, minute: u64) -> u64 {
        let book = self.book();
        let sent = book.minutes.get(&(organization, minute));
        sent.copied().unwrap_or_default()
    }

    /// Returns the longest time that an archive stood still up to `end`, and when that was over.
    pub(crate) fn standstill(&self, organization: usize, end: Duration) -> (Duration, Duration) {
        let book = self.book();
        let Some((last, longest, at)) = book.archives.get(&organization) else {
            return (end, end);
        };
        let since = end.saturating_sub(*last);
        if since > *longest {
            (since, end)
        } else {
            (*longest, *at)
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One promise of the day, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) promise: String,
    pub(crate) found: String,
    pub(crate) holds: bool,
}

impl Verdict {
    pub(crate) fn new(promise: impl Into<String>, found: impl Into<String>, holds: bool) -> Self {
        Self {
            promise: promise.into(),
            found: found.into(),
            holds,
        }
    }
}

/// A time as people say it.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
