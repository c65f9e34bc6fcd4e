//! What goes out.

use std::sync::Arc;

use garland::connector::WebhookDelivery;
use garland::crypto::SecretBytes;
use garland::crypto::signatures::{
    Scheme, SigningSecret, WebhookId, WebhookSigner, WebhookVerifier,
};
use garland::{Chance, Ids, SystemClock};

use crate::{BODY, SENT, at};

const FIRST: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SECOND: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn secret(text: &str) -> SigningSecret {
    SigningSecret::parse(text).unwrap()
}

fn received(signer: &WebhookSigner, id: &WebhookId) -> WebhookDelivery {
    let headers = signer.sign(id, at(SENT), BODY.as_bytes()).unwrap();
    let pairs = headers.to_pairs();
    crate::delivery(&pairs)
}

#[test]
fn w3_what_is_signed_is_as_published() {
    let id = WebhookId::parse("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk").unwrap();
    let body = br#"{"email":"test@example.com","username":"test_user"}"#;
    let headers = WebhookSigner::new(secret(SECOND)).sign(&id, at(1_649_367_553), body);
    assert_eq!(
        headers.unwrap().to_pairs(),
        [
            ("webhook-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"),
            ("webhook-timestamp", "1649367553"),
            (
                "webhook-signature",
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
            ),
        ]
    );
}

#[test]
fn w3_both_secrets_sign_while_one_replaces_the_other() {
    let id = WebhookId::parse("msg_1").unwrap();
    let both = WebhookSigner::new(secret(SECOND))
        .with_previous(secret(FIRST))
        .unwrap();
    let delivery = received(&both, &id);
    for (secrets, right) in [
        (&[FIRST][..], 0),
        (&[SECOND][..], 0),
        (&[FIRST, SECOND][..], 0),
    ] {
        let secrets: Vec<SecretBytes> = secrets.iter().map(|text| (*text).into()).collect();
        let verifier = WebhookVerifier::new(Scheme::STANDARD_WEBHOOKS, &secrets).unwrap();
        let verified = verifier.verify(&delivery, at(SENT)).unwrap();
        assert_eq!(verified.secret, right);
        assert_eq!(verified.id.as_deref(), Some("msg_1"));
        assert!(verified.id_is_signed);
    }
    let new = received(&WebhookSigner::new(secret(SECOND)), &id);
    let old = WebhookVerifier::new(Scheme::STANDARD_WEBHOOKS, &[FIRST.into()]).unwrap();
    assert!(old.verify(&new, at(SENT)).is_err());
    assert!(
        WebhookSigner::new(secret(FIRST))
            .with_previous(secret(FIRST))
            .is_err()
    );
}

#[test]
fn w3_each_try_is_signed_anew_under_the_same_id() {
    let ids = Ids::new(Arc::new(SystemClock::new()), Chance::seeded(1));
    let id = WebhookId::generate(&ids);
    assert_eq!(WebhookId::parse(id.as_str()).unwrap(), id);
    let signer = WebhookSigner::new(secret(FIRST));
    let first = signer.sign(&id, at(SENT), b"").unwrap();
    let again = signer.sign(&id, at(SENT + 60), b"").unwrap();
    assert_eq!(first.id, again.id);
    assert_ne!(first.signature, again.signature);
    assert!(signer.sign(&id, at(-1), b"").is_err());
}

#[test]
fn w3_an_id_cannot_shift_the_border_to_the_time() {
    for text in ["", "a.b", "a b", "a,b", "ä", "a\n", &"a".repeat(129)] {
        assert!(WebhookId::parse(text).is_err(), "{text:?}");
    }
    // Signed as `x.1700000000.1700000000.{…}`: were dots allowed in ids, it could be read in two ways.
    let signer = WebhookSigner::new(secret(FIRST));
    let id = WebhookId::parse("x").unwrap();
    let signed = signer.sign(&id, at(SENT), b"1700000000.{}").unwrap();
    let shifted = WebhookDelivery::new("POST", crate::URL, "{}")
        .with_header("webhook-id", "x.1700000000")
        .with_header("webhook-timestamp", "1700000000")
        .with_header("webhook-signature", signed.signature);
    let verifier = WebhookVerifier::new(Scheme::STANDARD_WEBHOOKS, &[FIRST.into()]).unwrap();
    assert!(verifier.verify(&shifted, at(SENT)).is_err());
}
