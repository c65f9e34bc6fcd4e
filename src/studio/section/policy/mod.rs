//! What decides, read from the database and followed through the journal.

mod flight;
mod follow;
mod options;
mod reader;
mod stored;

pub use options::PolicyOptions;
pub use stored::StoredPolicy;
