//! Google Cloud Storage, against an emulator of its JSON API.

mod front;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::ErrorKind;
use garland::Timestamp;
use garland::connector::kit::{AccessToken, Bearer};
use garland::connector::{
    ContentHasher, Expect, FileStore, HashAlgorithm, Hashes, PlatformConnector as _, ReadOptions,
    UploadRequest, UploadSession,
};
use garland::platforms::{Gcs, GcsOptions};
use garland::testing::{Account, connector};

use crate::support::{Recorder, python, serve, servers};
use front::GcsServer;

/// Several chunks and a bit.
const LARGE: usize = (600 << 10) + 77;

async fn server() -> Option<GcsServer> {
    Some(GcsServer::start(servers::gcs().await?).await)
}

fn options(server: &GcsServer) -> GcsOptions {
    let options = GcsOptions::new("studio").with_endpoint(server.server.base(""));
    options.with_chunk_size(256 << 10)
}

fn token() -> Bearer {
    Bearer::new(AccessToken::new("secret-token"))
}

fn open(server: &GcsServer) -> Gcs {
    Gcs::new(options(server), token()).unwrap()
}

fn content(size: usize) -> Bytes {
    let word = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    (0..).flat_map(word).take(size).collect()
}

fn hashes(content: &[u8]) -> Hashes {
    let mut hasher = ContentHasher::new([HashAlgorithm::Sha256, HashAlgorithm::Md5]);
    hasher.update(content);
    hasher.finish()
}

async fn send(session: &mut dyn UploadSession, content: &Bytes, until: usize) {
    while usize::try_from(session.offset()).unwrap() < until {
        let from = usize::try_from(session.offset()).unwrap();
        let size = usize::try_from(session.next_chunk()).unwrap();
        session
            .write(content.slice(from..from + size))
            .await
            .unwrap();
    }
}

async fn read(files: &dyn FileStore, name: &str) -> Vec<u8> {
    let path = name.parse().unwrap();
    let reader = files.read(&path, ReadOptions::default()).await.unwrap();
    let pieces: Vec<Bytes> = reader.bytes.try_collect().await.unwrap();
    pieces.concat()
}

#[tokio::test]
async fn gcs_keeps_every_promise_of_a_connector() {
    let Some(server) = server().await else { return };
    let server = Arc::new(server);
    let number = AtomicU32::new(0);
    connector(async || {
        let prefix = format!("account-{}", number.fetch_add(1, Ordering::Relaxed));
        let open = || {
            let options = options(&server).with_prefix(prefix.parse().unwrap());
            Gcs::new(options, token()).unwrap()
        };
        Account::new(open(), open()).keeping(Arc::clone(&server))
    })
    .await;
}

#[tokio::test]
async fn what_garland_writes_the_vendor_reads_and_the_other_way_round() {
    let Some(server) = server().await else { return };
    let account = open(&server);
    let files = account.files().unwrap();
    let mut sums = Vec::new();
    for (name, size) in [
        ("day/ä & b+c.jpg", 70_000),
        ("large.mov", LARGE),
        ("empty", 0),
    ] {
        let content = content(size);
        let sum = hashes(&content);
        let request = UploadRequest::new(name.parse().unwrap(), size as u64)
            .with_modified(Timestamp::from_millis(1_750_000_000_250))
            .with_media_type(Some("image/jpeg".into()));
        let mut session = files.upload(request).await.unwrap();
        send(&mut *session, &content, size).await;
        let entry = session.finish(&sum).await.unwrap();
        assert_eq!(
            entry.version.hashes.get(HashAlgorithm::Md5),
            sum.get(HashAlgorithm::Md5)
        );
        sums.push(format!("{name}={sum}"));
    }
    let address = server.direct();
    let mut arguments = vec![address.as_str(), "studio"];
    arguments.extend(sums.iter().map(String::as_str));
    if !python("gcs/vendor.py", &arguments).await {
        return;
    }
    assert_eq!(read(files, "from google/small.bin").await, content(3_000));
    assert_eq!(read(files, "from google/large.bin").await, content(700_000));
    // The library reads by the links it is told, which lead to where garland wrote; garland reads by the API.
    let mut asked = server.asked.requests();
    asked.retain(|call| !call.target.starts_with("/download/"));
    let with_token = asked
        .iter()
        .filter(|call| call.header("authorization").is_some());
    let sessions = asked
        .iter()
        .filter(|call| call.target.contains("upload_id="));
    assert_eq!(with_token.count() + sessions.count(), asked.len());
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was_and_ends_once() {
    let Some(server) = server().await else { return };
    let content = content(LARGE);
    let account = open(&server);
    let request = UploadRequest::new("a.mov".parse().unwrap(), LARGE as u64);
    let request = request.with_expect(Expect::Absent);
    let mut session = account
        .files()
        .unwrap()
        .upload(request.clone())
        .await
        .unwrap();
    send(&mut *session, &content, 1).await;
    let token = session.token().unwrap();
    assert!(!format!("{token:?} {session:?}").contains("upload_id"));
    drop(session);
    let other = open(&server);
    let files = other.files().unwrap();
    let mut session = files.resume_upload(&token).await.unwrap();
    assert_eq!(session.offset(), 256 << 10);
    send(&mut *session, &content, LARGE).await;
    session.finish(&hashes(&content)).await.unwrap();
    assert_eq!(read(files, "a.mov").await, content);
    let error = files.upload(request).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::AlreadyExists,
        "told before a byte is sent"
    );
}

