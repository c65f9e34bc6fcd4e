//! The proxy passes what it shall pass, and each fault is what it says, seen from both sides.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, put};
use futures_util::{StreamExt as _, stream};
use garland::connector::kit::{HttpAnswer, HttpClient, HttpOptions, HttpRequest};
use garland::testing::http::{FaultProxy, HttpFault, HttpReply, HttpRule};
use garland::{ErrorKind, Result, Timestamp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Server, serve};

const TEXT: &str = "first look at the cake";

/// What the platform has seen.
#[derive(Clone, Debug, Default)]
struct Platform {
    calls: Arc<AtomicU64>,
    taken: Arc<Mutex<Vec<Bytes>>>,
}

struct World {
    proxy: FaultProxy,
    platform: Platform,
    client: HttpClient,
    _server: Server,
}

async fn take(State(platform): State<Platform>, request: Request) -> Response {
    platform.calls.fetch_add(1, Ordering::Relaxed);
    match axum::body::to_bytes(request.into_body(), usize::MAX).await {
        Ok(bytes) => {
            platform.taken.lock().unwrap().push(bytes);
            StatusCode::CREATED.into_response()
        }
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn pieces(State(platform): State<Platform>) -> Response {
    platform.calls.fetch_add(1, Ordering::Relaxed);
    let words = TEXT.split_inclusive(' ').map(Ok::<_, std::io::Error>);
    Body::from_stream(stream::iter(words)).into_response()
}

async fn text(
    State(platform): State<Platform>,
    Query(asked): Query<Vec<(String, String)>>,
) -> String {
    platform.calls.fetch_add(1, Ordering::Relaxed);
    match asked.first() {
        Some((_, page)) => format!("page {page}"),
        None => TEXT.to_owned(),
    }
}

async fn world() -> World {
    let platform = Platform::default();
    let routes = Router::new()
        .route("/text", get(text))
        .route("/pieces", get(pieces))
        .route("/nothing", any(|| async { StatusCode::NO_CONTENT }))
        .route("/take", put(take))
        .with_state(platform.clone());
    let server = serve(routes).await;
    let options = HttpOptions::default().with_idle(Duration::from_millis(500));
    World {
        proxy: FaultProxy::to(server.address()).await.unwrap(),
        platform,
        client: HttpClient::new(options).unwrap(),
        _server: server,
    }
}

impl World {
    async fn with(fault: HttpFault) -> Self {
        let world = world().await;
        world.proxy.add_rule(HttpRule::new(fault).times(1));
        world
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.proxy.address())
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer> {
        self.client.send(request).await
    }

    async fn get(&self, path: &str) -> Result<(u16, String)> {
        let answer = self.send(HttpRequest::get(self.url(path))).await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    async fn put(&self, body: impl Into<Bytes>) -> Result<u16> {
        let request = HttpRequest::put(self.url("/take")).body("image/jpeg", body);
        Ok(self.send(request).await?.status())
    }

    fn seen(&self) -> u64 {
        self.platform.calls.load(Ordering::Relaxed)
    }

    fn taken(&self) -> Vec<Bytes> {
        self.platform.taken.lock().unwrap().clone()
    }

    /// After a fault the same works, and one fault was counted.
    async fn is_well(&self) {
        assert_eq!(self.get("/text").await.unwrap(), (200, TEXT.to_owned()));
        assert_eq!(self.proxy.injected(), 1, "{:?}", self.proxy.calls());
    }
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[tokio::test]
async fn what_no_rule_befalls_passes() {
    let world = world().await;
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    for _ in 0..2 {
        assert_eq!(world.get("/text").await.unwrap(), (200, TEXT.to_owned()));
        assert_eq!(world.get("/pieces").await.unwrap(), (200, TEXT.to_owned()));
        assert_eq!(world.get("/nothing").await.unwrap(), (204, String::new()));
        assert_eq!(world.put(large.clone()).await.unwrap(), 201);
        let head = HttpRequest::new("HEAD", world.url("/text"));
        let answer = world.send(head).await.unwrap();
        assert_eq!((answer.status(), answer.content_length()), (200, Some(22)));
    }
    assert!(world.taken().iter().all(|taken| taken == &large));
    assert_eq!((world.proxy.count(), world.proxy.injected()), (10, 0));
    let calls = world.proxy.calls();
    assert_eq!(calls[3].status, Some(201));
    assert_eq!(format!("{:?}", calls[3]), "4: PUT /take -> 201");
}

#[tokio::test]
async fn a_client_that_waits_for_leave_is_given_it_by_the_platform() {
    let world = world().await;
    let mut stream = TcpStream::connect(&world.proxy.address()[7..])
        .await
        .unwrap();
    let head = "PUT /take HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut leave = [0; 25];
    stream.read_exact(&mut leave).await.unwrap();
    assert_eq!(&leave, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"5\r\nfirst\r\n0\r\n\r\n").await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 201");
    assert_eq!(world.taken(), ["first"]);
}

#[tokio::test]
async fn chunks_that_end_before_the_fault_arrive_whole() {
    let world = World::with(HttpFault::ResetInRequest(100)).await;
    let mut stream = TcpStream::connect(&world.proxy.address()[7..])
        .await
        .unwrap();
    let call = "PUT /take HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n";
    for _ in 0..2 {
        stream.write_all(call.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 201");
        // The rest of the head; there is no body.
        let mut last = [0; 4];
        while &last != b"\r\n\r\n" {
            last.rotate_left(1);
            last[3] = stream.read_u8().await.unwrap();
        }
    }
    assert_eq!(world.taken(), ["first", "first"]);
    assert_eq!(world.proxy.injected(), 0);
}

#[tokio::test]
async fn answers_of_its_own_come_before_the_platform_or_after_it() {
    let busy = HttpReply::new(429)
        .with_header("retry-after", "2")
        .with_json("{}");
    let world = World::with(HttpFault::Answer(busy.clone())).await;
    assert_eq!(world.put("bytes").await.unwrap(), 429);
    assert_eq!(world.seen(), 0);
    world.is_well().await;

    let world = World::with(HttpFault::Lost(busy)).await;
    assert_eq!(world.put("bytes").await.unwrap(), 429);
    assert_eq!(world.taken(), ["bytes"]);
    world.is_well().await;

    let world = World::with(HttpFault::html()).await;
    assert!(
        world
            .get("/text")
            .await
            .unwrap()
            .1
            .starts_with("<!DOCTYPE html>")
    );
    world.is_well().await;

    let world = World::with(HttpFault::malformed_json()).await;
    let (_, body) = world.get("/text").await.unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&body).is_err());
    world.is_well().await;
}

#[tokio::test]
async fn who_follows_a_redirect_is_seen() {
    let world = world().await;
    let away = world.proxy.elsewhere().to_owned();
    world
        .proxy
        .add_rule(HttpRule::new(HttpFault::redirect(format!("{away}/x"))).times(1));
    let answer = world
        .send(HttpRequest::get(world.url("/text")))
        .await
        .unwrap();
    assert_eq!(
        (answer.status(), answer.header("location")),
        (307, Some(&*format!("{away}/x")))
    );
    assert_eq!(world.proxy.strayed(), 0);
    drop(world.send(HttpRequest::get(away)).await.unwrap());
    assert_eq!(world.proxy.strayed(), 1);
}

#[tokio::test]
async fn requests_break_before_the_platform_has_them_whole() {
    let world = World::with(HttpFault::ResetBefore).await;
    assert_eq!(kind(world.put("bytes").await), ErrorKind::Unavailable);
    assert_eq!(world.seen(), 0);
    world.is_well().await;

    for most in [3, 5, 700_000] {
        let world = World::with(HttpFault::ResetInRequest(most)).await;
        let body = if most == 700_000 {
            vec![7; 1 << 20]
        } else {
            b"bytes".to_vec()
        };
        assert_eq!(kind(world.put(body).await), ErrorKind::Unavailable);
        assert_eq!(world.taken(), [""; 0]);
        world.is_well().await;
    }
}

#[tokio::test]
async fn answers_break_after_the_platform_has_acted() {
    let world = World::with(HttpFault::ResetAfter).await;
    assert_eq!(kind(world.put("bytes").await), ErrorKind::Unavailable);
    assert_eq!(world.taken(), ["bytes"]);
    world.is_well().await;

    for path in ["/text", "/pieces"] {
        for fault in [HttpFault::ResetInAnswer(7), HttpFault::CutAnswer(7)] {
            let world = World::with(fault).await;
            let mut answer = world.send(HttpRequest::get(world.url(path))).await.unwrap();
            let mut got = Vec::new();
            let end = loop {
                match answer.chunk().await {
                    Ok(Some(piece)) => got.extend_from_slice(&piece),
                    end => break end,
                }
            };
            assert_eq!(kind(end), ErrorKind::Unavailable);
            assert!(TEXT.as_bytes()[..7].starts_with(&got), "{got:?}");
            world.is_well().await;
        }
    }
    // There is nothing to cut.
    let world = World::with(HttpFault::CutAnswer(0)).await;
    assert_eq!(world.get("/nothing").await.unwrap().0, 204);
    assert_eq!(world.proxy.injected(), 0);
}

#[tokio::test]
async fn lengths_are_wrong_both_ways() {
    let world = World::with(HttpFault::WrongLength(5)).await;
    assert_eq!(kind(world.get("/text").await), ErrorKind::Unavailable);
    world.is_well().await;
    let world = World::with(HttpFault::WrongLength(-5)).await;
    assert_eq!(world.get("/text").await.unwrap().1, TEXT[..17]);
    world.is_well().await;
}

#[tokio::test]
async fn silence_lasts_until_the_client_goes() {
    for (fault, seen) in [
        (HttpFault::HangBefore, 0),
        (HttpFault::HangAfter, 1),
        (HttpFault::Trickle(Duration::from_secs(60)), 1),
    ] {
        let world = World::with(fault).await;
        assert_eq!(kind(world.put("bytes").await), ErrorKind::Timeout);
        assert_eq!(world.seen(), seen);
        world.is_well().await;
    }
    let world = World::with(HttpFault::Trickle(Duration::from_micros(10))).await;
    assert_eq!(world.get("/text").await.unwrap().1, TEXT);
    world.is_well().await;
}

#[tokio::test]
async fn bits_change_on_their_way() {
    let world = World::with(HttpFault::FlipRequest(1)).await;
    assert_eq!(world.put("bytes").await.unwrap(), 201);
    assert_eq!(world.taken(), ["bxtes"]);
    world.is_well().await;
    for path in ["/text", "/pieces"] {
        let world = World::with(HttpFault::FlipAnswer(8)).await;
        assert_eq!(world.get(path).await.unwrap().1, "first lonk at the cake");
        world.is_well().await;
    }
}

#[tokio::test]
async fn the_platforms_clock_is_wrong() {
    let then = Timestamp::from_millis(1_750_000_000_000);
    let world = World::with(HttpFault::Date(then)).await;
    let answer = world
        .send(HttpRequest::get(world.url("/text")))
        .await
        .unwrap();
    assert_eq!(answer.header("date"), Some("Sun, 15 Jun 2025 15:06:40 GMT"));
    drop(answer);
    world.is_well().await;
}

#[tokio::test]
async fn a_page_comes_again() {
    let world = world().await;
    world.proxy.add_rule(
        HttpRule::new(HttpFault::Repeat)
            .target_with("after=")
            .nth(1)
            .times(2),
    );
    let mut pages = Vec::new();
    for n in 1..4 {
        pages.push(world.get(&format!("/text?after={n}")).await.unwrap().1);
        assert_eq!(world.get("/text").await.unwrap().1, TEXT);
    }
    // The first has none before it.
    assert_eq!(pages, ["page 1", "page 1", "page 3"]);
    assert_eq!((world.seen(), world.proxy.injected()), (6, 1));
}

#[tokio::test]
async fn rules_pick_their_calls() {
    let world = world().await;
    let rule = HttpRule::new(HttpFault::status(500))
        .method("GET")
        .target_without("pieces");
    world.proxy.add_rule(rule.nth(2).times(2));
    let mut told = Vec::new();
    for path in ["/text", "/pieces", "/text", "/text", "/text"] {
        world.put("x").await.unwrap();
        told.push(world.get(path).await.unwrap().0);
    }
    assert_eq!(told, [200, 200, 500, 500, 200]);
    world.proxy.heal();

    let share = async |seed| {
        let server = serve(Router::new().route("/", get(|| async {}))).await;
        let proxy = FaultProxy::seeded(server.address(), seed).await.unwrap();
        proxy.add_rule(HttpRule::new(HttpFault::status(500)).at_rate(0.25));
        for _ in 0..200 {
            let call = HttpRequest::get(proxy.address());
            drop(world.client.send(call).await.unwrap());
        }
        let calls = proxy.calls();
        let faults = calls
            .iter()
            .filter(|call| call.fault.is_some())
            .map(|call| call.number);
        (faults.collect::<Vec<_>>(), proxy.injected())
    };
    let (first, count) = share(7).await;
    assert!((25..75).contains(&count), "{count} of 200 with seed 7");
    assert_eq!(share(7).await.0, first);
    assert_ne!(share(8).await.0, first);
}

#[tokio::test]
async fn many_calls_go_at_once_and_end_with_the_proxy() {
    let world = world().await;
    let calls = (0..64).map(|_| world.get("/text"));
    let told: Vec<_> = stream::iter(calls).buffer_unordered(64).collect().await;
    assert!(told.iter().all(|told| told.as_ref().unwrap().1 == TEXT));
    let url = world.url("/text");
    let World { proxy, client, .. } = world;
    drop(proxy);
    tokio::task::yield_now().await;
    assert_eq!(
        kind(client.send(HttpRequest::get(url)).await),
        ErrorKind::Unavailable
    );
    for wrong in [
        "127.0.0.1:80",
        "https://127.0.0.1:80",
        "http://host",
        "http://h:1/x",
    ] {
        assert_eq!(kind(FaultProxy::to(wrong).await), ErrorKind::InvalidInput);
    }
}
