//! Rules of upload sessions.

use futures_util::future::try_join_all;

use crate::connector::{FileStore, Hashes, LastChunk, UploadRequest, UploadToken};
use crate::error::ErrorKind;

use super::account::{Account, content, kind, list, path, put, read, send, stat, upload};

pub(super) async fn nothing_is_seen_before_finish(account: &Account) {
    let Some(files) = account.files() else { return };
    let request = UploadRequest::new(path("day/a.txt"), 4);
    let mut session = files.upload(request).await.unwrap();
    assert_eq!(session.offset(), 0);
    send(&mut *session, &"data".into()).await.unwrap();
    assert_eq!((session.offset(), session.next_chunk()), (4, 0));
    assert_eq!(stat(files, "day/a.txt").await, None);
    assert_eq!(list(files).await, []);
    let entry = session.finish(&Hashes::new()).await.unwrap();
    assert_eq!(list(files).await, [entry]);
}

pub(super) async fn an_aborted_upload_leaves_nothing(account: &Account) {
    let Some(files) = account.files() else { return };
    let old = put(files, "a.txt", "old").await;
    for sends in [false, true] {
        for name in ["a.txt", "day/b.txt"] {
            let request = UploadRequest::new(path(name), 4);
            let mut session = files.upload(request).await.unwrap();
            if sends {
                send(&mut *session, &"data".into()).await.unwrap();
            }
            session.abort().await.unwrap();
        }
    }
    assert_eq!(list(files).await, [old]);
    assert_eq!(read(files, "a.txt").await, b"old");
}

pub(super) async fn an_upload_goes_on_by_its_token_in_another_process(account: &Account) {
    let Some(files) = account.files() else { return };
    let elsewhere = account.files_elsewhere().unwrap();
    let size = files.facts().chunks.preferred * 2 + 5;
    if files.facts().max_file_size.is_some_and(|most| most < size) {
        return;
    }
    let content = content(size, 3);
    for chunks in [0, 1] {
        let request = UploadRequest::new(path("large.bin"), size);
        let mut session = files.upload(request).await.unwrap();
        for _ in 0..chunks {
            let first = usize::try_from(session.next_chunk()).unwrap();
            session.write(content.slice(..first)).await.unwrap();
        }
        let Some(token) = session.token() else { return };
        let sent = session.offset();
        drop(session);
        let stored = serde_json::to_string(&token).unwrap();
        let token: UploadToken = serde_json::from_str(&stored).unwrap();
        let mut session = elsewhere.resume_upload(&token).await.unwrap();
        if account.resumes_behind() {
            assert!(session.offset() <= sent, "more than was sent");
        } else {
            assert_eq!(session.offset(), sent);
        }
        send(&mut *session, &content).await.unwrap();
        session.finish(&Hashes::new()).await.unwrap();
        assert!(
            read(files, "large.bin").await == content,
            "other bytes came back"
        );
    }
}

pub(super) async fn an_upload_that_was_finished_or_aborted_has_expired(account: &Account) {
    let Some(files) = account.files() else { return };
    for finishes in [true, false] {
        let request = UploadRequest::new(path("a.txt"), 4);
        let mut session = files.upload(request).await.unwrap();
        let Some(token) = session.token() else { return };
        send(&mut *session, &"data".into()).await.unwrap();
        if finishes {
            session.finish(&Hashes::new()).await.unwrap();
        } else {
            session.abort().await.unwrap();
        }
        let answer = files.resume_upload(&token).await;
        assert_eq!(kind(answer), ErrorKind::Expired, "finishes: {finishes}");
    }
    assert_eq!(read(files, "a.txt").await, b"data");
}

pub(super) async fn a_foreign_token_is_refused(account: &Account) {
    let Some(files) = account.files() else { return };
    for text in ["", "of another connector", "{}", "../../etc/passwd"] {
        let answer = files.resume_upload(&UploadToken::new(text)).await;
        assert_eq!(kind(answer), ErrorKind::InvalidInput, "{text:?}");
    }
}

