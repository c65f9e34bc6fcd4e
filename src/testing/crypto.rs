//! The primitives under the sealed files, the tokens and the signatures, bare: for published test vectors.

use hkdf::Hkdf;
use sha2::Sha256;

use crate::crypto::Kdf;

/// HKDF-SHA-256 ([RFC 5869](https://www.rfc-editor.org/rfc/rfc5869)); `None` for more than 255 blocks.
#[must_use]
pub fn hkdf_sha256(key: &[u8], salt: &[u8], info: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; length];
    Hkdf::<Sha256>::new(Some(salt), key)
        .expand(info, &mut out)
        .ok()
        .map(|()| out)
}

/// PBKDF2-HMAC-SHA-256 ([RFC 8018](https://www.rfc-editor.org/rfc/rfc8018#section-5.2)), as a
/// [`Passphrase`](crate::crypto::Passphrase) uses it; `None` for iterations that are refused for any
/// record: 0, and over 10,000,000.
#[must_use]
pub fn pbkdf2_hmac_sha256(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    length: usize,
) -> Option<Vec<u8>> {
    let mut out = vec![0; length];
    let kdf = Kdf::Pbkdf2HmacSha256 { iterations };
    kdf.derive(password, salt, &mut out).ok().map(|()| out)
}
