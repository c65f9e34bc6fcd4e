//! Keys: how they are made from passphrases.

use serde_json::Value;

use super::primitives::{hex, text};

pub(crate) fn pbkdf2(line: &str) -> Result<(), String> {
    let entry: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let number = |field: &str| entry[field].as_u64().ok_or(format!("no `{field}`: {line}"));
    let iterations = u32::try_from(number("iterationCount")?).map_err(|error| error.to_string())?;
    let length = usize::try_from(number("dkLen")?).map_err(|error| error.to_string())?;
    let (password, salt) = (hex(&entry, "password")?, hex(&entry, "salt")?);
    let got = garland::testing::crypto::pbkdf2_hmac_sha256(&password, &salt, iterations, length);
    let valid = text(&entry, "result")? == "valid";
    let right = match got {
        Some(key) => valid && key == hex(&entry, "dk")?,
        None => !valid,
    };
    if right {
        Ok(())
    } else {
        Err(format!("not as published: {line}"))
    }
}
