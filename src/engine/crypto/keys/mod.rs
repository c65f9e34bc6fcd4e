//! Keys: one a file version, wrapped under one an epoch, wrapped under the organization's root.

mod provider;
mod records;
mod ring;

pub use provider::KeyProvider;
pub use records::{FILE_KEYS, FileKey, KEY_EPOCHS, KeyEpoch, KeyName};
pub use ring::KeyRing;