#[tokio::test]
async fn bytes_that_were_spoiled_before_they_were_sent_are_refused() {
    let Some(server) = server().await else { return };
    let account = open(&server);
    let files = account.files().unwrap();
    let path = "a".parse().unwrap();
    let mut session = files.upload(UploadRequest::new(path, 13)).await.unwrap();
    session.write("what was lost".into()).await.unwrap();
    let error = session.finish(&hashes(b"what was read")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    let large = content(LARGE);
    let request = UploadRequest::new("b".parse().unwrap(), LARGE as u64);
    let mut session = files.upload(request).await.unwrap();
    send(&mut *session, &large, LARGE).await;
    let error = session.finish(&hashes(b"other")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    for name in ["a", "b"] {
        assert_eq!(files.stat(&name.parse().unwrap()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn every_refusal_is_of_the_kind_that_a_caller_can_act_on() {
    let cases = [
        (403, "rateLimitExceeded", ErrorKind::RateLimited),
        (429, "userRateLimitExceeded", ErrorKind::RateLimited),
        (503, "backendError", ErrorKind::Unavailable),
        (401, "authError", ErrorKind::Unauthenticated),
        (403, "forbidden", ErrorKind::Denied),
        (412, "conditionNotMet", ErrorKind::Conflict),
        (413, "uploadTooLarge", ErrorKind::LimitExceeded),
        (404, "notFound", ErrorKind::NotFound),
    ];
    for (status, reason, kind) in cases {
        let asked = Recorder::default();
        let routes = Router::new().fallback(move || async move {
            let body = format!(
                r#"{{"error":{{"errors":[{{"reason":"{reason}"}}],"message":"secret words"}}}}"#
            );
            let told = Response::builder()
                .status(status)
                .header("retry-after", "7");
            told.body(Body::from(body)).unwrap()
        });
        let server = serve(asked.around(routes)).await;
        let options = GcsOptions::new("bucket").with_endpoint(server.base(""));
        let account = Gcs::new(options, token()).unwrap();
        let error = account.check().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
        let shown = format!("{account:?} {error:?}");
        assert!(!shown.contains("secret"), "{shown}");
        let wait = kind.is_retryable().then_some(Duration::from_secs(7));
        assert_eq!(error.retry_after(), wait, "{reason}");
        assert_eq!(asked.count(), 1, "a connector repeats nothing itself");
    }
}

#[tokio::test]
async fn an_upload_is_not_sent_to_another_host() {
    let routes = Router::new().fallback(|| async {
        let told = Response::builder().header("location", "http://elsewhere.test/upload");
        told.body(Body::empty()).unwrap()
    });
    let server = serve(routes).await;
    let options = GcsOptions::new("bucket").with_endpoint(server.base(""));
    let account = Gcs::new(options.with_chunk_size(256 << 10), token()).unwrap();
    let request = UploadRequest::new("a".parse().unwrap(), LARGE as u64);
    let error = account.files().unwrap().upload(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}
