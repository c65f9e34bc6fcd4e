//! Nextcloud, good days and bad ones.

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::connector::kit::BasicLogin;
use garland::connector::{
    Expect, FileEntry, FileStore, HashAlgorithm, Hashes, Health, LinkOptions, LinkScope,
    PlatformConnector as _, ReadOptions, UploadRequest,
};
use garland::platforms::WebDav;
use garland::testing::{Account, connector};
use garland::{ErrorKind, Result, Timestamp};

use super::fake::{Fake, Fault, PASSWORD, USER};
use crate::support::{ProofKind, proof};

const CHUNK: usize = 5 << 20;

fn account(fake: &Fake) -> WebDav {
    with_password(fake, PASSWORD)
}

fn with_password(fake: &Fake, password: &str) -> WebDav {
    let login = BasicLogin::new(USER, password);
    WebDav::nextcloud(&fake.server.base(""), USER, login)
        .unwrap()
        .chunk_size(CHUNK as u64)
        .build()
        .unwrap()
}

async fn upload(files: &dyn FileStore, path: &str, content: &Bytes) -> Result<FileEntry> {
    let size = content.len() as u64;
    let mut session = files
        .upload(UploadRequest::new(path.parse().unwrap(), size))
        .await?;
    let mut rest = content.clone();
    while session.next_chunk() > 0 {
        let next = usize::try_from(session.next_chunk()).unwrap();
        session.write(rest.split_to(next)).await?;
    }
    session.finish(&Hashes::new()).await
}

fn large() -> Bytes {
    let bytes = (0..CHUNK * 2 + 77).map(|n| u8::try_from(n % 251).unwrap());
    bytes.collect::<Vec<_>>().into()
}

#[tokio::test]
async fn nextcloud_keeps_the_promises() {
    connector(async || {
        let fake = Fake::start().await;
        Account::new(account(&fake), account(&fake)).keeping(fake)
    })
    .await;
    proof(
        "webdav",
        ProofKind::Contract,
        "conformance as Nextcloud",
        0,
        0,
    );
}

/// As Nextcloud, but without its chunks: a large file goes in one call.
#[tokio::test]
async fn owncloud_keeps_the_promises() {
    connector(async || {
        let fake = Fake::start().await;
        let make = || {
            let login = BasicLogin::new(USER, PASSWORD);
            let cloud = WebDav::owncloud(&fake.server.base(""), USER, login).unwrap();
            cloud.build().unwrap()
        };
        Account::new(make(), make()).keeping(fake.clone())
    })
    .await;
}

#[tokio::test]
async fn a_file_is_told_with_all_that_nextcloud_knows_of_it() {
    let fake = Fake::start().await;
    let cloud = account(&fake);
    let files = cloud.files().unwrap();
    let request = UploadRequest::new("day/a.jpg".parse().unwrap(), 7)
        .with_modified(Timestamp::from_millis(1_750_000_000_999));
    let mut session = files.upload(request).await.unwrap();
    session.write("picture".into()).await.unwrap();
    let entry = session.finish(&Hashes::new()).await.unwrap();
    let sha1 = entry.version.hashes.get(HashAlgorithm::Sha1).unwrap();
    assert_eq!(sha1.len(), 20);
    assert!(entry.version.id.is_some() && entry.version.revision.is_some());
    let kept = Timestamp::from_millis(1_750_000_000_000);
    assert_eq!(entry.version.modified, Some(kept));
    assert_eq!(entry.media_type.as_deref(), Some("image/jpeg"));
    assert_eq!(cloud.check().await.unwrap(), Health::Healthy);
    fake.cloud().quota = Some(7);
    assert!(matches!(cloud.check().await.unwrap(), Health::Degraded(_)));
    let more = upload(files, "b.jpg", &"more".into()).await;
    assert_eq!(more.unwrap_err().kind(), ErrorKind::Full);
}

