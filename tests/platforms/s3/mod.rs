//! S3, against a real server that checks signatures, hashes and conditions.

mod faults;
mod front;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::connector::kit::{HttpClient, HttpOptions, HttpRequest};
use garland::connector::{
    ContentHasher, Expect, FileStore, HashAlgorithm, Hashes, LinkOptions, LinkScope,
    PlatformConnector as _, ReadOptions, UploadRequest, UploadSession,
};
use garland::platforms::{S3, S3Checksum, S3Keys, S3Options};
use garland::testing::{Account, connector};
use garland::{ErrorKind, Result};

use crate::support::{python, servers};
use front::S3Server;

/// Two chunks and a bit.
const LARGE: usize = (11 << 20) + 77;

async fn server() -> Option<S3Server> {
    Some(S3Server::start(servers::s3().await?).await)
}

fn keys() -> S3Keys {
    S3Keys::new("test", "testtest").unwrap()
}

/// A bucket of the server, as the server is: it keeps conditions, takes shorter names and does not encode its listings.
fn options(server: &S3Server, bucket: &str) -> S3Options {
    S3Options::compatible(server.server.base(""), bucket, "us-east-1")
        .with_conditions(true)
        .with_encoded_listings(false)
        .with_chunk_size(5 << 20)
        .with_max_name(100)
}

fn content(size: usize) -> Bytes {
    let word = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    (0..).flat_map(word).take(size).collect()
}

fn hashes(content: &[u8], algorithms: &[HashAlgorithm]) -> Hashes {
    let mut hasher = ContentHasher::new(algorithms.iter().copied());
    hasher.update(content);
    hasher.finish()
}

async fn send(session: &mut dyn UploadSession, content: &Bytes, until: usize) -> Result<()> {
    while usize::try_from(session.offset()).unwrap() < until {
        let from = usize::try_from(session.offset()).unwrap();
        let size = usize::try_from(session.next_chunk()).unwrap();
        session.write(content.slice(from..from + size)).await?;
    }
    Ok(())
}

async fn read(files: &dyn FileStore, name: &str) -> Vec<u8> {
    let path = name.parse().unwrap();
    let reader = files.read(&path, ReadOptions::default()).await.unwrap();
    let pieces: Vec<Bytes> = reader.bytes.try_collect().await.unwrap();
    pieces.concat()
}

async fn holds(with: fn(S3Options) -> S3Options) {
    let Some(server) = server().await else { return };
    let server = Arc::new(server);
    let number = AtomicU32::new(0);
    connector(async || {
        let bucket = format!("bucket-{}", number.fetch_add(1, Ordering::Relaxed));
        server.bucket(&bucket);
        let open = || S3::new(with(options(&server, &bucket)), keys()).unwrap();
        Account::new(open(), open()).keeping(Arc::clone(&server))
    })
    .await;
}

#[tokio::test]
async fn s3_keeps_every_promise_of_a_connector() {
    holds(|options| options.with_md5_etags(true)).await;
}

#[tokio::test]
async fn s3_keeps_them_below_a_folder_with_checksums_and_upload_times() {
    holds(|options| {
        options
            .with_prefix("in/here".parse().unwrap())
            .with_checksum(S3Checksum::Crc64Nvme)
            .with_upload_times(true)
    })
    .await;
}

#[tokio::test]
async fn a_server_that_keeps_no_conditions_is_looked_at_before() {
    let Some(server) = server().await else { return };
    server.bucket("plain");
    let options = options(&server, "plain").with_conditions(false);
    let account = S3::new(options, keys()).unwrap();
    let files = account.files().unwrap();
    let put = async |expect: Expect, content: &'static str| {
        let request = UploadRequest::new("a".parse().unwrap(), content.len() as u64);
        let mut session = files.upload(request.with_expect(expect)).await?;
        session.write(content.into()).await?;
        session.finish(&Hashes::new()).await
    };
    let first = put(Expect::Absent, "one").await.unwrap();
    let again = put(Expect::Absent, "two").await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    put(Expect::Version(first.version.clone()), "three")
        .await
        .unwrap();
    let late = put(Expect::Version(first.version), "four")
        .await
        .unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);
    let asked = server.asked.requests();
    let conditions = asked
        .iter()
        .filter(|call| call.header("if-match").is_some() || call.header("if-none-match").is_some());
    assert_eq!(conditions.count(), 0);
}

