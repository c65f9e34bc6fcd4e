//! Azure Blob Storage, against Azurite, which checks signatures and conditions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::connector::kit::{HttpClient, HttpOptions, HttpRequest};
use garland::connector::{
    ContentHasher, Expect, FileStore, HashAlgorithm, Hashes, LinkOptions, LinkScope,
    PlatformConnector as _, ReadOptions, UploadRequest, UploadSession,
};
use garland::platforms::{AzureBlob, AzureCredentials, AzureOptions};
use garland::testing::{Account, connector};
use garland::{Clock as _, ErrorKind, SystemClock, Timestamp};

use crate::support::{Live, Recorder, python, serve, servers};

/// Several blocks and a bit.
const LARGE: usize = (2 << 20) + 77;

/// The emulator with a container; `None` where it or the vendor's library is not set up.
async fn server() -> Option<Live> {
    let live = servers::azurite().await?;
    let address = live.address();
    let arguments = ["make", &address, live.user(), live.secret(), "studio"];
    python("azure/vendor.py", &arguments).await.then_some(live)
}

fn options(live: &Live) -> AzureOptions {
    AzureOptions::new(live.user(), "studio")
        .with_endpoint(live.base(&format!("/{}", live.user())))
        .with_chunk_size(1 << 20)
}

fn open(live: &Live) -> AzureBlob {
    AzureBlob::new(options(live), AzureCredentials::key(live.secret()).unwrap()).unwrap()
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
async fn azure_keeps_every_promise_of_a_connector() {
    let Some(live) = server().await else { return };
    let live = Arc::new(live);
    let number = AtomicU32::new(0);
    connector(async || {
        let prefix = format!("account-{}", number.fetch_add(1, Ordering::Relaxed));
        let open = || {
            let options = options(&live).with_prefix(prefix.parse().unwrap());
            let key = AzureCredentials::key(live.secret()).unwrap();
            AzureBlob::new(options, key).unwrap()
        };
        Account::new(open(), open()).keeping(Arc::clone(&live))
    })
    .await;
}

#[tokio::test]
async fn what_garland_writes_the_vendor_reads_and_the_other_way_round() {
    let Some(live) = server().await else { return };
    let account = open(&live);
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
    let address = live.address();
    let mut arguments = vec!["exchange", &address, live.user(), live.secret(), "studio"];
    arguments.extend(sums.iter().map(String::as_str));
    python("azure/vendor.py", &arguments).await;
    assert_eq!(read(files, "from azure/small.bin").await, content(3_000));
    assert_eq!(read(files, "from azure/large.bin").await, content(9 << 20));
    let large = "from azure/large.bin".parse().unwrap();
    let large = files.stat(&large).await.unwrap().unwrap();
    assert_eq!(large.media_type.as_deref(), Some("video/mp4"));
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was_and_ends_once() {
    let Some(live) = server().await else { return };
    let content = content(LARGE);
    let account = open(&live);
    let request = UploadRequest::new("a.mov".parse().unwrap(), LARGE as u64);
    let request = request.with_expect(Expect::Absent);
    let mut session = account.files().unwrap().upload(request).await.unwrap();
    send(&mut *session, &content, 1).await;
    let token = session.token().unwrap();
    drop(session);
    let other = open(&live);
    let files = other.files().unwrap();
    let mut session = files.resume_upload(&token).await.unwrap();
    assert_eq!(session.offset(), 1 << 20);
    send(&mut *session, &content, LARGE).await;
    let late = session.token().unwrap();
    let entry = session.finish(&hashes(&content)).await.unwrap();
    assert_eq!(
        entry.version.hashes.get(HashAlgorithm::Md5),
        hashes(&content).get(HashAlgorithm::Md5)
    );
    assert_eq!(read(files, "a.mov").await, content);
    for token in [token, late] {
        let error = files.resume_upload(&token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Expired);
    }
}

#[tokio::test]
async fn bytes_that_were_spoiled_before_they_were_sent_are_refused_by_the_server() {
    let Some(live) = server().await else { return };
    let account = open(&live);
    let files = account.files().unwrap();
    let path = "a".parse().unwrap();
    let mut session = files.upload(UploadRequest::new(path, 13)).await.unwrap();
    session.write("what was lost".into()).await.unwrap();
    let error = session.finish(&hashes(b"what was read")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    assert_eq!(files.stat(&"a".parse().unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn a_key_that_is_wrong_is_told_and_never_shown() {
    let Some(live) = server().await else { return };
    let wrong = AzureCredentials::key("d3Jvbmctc2VjcmV0").unwrap();
    let account = AzureBlob::new(options(&live), wrong).unwrap();
    let error = account.check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
    assert!(!format!("{account:?} {error:?}").contains("d3Jvbmc"));
    open(&live).check().await.unwrap();
}

#[tokio::test]
async fn a_signed_link_gives_the_file_to_whoever_has_it() {
    let Some(live) = server().await else { return };
    let account = open(&live);
    let files = account.files().unwrap();
    let odd = "day/first look.jpg".parse().unwrap();
    let mut session = files.upload(UploadRequest::new(odd, 1)).await.unwrap();
    session.write("x".into()).await.unwrap();
    let odd = session.finish(&Hashes::new()).await.unwrap().path;
    let path = "day/first-look.jpg".parse().unwrap();
    let mut session = files.upload(UploadRequest::new(path, 7)).await.unwrap();
    session.write("picture".into()).await.unwrap();
    let path = session.finish(&Hashes::new()).await.unwrap().path;
    let soon = SystemClock::new()
        .now()
        .saturating_add(Duration::from_secs(600));
    let options = LinkOptions::default()
        .with_scope(LinkScope::Anyone)
        .with_expires(soon);
    let links = account.links().unwrap();
    let error = links.create_link(&odd, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let link = account
        .links()
        .unwrap()
        .create_link(&path, &options)
        .await
        .unwrap();
    let client = HttpClient::new(HttpOptions::default()).unwrap();
    let answer = client.send(HttpRequest::get(&*link.url)).await.unwrap();
    assert_eq!(answer.bytes().await.unwrap(), "picture");
    // The signature of the link is a credential of its own: it reads, and links no further.
    let query = link.url.split_once('?').unwrap().1;
    let shared = AzureCredentials::sas(query).unwrap();
    let shared = AzureBlob::new(self::options(&live), shared).unwrap();
    assert!(shared.links().is_none());
    assert_eq!(
        read(shared.files().unwrap(), "day/first-look.jpg").await,
        b"picture"
    );
}

#[tokio::test]
async fn every_refusal_is_of_the_kind_that_a_caller_can_act_on() {
    let cases = [
        (503, "ServerBusy", "", ErrorKind::RateLimited),
        (500, "OperationTimedOut", "", ErrorKind::RateLimited),
        (500, "InternalError", "", ErrorKind::Unavailable),
        (
            403,
            "AuthorizationPermissionMismatch",
            "",
            ErrorKind::Denied,
        ),
        (403, "AuthenticationFailed", "", ErrorKind::Unauthenticated),
        (
            403,
            "AuthenticationFailed",
            "Request date header too old: secret words",
            ErrorKind::Denied,
        ),
        (400, "Md5Mismatch", "", ErrorKind::Corrupt),
        (413, "RequestBodyTooLarge", "", ErrorKind::LimitExceeded),
        (412, "LeaseIdMissing", "", ErrorKind::Locked),
        (412, "ConditionNotMet", "", ErrorKind::Conflict),
    ];
    for (status, code, body, kind) in cases {
        let asked = Recorder::default();
        let routes = Router::new().fallback(move || async move {
            let told = Response::builder().status(status);
            let told = told
                .header("x-ms-error-code", code)
                .header("retry-after", "7");
            told.body(Body::from(body)).unwrap()
        });
        let server = serve(asked.around(routes)).await;
        let options = AzureOptions::new("account", "container").with_endpoint(server.base(""));
        let key = AzureCredentials::key("c2VjcmV0").unwrap();
        let account = AzureBlob::new(options, key).unwrap();
        let error = account.check().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.to_string().contains(code), "{error}");
        assert!(!format!("{error:?}").contains("secret words"));
        assert_eq!(
            error.message().contains("clock of this machine"),
            !body.is_empty()
        );
        let waits = kind.is_retryable() || kind == ErrorKind::Locked;
        assert_eq!(error.retry_after(), waits.then_some(Duration::from_secs(7)));
        assert_eq!(asked.count(), 1, "a connector repeats nothing itself");
    }
}
