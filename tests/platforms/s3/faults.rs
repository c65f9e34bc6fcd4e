//! Bad days of S3, each from a server that answers one thing.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::connector::kit::{HttpClient, HttpOptions};
use garland::connector::{
    FileStore, Hashes, PlatformConnector as _, ReadOptions, UploadRequest, UploadToken,
};
use garland::platforms::{S3, S3Options};
use garland::{Error, ErrorKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::keys;
use crate::support::{Recorder, Server, serve};

/// A server with one answer for every call, or one for each kind of call.
async fn answering(
    answer: impl Fn(&Request) -> Response + Clone + Send + Sync + 'static,
) -> (Server, Recorder) {
    let recorder = Recorder::default();
    let routes = Router::new().fallback(move |request: Request| {
        let told = answer(&request);
        async move { told }
    });
    (serve(recorder.around(routes)).await, recorder)
}

fn told(status: u16, headers: &[(&'static str, &'static str)], body: impl Into<Body>) -> Response {
    let mut told = Response::builder().status(status);
    for (name, value) in headers {
        told = told.header(*name, *value);
    }
    told.body(body.into()).unwrap()
}

fn code(code: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>secret words</Message></Error>"
    )
}

fn account(base: garland::connector::kit::BaseUrl) -> S3 {
    let client = HttpOptions::default().with_idle(Duration::from_millis(300));
    let options = S3Options::compatible(base, "bucket", "us-east-1")
        .with_conditions(true)
        .with_chunk_size(5 << 20)
        .with_client(HttpClient::new(client).unwrap());
    S3::new(options, keys()).unwrap()
}

/// What comes of a read of a whole file.
async fn read(files: &dyn FileStore) -> Result<Vec<u8>, Error> {
    let reader = files
        .read(&"a".parse().unwrap(), ReadOptions::default())
        .await?;
    let pieces: Vec<Bytes> = reader.bytes.try_collect().await?;
    Ok(pieces.concat())
}

async fn put(files: &dyn FileStore) -> Result<(), Error> {
    let mut session = files
        .upload(UploadRequest::new("a".parse().unwrap(), 1))
        .await?;
    session.write("x".into()).await?;
    session.finish(&Hashes::new()).await.map(drop)
}

