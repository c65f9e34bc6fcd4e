//! How a snapshot is stored: a head and parts, each file in the part that its path falls to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{ChangeCursor, ConnectorName, FilePath, FileVersion, Skipped};
use crate::error::Result;
use crate::storage::{Collection, RecordId};

/// The collection of what places were last seen to hold.
pub const SYNC_SNAPSHOTS: Collection<SnapshotRecord> = Collection::new("sync_snapshots");

/// How many files a part holds about, so that one change writes little and a listing is few records.
const PART: u64 = 256;

/// The most parts. With more files, parts are larger.
const MOST_PARTS: u64 = 8_192;

/// One record of a snapshot.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SnapshotRecord {
    /// What holds the parts together; under the name of the place.
    #[non_exhaustive]
    Head {
        /// Where the feed of changes goes on.
        cursor: ChangeCursor,
        /// Under which name the parts are.
        generation: Box<str>,
        /// How many parts there are.
        parts: u64,
        /// How many files they hold.
        files: u64,
        /// When the place was last listed as a whole.
        listed: Timestamp,
        /// What is there but not handed out as a file.
        skipped: Vec<Skipped>,
    },
    /// Some of the files.
    #[non_exhaustive]
    Part {
        /// The files by path.
        files: BTreeMap<FilePath, FileVersion>,
    },
}

/// The id of the head of a place.
pub(super) fn head_id(place: &ConnectorName) -> Result<RecordId> {
    RecordId::parse(place.as_str())
}

/// What the ids of all parts of a place begin with.
pub(super) fn parts_prefix(place: &ConnectorName) -> String {
    format!("{place}/")
}

/// The id of a part.
pub(super) fn part_id(place: &ConnectorName, generation: &str, part: u64) -> Result<RecordId> {
    RecordId::parse(format!("{place}/{generation}/{part:04x}"))
}

/// In how many parts so many files are stored.
pub(super) fn parts_for(files: u64) -> u64 {
    (files / PART).next_power_of_two().clamp(1, MOST_PARTS)
}

/// The part that a path falls to.
pub(super) fn part_of(path: &str, parts: u64) -> u64 {
    let digest = blake3::hash(path.as_bytes());
    let number = digest.as_bytes().iter().take(8);
    let number = number.fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    number.checked_rem(parts).unwrap_or_default()
}
