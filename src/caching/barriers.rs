//! What was invalidated, and when: noted in constant time, and asked when an entry is read.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Past so many notes, the cache looks at all its entries once and forgets them.
const MOST: usize = 4_096;

/// Notes of invalidations. An entry carries the epoch it was born in; one born before a note that meets it is dead.
///
/// An entry that was found alive is as good as born in the epoch of that look, so that most reads compare two
/// numbers and no more.
#[derive(Debug, Default)]
pub(super) struct Barriers {
    epoch: AtomicU64,
    notes: RwLock<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    /// Everything born before it is dead.
    all: u64,
    /// Notes up to this one are forgotten; what was on its way by then cannot be judged any more.
    forgotten: u64,
    tags: HashMap<Arc<str>, u64>,
    prefixes: HashMap<Box<str>, u64>,
    /// How many prefixes there are of each length in bytes.
    lengths: BTreeMap<usize, usize>,
}

impl Barriers {
    #[inline]
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Notes that all is invalid.
    pub(super) fn all(&self) {
        self.note(|notes, epoch| {
            *notes = Notes {
                all: epoch,
                forgotten: notes.forgotten,
                ..Notes::default()
            };
        });
    }

    /// Notes a tag; `true` if there are too many notes.
    pub(super) fn tag(&self, tag: &str) -> bool {
        self.note(|notes, epoch| {
            notes.tags.insert(tag.into(), epoch);
        })
    }

    /// Notes a prefix; `true` if there are too many notes.
    pub(super) fn prefix(&self, prefix: &str) -> bool {
        self.note(|notes, epoch| {
            if notes.prefixes.insert(prefix.into(), epoch).is_none() {
                *notes.lengths.entry(prefix.len()).or_default() += 1;
            }
        })
    }

    fn note(&self, change: impl FnOnce(&mut Notes, u64)) -> bool {
        let mut notes = self.notes.write().unwrap_or_else(PoisonError::into_inner);
        let epoch = self.epoch() + 1;
        change(&mut notes, epoch);
        // After the note: who sees the epoch finds it.
        self.epoch.store(epoch, Ordering::Release);
        notes.tags.len() + notes.prefixes.len() > MOST
    }

    /// Whether an entry in the cache, born in epoch `born`, is dead.
    pub(super) fn bars(&self, born: u64, tags: &[Arc<str>], path: Option<&str>) -> bool {
        let notes = self.notes.read().unwrap_or_else(PoisonError::into_inner);
        notes.bars(born, tags, path)
    }

    /// Whether a value may not enter the cache any more, whose load began in epoch `born`.
    pub(super) fn bars_load(&self, born: u64, tags: &[Arc<str>], path: Option<&str>) -> bool {
        let notes = self.notes.read().unwrap_or_else(PoisonError::into_inner);
        born < notes.forgotten || notes.bars(born, tags, path)
    }

    /// Forgets all notes up to `epoch`, after every entry was looked at since.
    pub(super) fn forget(&self, epoch: u64) {
        let mut notes = self.notes.write().unwrap_or_else(PoisonError::into_inner);
        let Notes {
            tags,
            prefixes,
            lengths,
            forgotten,
            ..
        } = &mut *notes;
        *forgotten = epoch.max(*forgotten);
        tags.retain(|_, note| *note > epoch);
        prefixes.retain(|_, note| *note > epoch);
        lengths.clear();
        for prefix in prefixes.keys() {
            *lengths.entry(prefix.len()).or_default() += 1;
        }
    }
}

impl Notes {
    fn bars(&self, born: u64, tags: &[Arc<str>], path: Option<&str>) -> bool {
        let since = |note: Option<&u64>| note.is_some_and(|note| born < *note);
        let prefixed = |path: &str| {
            let lengths = self.lengths.range(..=path.len());
            lengths
                .filter_map(|(length, _)| path.get(..*length))
                .any(|prefix| since(self.prefixes.get(prefix)))
        };
        born < self.all
            || tags.iter().any(|tag| since(self.tags.get(tag)))
            || path.is_some_and(prefixed)
    }
}