#[tokio::test]
async fn every_refusal_is_of_the_kind_that_a_caller_can_act_on() {
    let cases = [
        (503, "SlowDown", ErrorKind::RateLimited),
        (429, "TooManyRequests", ErrorKind::RateLimited),
        (500, "InternalError", ErrorKind::Unavailable),
        (409, "ConditionalRequestConflict", ErrorKind::Unavailable),
        (400, "RequestTimeout", ErrorKind::Timeout),
        (400, "ExpiredToken", ErrorKind::Unauthenticated),
        (403, "InvalidAccessKeyId", ErrorKind::Unauthenticated),
        (403, "AccessDenied", ErrorKind::Denied),
        (403, "QuotaExceeded", ErrorKind::Full),
        (507, "XMinioStorageFull", ErrorKind::Full),
        (400, "BadDigest", ErrorKind::Corrupt),
        (400, "XAmzContentSHA256Mismatch", ErrorKind::Corrupt),
        (400, "EntityTooLarge", ErrorKind::LimitExceeded),
        (400, "KeyTooLongError", ErrorKind::InvalidInput),
        (501, "NotImplemented", ErrorKind::Unsupported),
        (301, "PermanentRedirect", ErrorKind::Refused),
        (400, "XMinioParentIsObject", ErrorKind::AlreadyExists),
    ];
    for (status, name, kind) in cases {
        let (server, asked) =
            answering(move |_| told(status, &[("retry-after", "7")], code(name))).await;
        let account = account(server.base(""));
        let error = put(account.files().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
        assert!(!format!("{error:?}").contains("secret words"));
        let wait = kind.is_retryable().then_some(Duration::from_secs(7));
        assert_eq!(error.retry_after(), wait, "{name}");
        assert_eq!(asked.count(), 1, "a connector repeats nothing itself");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_said_in_words() {
    let (server, _) = answering(|_| told(403, &[], code("RequestTimeTooSkewed"))).await;
    let error = account(server.base("")).check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.message().contains("clock of this machine"), "{error}");
    assert!(
        error.to_string().contains("RequestTimeTooSkewed"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_no_answer_of_s3_passes() {
    let page = "<html><body>502 Bad Gateway</body></html>";
    let (server, _) = answering(move |_| told(200, &[], page)).await;
    let account_of_gateway = account(server.base(""));
    let files = account_of_gateway.files().unwrap();
    let listed: Result<Vec<_>, _> = files.list().try_collect().await;
    assert_eq!(listed.unwrap_err().kind(), ErrorKind::Unexpected);
    let (server, _) = answering(move |_| told(502, &[], page)).await;
    let error = put(account(server.base("")).files().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let (server, _) = answering(|_| told(200, &[], "<ListBucketResult><Cont")).await;
    let account = account(server.base(""));
    let listed: Result<Vec<_>, _> = account.files().unwrap().list().try_collect().await;
    assert_eq!(listed.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_listing_that_goes_in_a_circle_ends() {
    let page = "<ListBucketResult><IsTruncated>true</IsTruncated>\
        <NextContinuationToken>again</NextContinuationToken></ListBucketResult>";
    let (server, asked) = answering(move |_| told(200, &[], page)).await;
    let account = account(server.base(""));
    let listed: Result<Vec<_>, _> = account.files().unwrap().list().try_collect().await;
    assert_eq!(listed.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(asked.count(), 2);
}

#[tokio::test]
async fn a_call_that_is_sent_elsewhere_does_not_go_there() {
    let (elsewhere, asked) = answering(|_| told(200, &[], "")).await;
    let there = Box::leak(elsewhere.address().to_owned().into_boxed_str());
    let there: &'static str = there;
    let (server, _) = answering(move |_| told(307, &[("location", there)], "")).await;
    let error = put(account(server.base("")).files().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(asked.count(), 0);
}

#[tokio::test]
async fn content_that_ends_early_or_stands_still_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        for ends in [true, false] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            assert!(stream.read(&mut head).await.unwrap() > 0);
            let told = "HTTP/1.1 200 OK\r\netag: \"e\"\r\ncontent-length: 10\r\n\r\nhalf";
            stream.write_all(told.as_bytes()).await.unwrap();
            if !ends {
                std::future::pending::<()>().await;
            }
        }
    });
    for kind in [ErrorKind::Unavailable, ErrorKind::Timeout] {
        let account = account(base.parse().unwrap());
        let error = read(account.files().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
    }
    server.abort();
}

#[tokio::test]
async fn an_upload_that_the_server_has_forgotten_has_expired() {
    let begun =
        "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>";
    let (server, _) = answering(move |request| {
        let query = request.uri().query().unwrap_or_default();
        if query.contains("uploads") {
            told(200, &[], begun)
        } else {
            told(404, &[], code("NoSuchUpload"))
        }
    })
    .await;
    let account = account(server.base(""));
    let files = account.files().unwrap();
    let request = UploadRequest::new("a".parse().unwrap(), 6 << 20);
    let mut session = files.upload(request).await.unwrap();
    let token: UploadToken = session.token().unwrap();
    let size = usize::try_from(session.next_chunk()).unwrap();
    let error = session.write(vec![0; size].into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired);
    assert_eq!(session.offset(), 0);
    let error = files.resume_upload(&token).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired);
    session.abort().await.unwrap();
}

#[tokio::test]
async fn an_end_that_fails_behind_a_good_status_is_not_taken_for_one() {
    let begun =
        "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>";
    let (server, asked) = answering(move |request| match request.method().as_str() {
        "POST"
            if request
                .uri()
                .query()
                .unwrap_or_default()
                .contains("uploads") =>
        {
            told(200, &[], begun)
        }
        "POST" => told(200, &[], format!("   {}", code("InternalError"))),
        _ => told(200, &[("etag", "\"part\"")], ""),
    })
    .await;
    let account = account(server.base(""));
    let request = UploadRequest::new("a".parse().unwrap(), 6 << 20);
    let mut session = account.files().unwrap().upload(request).await.unwrap();
    while session.next_chunk() > 0 {
        let size = usize::try_from(session.next_chunk()).unwrap();
        session.write(vec![0; size].into()).await.unwrap();
    }
    let error = session.finish(&Hashes::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let aborts = asked
        .requests()
        .into_iter()
        .filter(|call| call.method == "DELETE");
    assert_eq!(
        aborts.count(),
        0,
        "it may still appear, and can be gone on with"
    );
}

#[tokio::test]
async fn an_object_whose_stored_checksum_is_another_is_removed() {
    use garland::connector::{ContentHasher, HashAlgorithm};
    let (server, asked) = answering(|request| match request.method().as_str() {
        "PUT" => told(
            200,
            &[
                ("etag", "\"e\""),
                ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA="),
            ],
            "",
        ),
        _ => told(204, &[], ""),
    })
    .await;
    let account = account(server.base(""));
    let mut session = account
        .files()
        .unwrap()
        .upload(UploadRequest::new("a".parse().unwrap(), 1))
        .await
        .unwrap();
    session.write("x".into()).await.unwrap();
    let mut hasher = ContentHasher::new([HashAlgorithm::Crc64Nvme]);
    hasher.update(b"x");
    let error = session.finish(&hasher.finish()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    let last = asked.requests().pop().unwrap();
    assert_eq!(
        (last.method.as_str(), last.target.as_str()),
        ("DELETE", "/bucket/a")
    );
}
