//! Published vectors of the primitives.

use serde_json::Value;

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
    let got = garland::testing::crypto::hkdf_sha256(&key, &salt, &info, length);
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
