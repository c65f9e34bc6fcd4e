//! Published vectors of the primitives.

use garland::crypto::CipherBackend;
use garland::testing::crypto;
use serde_json::Value;

/// Every implementation of the cipher that is built in.
pub(crate) const CIPHERS: &[CipherBackend] = &[
    CipherBackend::RustCrypto,
    #[cfg(feature = "aws-lc")]
    CipherBackend::AwsLc,
];

/// Reads a field as text.
pub(crate) fn text<'a>(entry: &'a Value, field: &str) -> Result<&'a str, String> {
    entry[field]
        .as_str()
        .ok_or_else(|| format!("no `{field}` in {entry}"))
}

/// Reads a field as bytes in hexadecimal.
pub(crate) fn hex(entry: &Value, field: &str) -> Result<Vec<u8>, String> {
    let text = text(entry, field)?;
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2).unwrap_or("?"), 16))
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{error} in `{field}` of {entry}"))
}

pub(crate) fn hkdf(line: &str) -> Result<(), String> {
    let entry: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let length = entry["size"].as_u64().unwrap_or_default();
    let length = usize::try_from(length).map_err(|error| error.to_string())?;
    let (key, salt, info) = (
        hex(&entry, "ikm")?,
        hex(&entry, "salt")?,
        hex(&entry, "info")?,
    );
    let got = crypto::hkdf_sha256(&key, &salt, &info, length);
    let valid = text(&entry, "result")? == "valid";
    let right = match got {
        Some(okm) => valid && okm == hex(&entry, "okm")?,
        None => !valid,
    };
    if right {
        Ok(())
    } else {
        Err(format!("not as published: {line}"))
    }
}

/// Both halves, by every cipher built in. Garland takes nonces of 96 bits only, whatever else is valid.
pub(crate) fn aes_256_gcm(line: &str) -> Result<(), String> {
    let entry: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let (key, iv, aad) = (hex(&entry, "key")?, hex(&entry, "iv")?, hex(&entry, "aad")?);
    let message = hex(&entry, "msg")?;
    let sealed = [hex(&entry, "ct")?, hex(&entry, "tag")?].concat();
    let valid = text(&entry, "result")? == "valid" && iv.len() == 12;
    for &backend in CIPHERS {
        let opened = crypto::aes_256_gcm_open(backend, &key, &iv, &aad, &sealed);
        if opened != valid.then(|| message.clone()) {
            return Err(format!("{backend:?} does not open as published: {line}"));
        }
        let own = crypto::aes_256_gcm_seal(backend, &key, &iv, &aad, &message);
        if (own.as_ref() == Some(&sealed)) != valid || own.is_some() != (iv.len() == 12) {
            return Err(format!("{backend:?} does not seal as published: {line}"));
        }
    }
    Ok(())
}

/// Garland takes whole tags only, also where a cut one is valid.
pub(crate) fn hmac_sha256(line: &str) -> Result<(), String> {
    let entry: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let (key, message, tag) = (
        hex(&entry, "key")?,
        hex(&entry, "msg")?,
        hex(&entry, "tag")?,
    );
    let valid = text(&entry, "result")? == "valid" && tag.len() == 32;
    if crypto::hmac_sha256_verify(&key, &message, &tag) == valid {
        Ok(())
    } else {
        Err(format!("not as published: {line}"))
    }
}
