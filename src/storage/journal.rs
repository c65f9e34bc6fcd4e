//! Journals as a backend keeps them: gap-free and chained by hash.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::connector::to_hex;

use super::names::Json;

/// The hash that ties an entry to all before it.
///
/// `SHA-256(previous ‖ sequence ‖ time ‖ event)`: the previous hash (32 zero bytes before the first
/// entry), sequence and time in milliseconds as 8 big-endian bytes each, the event's JSON as stored.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What stands before the first entry.
    pub const START: Self = Self([0; 32]);

    /// Makes a hash from its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the hash of the entry that follows this one.
    #[must_use]
    pub fn link(&self, sequence: u64, at: Timestamp, event: &Json) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(sequence.to_be_bytes());
        hasher.update(at.as_millis().to_be_bytes());
        hasher.update(event.as_str());
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

/// One entry of a journal.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct JournalEntry {
    /// Its number: 1, 2, 3 … without gaps.
    pub sequence: u64,
    /// When it happened, by the clock of whoever committed it.
    pub at: Timestamp,
    /// What happened.
    pub event: Json,
    /// Ties it to all before it.
    pub hash: ChainHash,
}

impl JournalEntry {
    /// Makes the entry that follows one with `previous` as its hash.
    #[must_use]
    pub fn following(previous: &ChainHash, sequence: u64, at: Timestamp, event: Json) -> Self {
        let hash = previous.link(sequence, at, &event);
        Self {
            sequence,
            at,
            event,
            hash,
        }
    }

    /// Makes an entry as a backend has it.
    #[must_use]
    pub fn stored(sequence: u64, at: Timestamp, event: Json, hash: ChainHash) -> Self {
        Self {
            sequence,
            at,
            event,
            hash,
        }
    }
}

/// The end of a journal: the last number given and the hash there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JournalHead {
    /// The number of the last entry; 0 before the first.
    pub sequence: u64,
    /// Its hash; [`ChainHash::START`] before the first.
    pub hash: ChainHash,
}

impl JournalHead {
    /// Makes a head.
    #[must_use]
    pub const fn new(sequence: u64, hash: ChainHash) -> Self {
        Self { sequence, hash }
    }
}
