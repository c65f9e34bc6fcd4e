//! The primitives under the sealed files, the tokens and the signatures, bare: for published test vectors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use sha2::Sha256;

use crate::engine::crypto::tokens::{jws, key};

/// HKDF-SHA-256 ([RFC 5869](https://www.rfc-editor.org/rfc/rfc5869)); `None` for more than 255 blocks.
#[must_use]
pub fn hkdf_sha256(key: &[u8], salt: &[u8], info: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; length];
    Hkdf::<Sha256>::new(Some(salt), key)
        .expand(info, &mut out)
        .ok()
        .map(|()| out)
}

/// Signs a payload under any header, however wrong (JWS compact form, HS256).
///
/// For tests of what a verifier does with a token whose signature is right and nothing else.
#[must_use]
pub fn jws_sign(key: &[u8], header: &str, payload: &[u8]) -> Option<String> {
    let mac = key::mac(key).ok()?;
    Some(jws::sign(&mac, &URL_SAFE_NO_PAD.encode(header), payload))
}

/// Checks the form, the header and the signature of a token (JWS compact form, HS256), and returns
/// its payload. A header that names another key than `kid` is refused.
#[must_use]
pub fn jws_verify(key: &[u8], kid: &str, token: &str) -> Option<Vec<u8>> {
    let token = jws::Compact::split(token).ok()?;
    let header = token.header().ok()?;
    if header.kid.is_some_and(|found| *found != *kid) {
        return None;
    }
    token.verify(&key::mac(key).ok()?).ok()?;
    token.payload().ok()
}
