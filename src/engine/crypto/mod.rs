//! Sealed files, keys, tokens, passwords and signatures.

mod authorization;
mod cipher;
mod entropy;
mod keys;
pub mod pkce;
pub mod presigned;
mod sealed;
mod secret;
pub mod tokens;
mod wrap;

pub use authorization::{AUTHORIZATIONS, Authorization, AuthorizationStates, Begun, Finished};
pub use cipher::CipherBackend;
pub use entropy::{Entropy, SystemEntropy};
pub use keys::{FILE_KEYS, FileKey, KEY_EPOCHS, KeyEpoch, KeyName, KeyProvider, KeyRing};
pub use sealed::{ChunkSize, HEADER, Header, Layout, Purpose, SealContext};
pub use secret::{SecretBytes, SecretKey, same};
pub use wrap::{KekId, WrapRecord};
