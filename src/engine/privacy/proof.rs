//! What is kept of an erasure.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::engine::audit::Holder;
use crate::permission::Actor;
use crate::storage::{Collection, JournalHead};

/// The collection of erasures, finished and not.
pub const PRIVACY_ERASURES: Collection<ErasureRecord> = Collection::new("privacy_erasures");

/// An erasure as it is kept: whose, and what was done. People stand in it by keyed pseudonyms only.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ErasureRecord {
    /// The person's [`pseudonym`](super::Privacy::pseudonym).
    pub subject: String,
    /// Who erased: a user by the [`pseudonym`](super::Privacy::pseudonym) of their id, so that it can stay when
    /// they are erased. The entries in the journal tell the id.
    pub by: Actor,
    /// When it began.
    pub begun: Timestamp,
    /// When it was done; `None` while it is under way, or was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// What was done in each place.
    pub places: BTreeMap<String, ErasedRecords>,
    /// What the destroyed keys of side records were known by: random, and tied to nobody any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Holder>,
    /// The end of the main journal before the entry that tells of the erasure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalHead>,
}

/// What an erasure did in one place.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ErasedRecords {
    /// Records that were removed.
    pub deleted: u64,
    /// Records that were cleared of what is personal.
    pub redacted: u64,
    /// Records that stay because their collection is to be kept.
    pub kept: u64,
    /// Records that stay because of a legal hold.
    pub held: u64,
}

/// The proof of a finished erasure.
///
/// The entry with this number in the main journal tells the same; once a head covers it,
/// [`audit::prove`](crate::audit::prove) shows that to anybody.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ErasureProof {
    /// The id of the record in [`PRIVACY_ERASURES`].
    pub id: String,
    /// The record.
    pub record: ErasureRecord,
    /// The number of the entry in the main journal.
    pub entry: u64,
}

impl fmt::Display for ErasureProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = &self.record;
        writeln!(f, "erasure of {}, begun {}", record.subject, record.begun)?;
        for (place, erased) in &record.places {
            let ErasedRecords {
                deleted,
                redacted,
                kept,
                held,
            } = erased;
            writeln!(
                f,
                "{place}: {deleted} deleted, {redacted} redacted, {kept} kept, {held} held"
            )?;
        }
        write!(f, "entry {} of the main journal", self.entry)
    }
}
