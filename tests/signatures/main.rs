//! Signatures of webhooks: what goes out, what comes in, and what came before (W1, W2, W3).
#![cfg(feature = "crypto")]

mod handshakes;
mod hostile;
mod replay;
mod schemes;
mod secrets;
mod signer;

use garland::Timestamp;
use garland::connector::WebhookDelivery;
use garland::crypto::SecretBytes;
use garland::crypto::signatures::{Scheme, Verified, WebhookVerifier};

const KEY: &str = "a-platform-secret-1";
const OTHER: &str = "a-platform-secret-2";
const BODY: &str = r#"{"event":"x","n":1}"#;
const URL: &str = "https://studio.example/hooks/7?a=b";

/// The second that most deliveries here bear.
const SENT: i64 = 1_700_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn verifier(scheme: Scheme, secrets: &[&str]) -> WebhookVerifier {
    let secrets: Vec<SecretBytes> = secrets.iter().map(|text| (*text).into()).collect();
    WebhookVerifier::new(scheme, &secrets).unwrap()
}

fn delivery(headers: &[(&str, &str)]) -> WebhookDelivery {
    let bare = WebhookDelivery::new("POST", URL, BODY);
    headers
        .iter()
        .fold(bare, |all, (name, value)| all.with_header(*name, *value))
}

/// Checks a delivery, and returns the reason if it is refused.
fn verify(
    scheme: Scheme,
    secrets: &[&str],
    delivery: &WebhookDelivery,
    now: i64,
) -> Result<Verified, String> {
    verifier(scheme, secrets)
        .verify(delivery, at(now))
        .map_err(|error| {
            assert_eq!(error.kind(), garland::ErrorKind::Denied);
            error.to_string()
        })
}
