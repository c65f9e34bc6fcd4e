//! One try to deliver a webhook (W3).

use std::sync::Arc;
use std::time::Duration;

use garland::connector::WebhookDelivery;
use garland::crypto::signatures::{
    Scheme, SigningSecret, WebhookId, WebhookSigner, WebhookVerifier,
};
use garland::outbound::http::{Attempt, GuardedClient, HttpLimits, WebhookSender};
use garland::outbound::{RedirectPolicy, SystemResolver, TargetPolicy};
use garland::{Clock, ErrorKind, Timestamp};

use crate::server::{Act, Server, client};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &str = r#"{"type":"gallery.published"}"#;

fn now() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

/// It is always the same moment, however long the other side takes.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        now()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

fn sender(client: GuardedClient) -> WebhookSender {
    WebhookSender::new(client, Arc::new(Still))
}

async fn attempt(client: GuardedClient, url: &str) -> Attempt {
    let signer = WebhookSigner::new(SigningSecret::parse(SECRET).unwrap());
    let id = WebhookId::parse("msg_1").unwrap();
    sender(client).attempt(url, &signer, &id, BODY.into()).await
}

async fn answered(act: Act) -> Attempt {
    let server = Server::start(vec![act]);
    let client = client(HttpLimits::default()).with_redirects(RedirectPolicy::at_most(9));
    attempt(client, &server.url("hooks.example.com", "/hook")).await
}

#[tokio::test]
async fn w3_what_arrives_is_signed_by_the_standard() {
    let server = Server::start(vec![Act::answer("204 No Content", "", "")]);
    let url = server.url("hooks.example.com", "/hook?a=b");
    let sent = attempt(client(HttpLimits::default()), &url).await;
    assert!(
        matches!(sent, Attempt::Delivered { status: 204 }),
        "{sent:?}"
    );
    let request = server.request();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /hook?a=b HTTP/1.1"));
    let delivery = lines.filter_map(|line| line.split_once(": ")).fold(
        WebhookDelivery::new("POST", &url, body.to_owned()),
        |all, (name, value)| all.with_header(name, value),
    );
    assert_eq!(delivery.header("content-type"), Some("application/json"));
    let verifier = WebhookVerifier::new(Scheme::STANDARD_WEBHOOKS, &[SECRET.into()]).unwrap();
    let verified = verifier.verify(&delivery, now()).unwrap();
    assert_eq!((verified.id.as_deref(), body), (Some("msg_1"), BODY));
}

#[tokio::test]
async fn w3_an_answer_says_what_to_do_next() {
    for status in ["200 OK", "201 Created", "299 Fine"] {
        let got = answered(Act::answer(status, "", "thanks")).await;
        assert!(
            matches!(got, Attempt::Delivered { .. }),
            "{status}: {got:?}"
        );
    }
    for status in [
        "400 Bad Request",
        "401 Unauthorized",
        "404 Not Found",
        "500 Error",
        "503 Busy",
    ] {
        let got = answered(Act::answer(status, "", "secret of the receiver")).await;
        assert!(
            matches!(got, Attempt::Retry { after: None, .. }),
            "{status}: {got:?}"
        );
        assert!(!format!("{got:?}").contains("secret"), "{got:?}");
    }
    let got = answered(Act::answer("410 Gone", "retry-after: 1\r\n", "")).await;
    assert!(matches!(got, Attempt::GiveUp { .. }), "{got:?}");
    let asked = |wait: &str| Act::answer("429 Slow", &format!("retry-after: {wait}\r\n"), "");
    for (wait, expected) in [
        ("120", Some(120)),
        ("Tue, 14 Nov 2023 22:14:20 GMT", Some(60)),
        // By the clock of the receiver, which goes wrong by decades.
        (
            "Sun, 06 Nov 1994 08:50:37 GMT\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT",
            Some(60),
        ),
        ("999999999", Some(86_400)),
        ("soon", None),
        ("1\r\nretry-after: 2", None),
    ] {
        match answered(asked(wait)).await {
            Attempt::Retry { after, reason } => {
                assert_eq!(after, expected.map(Duration::from_secs), "{wait}");
                assert_eq!(reason.kind(), ErrorKind::RateLimited);
                assert_eq!(reason.retry_after(), after);
            }
            other => panic!("{wait}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn w3_no_redirect_is_followed() {
    let there = Server::start(vec![Act::answer("200 OK", "", "")]);
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let location = format!("location: {}\r\n", there.url("other.example.com", "/"));
        let got = answered(Act::answer(status, &location, "")).await;
        assert!(matches!(got, Attempt::Retry { .. }), "{status}: {got:?}");
    }
    assert!(!there.has_more());
}

#[tokio::test]
async fn w3_what_may_not_be_called_is_given_up() {
    let strict = || {
        let resolver = Arc::new(SystemResolver::new());
        GuardedClient::new(TargetPolicy::default(), resolver, HttpLimits::default()).unwrap()
    };
    for url in [
        "http://example.com/",
        "https://169.254.169.254/",
        "https://localhost/",
        "nothing",
    ] {
        match attempt(strict(), url).await {
            Attempt::GiveUp { reason } => assert_eq!(reason.kind(), ErrorKind::Refused),
            other => panic!("{url}: {other:?}"),
        }
    }
    let broken = answered(Act::Say(String::new())).await;
    assert!(
        matches!(broken, Attempt::Retry { after: None, .. }),
        "{broken:?}"
    );
}