#[tokio::test]
async fn a_listing_asks_each_folder_once_and_no_deeper_than_the_server_goes() {
    for is_deep in [false, true] {
        let fake = Fake::start().await;
        let login = BasicLogin::new(USER, PASSWORD);
        let cloud = WebDav::nextcloud(&fake.server.base(""), USER, login).unwrap();
        let cloud = cloud.depth_infinity(is_deep).build().unwrap();
        let files = cloud.files().unwrap();
        for path in ["a.jpg", "x/b.jpg", "x/y/z/c.jpg", "w/d.jpg"] {
            upload(files, path, &"x".into()).await.unwrap();
        }
        let before = fake.recorder.count();
        let pages: Vec<_> = files.list().try_collect().await.unwrap();
        let mut paths: Vec<_> = pages
            .iter()
            .flat_map(|page| &page.entries)
            .map(|entry| entry.path.to_string())
            .collect();
        paths.sort();
        assert_eq!(paths, ["a.jpg", "w/d.jpg", "x/b.jpg", "x/y/z/c.jpg"]);
        // The top, `w`, `x`, `x/y` and `x/y/z`; the server takes `infinity` for `1`.
        assert_eq!(fake.recorder.count() - before, 5);
    }
}

#[tokio::test]
async fn every_refusal_is_an_error_of_its_kind() {
    let fake = Fake::start().await;
    let cloud = account(&fake);
    let files = cloud.files().unwrap();
    upload(files, "a.jpg", &"picture".into()).await.unwrap();
    for (fault, expected) in [
        (Fault::Refuse(401), ErrorKind::Unauthenticated),
        (Fault::Refuse(423), ErrorKind::Locked),
        (Fault::Refuse(429), ErrorKind::RateLimited),
        (Fault::Refuse(500), ErrorKind::Unavailable),
        (Fault::Refuse(503), ErrorKind::Unavailable),
        (Fault::Refuse(507), ErrorKind::Full),
        (Fault::Html, ErrorKind::Unavailable),
        (Fault::Cut, ErrorKind::Unavailable),
    ] {
        fake.fail("PROPFIND", "files", fault);
        let listed = files.list().try_collect::<Vec<_>>().await;
        let error = listed.unwrap_err();
        assert_eq!(error.kind(), expected, "{fault:?} {error:?}");
        assert!(
            !format!("{error:?} {error}").contains("secret"),
            "{error:?}"
        );
        fake.fail("PROPFIND", "a.jpg", fault);
        let looked = files.stat(&"a.jpg".parse().unwrap()).await;
        assert_eq!(looked.unwrap_err().kind(), expected, "{fault:?}");
    }
    let stranger = with_password(&fake, "wrong");
    let error = stranger.check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn content_that_is_cut_off_is_an_error() {
    let fake = Fake::start().await;
    let cloud = account(&fake);
    let files = cloud.files().unwrap();
    upload(files, "a.jpg", &large()).await.unwrap();
    fake.fail("GET", "a.jpg", Fault::Cut);
    let path = "a.jpg".parse().unwrap();
    let reader = files.read(&path, ReadOptions::default()).await.unwrap();
    let read = reader.bytes.try_collect::<Vec<_>>().await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_file_whose_answer_was_lost_is_there_once() {
    for (content, method, part) in [
        (Bytes::from("small"), "PUT", "files"),
        (large(), "MOVE", "uploads"),
    ] {
        let fake = Fake::start().await;
        let cloud = account(&fake);
        let files = cloud.files().unwrap();
        upload(files, "day/b.jpg", &"b".into()).await.unwrap();
        fake.fail(method, part, Fault::LoseAnswer);
        let entry = upload(files, "day/a.jpg", &content).await.unwrap();
        assert_eq!(entry.version.size, content.len() as u64);
        let cloud = fake.cloud();
        let there = cloud.tree.nodes.values().filter(|node| node.file.is_some());
        assert_eq!(there.count(), 2, "{method}");
        assert!(cloud.uploads.is_empty());
    }
}

#[tokio::test]
async fn a_chunk_whose_answer_was_lost_is_not_sent_twice() {
    let fake = Fake::start().await;
    let cloud = account(&fake);
    let files = cloud.files().unwrap();
    let content = large();
    let request = UploadRequest::new("a.jpg".parse().unwrap(), content.len() as u64);
    let mut session = files.upload(request).await.unwrap();
    session.write(content.slice(..CHUNK)).await.unwrap();
    fake.fail("PUT", "uploads", Fault::LoseAnswer);
    let second = content.slice(CHUNK..2 * CHUNK);
    let error = session.write(second.clone()).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    session.write(second).await.unwrap();
    session.write(content.slice(2 * CHUNK..)).await.unwrap();
    session.finish(&Hashes::new()).await.unwrap();
    let requests = fake.recorder.requests();
    let chunks = requests.iter().filter(|request| request.method == "PUT");
    assert_eq!(chunks.count(), 3);
    assert!(fake.cloud().tree.file("a.jpg").unwrap().content == content);
}

#[tokio::test]
async fn an_upload_that_nextcloud_forgot_has_expired() {
    let fake = Fake::start().await;
    let cloud = account(&fake);
    let files = cloud.files().unwrap();
    let content = large();
    let request = UploadRequest::new("a.jpg".parse().unwrap(), content.len() as u64);
    let mut session = files.upload(request).await.unwrap();
    session.write(content.slice(..CHUNK)).await.unwrap();
    let token = session.token().unwrap();
    fake.cloud().uploads.clear();
    let gone = session.write(content.slice(CHUNK..2 * CHUNK)).await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::Expired);
    let gone = files.resume_upload(&token).await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::Expired);
}

