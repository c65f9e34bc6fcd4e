//! What a place was last seen to hold, so that a feed of changes can take the place of a listing.
//!
//! A snapshot is the whole listing of one place with the cursor of its feed at that moment. It belongs to the place, not
//! to a sync: it holds what no filter lets through too. What a feed has not told yet is not believed to be gone: see
//! [`confirm`](super::confirm).

mod follow;
mod record;
mod store;

pub(super) use follow::{Followed, follow};
pub use record::{SYNC_SNAPSHOTS, SnapshotRecord};
pub(super) use store::{Kept, Shelf};
