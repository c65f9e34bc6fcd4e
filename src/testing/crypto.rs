//! The primitives under the sealed files, the tokens and the signatures, bare: for published test vectors.

use hkdf::Hkdf;
use sha2::Sha256;

/// HKDF-SHA-256 ([RFC 5869](https://www.rfc-editor.org/rfc/rfc5869)); `None` for more than 255 blocks.
#[must_use]
pub fn hkdf_sha256(key: &[u8], salt: &[u8], info: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; length];
    Hkdf::<Sha256>::new(Some(salt), key)
        .expand(info, &mut out)
        .ok()
        .map(|()| out)
}
