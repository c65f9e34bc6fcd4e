//! Journals as a backend keeps them: gap-free and chained by hash.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::connector::hash_type;

use super::names::Json;

hash_type! {
    /// The hash that ties an entry to all before it.
    ///
    /// `SHA-256(previous ‖ sequence ‖ time ‖ event)`: the previous hash (32 zero bytes before the first
    /// entry), sequence and time in milliseconds as 8 big-endian bytes each, the event's JSON as stored.
    #[derive(Default)]
    ChainHash, "chain_hash.parse", "a chain hash has 64 hexadecimal digits"
}

impl ChainHash {
    /// What stands before the first entry.
    pub const START: Self = Self([0; 32]);

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

/// One entry of a journal.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_text_in_json() {
        let event = Json::of("x").unwrap();
        let hash = ChainHash::START.link(1, Timestamp::from_millis(2), &event);
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(text, format!("\"{hash}\""));
        assert_eq!(serde_json::from_str::<ChainHash>(&text).unwrap(), hash);
        assert!("00".parse::<ChainHash>().is_err());
    }
}
