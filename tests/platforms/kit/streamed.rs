//! Content that is written while it is sent.

use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::{get, put};
use bytes::Bytes;
use garland::connector::kit::{Api, Credentials, HttpClient, HttpOptions, HttpRequest};
use garland::{ErrorKind, Result};

use crate::support::{Server, serve};

/// Answers with how much it got; `/never` never answers; `/closed` lets nobody in.
async fn server() -> Server {
    let count = async |request: Request| {
        let length = request.headers().get("content-length").cloned();
        match to_bytes(request.into_body(), usize::MAX).await {
            Ok(body) => (StatusCode::OK, format!("{length:?} {}", body.len())),
            Err(_) => (StatusCode::BAD_REQUEST, String::new()),
        }
    };
    let routes = Router::new()
        .route("/", put(count))
        .route("/closed", put(StatusCode::UNAUTHORIZED))
        .route("/never", get(std::future::pending::<StatusCode>));
    serve(routes).await
}

fn client() -> HttpClient {
    let options = HttpOptions::default().with_idle(Duration::from_millis(50));
    HttpClient::new(options).unwrap()
}

#[tokio::test]
async fn whoever_writes_may_take_longer_than_the_platform_may() {
    let server = server().await;
    let client = client();
    let request = HttpRequest::put(server.base("").at("/"));
    let (request, mut content) = request.streamed("image/jpeg", 300_000);
    let never = HttpRequest::get(server.base("").at("/never"));
    let writing = async {
        for _ in 0..3 {
            content.send(Bytes::from(vec![1; 100_000])).await.unwrap();
            // What the platform may not.
            let late = client.send(never.clone()).await.unwrap_err();
            assert_eq!(late.kind(), ErrorKind::Timeout);
        }
    };
    let (answer, ()) = tokio::join!(client.send(request), writing);
    let told = answer.unwrap().bytes().await.unwrap();
    assert_eq!(told, r#"Some("300000") 300000"#);
}

#[tokio::test]
async fn a_content_goes_out_once_and_no_longer_than_was_promised() {
    let server = server().await;
    let client = client();
    let request = HttpRequest::put(server.base("").at("/"));
    let (request, mut content) = request.streamed("image/jpeg", 3);
    let writing = async {
        let error = content.send("four".into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        content.send("two".into()).await.unwrap();
    };
    let (answer, ()) = tokio::join!(client.send(request.clone()), writing);
    assert_eq!(answer.unwrap().status(), 200);
    let again = client.send(request).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_content_that_is_given_up_ends_the_call() {
    let server = server().await;
    let request = HttpRequest::put(server.base("").at("/"));
    let (request, mut content) = request.streamed("image/jpeg", 1 << 20);
    let writing = async move { content.send(Bytes::from(vec![1; 1 << 10])).await };
    let client = client();
    let (answer, written) = tokio::join!(client.send(request), writing);
    written.unwrap();
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unavailable);
}

/// There is always a newer one.
#[derive(Debug)]
struct Renewed;

#[async_trait]
impl Credentials for Renewed {
    async fn sign(&self, _: &mut HttpRequest) -> Result<()> {
        Ok(())
    }

    async fn refused(&self, _: &HttpRequest) -> Result<bool> {
        Ok(true)
    }
}

#[tokio::test]
async fn a_content_is_not_sent_again_with_newer_credentials() {
    let server = server().await;
    let api = Api::new("example", client()).with_credentials(Renewed);
    let request = HttpRequest::put(server.base("").at("/closed"));
    let (request, mut content) = request.streamed("image/jpeg", 5);
    let writing = async move { content.send("first".into()).await };
    let (answer, _) = tokio::join!(api.call("example.put", request), writing);
    let error = answer.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    let plain = HttpRequest::put(server.base("").at("/closed"));
    let refused = api.call("example.put", plain).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthenticated);
}
