//! What the account in memory promises to tests beyond the seam.

use garland::connector::{FileFacts, FileStore, Hashes, UploadRequest};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::{ErrorKind, Timestamp};

use crate::tools::{path, put, read};

#[tokio::test]
async fn an_account_that_is_full_takes_nothing_more_and_loses_nothing() {
    let options = MemoryOptions::new(FileFacts::default()).with_capacity(10);
    let account = MemoryPlatform::new(options);
    put(&account, "a", "12345678").await.unwrap();
    let error = put(&account, "b", "123").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert_eq!(account.contents().len(), 1);
    account.expire_uploads();
    put(&account, "b", "12").await.unwrap();
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_ends_the_read() {
    use futures_util::StreamExt as _;

    let account = MemoryPlatform::new(MemoryOptions::default().with_piece_size(2));
    account.put("a", "1234").unwrap();
    let mut reader = account.read(&path("a"), Default::default()).await.unwrap();
    assert_eq!(reader.bytes.next().await.unwrap().unwrap(), "12");
    account.put("a", "5678").unwrap();
    let error = reader.bytes.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
}

#[tokio::test]
async fn rot_changes_bytes_and_no_evidence() {
    let account = MemoryPlatform::default();
    let moment = Timestamp::from_millis(1_000);
    let before = account.put_at("a", "12345", moment).unwrap();
    assert!(account.rot("a"));
    assert_eq!(account.stat(&path("a")).await.unwrap(), Some(before));
    assert_ne!(read(&account, "a").await.unwrap(), b"12345");
    assert!(!account.rot("missing"));
}

#[tokio::test]
async fn a_platform_that_checks_hashes_takes_no_other_bytes() {
    let account = MemoryPlatform::default();
    let mut session = account
        .upload(UploadRequest::new(path("a"), 1))
        .await
        .unwrap();
    session.write("x".into()).await.unwrap();
    let other = Hashes::new().with(garland::connector::HashAlgorithm::Md5, &[0; 16]);
    let error = session.finish(&other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(account.contents().is_empty());
}
