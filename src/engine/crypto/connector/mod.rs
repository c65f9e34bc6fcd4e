//! A place that keeps nothing readable: an account whose files are sealed on their way out and opened
//! on their way in.
//!
//! [`SealedConnector`] wraps any account. What goes through it is sealed as
//! [format version 1](super::Header), one key a file version; what is not an object that it sealed
//! itself, for that path, in that version, is never handed out.
//!
//! # What stands where
//! - On the account: sealed objects under names that end in `.sealed`, in the clear otherwise or sealed
//!   too ([`SealedNames`]).
//! - In the [`KeyRing`](super::KeyRing): their keys, wrapped.
//! - In [`SEALED_FILES`]: for each path which object belongs there.
//!
//! Without the last two nobody can read the objects, the host included: they belong into its backups,
//! and the keys of an archive that is handed over go beside it as a bundle
//! ([`KeyRing::export`](super::KeyRing::export)).
//!
//! # What is protected, and what is not
//! - Whoever runs the account, or breaks into it, learns neither contents nor hashes of them. An object
//!   that is cut, changed, put in another's place, put back in an older version or brought over from
//!   another organization is refused as [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt).
//! - It learns how many files there are, how large they are, when they change, and the shape of the
//!   folders. With names in the clear it learns those; with sealed ones, whether two listings hold the
//!   same name in the same folder, and roughly how long names are.
//! - It can delete, and it can hide or put back a file that the record does not name in a newer version:
//!   an upload whose end this process never heard of counts as known only from when its object was first
//!   seen. A place that shows nobody a new object is one where the upload seems not to have happened.
//! - The host, its database together with the root of its keys, and whoever may read through this
//!   account are not held off.

mod account;
mod arrivals;
mod base32;
mod book;
mod changes;
mod deletes;
mod files;
mod listing;
mod marker;
mod names;
mod options;
mod place;
mod read;
mod records;
mod renames;
mod resume;
mod session;
mod siv;
mod standing;
mod tidy;
mod upload;

pub use account::SealedConnector;
pub use options::{Replaced, SealedNames, SealedOptions};
pub use records::{SEALED_FILES, SealedFile, SealedVersion, SentChunks};
pub use tidy::Tidied;
