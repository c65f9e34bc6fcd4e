//! What went over the link, minute by minute, and what came of the day's promises.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use garland::bandwidth::Class;

use crate::clock::Saturday;

/// Bytes of each organization's archive, and of all it sends, by minute. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    minutes: BTreeMap<(usize, u64), Minute>,
    classes: BTreeMap<Class, (u64, u64)>,
}

/// What one organization sent in one minute.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Minute {
    pub(crate) archive: u64,
    pub(crate) all: u64,
}

impl Ledger {
    /// Notes bytes that may go.
    pub(crate) fn sent(&self, organization: usize, class: Class, bytes: usize, clock: Saturday) {
        let mut book = self.book();
        let bytes = bytes as u64;
        let minute = clock.time().as_secs() / 60;
        let sent = book.minutes.entry((organization, minute)).or_default();
        sent.all += bytes;
        if class == Class::Background {
            sent.archive += bytes;
        }
        book.classes.entry(class).or_default().1 += bytes;
    }

    /// Notes a file that has arrived.
    pub(crate) fn arrived(&self, class: Class) {
        self.book().classes.entry(class).or_default().0 += 1;
    }

    /// Returns files and bytes of a class.
    pub(crate) fn of(&self, class: Class) -> (u64, u64) {
        self.book().classes.get(&class).copied().unwrap_or_default()
    }

    /// Returns what an organization sent in a minute.
    pub(crate) fn minute(&self, organization: usize, minute: u64) -> Minute {
        let book = self.book();
        let sent = book.minutes.get(&(organization, minute));
        sent.copied().unwrap_or_default()
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
