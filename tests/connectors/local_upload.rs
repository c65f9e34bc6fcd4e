//! Uploads that are broken off, resumed and cleaned away.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use garland::connector::{
    ContentHasher, Expect, FileStore, HashAlgorithm, Hashes, UploadRequest, UploadToken,
};
use garland::platforms::LocalFolder;
use garland::testing::{Faults, FaultyConnector, Moment};
use garland::{Clock as _, Error, ErrorKind, Result, SystemClock, Timestamp};

use crate::tools::{names, path, put, read};

fn uploads(root: &Path) -> usize {
    fs::read_dir(root.join(".garland/uploads")).map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_resumed_upload_that_was_torn_is_corrupt() {
    let root = tempfile::tempdir().unwrap();
    let folder = LocalFolder::open(root.path()).unwrap();
    let chunk = usize::try_from(folder.facts().chunks.preferred).unwrap();
    let content = vec![5; chunk + 3];
    let mut hasher = ContentHasher::new([HashAlgorithm::Sha256]);
    hasher.update(&content);
    let hashes = hasher.finish();
    for torn in [true, false] {
        let request = UploadRequest::new(path("a.bin"), content.len() as u64);
        let mut session = folder.upload(request).await.unwrap();
        session
            .write(content[..chunk].to_vec().into())
            .await
            .unwrap();
        let token = session.token().unwrap();
        drop(session);
        if torn {
            // As a file system may do that lost its power: the length is there, the bytes are not.
            let entry = fs::read_dir(root.path().join(".garland/uploads"))
                .unwrap()
                .next();
            let part = entry.unwrap().unwrap().path();
            fs::write(part, vec![0; chunk]).unwrap();
        }
        let mut session = folder.resume_upload(&token).await.unwrap();
        session
            .write(content[chunk..].to_vec().into())
            .await
            .unwrap();
        let answer = session.finish(&hashes).await;
        if torn {
            assert_eq!(answer.unwrap_err().kind(), ErrorKind::Corrupt);
            assert!(names(&folder).await.is_empty());
        } else {
            answer.unwrap();
        }
        assert_eq!(uploads(root.path()), 0);
    }
}

/// One upload of two chunks, resumed by its token if it has one already, else begun.
async fn deliver(
    files: &dyn FileStore,
    content: &Bytes,
    token: &Mutex<Option<UploadToken>>,
) -> Result<()> {
    let known = token.lock().unwrap().clone();
    let resumed = match known {
        Some(token) => files.resume_upload(&token).await,
        None => Err(Error::new(ErrorKind::Expired, "test", "nothing to resume")),
    };
    let mut session = match resumed {
        Err(error) if error.kind() == ErrorKind::Expired => {
            if files.stat(&path("day/a.mov")).await?.is_some() {
                return Ok(());
            }
            let size = content.len() as u64;
            let request = UploadRequest::new(path("day/a.mov"), size);
            files.upload(request.with_expect(Expect::Absent)).await?
        }
        answer => answer?,
    };
    *token.lock().unwrap() = session.token();
    while session.next_chunk() > 0 {
        let from = usize::try_from(session.offset()).unwrap();
        let size = usize::try_from(session.next_chunk()).unwrap();
        session.write(content.slice(from..from + size)).await?;
    }
    session.finish(&Hashes::new()).await?;
    Ok(())
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_the_whole_file_or_none_and_the_next_run_delivers_it() {
    let content = Bytes::from(vec![9; (1 << 20) + 5]);
    for step in 1..=6 {
        for moment in [Moment::Before, Moment::After] {
            let root = tempfile::tempdir().unwrap();
            let open = || LocalFolder::open(root.path()).unwrap();
            let faults = Faults::crash_at(step, moment);
            let shaky = FaultyConnector::new("card", Arc::new(open()), faults.clone());
            let token = Mutex::new(None);
            let first = deliver(&shaky, &content, &token).await;
            assert_eq!(
                first.is_err(),
                faults.is_crashed(),
                "{:?}",
                faults.injected()
            );
            drop(shaky);
            let after = open();
            if !names(&after).await.is_empty() {
                assert!(read(&after, "day/a.mov").await.unwrap() == content);
            }
            deliver(&after, &content, &token).await.unwrap();
            assert!(read(&after, "day/a.mov").await.unwrap() == content);
            assert_eq!(names(&after).await, ["day/a.mov"]);
        }
    }
}

#[tokio::test]
async fn only_one_session_is_at_an_upload_and_the_next_may_wait_for_it() {
    let root = tempfile::tempdir().unwrap();
    let folder = LocalFolder::open(root.path()).unwrap();
    let session = folder
        .upload(UploadRequest::new(path("a"), 1))
        .await
        .unwrap();
    let token = session.token().unwrap();
    let error = folder.resume_upload(&token).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_retryable());
    drop(session);
    folder.resume_upload(&token).await.unwrap();
}

#[tokio::test]
async fn old_uploads_are_cleaned_when_asked_for_and_open_ones_stay() {
    let root = tempfile::tempdir().unwrap();
    let folder = LocalFolder::open(root.path()).unwrap();
    assert_eq!(
        folder
            .clean_uploads(Timestamp::from_millis(i64::MAX))
            .await
            .unwrap(),
        0
    );
    let open = folder
        .upload(UploadRequest::new(path("a"), 1))
        .await
        .unwrap();
    drop(
        folder
            .upload(UploadRequest::new(path("b"), 1))
            .await
            .unwrap(),
    );
    assert_eq!(
        folder
            .clean_uploads(Timestamp::from_millis(0))
            .await
            .unwrap(),
        0
    );
    let later = Timestamp::from_millis(SystemClock::new().now().as_millis() + 60_000);
    assert_eq!(folder.clean_uploads(later).await.unwrap(), 1);
    assert_eq!(uploads(root.path()), 1);
    drop(open);
}

#[tokio::test]
async fn a_folder_left_empty_goes_and_the_rights_of_a_replaced_file_stay() {
    let root = tempfile::tempdir().unwrap();
    let folder = LocalFolder::open(root.path()).unwrap();
    put(&folder, "a/b/c/d.txt", "x").await.unwrap();
    put(&folder, "a/e.txt", "x").await.unwrap();
    folder
        .delete(&path("a/b/c/d.txt"), &Expect::Anything)
        .await
        .unwrap();
    assert!(!root.path().join("a/b").exists());
    let at = root.path().join("a/e.txt");
    fs::set_permissions(&at, fs::Permissions::from_mode(0o640)).unwrap();
    put(&folder, "a/e.txt", "newer").await.unwrap();
    assert_eq!(fs::metadata(&at).unwrap().mode() & 0o777, 0o640);
    folder
        .rename(&path("a/e.txt"), &Expect::Anything, &path("f.txt"))
        .await
        .unwrap();
    assert!(!root.path().join("a").exists());
    assert!(root.path().exists());
}

#[tokio::test]
async fn many_tasks_that_make_and_empty_one_folder_do_not_disturb_each_other() {
    let root = tempfile::tempdir().unwrap();
    let folder = LocalFolder::open(root.path()).unwrap();
    let tasks = (0..8).map(|number| {
        let folder = folder.clone();
        async move {
            let name = format!("shared/folder/{number}.txt");
            for _ in 0..50 {
                put(&folder, &name, "x").await.unwrap();
                folder
                    .delete(&path(&name), &Expect::Anything)
                    .await
                    .unwrap();
            }
        }
    });
    futures_util::future::join_all(tasks).await;
    assert!(!root.path().join("shared").exists());
}

#[tokio::test]
async fn an_upload_without_a_time_gets_that_of_its_writing() {
    let root = tempfile::tempdir().unwrap();
    let folder = LocalFolder::open(root.path()).unwrap();
    let before = SystemClock::new().now().as_millis() - 1_000;
    let entry = put(&folder, "a", "x").await.unwrap();
    assert!(entry.version.modified.unwrap().as_millis() > before);
    let mut session = folder
        .upload(UploadRequest::new(path("b"), 0))
        .await
        .unwrap();
    assert_eq!(session.next_chunk(), 0);
    assert!(session.write("".into()).await.is_err());
    session.finish(&Hashes::new()).await.unwrap();
    assert_eq!(read(&folder, "b").await.unwrap(), b"");
}
