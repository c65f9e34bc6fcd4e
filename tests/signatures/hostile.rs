//! Anything may come in; nothing of it is believed, and nothing ends the program.

use proptest::prelude::*;

use garland::connector::WebhookDelivery;
use garland::crypto::SecretBytes;
use garland::crypto::signatures::{
    Handshake, Scheme, SigningSecret, WebhookId, WebhookSigner, WebhookVerifier,
};

use crate::{SENT, URL, at, verifier};

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const ALL: &[Scheme] = &[
    Scheme::STANDARD_WEBHOOKS,
    Scheme::SVIX,
    Scheme::HUB_SHA256,
    Scheme::DROPBOX,
    Scheme::BACKBLAZE,
    Scheme::SHOPIFY,
    Scheme::X,
    Scheme::BOX,
    Scheme::SLACK,
    Scheme::FRAME_IO,
    Scheme::STRIPE,
    Scheme::TIKTOK,
    Scheme::HUBSPOT,
    Scheme::TWILIO,
    Scheme::MANDRILL,
    Scheme::GOOGLE_CHANNEL,
    Scheme::MICROSOFT_GRAPH,
];

const NAMES: &[&str] = &[
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "svix-signature",
    "svix-id",
    "svix-timestamp",
    "x-hub-signature-256",
    "x-dropbox-signature",
    "x-bz-event-notification-signature",
    "x-shopify-hmac-sha256",
    "x-twitter-webhooks-signature",
    "box-signature-primary",
    "box-signature-secondary",
    "box-delivery-timestamp",
    "x-slack-signature",
    "x-slack-request-timestamp",
    "x-frameio-signature",
    "x-frameio-request-timestamp",
    "stripe-signature",
    "tiktok-signature",
    "x-hubspot-signature-v3",
    "x-hubspot-request-timestamp",
    "x-twilio-signature",
    "x-mandrill-signature",
    "x-goog-channel-token",
    "content-type",
];

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,80}",
        "(t=[0-9]{0,20},)?(v1|v0|s|t)=[0-9a-f]{0,70}(,v1=[0-9a-z]{0,66}){0,3}",
        "(v1,[A-Za-z0-9+/]{43}= ?){1,3}",
        "(sha256=|v0=|v1=)?[0-9a-f]{64}",
        "[0-9]{1,25}",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})",
        Just("application/x-www-form-urlencoded".to_owned()),
        Just("1700000000".to_owned()),
    ]
}

fn delivery() -> impl Strategy<Value = WebhookDelivery> {
    let header = (prop::sample::select(NAMES), value());
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "([a-z%+&=]|%[0-9a-f]{2}){0,60}".prop_map(String::into_bytes),
        "\\{\"value\":\\[(\\{\"clientState\":\"[a-z]{0,9}\"\\},?){0,3}\\]\\}"
            .prop_map(String::into_bytes),
    ];
    let query =
        "(\\?((challenge|validationToken|hub\\.mode|bodySHA256)=[a-f0-9%&]{0,64})?)?\\PC{0,20}";
    (prop::collection::vec(header, 0..30), body, query).prop_map(|(headers, body, query)| {
        let bare = WebhookDelivery::new("POST", format!("{URL}{query}"), body);
        headers
            .into_iter()
            .fold(bare, |all, (name, value)| all.with_header(name, value))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn w1_nothing_that_was_not_signed_gets_in(delivery in delivery()) {
        for scheme in ALL {
            let verifier = verifier(*scheme, &[SECRET]);
            prop_assert!(verifier.verify(&delivery, at(SENT)).is_err(), "{:?}", scheme);
        }
        for handshake in [Handshake::Dropbox, Handshake::MicrosoftGraph, Handshake::Meta] {
            if let Some(reply) = handshake.answer(&delivery, None) {
                prop_assert!(reply.body.len() <= 1_024);
            }
        }
    }

    /// Every single change of a genuine delivery makes it another.
    #[test]
    fn w1_a_changed_byte_is_noticed(body in prop::collection::vec(any::<u8>(), 1..100), at_byte in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let signer = WebhookSigner::new(SigningSecret::parse(SECRET).unwrap());
        let headers = signer.sign(&WebhookId::parse("msg_1").unwrap(), at(SENT), &body).unwrap();
        let verifier = WebhookVerifier::new(Scheme::STANDARD_WEBHOOKS, &[SecretBytes::from(SECRET)]).unwrap();
        let make = |headers: &[(&str, String)], body: &[u8]| {
            let bare = WebhookDelivery::new("POST", URL, body.to_vec());
            headers.iter().fold(bare, |all, (name, value)| all.with_header(*name, value))
        };
        let pairs: Vec<(&str, String)> = headers.to_pairs().map(|(name, value)| (name, value.to_owned())).to_vec();
        prop_assert!(verifier.verify(&make(&pairs, &body), at(SENT)).is_ok());

        let mut changed = body.clone();
        changed[at_byte.index(body.len())] ^= 1 << bit;
        prop_assert!(verifier.verify(&make(&pairs, &changed), at(SENT)).is_err());
        for number in 0..pairs.len() {
            let mut changed = pairs.clone();
            let mut bytes = changed[number].1.clone().into_bytes();
            let index = at_byte.index(bytes.len());
            bytes[index] ^= 1 << (bit % 7);
            if let Ok(text) = String::from_utf8(bytes) {
                changed[number].1 = text;
                prop_assert!(verifier.verify(&make(&changed, &body), at(SENT)).is_err(), "{:?}", changed);
            }
            let mut without = pairs.clone();
            without.remove(number);
            prop_assert!(verifier.verify(&make(&without, &body), at(SENT)).is_err());
        }
    }
}
