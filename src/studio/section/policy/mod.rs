//! What decides, read from the database and followed through the journal.

mod answers;
mod flight;
mod follow;
mod options;
mod reader;
mod resolver;
mod stored;

pub use options::PolicyOptions;
pub use stored::StoredPolicy;
