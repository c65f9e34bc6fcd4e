//! The browser comes back to this machine.

use std::time::Duration;

use garland::ErrorKind;
use garland::connector::kit::{HttpClient, HttpOptions, HttpRequest};
use garland::oauth::{AuthorizationRequest, Loopback};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fake::Habit;
use crate::world::{SESSION, World, name, redirected, refused};

const PATIENCE: Duration = Duration::from_secs(60);

fn client() -> HttpClient {
    HttpClient::new(HttpOptions::default()).unwrap()
}

#[tokio::test]
async fn an_account_is_connected_from_a_desk() {
    let world = World::new(Habit::Strict).await;
    let loopback = Loopback::bind().await.unwrap();
    let request = AuthorizationRequest::new(name(), "fake", loopback.redirect(), SESSION);
    let started = world.oauth.begin(request).await.unwrap();
    let back = redirected(started.url()).await;
    assert!(back.starts_with(loopback.redirect()));
    let (client, state) = (client(), started.state().to_owned());
    let browser = async {
        let answer = client.send(HttpRequest::get(back)).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.bytes().await.unwrap()
    };
    let (callback, page) = tokio::join!(loopback.answer(&state, PATIENCE), browser);
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert!(
        page.contains("Thank you") && !page.contains("secret"),
        "{page}"
    );
    world
        .oauth
        .finish(SESSION, &callback.unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn nothing_but_the_answer_is_taken() {
    let loopback = Loopback::bind().await.unwrap();
    let redirect = loopback.redirect().to_owned();
    let host = redirect
        .strip_prefix("http://")
        .unwrap()
        .strip_suffix("/callback")
        .unwrap()
        .to_owned();
    let client = client();
    let browser = async {
        // A connection that a browser opens and does not use, and one that never ends its head.
        let _idle = TcpStream::connect(&host).await.unwrap();
        let mut slow = TcpStream::connect(&host).await.unwrap();
        slow.write_all(b"GET /callback?state=right HT")
            .await
            .unwrap();
        let base = redirect.strip_suffix("/callback").unwrap();
        for (path, status) in [
            ("/favicon.ico", 404),
            ("/", 400),
            ("/callback", 400),
            ("/callback?code=x", 400),
            ("/callback?code=x&state=wrong", 400),
            ("/callback?code=x&state=right&state=right", 400),
            ("/elsewhere?code=x&state=right", 400),
        ] {
            let request = HttpRequest::get(format!("{base}{path}"));
            assert_eq!(
                client.send(request).await.unwrap().status(),
                status,
                "{path}"
            );
        }
        let post = HttpRequest::post(format!("{redirect}?code=x&state=right"));
        assert_eq!(client.send(post).await.unwrap().status(), 400);
        // More than a head may have, and no HTTP at all: no answer.
        for text in [
            vec![b'a'; 40_000],
            b"\x16\x03\x01\x02\x00\x01\r\n\r\n".to_vec(),
        ] {
            let mut odd = TcpStream::connect(&host).await.unwrap();
            let _ = odd.write_all(&text).await;
            let mut rest = Vec::new();
            let _ = odd.read_to_end(&mut rest).await;
            assert_eq!(rest, b"");
        }
        let right = HttpRequest::get(format!("{redirect}?error=access_denied&state=right"));
        assert_eq!(client.send(right).await.unwrap().status(), 400);
    };
    let (callback, ()) = tokio::join!(loopback.answer("right", PATIENCE), browser);
    assert!(callback.unwrap().is_refusal());
    assert!(
        TcpStream::connect(&host).await.is_err(),
        "one answer, and the port is closed"
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_for_ever() {
    let loopback = Loopback::bind().await.unwrap();
    refused(loopback.answer("right", PATIENCE).await, ErrorKind::Timeout);
    let loopback = Loopback::bind().await.unwrap();
    let port = loopback
        .redirect()
        .split([':', '/'])
        .nth(4)
        .unwrap()
        .parse()
        .unwrap();
    refused(Loopback::bind_port(port).await, ErrorKind::Unavailable);
}
