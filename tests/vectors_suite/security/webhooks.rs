//! Deliveries of webhooks, genuine and not.

use garland::Timestamp;
use garland::connector::WebhookDelivery;
use garland::crypto::SecretBytes;
use garland::crypto::signatures::{Scheme, WebhookVerifier};
use serde_json::Value;

use super::primitives::text;

pub(crate) fn webhooks(line: &str) -> Result<(), String> {
    let entry: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let scheme = match text(&entry, "scheme")? {
        "dropbox" => Scheme::DROPBOX,
        "standard-webhooks" => Scheme::STANDARD_WEBHOOKS,
        "stripe-v1" => Scheme::STRIPE,
        "x-hub-signature-256" => Scheme::HUB_SHA256,
        other => return Err(format!("no scheme `{other}`")),
    };
    let now = entry["now"].as_i64().unwrap_or_default();
    let now = Timestamp::from_millis(now.saturating_mul(1_000));
    let body = text(&entry, "body")?.to_owned();
    let mut delivery = WebhookDelivery::new("POST", "https://studio.example/hooks", body);
    for (name, value) in entry["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().ok_or("a header is no text")?;
        delivery = delivery.with_header(name, value);
    }
    let secret = SecretBytes::from(text(&entry, "secret")?);
    let verdict = WebhookVerifier::new(scheme, &[secret])
        .and_then(|verifier| verifier.verify(&delivery, now));
    let valid = entry["valid"].as_bool().ok_or("no `valid`")?;
    if verdict.is_ok() == valid {
        Ok(())
    } else {
        Err(format!("valid is {valid}, but {verdict:?}: {line}"))
    }
}
