//! Sealed files, keys, tokens, passwords and signatures.

mod cipher;
mod connector;
mod entropy;
mod keys;
mod sealed;
mod secret;
mod wrap;

pub use cipher::CipherBackend;
pub use connector::{
    Replaced, SEALED_FILES, SealedConnector, SealedFile, SealedNames, SealedOptions, SealedVersion,
    SentChunks, Tidied,
};
pub use entropy::{Entropy, SystemEntropy};
pub use keys::{FILE_KEYS, FileKey, KEY_EPOCHS, KeyEpoch, KeyName, KeyProvider, KeyRing};
pub use sealed::{
    ChunkSize, HEADER, Header, Layout, Opener, Pass, Passed, Purpose, ReadAt, SealContext, SealKey,
    SealedError, SealedReader, Sealer,
};
pub use secret::{SecretBytes, SecretKey, same};
pub use wrap::{KekId, WrapRecord};