#[tokio::test]
async fn somebody_who_comes_in_between_is_never_overwritten() {
    let fake = Fake::start().await;
    let cloud = account(&fake);
    let files = cloud.files().unwrap();
    let content = large();
    let old = upload(files, "a.jpg", &"old".into()).await.unwrap();
    let request = UploadRequest::new("a.jpg".parse().unwrap(), content.len() as u64)
        .with_expect(Expect::Version(old.version.clone()));
    let mut session = files.upload(request).await.unwrap();
    for chunk in [0..CHUNK, CHUNK..2 * CHUNK, 2 * CHUNK..content.len()] {
        session.write(content.slice(chunk)).await.unwrap();
    }
    upload(files, "a.jpg", &"new".into()).await.unwrap();
    let error = session.finish(&Hashes::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(fake.cloud().tree.file("a.jpg").unwrap().content, "new");
    let (path, before) = ("a.jpg".parse().unwrap(), Expect::Version(old.version));
    let delete = files.delete(&path, &before).await;
    assert_eq!(delete.unwrap_err().kind(), ErrorKind::Conflict);
    // What replaces a version says so to the server itself.
    let requests = fake.recorder.requests();
    let bound = |method: &str, header: &str| {
        requests
            .iter()
            .any(|request| request.method == method && request.header(header).is_some())
    };
    assert!(!bound("DELETE", "if-match"), "it was refused before");
    let there = files
        .stat(&"a.jpg".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    files
        .delete(&there.path, &Expect::Version(there.version))
        .await
        .unwrap();
    let requests = fake.recorder.requests();
    assert!(requests.last().unwrap().header("if-match").is_some());
}

#[tokio::test]
async fn a_link_is_never_wider_than_it_was_asked_for() {
    let fake = Fake::start().await;
    let cloud = account(&fake);
    let files = cloud.files().unwrap();
    let links = cloud.links().unwrap();
    upload(files, "day/a b.jpg", &"picture".into())
        .await
        .unwrap();
    let path = "day/a b.jpg".parse().unwrap();
    let end = Timestamp::from_millis(1_900_000_000_000);
    let options = LinkOptions::default()
        .with_scope(LinkScope::Anyone)
        .with_expires(end)
        .with_password("guests only");
    let link = links.create_link(&path, &options).await.unwrap();
    assert!(link.expires.unwrap() <= end);
    assert!(end.saturating_since(link.expires.unwrap()) < Duration::from_secs(2 * 86_400));
    assert!(fake.cloud().shares[0].password);
    assert!(!format!("{link:?}").contains("/s/"));
    assert_eq!(links.links(&path).await.unwrap(), [link]);
    let narrower = links.create_link(&path, &LinkOptions::default()).await;
    assert_eq!(narrower.unwrap_err().kind(), ErrorKind::Unsupported);
}
