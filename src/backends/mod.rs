//! Databases that plug into [`storage`](crate::storage).
//!
//! [`Memory`] forgets when the process ends and is for tests and trials. `Sqlite` (feature `sqlite`)
//! is the embedded one: one file, durable, readable with the `sqlite3` shell.

mod counts;
mod memory;
mod page;
mod span;
mod wakes;

#[cfg(feature = "sqlite")]
mod sqlite;

pub use memory::Memory;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sqlite::{Sqlite, SqliteOptions};
