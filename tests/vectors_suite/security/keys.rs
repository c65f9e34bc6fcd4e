//! Keys: how they are made from passphrases, and how they are wrapped.

use garland::crypto::{Entropy, KekId, Purpose, SealContext, SecretKey, WrapRecord};
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

/// Gives what a test says, once.
#[derive(Debug)]
struct Given(Vec<u8>);

impl Entropy for Given {
    fn fill(&self, bytes: &mut [u8]) -> garland::Result<()> {
        bytes.copy_from_slice(&self.0);
        Ok(())
    }
}

/// The wrap record of `sealed-file.json`: made as there, and opened.
pub(crate) fn wrap_record(line: &str) -> Result<(), String> {
    let entry: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let said = |error: garland::Error| error.to_string();
    let words = entry["context"].as_array().ok_or("no `context`")?;
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    let [tenant, file, version, "body"] = words[..] else {
        return Err(format!("an unknown context: {words:?}"));
    };
    let tenant = tenant.parse().map_err(said)?;
    let context = SealContext::new(&tenant, file, version, Purpose::Body).map_err(said)?;
    if context.as_bytes() != hex(&entry, "context_hex")? {
        return Err(format!("another context: {context:?}"));
    }
    let kek_id = hex(&entry, "kek_id")?;
    let kek_id = KekId::new(kek_id.try_into().map_err(|_| "not an id")?);
    let kek = SecretKey::from_bytes(&hex(&entry, "kek")?).map_err(said)?;
    let key = SecretKey::from_bytes(&hex(&entry, "dek")?).map_err(said)?;
    let salt = Given(hex(&entry, "wrap_salt")?);
    let expected = hex(&entry, "wrap_record_hex")?;
    let made = WrapRecord::wrap(kek_id, &kek, &context, &key, &salt).map_err(said)?;
    if made.as_bytes()[..] != expected {
        return Err(format!("another record: {:?}", made.as_bytes()));
    }
    let record = WrapRecord::parse(&expected).map_err(said)?;
    let opened = record.unwrap(&kek, &context).map_err(said)?;
    if record.kek_id() == kek_id && opened.is(&key) {
        Ok(())
    } else {
        Err("the record does not give the key back".to_owned())
    }
}
