//! What decides, read from the database and followed through the journal.

mod arranged;
mod flight;
mod follow;
mod options;
mod reader;
mod stored;

pub(super) use arranged::{Arranged, ArrangedAt};
pub use options::PolicyOptions;
pub use stored::StoredPolicy;
