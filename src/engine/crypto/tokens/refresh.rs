//! The text of a refresh token.
//!
//! `grt1.ORGANIZATION.BODY`, where the body is base64url without padding of
//!
//! ```text
//! session 16 | number of the refresh, u64 big-endian | 32 random bytes | tag 32
//! ```
//!
//! and the tag is HMAC-SHA-256 over a label, the organization with its length before it, and the
//! body so far. It tells a token of ours, spent or not, from one that was made up, before the database
//! is asked: only one of ours that was spent is a reason to end the session. What makes a token good is
//! not the tag but the digest that is kept of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::connector::to_hex;
use crate::engine::crypto::entropy::{Entropy, draw};
use crate::engine::crypto::secret::same;
use crate::error::Result;
use crate::id::OrganizationId;

use super::denied::DenyReason;
use super::grant::SessionId;
use super::key::{KeySet, SigningKey};

const PREFIX: &str = "grt1.";
const LABEL: &[u8] = b"garland/refresh/v1\0";
const BODY: usize = 16 + 8 + 32;

/// Longest token in bytes: the prefix, an organization of 64, a dot and the body.
const LONGEST: usize = 5 + 64 + 1 + 118;

/// A refresh token of ours. Whether it is still good is another question.
pub(super) struct RefreshToken {
    pub(super) organization: OrganizationId,
    pub(super) session: SessionId,
    /// How many refreshes came before it.
    pub(super) number: u64,
}

impl RefreshToken {
    /// Writes a new one.
    pub(super) fn write(&self, keys: &KeySet, entropy: &dyn Entropy) -> Result<Zeroizing<String>> {
        let secret = Zeroizing::new(draw::<32>(entropy)?);
        let parts: [&[u8]; 3] = [
            self.session.as_bytes(),
            &self.number.to_be_bytes(),
            secret.as_slice(),
        ];
        let mut body = Zeroizing::new(parts.concat());
        let tag = tag(keys.signing(), &self.organization, &body);
        body.extend_from_slice(&tag);
        let mut token = Zeroizing::new(String::with_capacity(LONGEST));
        token.push_str(PREFIX);
        token.push_str(self.organization.as_str());
        token.push('.');
        token.push_str(&Zeroizing::new(URL_SAFE_NO_PAD.encode(body.as_slice())));
        Ok(token)
    }

    /// Reads one that is ours.
    pub(super) fn read(token: &str, keys: &KeySet, now: Timestamp) -> Result<Self, DenyReason> {
        let malformed = DenyReason::Malformed;
        let text = Some(token).filter(|token| token.len() <= LONGEST);
        let text = text.and_then(|token| token.strip_prefix(PREFIX));
        // An organization may have dots in its id, a body has none.
        let (organization, body) = text
            .and_then(|text| text.rsplit_once('.'))
            .ok_or(malformed)?;
        let organization: OrganizationId = organization.parse().map_err(|_| malformed)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(body).map_err(|_| malformed)?);
        let (body, found) = bytes.split_at_checked(BODY).ok_or(malformed)?;
        let ours = |key: &SigningKey| same(&tag(key, &organization, body), found);
        if !keys.taken(now).any(ours) {
            return Err(DenyReason::Signature);
        }
        let (session, rest) = body.split_first_chunk().ok_or(malformed)?;
        let (number, _) = rest.split_first_chunk().ok_or(malformed)?;
        Ok(Self {
            organization,
            session: SessionId::new(*session),
            number: u64::from_be_bytes(*number),
        })
    }
}

/// What is kept of a token.
pub(super) fn digest(token: &str) -> String {
    to_hex(&Sha256::digest(token.as_bytes()))
}

fn tag(key: &SigningKey, organization: &OrganizationId, body: &[u8]) -> [u8; 32] {
    let name = organization.as_str().as_bytes();
    let length = u64::try_from(name.len()).unwrap_or(u64::MAX);
    key.sign(&[LABEL, &length.to_be_bytes(), name, body])
}
