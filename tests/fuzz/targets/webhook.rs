//! A request that says it is a webhook. The first byte chooses the scheme; what follows is `Name: value` a line, an empty
//! line, and the body.

use garland::Timestamp;
use garland::connector::WebhookDelivery;
use garland::crypto::SecretBytes;
use garland::crypto::signatures::{
    Scheme, SigningSecret, WebhookId, WebhookSigner, WebhookVerifier,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const STAMP: &str = "1800000000";
const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const URL: &str = "https://studio.test/hooks?source=1";
const BODY: &str = r#"{"gallery":"g7","favourites":[1,2,3]}"#;

const SCHEMES: &[Scheme] = &[
    Scheme::STANDARD_WEBHOOKS,
    Scheme::HUB_SHA256,
    Scheme::STRIPE,
    Scheme::SLACK,
    Scheme::DROPBOX,
    Scheme::SHOPIFY,
    Scheme::BOX,
    Scheme::TWILIO,
    Scheme::GOOGLE_CHANNEL,
];

fn mac(message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    let tag = mac.finalize().into_bytes();
    tag.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let secret = SigningSecret::parse(&format!("whsec_{SECRET}")).unwrap();
    let signer = WebhookSigner::new(secret);
    let id = WebhookId::parse("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W").unwrap();
    let signed = signer.sign(&id, NOW, BODY.as_bytes()).unwrap();
    let requests = [
        (
            0,
            format!(
                "webhook-id: {id}\nwebhook-timestamp: {STAMP}\nwebhook-signature: {}",
                signed.signature
            ),
        ),
        (1, format!("X-Hub-Signature-256: sha256={}", mac(BODY))),
        (
            2,
            format!(
                "Stripe-Signature: t={STAMP},v1={}",
                mac(&format!("{STAMP}.{BODY}"))
            ),
        ),
        (
            3,
            format!(
                "X-Slack-Request-Timestamp: {STAMP}\nX-Slack-Signature: v0={}",
                mac(&format!("v0:{STAMP}:{BODY}"))
            ),
        ),
        (4, format!("X-Dropbox-Signature: {}", mac(BODY))),
        (
            8,
            format!("X-Goog-Channel-Token: {SECRET}\nX-Goog-Channel-Id: c1"),
        ),
    ];
    requests
        .into_iter()
        .map(|(scheme, headers)| [&[scheme], headers.as_bytes(), b"\n\n", BODY.as_bytes()].concat())
        .collect()
}

pub(crate) fn check(input: &[u8]) -> bool {
    let Some((&scheme, request)) = input.split_first() else {
        return false;
    };
    let scheme = SCHEMES[usize::from(scheme) % SCHEMES.len()];
    let end = request.windows(2).position(|two| two == b"\n\n");
    let (head, body) = request.split_at(end.unwrap_or(request.len()));
    let body = body.get(2..).unwrap_or_default().to_vec();
    let head = String::from_utf8_lossy(head).into_owned();
    let mut delivery = WebhookDelivery::new("POST", URL, body);
    for line in head.lines() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        delivery = delivery.with_header(name, value.trim());
    }
    let text = if scheme == Scheme::STANDARD_WEBHOOKS {
        format!("whsec_{SECRET}")
    } else {
        SECRET.to_owned()
    };
    let verifier = WebhookVerifier::new(scheme, &[SecretBytes::from(text)]).unwrap();
    if verifier.verify(&delivery, NOW).is_err() {
        return false;
    }
    // What is signed is the body; a token says nothing about it.
    if scheme != Scheme::GOOGLE_CHANNEL {
        let mut bent = delivery.body.to_vec();
        bent.push(b' ');
        delivery.body = bent.into();
        assert!(
            verifier.verify(&delivery, NOW).is_err(),
            "another body is taken"
        );
    }
    true
}
