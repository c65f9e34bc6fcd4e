//! Sealed files, keys, tokens, passwords and signatures.

mod cipher;
mod entropy;
mod kdf;
mod keys;
mod passwords;
mod sealed;
mod secret;
mod wrap;

pub use cipher::CipherBackend;
pub use entropy::{Entropy, SystemEntropy};
pub use kdf::Kdf;
pub use keys::{
    EpochState, Erased, FILE_KEYS, FailedKey, FileKey, ImportReport, KEY_EPOCHS, KeyEpoch, KeyFile,
    KeyName, KeyProvider, KeyRing, Passphrase, PassphraseRecord, QUARTER, RefusedLine, Rotation,
    RotationEvent, RotationPhase, RotationProgress, RotationReport,
};
pub use passwords::{PasswordHash, PasswordPolicy, Passwords, Verdict};
pub use sealed::{ChunkSize, HEADER, Header, Layout, Purpose, SealContext};
pub use secret::{SecretBytes, SecretKey, same};
pub use wrap::{KekId, WrapRecord};
