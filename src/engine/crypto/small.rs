//! Small values, sealed for a record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

use super::entropy::Entropy;
use super::sealed::{ChunkSize, SealContext, SealKey};
use super::secret::SecretKey;

/// Seals a value as JSON, and returns it in base64.
pub(crate) fn seal_value(
    key: SecretKey,
    context: SealContext,
    value: &impl Serialize,
    entropy: &dyn Entropy,
) -> Result<String> {
    let plain = serde_json::to_vec(value).map(Zeroizing::new);
    let plain = plain.map_err(|_| {
        let message = "the value cannot be written";
        Error::new(ErrorKind::Unexpected, "crypto.seal_value", message)
    })?;
    let mut sealed = Vec::new();
    let mut sealer = SealKey::new(key, context).seal(ChunkSize::default(), entropy)?;
    sealer.update(&plain, &mut sealed)?;
    sealer.finish(&mut sealed)?;
    Ok(STANDARD.encode(sealed))
}

/// Opens what was sealed under this key in this context.
///
/// # Errors
/// [`ErrorKind::Corrupt`]: it was changed, or belongs elsewhere.
pub(crate) fn open_value<T: DeserializeOwned>(
    key: SecretKey,
    context: SealContext,
    sealed: &str,
) -> Result<T> {
    let sealed = STANDARD
        .decode(sealed)
        .map_err(|cause| unreadable().with_source(cause))?;
    let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
    let mut opener = SealKey::new(key, context).open();
    opener.update(&sealed, &mut plain)?;
    opener.finish(&mut plain)?;
    // The cause may quote what it does not understand.
    serde_json::from_slice(&plain).map_err(|_| unreadable())
}

fn unreadable() -> Error {
    let message = "a sealed record cannot be read";
    Error::new(ErrorKind::Corrupt, "crypto.open_value", message)
}
