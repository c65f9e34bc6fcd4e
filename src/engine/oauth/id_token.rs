//! What an ID token says of the authorization it came from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::clock::Timestamp;
use crate::engine::crypto::same;
use crate::error::{Error, ErrorKind, Result};

use super::pending::Pending;
use super::provider::Provider;
use super::secret::Secret;

/// Checks that an ID token is one of this authorization: its nonce, for whom it is, from whom, and until when.
///
/// Its signature is not looked at: it came from the token endpoint itself, over TLS, which stands in for it
/// ([OpenID Connect Core, 3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation), 6).
pub(super) fn check(
    token: &Secret,
    pending: &Pending,
    provider: &Provider,
    now: Timestamp,
    skew: std::time::Duration,
) -> Result<()> {
    let refused = |message: &str| {
        Error::new(ErrorKind::Refused, "oauth.finish", message)
            .with_context("provider", &provider.id)
    };
    let claims = read(token).ok_or_else(|| refused("the ID token cannot be read"))?;
    let nonce = claims.nonce.as_ref().map(Secret::expose);
    let ours = |nonce: &str| same(nonce.as_bytes(), pending.nonce.expose().as_bytes());
    if !nonce.is_some_and(ours) {
        return Err(refused("the ID token is of another authorization"));
    }
    let is_for_us = match &claims.aud {
        Audience::One(one) => *one == provider.client_id,
        Audience::Many(many) => many.contains(&provider.client_id),
    };
    if !is_for_us {
        return Err(refused("the ID token is for another program"));
    }
    if provider
        .issuer
        .as_ref()
        .is_some_and(|own| *own != claims.iss)
    {
        return Err(refused("the ID token is of another provider"));
    }
    let end = Timestamp::from_millis(claims.exp.saturating_mul(1_000));
    if end.saturating_add(skew) <= now {
        return Err(refused("the ID token has run out"));
    }
    Ok(())
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: i64,
    #[serde(default)]
    nonce: Option<Secret>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

fn read(token: &Secret) -> Option<Claims> {
    let mut parts = token.expose().split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&payload).ok()
}
