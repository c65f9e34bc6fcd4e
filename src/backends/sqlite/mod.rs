//! SQLite: one file, durable, readable with the `sqlite3` shell.
//!
//! One thread writes: it gathers the batches that wait into one transaction, so that many small
//! commits share one flush to the disk. A few threads read, each by its own connection. Nothing of
//! SQLite runs on the async runtime.

mod backend;
mod batch;
mod error;
mod lock;
mod numbers;
mod options;
mod reader;
mod schema;
mod threads;
mod writer;

pub use backend::Sqlite;
pub use options::SqliteOptions;
