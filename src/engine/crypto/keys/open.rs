//! The unwrapped keys of epochs, in memory, and not for longer than they are good.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::engine::crypto::secret::SecretKey;
use crate::engine::crypto::wrap::KekId;

/// How long a key is believed before the database is asked again whether its epoch still lives.
pub(super) const BELIEVED: Duration = Duration::from_secs(60);

/// How long a key stays that nobody has asked for.
pub(super) const KEPT: Duration = Duration::from_secs(600);

/// Shared by the clones of a ring.
#[derive(Clone, Default)]
pub(super) struct OpenEpochs(Arc<Mutex<HashMap<KekId, Entry>>>);

struct Entry {
    key: SecretKey,
    /// When the database was last asked.
    seen: Duration,
}

impl OpenEpochs {
    /// Returns a key that is to be believed.
    pub(super) fn believed(&self, kek: KekId, now: Duration) -> Option<SecretKey> {
        self.change(|open| {
            let entry = open.get(&kek)?;
            (now.saturating_sub(entry.seen) < BELIEVED).then(|| entry.key.clone())
        })
    }

    /// Returns a key whose epoch was just found to live.
    pub(super) fn confirmed(&self, kek: KekId, now: Duration) -> Option<SecretKey> {
        self.change(|open| {
            open.retain(|_, entry| now.saturating_sub(entry.seen) < KEPT);
            let entry = open.get_mut(&kek)?;
            entry.seen = now;
            Some(entry.key.clone())
        })
    }

    pub(super) fn keep(&self, kek: KekId, key: &SecretKey, now: Duration) {
        let key = key.clone();
        self.change(|open| open.insert(kek, Entry { key, seen: now }));
    }

    pub(super) fn forget(&self, kek: KekId) {
        self.change(|open| open.remove(&kek));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.change(|open| open.len())
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashMap<KekId, Entry>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
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
    }
}
