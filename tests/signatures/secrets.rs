//! A secret that is none is an error before anything is signed or checked (W1).

use garland::ErrorKind;
use garland::crypto::signatures::{
    Encoding, Layout, Part, Scheme, SigningSecret, Stamp, WebhookVerifier,
};
use garland::crypto::{Entropy, SecretBytes, SystemEntropy};

#[derive(Debug)]
struct Broken;

impl Entropy for Broken {
    fn fill(&self, _: &mut [u8]) -> garland::Result<()> {
        Err(garland::Error::new(
            ErrorKind::Unavailable,
            "entropy.fill",
            "none",
        ))
    }
}

#[test]
fn w1_a_signing_secret_has_24_to_64_bytes_of_chance() {
    for (bytes, fits) in [
        (0, false),
        (1, false),
        (23, false),
        (24, true),
        (64, true),
        (65, false),
    ] {
        let secret: Vec<u8> = (1..=255).cycle().take(bytes).collect();
        assert_eq!(SigningSecret::from_bytes(&secret).is_ok(), fits, "{bytes}");
    }
    for text in [
        "",
        "whsec_",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS=",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ] {
        let error = SigningSecret::parse(text).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let told = format!("{error:?}");
        assert!(text.len() < 10 || !told.contains(&text[6..20]), "{told}");
    }
}

#[test]
fn w1_a_secret_survives_its_text_form() {
    let secret = SigningSecret::generate(&SystemEntropy::new()).unwrap();
    let text = secret.to_text();
    let text = std::str::from_utf8(text.expose()).unwrap();
    assert!(SigningSecret::parse(text).unwrap().is(&secret));
    assert!(SigningSecret::parse(&text[6..]).unwrap().is(&secret));
    let another = SigningSecret::generate(&SystemEntropy::new()).unwrap();
    assert!(!another.is(&secret));
    let error = SigningSecret::generate(&Broken).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

fn refused(scheme: Scheme, secrets: &[&str]) {
    let secrets: Vec<SecretBytes> = secrets.iter().map(|text| (*text).into()).collect();
    let error = WebhookVerifier::new(scheme, &secrets).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

#[test]
fn w1_a_verifier_without_a_proper_secret_is_not_made() {
    for scheme in [
        Scheme::STANDARD_WEBHOOKS,
        Scheme::SVIX,
        Scheme::HUB_SHA256,
        Scheme::DROPBOX,
        Scheme::STRIPE,
        Scheme::TWILIO,
        Scheme::BOX,
        Scheme::GOOGLE_CHANNEL,
        Scheme::MICROSOFT_GRAPH,
    ] {
        refused(scheme, &[]);
        refused(scheme, &[""]);
        refused(scheme, &["short"]);
        refused(scheme, &["        "]);
        refused(scheme, &["0000000000000000000000000000000000"]);
        let good = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        refused(scheme, &[good, ""]);
        refused(scheme, &[good, good, good]);
        let one: SecretBytes = good.into();
        assert!(WebhookVerifier::new(scheme, &[one]).is_ok());
    }
    refused(Scheme::GOOGLE_CHANNEL, &["15 characters.."]);
    refused(
        Scheme::STANDARD_WEBHOOKS,
        &["not base64, but long enough in all"],
    );
}

#[test]
fn w1_a_scheme_that_takes_the_unsigned_for_signed_is_not_used() {
    let whole = Layout::Whole { prefix: "" };
    let scheme = |parts| Scheme::hmac_sha256(&["x-signature"], whole, Encoding::Hex, parts);
    let good = "a secret of the platform";
    refused(scheme(&[]), &[good]);
    refused(scheme(&[Part::Url]), &[good]);
    refused(scheme(&[Part::Body, Part::Timestamp]), &[good]);
    refused(scheme(&[Part::Body, Part::Id]), &[good]);
    refused(
        scheme(&[Part::Body]).with_stamp(Stamp::Seconds("x-time")),
        &[good],
    );
    refused(
        Scheme::token(&["x-token"]).with_stamp(Stamp::Seconds("x-time")),
        &[good],
    );
}

#[test]
fn c8_nothing_prints_a_secret() {
    let secret = "a secret nobody should see";
    let verifier = WebhookVerifier::new(Scheme::DROPBOX, &[secret.into()]).unwrap();
    assert!(!format!("{verifier:?}").contains("nobody"));
    let delivery = crate::delivery(&[("x-dropbox-signature", secret)]);
    let error = verifier.verify(&delivery, crate::at(0)).unwrap_err();
    assert!(!format!("{error:?}").contains("nobody"));
}
