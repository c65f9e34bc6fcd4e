//! Servers that lie, and servers that stop in the middle.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::ErrorKind;
use garland::connector::kit::Anonymous;
use garland::connector::{ListPage, PlatformConnector as _, SkipReason, UploadRequest};
use garland::platforms::WebDav;

use crate::support::{Server, serve};

/// A server that answers every listing with the same.
async fn telling(body: String) -> (WebDav, Server) {
    let routes = Router::new().fallback(move || {
        let body = body.clone();
        async move { (StatusCode::MULTI_STATUS, body) }
    });
    let server = serve(routes).await;
    (account(&server), server)
}

fn account(server: &Server) -> WebDav {
    WebDav::builder(server.base("/dav"), Anonymous::default())
        .build()
        .unwrap()
}

async fn listed(body: String) -> garland::Result<Vec<ListPage>> {
    let (dav, _server) = telling(body).await;
    dav.files().unwrap().list().try_collect().await
}

fn file(href: &str) -> String {
    format!(
        "<d:response><d:href>{href}</d:href><d:propstat><d:prop><d:resourcetype/><d:getcontentlength>1</d:getcontentlength></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )
}

fn document(responses: &str) -> String {
    format!(r#"<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">{responses}</d:multistatus>"#)
}

#[tokio::test]
async fn nothing_outside_of_the_account_is_believed() {
    for href in ["/etc/passwd", "/", "/davx/a", "http://elsewhere.example/x"] {
        let answer = listed(document(&file(href))).await;
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unexpected, "{href}");
    }
    let names = ["..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "a%00b", "%ff.jpg"];
    let responses: String = names
        .iter()
        .map(|name| file(&format!("/dav/{name}")))
        .collect();
    let pages = listed(document(
        &(responses + &file("http://elsewhere.example/dav/a.jpg")),
    ))
    .await;
    let page = pages.unwrap().remove(0);
    // The host of an address is of no matter, since no address of a listing is ever called.
    assert_eq!(page.entries.len(), 1);
    let reasons: Vec<_> = page.skipped.iter().map(|skipped| skipped.reason).collect();
    let (invalid, bytes) = (SkipReason::InvalidName, SkipReason::NotUtf8);
    assert_eq!(reasons, [invalid, invalid, invalid, invalid, bytes]);
}

#[tokio::test]
async fn hostile_xml_is_refused() {
    let bomb: String = (1..30)
        .map(|n| format!("<!ENTITY e{n} \"&e{};&e{};\">", n - 1, n - 1))
        .collect();
    let bomb = format!(
        r#"<!DOCTYPE d [<!ENTITY e0 "x">{bomb}]><d:multistatus xmlns:d="DAV:">&e29;</d:multistatus>"#
    );
    let outside = r#"<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d:multistatus xmlns:d="DAV:">&x;</d:multistatus>"#;
    for body in [bomb, outside.to_owned(), "<html>".to_owned(), String::new()] {
        let answer = listed(body).await;
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn folders_without_an_end_are_left() {
    // Every folder holds itself.
    let routes = Router::new().fallback(|request: Request| async move {
        let path = request.uri().path().trim_end_matches('/').to_owned();
        let folder = |href: &str| {
            format!("<d:response><d:href>{href}/</d:href><d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>")
        };
        let long = "n".repeat(200);
        let body = document(&(folder(&path) + &folder(&format!("{path}/{long}"))));
        (StatusCode::MULTI_STATUS, body)
    });
    let server = serve(routes).await;
    let dav = account(&server);
    let pages: Vec<ListPage> = dav.files().unwrap().list().try_collect().await.unwrap();
    let skipped: Vec<_> = pages.iter().flat_map(|page| &page.skipped).collect();
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0].reason, SkipReason::TooLong);
}

/// A plain server that takes some bytes of a file and then refuses it.
#[tokio::test]
async fn a_file_that_is_refused_in_the_middle_tells_why_and_cannot_be_gone_on_with() {
    let routes = Router::new().fallback(|request: Request| async move {
        match request.method().as_str() {
            "MKCOL" => StatusCode::CREATED.into_response(),
            "PUT" => {
                let mut body = request.into_body().into_data_stream();
                let first = body.try_next().await;
                assert!(first.is_ok());
                StatusCode::INSUFFICIENT_STORAGE.into_response()
            }
            _ => {
                let _ = to_bytes(request.into_body(), 1 << 20).await;
                StatusCode::NO_CONTENT.into_response()
            }
        }
    });
    let server = serve(routes).await;
    let dav = WebDav::builder(server.base("/dav"), Anonymous::default());
    let dav = dav.chunk_size(1 << 20).build().unwrap();
    let files = dav.files().unwrap();
    let chunk = Bytes::from(vec![7; 1 << 20]);
    let request = UploadRequest::new("a.bin".parse().unwrap(), 64 << 20);
    let mut session = files.upload(request).await.unwrap();
    assert!(session.token().is_none());
    let mut refused = None;
    for _ in 0..63 {
        let offset = session.offset();
        if let Err(error) = session.write(chunk.clone()).await {
            assert_eq!(session.offset(), offset);
            refused = Some(error);
            break;
        }
    }
    let kind = refused.unwrap().kind();
    // The answer may be lost when the connection is closed under what is still being sent.
    assert!(
        matches!(kind, ErrorKind::Full | ErrorKind::Unavailable),
        "{kind:?}"
    );
    let again = session.write(chunk).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Expired);
    session.abort().await.unwrap();
}
