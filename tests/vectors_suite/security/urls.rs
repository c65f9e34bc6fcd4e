//! URLs that a host or a user may hand in.

use garland::outbound::TargetPolicy;
use serde_json::Value;

use super::primitives::text;

pub(crate) fn ssrf(line: &str) -> Result<(), String> {
    let entry: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let allow = match text(&entry, "verdict")? {
        "allow" => true,
        "refuse" => false,
        other => return Err(format!("no verdict `{other}`")),
    };
    let got = TargetPolicy::default().check(text(&entry, "url")?);
    if got.is_ok() == allow {
        Ok(())
    } else {
        Err(format!("allowed is {allow}, but {got:?}: {line}"))
    }
}
