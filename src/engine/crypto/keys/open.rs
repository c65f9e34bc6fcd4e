//! The unwrapped keys of epochs, in memory.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::engine::crypto::secret::SecretKey;
use crate::engine::crypto::wrap::KekId;

/// How long a key is believed before the database is asked again whether its epoch still lives.
pub(super) const BELIEVED: Duration = Duration::from_secs(60);

/// How long a key stays that nobody has asked for, as long as others are: a ring that is not used at
/// all keeps what it has.
pub(super) const KEPT: Duration = Duration::from_secs(600);

/// Shared by the clones of a ring.
#[derive(Clone, Default)]
pub(super) struct OpenEpochs(Arc<Mutex<Open>>);

#[derive(Default)]
struct Open {
    keys: HashMap<KekId, Entry>,
    /// Those whose keys are not taken back in: somebody may be opening one still, that was asked for
    /// before the end of its epoch. As few as the epochs themselves.
    retired: HashSet<KekId>,
}

struct Entry {
    key: SecretKey,
    /// When the database was last asked.
    seen: Duration,
}

impl OpenEpochs {
    /// Returns a key that is to be believed.
    pub(super) fn believed(&self, kek: KekId, now: Duration) -> Option<SecretKey> {
        self.change(|open| {
            open.purge(now);
            let entry = open.keys.get(&kek)?;
            (now.saturating_sub(entry.seen) < BELIEVED).then(|| entry.key.clone())
        })
    }

    /// Returns a key whose epoch was found to live by a question that was asked at `asked`.
    pub(super) fn confirmed(&self, kek: KekId, asked: Duration) -> Option<SecretKey> {
        self.change(|open| {
            open.purge(asked);
            let entry = open.keys.get_mut(&kek)?;
            entry.seen = entry.seen.max(asked);
            Some(entry.key.clone())
        })
    }

    /// Keeps a key that was found as [`confirmed`](Self::confirmed) says, unless its epoch was retired
    /// meanwhile.
    pub(super) fn keep(&self, kek: KekId, key: &SecretKey, asked: Duration) {
        self.change(|open| {
            open.purge(asked);
            if !open.retired.contains(&kek) {
                let (key, seen) = (key.clone(), asked);
                open.keys.insert(kek, Entry { key, seen });
            }
        });
    }

    pub(super) fn forget(&self, kek: KekId) {
        self.change(|open| open.keys.remove(&kek));
    }

    /// Forgets a key for good.
    pub(super) fn retire(&self, kek: KekId) {
        self.change(|open| {
            open.keys.remove(&kek);
            open.retired.insert(kek);
        });
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.change(|open| open.keys.len())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Open) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Open {
    fn purge(&mut self, now: Duration) {
        self.keys
            .retain(|_, entry| now.saturating_sub(entry.seen) < KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_believed_for_a_minute_and_kept_for_ten() {
        let open = OpenEpochs::default();
        let (one, two, key) = (
            KekId::new([1; 16]),
            KekId::new([2; 16]),
            SecretKey::new([3; 32]),
        );
        let second = Duration::from_secs;
        open.keep(one, &key, second(0));
        open.keep(two, &key, second(0));
        assert!(open.believed(one, second(59)).is_some());
        assert!(open.believed(one, second(60)).is_none());
        assert!(open.confirmed(one, second(60)).is_some());
        assert!(open.believed(one, second(119)).is_some());
        assert!(open.confirmed(one, second(600)).is_some());
        assert_eq!(open.len(), 1, "the other was not asked for");
        open.forget(one);
        assert_eq!(open.len(), 0);
        open.keep(one, &key, second(600));
        open.keep(two, &key, second(1_200));
        assert_eq!(open.len(), 1, "whoever keeps one looks after the others");
        assert!(open.believed(one, second(1_800)).is_none());
        assert_eq!(open.len(), 0);
    }

    #[test]
    fn a_key_that_was_retired_while_it_was_opened_is_not_kept() {
        let open = OpenEpochs::default();
        let (kek, key) = (KekId::new([1; 16]), SecretKey::new([3; 32]));
        open.keep(kek, &key, Duration::ZERO);
        open.retire(kek);
        open.keep(kek, &key, Duration::ZERO);
        assert!(open.believed(kek, Duration::ZERO).is_none());
        assert_eq!(open.len(), 0);
    }
}
