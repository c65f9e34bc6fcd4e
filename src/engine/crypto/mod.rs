//! Sealed files, keys, tokens, passwords and signatures.

mod authorization;
mod blocking;
mod cipher;
mod connector;
mod entropy;
mod expiry;
mod kdf;
mod keys;
mod passwords;
pub mod pkce;
pub mod presigned;
mod sealed;
mod secret;
pub mod signatures;
#[cfg(feature = "kit")]
mod small;
pub mod tokens;
mod wrap;

pub use authorization::{AUTHORIZATIONS, Authorization, AuthorizationStates, Begun, Finished};
#[cfg(feature = "oauth")]
pub(crate) use blocking::off_runtime;
pub use cipher::CipherBackend;
#[cfg(feature = "testing")]
pub(crate) use cipher::{Cipher, TAG};
pub use connector::{
    Replaced, SEALED_FILES, SealedConnector, SealedFile, SealedNames, SealedOptions, SealedVersion,
    SentChunks, Tidied,
};
pub(crate) use entropy::draw;
pub use entropy::{Entropy, SystemEntropy};
#[cfg(feature = "oauth")]
pub(crate) use expiry::put_new;
pub use kdf::Kdf;
pub use keys::{
    EpochState, Erased, FILE_KEYS, FailedKey, FileKey, ImportReport, KEY_EPOCHS, KeyEpoch, KeyFile,
    KeyName, KeyProvider, KeyRing, Passphrase, PassphraseRecord, QUARTER, RefusedLine, Rotation,
    RotationEvent, RotationPhase, RotationProgress, RotationReport,
};
pub use passwords::{PasswordHash, PasswordPolicy, Passwords, Verdict};
#[cfg(feature = "testing")]
pub(crate) use sealed::object_secrets;
pub use sealed::{
    ChunkSize, HEADER, Header, Layout, Opener, Pass, Passed, Purpose, ReadAt, SealContext, SealKey,
    SealedError, SealedReader, Sealer,
};
pub use secret::{SecretBytes, SecretKey, same};
#[cfg(feature = "kit")]
pub(crate) use small::{open_value, seal_value};
pub use wrap::{KekId, WrapRecord};
