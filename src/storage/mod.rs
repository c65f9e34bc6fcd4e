//! The seam to the database that holds garland's own state: small records, atomic batches, ordered
//! journals.
//!
//! A [`StorageBackend`] is the database; a [`Store`] is what one organization sees of it. Everything
//! is written by [`Batch`]: records, their index entries and journal events together, or nothing.

mod backend;
mod batch;
mod journal;
mod lease;
mod names;
mod record;
mod store;

pub use backend::{StorageBackend, Wake, wakes_of};
pub use batch::{Batch, Committed, Precondition, Write};
pub use journal::{ChainHash, JournalEntry, JournalHead};
pub use lease::{Fence, LEASE_FENCES, LEASES, Lease, LeaseRecord};
pub use names::{CollectionName, IndexKey, IndexName, JournalName, Json, RecordId};
pub use record::{Collection, Query, QueryCursor, Record, RecordPage, Version, Versioned};
pub use store::Store;
