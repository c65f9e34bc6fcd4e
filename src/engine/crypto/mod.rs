//! Sealed files, keys, tokens, passwords and signatures.

mod cipher;
mod entropy;
mod keys;
mod sealed;
mod secret;
pub mod signatures;
mod wrap;

pub use cipher::CipherBackend;
pub use entropy::{Entropy, SystemEntropy};
pub use keys::{FILE_KEYS, FileKey, KEY_EPOCHS, KeyEpoch, KeyName, KeyProvider, KeyRing};
pub use sealed::{ChunkSize, HEADER, Header, Layout, Purpose, SealContext};
pub use secret::{SecretBytes, SecretKey, same};
pub use wrap::{KekId, WrapRecord};
