//! Small values, sealed for a record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::engine::crypto::{ChunkSize, Entropy, SealContext, SealKey, SecretKey};
use crate::error::{Error, ErrorKind, Result};

/// Seals a value as JSON, and returns it in base64.
pub(super) fn seal(
    key: SecretKey,
    context: SealContext,
    value: &impl Serialize,
    entropy: &dyn Entropy,
) -> Result<String> {
    let plain = serde_json::to_vec(value).map(Zeroizing::new);
    let plain = plain.map_err(|_| {
        let message = "the value cannot be written";
        Error::new(ErrorKind::Unexpected, "oauth.seal", message)
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
pub(super) fn open<T: DeserializeOwned>(
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
    Error::new(ErrorKind::Corrupt, "oauth.open", message)
}
