//! The client against servers that mean no good.

use std::time::Duration;

use futures_util::StreamExt as _;

use garland::ErrorKind;
use garland::outbound::http::{GuardedClient, HttpLimits, Request};
use garland::outbound::{RedirectPolicy, TargetPolicy};

use crate::resolving::Scripted;
use crate::server::{Act, Server, client, client_with};

fn limits() -> HttpLimits {
    HttpLimits::default()
}

async fn kind(client: &GuardedClient, request: Request) -> ErrorKind {
    match client.send(request).await {
        Ok(response) => response.bytes().await.unwrap_err().kind(),
        Err(error) => error.kind(),
    }
}

#[tokio::test]
async fn s2_a_name_that_leads_inside_is_not_called() {
    let server = Server::start(vec![Act::answer("200 OK", "", "inside")]);
    let resolver = Scripted::new(&[&["127.0.0.1"]]);
    let client = GuardedClient::new(
        TargetPolicy::default().with_ports([server.address.port()]),
        resolver,
        limits(),
    )
    .unwrap();
    let url = format!("https://hooks.example.com:{}/", server.address.port());
    let error = client.send(Request::get(url)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.operation(), "guard.pin");
    assert!(!server.has_more());
    for url in [
        "https://127.0.0.1/",
        "http://hooks.example.com/",
        "https://[::1]/",
    ] {
        assert_eq!(
            kind(&client, Request::get(url)).await,
            ErrorKind::Refused,
            "{url}"
        );
    }
}

#[tokio::test]
async fn s2_the_connection_goes_to_what_was_checked() {
    let server = Server::start(vec![
        Act::answer("200 OK", "", "first"),
        Act::answer("200 OK", "", "never"),
    ]);
    // By the time of the second connection the name leads elsewhere, and then inside.
    let (client, resolver) = client_with(
        &[
            &["127.0.0.1"],
            &["10.0.0.1"],
            &["8.8.8.8", "127.0.0.1", "0.0.0.0"],
        ],
        limits(),
    );
    let url = server.url("rebind.example.com", "/a?b");
    let response = client.send(Request::get(&url)).await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), "first");
    assert_eq!(
        resolver.asked(),
        1,
        "nothing resolves again between check and connection"
    );
    let request = server.request();
    assert!(request.starts_with("GET /a?b HTTP/1.1\r\n"), "{request}");
    let host = format!("host: rebind.example.com:{}\r\n", server.address.port());
    assert!(request.contains(&host), "{request}");
    assert_eq!(kind(&client, Request::get(&url)).await, ErrorKind::Refused);
    assert_eq!(kind(&client, Request::get(&url)).await, ErrorKind::Refused);
    assert!(!server.has_more());
}

#[tokio::test]
async fn s2_a_redirect_inward_is_refused() {
    for location in [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "//10.0.0.1/",
        "http://0x7f.1/",
        "file:///etc/passwd",
        "http://localhost/",
    ] {
        let header = format!("location: {location}\r\n");
        let server = Server::start(vec![Act::answer("302 Found", &header, "")]);
        let client = client(limits()).with_redirects(RedirectPolicy::at_most(5));
        let url = server.url("hooks.example.com", "/");
        assert_eq!(
            kind(&client, Request::get(url)).await,
            ErrorKind::Refused,
            "{location}"
        );
    }
    // A name that leads inside, behind a redirect.
    let server = Server::start(vec![Act::answer(
        "302 Found",
        "location: http://other.example.com/\r\n",
        "",
    )]);
    let (client, _) = client_with(&[&["127.0.0.1"], &["192.168.1.1"]], limits());
    let client = client.with_redirects(RedirectPolicy::at_most(5));
    let url = server.url("hooks.example.com", "/");
    assert_eq!(kind(&client, Request::get(url)).await, ErrorKind::Refused);
}

#[tokio::test]
async fn s3_redirects_are_followed_only_as_allowed() {
    let moved = Act::answer("302 Found", "location: /again\r\n", "");
    let server = Server::start(vec![moved.clone(); 4]);
    let client = client(limits());
    let url = server.url("hooks.example.com", "/");
    let response = client.send(Request::get(&url)).await.unwrap();
    assert_eq!(
        (response.status(), response.header("Location")),
        (302, Some("/again"))
    );
    drop(response);
    let twice = client.with_redirects(RedirectPolicy::at_most(2));
    assert_eq!(
        kind(&twice, Request::get(&url)).await,
        ErrorKind::LimitExceeded
    );

    let server = Server::start(vec![moved, Act::answer("200 OK", "", "never")]);
    let url = server.url("hooks.example.com", "/");
    let response = twice.send(Request::post(&url, "body")).await.unwrap();
    assert_eq!(response.status(), 302, "a body is not sent on");
    assert!(server.request().ends_with("body"));
    assert!(!server.has_more());
}

