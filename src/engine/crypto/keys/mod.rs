//! Keys: one a file version, wrapped under one an epoch, wrapped under the organization's root.

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
pub(super) use key_file::off_runtime;
pub use passphrase::{Passphrase, PassphraseRecord};
pub use progress::{RotationEvent, RotationPhase, RotationProgress};
pub use provider::KeyProvider;
pub use records::{EpochState, FILE_KEYS, FileKey, KEY_EPOCHS, KeyEpoch, KeyName};
pub use ring::KeyRing;
pub use rotation::{FailedKey, Rotation, RotationReport};