#[tokio::test]
async fn what_garland_writes_the_vendor_reads_and_the_other_way_round() {
    let Some(server) = server().await else { return };
    server.bucket("shared");
    let account = S3::new(options(&server, "shared").with_md5_etags(true), keys()).unwrap();
    let files = account.files().unwrap();
    let mut sums = Vec::new();
    for (name, size) in [
        ("day/ä & b+c.jpg", 70_000),
        ("large.mov", LARGE),
        ("empty", 0),
    ] {
        let content = content(size);
        let sum = hashes(&content, &[HashAlgorithm::Sha256, HashAlgorithm::Md5]);
        let time = garland::Timestamp::from_millis(1_750_000_000_250);
        let request = UploadRequest::new(name.parse().unwrap(), size as u64)
            .with_modified(time)
            .with_media_type(Some("image/jpeg".into()));
        let mut session = files.upload(request).await.unwrap();
        send(&mut *session, &content, size).await.unwrap();
        session.finish(&sum).await.unwrap();
        sums.push(format!("{name}={sum}"));
    }
    let address = server.direct();
    let mut arguments = vec!["exchange", address.as_str(), "shared"];
    arguments.extend(sums.iter().map(String::as_str));
    if !python("s3/vendor.py", &arguments).await {
        return;
    }
    assert_eq!(read(files, "from boto/small.bin").await, content(3_000));
    assert_eq!(read(files, "from boto/large.bin").await, content(LARGE));
    let small = files
        .stat(&"from boto/small.bin".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        small.version.hashes,
        hashes(&content(3_000), &[HashAlgorithm::Md5])
    );
    let large = files
        .stat(&"from boto/large.bin".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert!(
        large.version.hashes.is_empty(),
        "an ETag of parts is no hash"
    );
}

#[tokio::test]
async fn an_upload_goes_on_in_parts_that_are_not_sent_twice() {
    let Some(server) = server().await else { return };
    server.bucket("parts");
    let open = || S3::new(options(&server, "parts"), keys()).unwrap();
    let content = content(LARGE);
    let request = UploadRequest::new("a.mov".parse().unwrap(), LARGE as u64);
    let account = open();
    let mut session = account.files().unwrap().upload(request).await.unwrap();
    send(&mut *session, &content, 1).await.unwrap();
    let token = session.token().unwrap();
    drop(session);
    let other = open();
    let files = other.files().unwrap();
    let mut session = files.resume_upload(&token).await.unwrap();
    assert_eq!(session.offset(), 5 << 20);
    send(&mut *session, &content, LARGE).await.unwrap();
    session.finish(&Hashes::new()).await.unwrap();
    assert_eq!(read(files, "a.mov").await, content);
    let asked = server.asked.requests();
    let parts = asked
        .iter()
        .filter(|call| call.target.contains("partNumber="));
    assert_eq!(parts.count(), 3);
}

#[tokio::test]
async fn bytes_that_were_spoiled_before_they_were_sent_are_refused_by_the_server() {
    let Some(server) = server().await else { return };
    server.bucket("spoiled");
    for checksum in [
        S3Checksum::Signature,
        S3Checksum::Sha256,
        S3Checksum::Crc64Nvme,
    ] {
        let options = options(&server, "spoiled").with_checksum(checksum);
        let account = S3::new(options, keys()).unwrap();
        let files = account.files().unwrap();
        let computed = match checksum {
            S3Checksum::Sha256 => hashes(b"what was read", &[HashAlgorithm::Sha256]),
            S3Checksum::Crc64Nvme => hashes(b"what was read", &[HashAlgorithm::Crc64Nvme]),
            _ => hashes(b"what was read", &[HashAlgorithm::Md5]),
        };
        let request = UploadRequest::new("a".parse().unwrap(), 13);
        let mut session = files.upload(request).await.unwrap();
        session.write("what was lost".into()).await.unwrap();
        let error = session.finish(&computed).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{checksum:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_wrong_is_told_and_never_shown() {
    let Some(server) = server().await else { return };
    server.bucket("locked");
    let wrong = S3Keys::new("test", "wrong-secret").unwrap();
    let account = S3::new(options(&server, "locked"), wrong).unwrap();
    let error = account.check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
    let shown = format!("{account:?} {error:?} {error}");
    assert!(!shown.contains("wrong-secret"), "{shown}");
    let right = S3::new(options(&server, "locked"), keys()).unwrap();
    right.check().await.unwrap();
    let nowhere = S3::new(options(&server, "nowhere"), keys()).unwrap();
    assert_eq!(
        nowhere.check().await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn a_signed_link_gives_the_file_to_whoever_has_it() {
    let Some(server) = server().await else { return };
    server.bucket("links");
    let account = S3::new(options(&server, "links"), keys()).unwrap();
    let files = account.files().unwrap();
    let path = "day/first look.jpg".parse().unwrap();
    let mut session = files.upload(UploadRequest::new(path, 7)).await.unwrap();
    session.write("picture".into()).await.unwrap();
    let path = session.finish(&Hashes::new()).await.unwrap().path;
    let links = account.links().unwrap();
    let options = LinkOptions::default().with_scope(LinkScope::Anyone);
    let error = links.create_link(&path, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let now = garland::SystemClock::new();
    let soon = garland::Clock::now(&now).saturating_add(Duration::from_secs(600));
    let link = links
        .create_link(&path, &options.clone().with_expires(soon))
        .await
        .unwrap();
    let client = HttpClient::new(HttpOptions::default()).unwrap();
    let answer = client.send(HttpRequest::get(&*link.url)).await.unwrap();
    assert_eq!(answer.bytes().await.unwrap(), "picture");
    let bent = link.url.replace("first%20look", "second%20look");
    assert_eq!(
        client.send(HttpRequest::get(bent)).await.unwrap().status(),
        403
    );
    let far = garland::Clock::now(&now).saturating_add(Duration::from_secs(8 * 86_400));
    let error = links
        .create_link(&path, &options.with_expires(far))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_copy_keeps_media_type_and_metadata_and_a_rename_costs_few_calls() {
    let Some(server) = server().await else { return };
    server.bucket("moves");
    let account = S3::new(options(&server, "moves"), keys()).unwrap();
    let files = account.files().unwrap();
    for size in [0, 3] {
        let (from, to) = ("a".parse().unwrap(), format!("to/{size}").parse().unwrap());
        let request = UploadRequest::new("a".parse().unwrap(), size)
            .with_media_type(Some("video/mp4".into()))
            .with_modified(garland::Timestamp::from_millis(1_000_500));
        let mut session = files.upload(request).await.unwrap();
        send(&mut *session, &content(3), usize::try_from(size).unwrap())
            .await
            .unwrap();
        session.finish(&Hashes::new()).await.unwrap();
        let before = server.asked.count();
        files.rename(&from, &Expect::Anything, &to).await.unwrap();
        assert!(server.asked.count() - before <= 7);
        let (address, key) = (server.direct(), format!("to/{size}"));
        let kept = ["kept", &address, "moves", &key, "video/mp4", "1000.500"];
        python("s3/vendor.py", &kept).await;
    }
    assert!(!server.file("moves", "a").exists());
}