#[tokio::test]
async fn s2_another_origin_gets_no_credentials() {
    let there = Server::start(vec![Act::answer("200 OK", "", "there")]);
    let location = format!("location: {}\r\n", there.url("other.example.com", "/b"));
    let here = Server::start(vec![
        Act::answer("302 Found", "location: /a\r\n", ""),
        Act::answer("302 Found", &location, ""),
    ]);
    let client = client(limits()).with_redirects(RedirectPolicy::at_most(5));
    let request = Request::get(here.url("hooks.example.com", "/"))
        .with_header("Authorization", "Bearer secret")
        .with_header("Cookie", "secret")
        .with_header("X-Api-Key", "secret")
        .with_header("Accept", "application/json");
    assert!(!format!("{request:?}").contains("secret"));
    let response = client.send(request).await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), "there");
    let [first, second, third] = [here.request(), here.request(), there.request()];
    for own in [first, second] {
        assert_eq!(own.matches("secret").count(), 3, "{own}");
    }
    assert!(!third.contains("secret"), "{third}");
    assert!(third.contains("accept: application/json"), "{third}");
}

#[tokio::test]
async fn s3_an_endless_body_is_cut() {
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(4_096));
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let server = Server::start(vec![
        Act::SayWithoutEnd(head.to_owned(), chunk.clone()),
        Act::SayWithoutEnd(head.to_owned(), chunk),
    ]);
    let client = client(limits().with_body(100_000));
    let url = server.url("hooks.example.com", "/");
    assert_eq!(
        kind(&client, Request::get(&url)).await,
        ErrorKind::LimitExceeded
    );

    let response = client.send(Request::get(&url)).await.unwrap();
    let pieces: Vec<_> = response.into_stream().collect().await;
    let (last, good) = pieces.split_last().unwrap();
    assert_eq!(last.as_ref().unwrap_err().kind(), ErrorKind::LimitExceeded);
    let bytes: usize = good.iter().map(|piece| piece.as_ref().unwrap().len()).sum();
    assert!(bytes <= 100_000, "{bytes}");
}

#[tokio::test]
async fn s3_a_length_that_lies_is_noticed() {
    let say = |length: u64, body: &str| {
        Act::Say(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    };
    let server = Server::start(vec![
        say(1 << 40, "a few"),
        say(1_000, "a few"),
        say(5, "a few and more that nobody reads"),
    ]);
    let client = client(limits());
    let url = server.url("hooks.example.com", "/");
    assert_eq!(
        kind(&client, Request::get(&url)).await,
        ErrorKind::LimitExceeded
    );
    assert_eq!(
        kind(&client, Request::get(&url)).await,
        ErrorKind::Unavailable
    );
    let response = client.send(Request::get(&url)).await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), "a few");
}

#[tokio::test]
async fn s3_nobody_is_waited_for_for_ever() {
    let short = Duration::from_millis(50);
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nsome".to_owned();
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    for (act, limits) in [
        (Act::SayAndWait(String::new()), limits().with_idle(short)),
        (Act::SayAndWait(String::new()), limits().with_total(short)),
        (
            Act::SayAndWait("HTTP/1.1 200 OK\r\n".to_owned()),
            limits().with_total(short),
        ),
        (Act::SayAndWait(head.clone()), limits().with_idle(short)),
        (Act::SayAndWait(head), limits().with_total(short)),
        // Always a little, so that only the whole can be too long.
        (
            Act::SayWithoutEnd(chunked, "1\r\nx\r\n".to_owned()),
            limits().with_total(short).with_body(u64::MAX),
        ),
    ] {
        let server = Server::start(vec![act.clone()]);
        let url = server.url("hooks.example.com", "/");
        assert_eq!(
            kind(&client(limits), Request::get(url)).await,
            ErrorKind::Timeout,
            "{act:?}"
        );
    }
}

#[tokio::test]
async fn s3_too_much_header_is_refused() {
    let long = format!("x-long: {}\r\n", "y".repeat(10_000));
    let many: String = (0..90)
        .map(|n| format!("x-{n}: {}\r\n", "y".repeat(100)))
        .collect();
    let server = Server::start(vec![
        Act::answer("200 OK", &long, ""),
        Act::answer("200 OK", &many, ""),
        Act::answer("200 OK", "x-short: y\r\n", ""),
    ]);
    let client = client(limits().with_header(8_192));
    let url = server.url("hooks.example.com", "/");
    assert_eq!(
        kind(&client, Request::get(&url)).await,
        ErrorKind::LimitExceeded
    );
    assert_eq!(
        kind(&client, Request::get(&url)).await,
        ErrorKind::LimitExceeded
    );
    assert_eq!(client.send(Request::get(&url)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn s3_nothing_is_unpacked_and_nothing_is_asked_to_be_packed() {
    let server = Server::start(vec![Act::answer(
        "200 OK",
        "content-encoding: gzip\r\n",
        "not gzip at all",
    )]);
    let client = client(limits());
    let response = client
        .send(Request::get(server.url("hooks.example.com", "/")))
        .await
        .unwrap();
    assert_eq!(response.bytes().await.unwrap(), "not gzip at all");
    assert!(
        !server
            .request()
            .to_ascii_lowercase()
            .contains("accept-encoding")
    );
}

#[tokio::test]
async fn s1_the_framing_of_a_request_is_not_the_callers() {
    let client = client(limits());
    for (name, value) in [
        ("Host", "inside"),
        ("Content-Length", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "upgrade"),
        ("X-A", "b\r\nHost: inside"),
        ("X A", "b"),
        ("", "b"),
    ] {
        let request = Request::get("http://hooks.example.com/").with_header(name, value);
        assert_eq!(
            kind(&client, request).await,
            ErrorKind::InvalidInput,
            "{name}"
        );
    }
}
