//! Tokens: what is taken and what is refused.

use std::sync::Arc;
use std::time::Duration;

use garland::backends::Memory;
use garland::crypto::pkce::{Challenge, Verifier};
use garland::crypto::tokens::{
    KeySet, KeyUse, KnownPermissions, SigningKey, TokenKeys, TokenPolicy, TokenService,
};
use garland::crypto::{SecretBytes, SystemEntropy};
use garland::testing::crypto::jws_verify;
use garland::{Clock, Timestamp};
use serde_json::Value;

use super::primitives::text;

/// The key that the list of claims is signed with, as its `meta` says.
const KEY: &str = "garland-test-key-32-bytes-long!!";

pub(crate) fn jws_hs256(line: &str) -> Result<(), String> {
    let entry = read(line)?;
    let key = &entry["group"]["private"];
    let secret = octets(text(key, "k")?).ok_or("the key is no base64")?;
    let (kid, token) = (text(key, "kid")?, text(&entry, "jws")?);
    let comment = entry["comment"].as_str().unwrap_or_default();
    if comment.starts_with("invalidBase64Padding") && !token.contains('=') {
        // Published without the padding that they are about, these are byte for byte the entry 357,
        // which is valid. What they are about is refused: padding, in any part.
        for padded in padded(token) {
            expect(jws_verify(&secret, kid, &padded).is_some(), false, line)?;
        }
        return Ok(());
    }
    let taken = jws_verify(&secret, kid, token).is_some();
    match text(&entry, "result")? {
        "acceptable" => Ok(()),
        result => expect(taken, result == "valid", line),
    }
}

/// A token with one or two `=` behind each of its parts in turn.
fn padded(token: &str) -> Vec<String> {
    let parts: Vec<&str> = token.split('.').collect();
    let pad = |at: usize, padding: &str| {
        let mut padded: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        padded[at].push_str(padding);
        padded.join(".")
    };
    (0..parts.len())
        .flat_map(|at| [pad(at, "="), pad(at, "==")])
        .collect()
}

/// Keys of other algorithms are no keys here; a key of ours must not fit either.
pub(crate) fn jws_other_algs(line: &str) -> Result<(), String> {
    let entry = read(line)?;
    let kid = entry["group"]["private"]["kid"].as_str().unwrap_or("k1");
    let token = text(&entry, "jws")?;
    expect(
        jws_verify(KEY.as_bytes(), kid, token).is_some(),
        false,
        line,
    )?;
    // Known mistakes: the public key, or nothing, as the secret.
    let public = entry["group"]["public"].to_string();
    expect(
        jws_verify(public.as_bytes(), kid, token).is_some(),
        false,
        line,
    )?;
    expect(jws_verify(b"", kid, token).is_some(), false, line)
}

pub(crate) fn jwt_claims(line: &str) -> Result<(), String> {
    let entry = read(line)?;
    let now = entry["now"].as_i64().ok_or("no `now`")?;
    let valid = entry["valid"].as_bool().ok_or("no `valid`")?;
    let service = service(now * 1_000).map_err(|error| error.to_string())?;
    let token = text(&entry, "token")?;
    let taken = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| error.to_string())?
        .block_on(service.verify(token))
        .is_ok();
    expect(taken, valid, line)
}

pub(crate) fn pkce(line: &str) -> Result<(), String> {
    let entry = read(line)?;
    let valid = entry["valid"].as_bool().ok_or("no `valid`")?;
    let method = entry["method"].as_str().unwrap_or("plain");
    let verifier = Verifier::parse(text(&entry, "verifier")?);
    let challenge = Challenge::parse(method, text(&entry, "challenge")?);
    let taken = verifier
        .and_then(|verifier| Ok(challenge?.fits(&verifier)))
        .unwrap_or(false);
    expect(taken, valid, line)
}

fn service(now: i64) -> garland::Result<TokenService> {
    let key = |purpose, id: &str, secret: &str| {
        let secret = SecretBytes::from(secret);
        Ok::<_, garland::Error>(KeySet::new(SigningKey::new(purpose, id.parse()?, &secret)?))
    };
    let keys = TokenKeys {
        access: key(KeyUse::Access, "k1", KEY)?,
        refresh: key(KeyUse::Refresh, "r1", "0ther-key-for-the-other-purpose.")?,
    };
    let known = KnownPermissions::parse(["files:read", "files:write", "msg:send"])?;
    let policy = TokenPolicy::new("garland", "garland-api", known)
        .with_max_access_life(Duration::from_secs(86_400));
    let clock = Arc::new(Fixed(Timestamp::from_millis(now)));
    TokenService::new(
        Arc::new(Memory::new()),
        keys,
        policy,
        clock,
        Arc::new(SystemEntropy::new()),
    )
}

/// A clock that shows one moment.
#[derive(Debug)]
struct Fixed(Timestamp);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

fn expect(taken: bool, valid: bool, line: &str) -> Result<(), String> {
    if taken == valid {
        return Ok(());
    }
    let verb = if taken { "taken" } else { "refused" };
    Err(format!("{verb}, but valid is {valid}: {line}"))
}

fn read(line: &str) -> Result<Value, String> {
    serde_json::from_str(line).map_err(|error| error.to_string())
}

/// Base64url without padding, read by the book and not by the code under test.
fn octets(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bits, mut held, mut out) = (0_u32, 0, Vec::new());
    for byte in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == byte)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(out)
}
