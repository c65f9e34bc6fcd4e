//! The primitives under the sealed files, the tokens and the signatures, bare: for published test vectors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::Result;
use crate::crypto::{CipherBackend, Header, Kdf, SealContext, SecretKey, same};
use crate::engine::crypto::tokens::{jws, key};
use crate::engine::crypto::{Cipher, TAG, object_secrets};

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

/// Tells whether `tag` is the HMAC-SHA-256 ([RFC 2104](https://www.rfc-editor.org/rfc/rfc2104)) of `message`: all
/// 32 bytes of it. A tag that was cut is none.
#[must_use]
pub fn hmac_sha256_verify(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return false;
    };
    let whole = mac.chain_update(message).finalize().into_bytes();
    same(&whole, tag)
}

/// AES-256-GCM ([SP 800-38D](https://doi.org/10.6028/NIST.SP.800-38D)): the ciphertext, its tag of 16 bytes behind it.
/// `None` unless the key has 32 bytes and the nonce 12.
#[must_use]
pub fn aes_256_gcm_seal(
    backend: CipherBackend,
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    message: &[u8],
) -> Option<Vec<u8>> {
    let (cipher, nonce) = cipher(backend, key, nonce)?;
    let mut sealed = message.to_vec();
    let tag = cipher.seal(nonce, aad, &mut sealed).ok()?;
    sealed.extend_from_slice(&tag);
    Some(sealed)
}

/// Opens what [`aes_256_gcm_seal`] gives; `None` also if the tag does not fit or was cut.
#[must_use]
pub fn aes_256_gcm_open(
    backend: CipherBackend,
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Option<Vec<u8>> {
    let (cipher, nonce) = cipher(backend, key, nonce)?;
    let (bytes, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
    let mut bytes = bytes.to_vec();
    let opened = cipher.open(nonce, aad, &mut bytes, tag.try_into().ok()?);
    opened.ok().map(|()| bytes)
}

fn cipher(backend: CipherBackend, key: &[u8], nonce: &[u8]) -> Option<(Cipher, [u8; 12])> {
    let key = SecretKey::from_bytes(key).ok()?;
    Some((Cipher::new(backend, &key).ok()?, nonce.try_into().ok()?))
}

/// Returns the key that the chunks of one object are sealed with, and the nonce of its first chunk if there are
/// others: what must never be the same for two objects.
///
/// # Errors
/// As [`SealKey::seal`](crate::crypto::SealKey::seal).
pub fn sealed_key_and_nonce(
    key: &SecretKey,
    context: &SealContext,
    header: &Header,
) -> Result<([u8; 32], [u8; 12])> {
    object_secrets(key, context, header)
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