pub(super) async fn chunks_keep_to_the_stated_rules(account: &Account) {
    let Some(files) = account.files() else { return };
    let rules = files.facts().chunks;
    let around = [rules.minimum, rules.preferred, rules.alignment];
    let sizes = around
        .into_iter()
        .flat_map(|size| [size - 1, size, size + 1]);
    for size in sizes {
        chunks_of_one_size_keep_to_the_rules(files, size).await;
    }
}

async fn chunks_of_one_size_keep_to_the_rules(files: &dyn FileStore, size: u64) {
    let rules = files.facts().chunks;
    let content = content(size, 4);
    let request = UploadRequest::new(path("chunks.bin"), size);
    let mut session = files.upload(request).await.unwrap();
    let mut count = 0;
    while session.next_chunk() > 0 {
        let (offset, chunk) = (session.offset(), session.next_chunk());
        let is_last = offset + chunk == size;
        let free = is_last && (rules.last == LastChunk::Any || count == 0);
        assert!(offset + chunk <= size && chunk <= rules.maximum, "{chunk}");
        assert!(is_last || chunk.is_multiple_of(rules.alignment), "{chunk}");
        assert!(free || chunk >= rules.minimum, "{chunk} of {size}");
        let from = usize::try_from(offset).unwrap();
        let to = usize::try_from(offset + chunk).unwrap();
        session.write(content.slice(from..to)).await.unwrap();
        assert_eq!(session.offset(), offset + chunk);
        count += 1;
        assert!(rules.max_count.is_none_or(|most| count <= most));
    }
    session.finish(&Hashes::new()).await.unwrap();
    assert!(read(files, "chunks.bin").await == content);
}

pub(super) async fn a_chunk_of_another_size_changes_nothing(account: &Account) {
    let Some(files) = account.files() else { return };
    let request = UploadRequest::new(path("a.txt"), 4);
    let mut session = files.upload(request).await.unwrap();
    for wrong in ["", "too long for it"] {
        let answer = session.write(wrong.into()).await;
        assert_eq!(kind(answer), ErrorKind::InvalidInput);
        assert_eq!(session.offset(), 0);
    }
    send(&mut *session, &"data".into()).await.unwrap();
    let answer = session.write("x".into()).await;
    assert_eq!(kind(answer), ErrorKind::InvalidInput);
    session.finish(&Hashes::new()).await.unwrap();
    assert_eq!(read(files, "a.txt").await, b"data");
}

pub(super) async fn an_upload_with_bytes_missing_is_not_finished(account: &Account) {
    let Some(files) = account.files() else { return };
    let request = UploadRequest::new(path("a.txt"), 4);
    let session = files.upload(request).await.unwrap();
    let answer = session.finish(&Hashes::new()).await;
    assert_eq!(kind(answer), ErrorKind::InvalidInput);
    assert_eq!(stat(files, "a.txt").await, None);
}

pub(super) async fn a_file_over_the_stated_size_is_refused(account: &Account) {
    let Some(files) = account.files() else { return };
    let Some(most) = files.facts().max_file_size else {
        return;
    };
    let request = UploadRequest::new(path("a.txt"), most + 1);
    assert_eq!(kind(files.upload(request).await), ErrorKind::LimitExceeded);
}

pub(super) async fn uploads_of_different_paths_run_at_once(account: &Account) {
    let Some(files) = account.files() else { return };
    let contents: Vec<_> = (0..8).map(|seed| content(10_000 + seed, seed)).collect();
    let uploads = contents.iter().enumerate().map(|(number, content)| {
        let name = path(&format!("day/{}/file-{number}.bin", number % 3));
        upload(
            files,
            UploadRequest::new(name, content.len() as u64),
            content,
        )
    });
    let entries = try_join_all(uploads).await.unwrap();
    for (entry, content) in entries.iter().zip(&contents) {
        assert!(read(files, entry.path.as_str()).await == *content);
    }
}
