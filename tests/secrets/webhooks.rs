//! Webhooks that go out and come in, genuine, bent and repeated.

use garland::connector::WebhookDelivery;
use garland::crypto::signatures::{
    Deliveries, Handshake, Scheme, SigningSecret, WEBHOOK_DELIVERIES, WebhookId, WebhookSigner,
    WebhookVerifier,
};
use garland::crypto::{SecretBytes, SystemEntropy};
use garland::storage::Batch;

use crate::day::Day;

const PLATFORM: &str = "platform-secret-8e1f72c0a9";
const TOKEN: &str = "a-token-that-comes-back-4711";
const BODY: &str = r#"{"event":"gallery.published","guest":"aunt Rosalind"}"#;
const URL: &str = "https://studio.test/hooks/7";

pub(crate) async fn live(day: &mut Day) {
    let now = day.clock.now();
    let entropy = SystemEntropy::new();
    let [new, old] = [(); 2].map(|()| SigningSecret::generate(&entropy).unwrap());
    for secret in [&new, &old] {
        let text = secret.to_text();
        day.planted.plant("signing secret", text.expose());
    }
    for bad in [
        new.to_text()
            .expose()
            .iter()
            .rev()
            .map(|&byte| char::from(byte))
            .collect(),
        String::from_utf8(new.to_text().expose().to_vec()).unwrap() + "!",
        "whsec_c2hvcnQgc2VjcmV0".to_owned(),
    ] {
        day.planted.plant("bad signing secret", bad.as_bytes());
        day.fails(SigningSecret::parse(&bad));
    }
    let twice = WebhookSigner::new(new.clone()).with_previous(new.clone());
    if let Err(error) = twice {
        day.thrown(&error);
    }
    let signer = WebhookSigner::new(new.clone()).with_previous(old).unwrap();
    let id = WebhookId::parse("msg_1").unwrap();
    day.print(&id);
    let headers = signer.sign(&id, now, BODY.as_bytes()).unwrap();
    day.print(&headers);

    // What a platform says is not ours to log either.
    day.planted.plant("body of a webhook", BODY.as_bytes());
    let bare = || WebhookDelivery::new("POST", URL, BODY);
    let pairs = headers.to_pairs().into_iter();
    let delivery = pairs.fold(bare(), |all, (name, value)| all.with_header(name, value));
    day.print(&delivery);
    let verifier = WebhookVerifier::new(Scheme::STANDARD_WEBHOOKS, &[new.to_text()]).unwrap();
    day.print(&verifier);
    let verified = verifier.verify(&delivery, now).unwrap();
    day.print(&verified);
    let deliveries = Deliveries::new(day.store("studio"), day.clock());
    day.print(&deliveries);
    for _ in 0..2 {
        let receipt = deliveries
            .accept("payments", &verified, Batch::new(now))
            .await;
        day.print(&receipt.unwrap());
    }
    let store = day.store("studio");
    day.print_all(&store, &WEBHOOK_DELIVERIES).await;
    foreign(day);
}

/// The families of platforms, with secrets that are right, wrong, too short and missing.
fn foreign(day: &mut Day) {
    let now = day.clock.now();
    day.planted
        .plant("secret of a platform", PLATFORM.as_bytes());
    day.planted.plant("token of a platform", TOKEN.as_bytes());
    let (secret, token) = (SecretBytes::from(PLATFORM), SecretBytes::from(TOKEN));
    let bare = || WebhookDelivery::new("POST", URL, BODY);
    let wrong = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let hub = WebhookVerifier::new(Scheme::HUB_SHA256, std::slice::from_ref(&secret)).unwrap();
    day.print(&hub);
    let bent = bare().with_header("X-Hub-Signature-256", wrong);
    day.fails(hub.verify(&bent, now));
    day.fails(hub.verify(&bare(), now));
    // A platform that sends its secret back in a header it does not belong in.
    let told = bare().with_header("X-Hub-Signature-256", PLATFORM);
    day.print(&told);
    day.fails(hub.verify(&told, now));
    let echo =
        WebhookVerifier::new(Scheme::token(&["X-Token"]), std::slice::from_ref(&token)).unwrap();
    day.print(&echo);
    let shown = bare().with_header("X-Token", TOKEN);
    day.print(&shown);
    day.print(&echo.verify(&shown, now).unwrap());
    let almost = format!("{TOKEN}x");
    day.fails(echo.verify(&bare().with_header("X-Token", &*almost), now));
    for secrets in [
        vec![],
        vec![SecretBytes::from("short")],
        vec![secret.clone(), token.clone(), secret],
    ] {
        day.fails(WebhookVerifier::new(Scheme::HUB_SHA256, &secrets));
    }
    let url = format!("{URL}?hub.mode=subscribe&hub.verify_token={TOKEN}&hub.challenge=1158");
    let asked = WebhookDelivery::new("GET", url, "");
    day.print(&asked);
    let reply = Handshake::Meta.answer(&asked, Some(&token));
    day.print(&reply.unwrap());
    assert!(
        Handshake::Meta
            .answer(&asked, Some(&SecretBytes::from(PLATFORM)))
            .is_none()
    );
}
