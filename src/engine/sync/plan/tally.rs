//! A number for each replica.

use super::replicas::{ReplicaIndex, ReplicaSet};

/// Counts files by replica.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Tally(Vec<u64>);

impl Tally {
    /// Counts one file on each of `replicas`.
    pub(super) fn add(&mut self, replicas: ReplicaSet) {
        for replica in replicas.iter() {
            let at = replica.get();
            if self.0.len() <= at {
                self.0.resize(at + 1, 0);
            }
            if let Some(files) = self.0.get_mut(at) {
                *files += 1;
            }
        }
    }

    pub(super) fn of(&self, replica: ReplicaIndex) -> u64 {
        self.0.get(replica.get()).copied().unwrap_or(0)
    }
}
