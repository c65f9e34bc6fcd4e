//! Keys: one a file version, wrapped under one an epoch, wrapped under the organization's root.
//!
//! | key | drawn | kept | ends |
//! |---|---|---|---|
//! | of a file version | once for each | 96 bytes under its epoch's key | destroyed: the file is erased |
//! | of an epoch | each quarter | as the root wrapped it | retired, once nothing is under it |
//! | the root | by the host or a person | a key service, a key file, a head | changed, then destroyed |
//!
//! # What it takes to restore
//!
//! The sealed objects, the root, and a backup of the database. A bundle that [`KeyRing::export`] wrote
//! stands in for the keys in it, not for what else is known of the objects: [`KeyRing::import`] says
//! what that is, and what to do first. Without the root nobody can, whoever asks.
//!
//! # What it does not do
//!
//! - It does not take a key back from who has had it: rotation renews the wraps, not the keys of
//!   files. After the leak of a file's key, seal the file anew under a new version.
//! - An old copy of the database or a bundle together with the root opens what it names, files erased
//!   since included. Let copies run out, or change the root and destroy the former.
//! - Whoever can write the database can put old records back, or take records away. They cannot make
//!   a record open under another name, file version or organization.
//! - Keys are in the memory of the process while they are used. Those of epochs stay: one that nobody
//!   asks for goes with the next use of the ring after 10 minutes, the others with the ring and its
//!   clones.

mod bundle;
mod epochs;
mod erasure;
mod events;
mod import;
mod key_file;
mod local_root;
mod open;
mod passphrase;
mod progress;
mod provider;
mod records;
mod retirement;
mod rewrap;
mod ring;
mod root_change;
mod roots;
mod rotation;
mod unlock;

pub use epochs::QUARTER;
pub use erasure::Erased;
pub use import::{ImportReport, RefusedLine};
pub use key_file::KeyFile;
pub use passphrase::{Passphrase, PassphraseRecord};
pub use progress::{RotationEvent, RotationPhase, RotationProgress};
pub use provider::KeyProvider;
pub use records::{EpochState, FILE_KEYS, FileKey, KEY_EPOCHS, KeyEpoch, KeyName};
pub use ring::KeyRing;
pub use rotation::{FailedKey, Rotation, RotationReport};
