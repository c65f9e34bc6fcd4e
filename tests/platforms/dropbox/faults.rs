//! Bad days: what Dropbox refuses, what gets lost, what others do in between.

use std::sync::Arc;
use std::time::Duration;

use garland::ErrorKind::{self, *};
use garland::connector::{Expect, Hashes, PlatformConnector, UploadRequest};
use serde_json::json;

use super::fake::Fault;
use super::setup::{CHUNK, Setup, builder, content, hashes, path, put, read, upload};
use crate::support::{BadDays, ProofKind, hasty, proof};

#[tokio::test]
async fn bad_days_are_survived() {
    let setup = Setup::new().await;
    let days = BadDays::on(setup.server.address()).sizes(&[1_000, CHUNK + 1_000]);
    let connect = async |address: String| {
        let base = address.parse().unwrap();
        let account = builder(&base).client(hasty()).build().unwrap();
        Arc::new(account) as Arc<dyn PlatformConnector>
    };
    let passed = days.run(connect).await;
    println!("{passed:?}");
    assert!(passed.days >= 30 && passed.faults >= 200, "{passed:?}");
    proof("dropbox", ProofKind::Contract, "bad days", 0, passed.faults);
}

#[tokio::test]
async fn refusals_mean_what_dropbox_says_and_never_repeat_its_sentence() {
    let table: &[(&[&str], ErrorKind)] = &[
        (&["path", "insufficient_space"], Full),
        (&["path", "disallowed_name"], InvalidInput),
        (&["path", "no_write_permission"], Denied),
        (&["path", "too_many_write_operations"], RateLimited),
        (&["path", "conflict", "folder"], AlreadyExists),
        (&["path", "conflict", "file_ancestor"], AlreadyExists),
        (&["content_hash_mismatch"], Corrupt),
        (&["payload_too_large"], LimitExceeded),
        (&["other"], Unexpected),
    ];
    let setup = Setup::new().await;
    for (tags, kind) in table {
        setup.fake.plan("files/upload", Fault::Refuse(tags));
        let error = put(setup.files(), "a.jpg", "a", Expect::Absent)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), *kind, "{tags:?}");
        let text = format!("{error} {error:?}");
        assert!(
            text.contains(&tags.join("/")) && !text.contains("a-secret-name"),
            "{text}"
        );
    }
    let refused = |tag: &str| json!({"error_summary": format!("{tag}/.."), "error": {".tag": tag}});
    let reason = json!({"reason": {".tag": "too_many_requests"}, "retry_after": 7});
    for (status, body, kind) in [
        (400, refused("other"), InvalidInput),
        (401, refused("expired_access_token"), Unauthenticated),
        (401, refused("missing_scope"), Unauthenticated),
        (403, refused("invalid_account_type"), Denied),
        (422, refused("invalid_root"), InvalidInput),
        (422, refused("no_permission"), Denied),
        (
            429,
            json!({"error_summary": "too_many_requests/", "error": reason}),
            RateLimited,
        ),
        (503, json!("Service Unavailable"), Unavailable),
    ] {
        setup
            .fake
            .plan("users/get_current_account", Fault::Answer(status, body));
        let error = setup.dropbox.check().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}");
        let wait = (status == 429).then_some(Duration::from_secs(7));
        assert_eq!(error.retry_after(), wait);
    }
    assert_eq!(setup.fake.still_planned(), 0);
}

#[tokio::test]
async fn an_account_that_is_full_or_refuses_a_name_says_so() {
    let setup = Setup::new().await;
    let ignored = put(setup.files(), "day/Desktop.ini", "x", Expect::Absent).await;
    assert_eq!(ignored.unwrap_err().kind(), InvalidInput);
    setup.fake.world().quota = 100_000;
    let request = UploadRequest::new(path("large.bin"), 150_000);
    let full = upload(setup.files(), request, &content(150_000)).await;
    assert_eq!(full.unwrap_err().kind(), Full);
    assert_eq!(setup.fake.world().nodes.len(), 0);
}

#[tokio::test]
async fn a_small_file_whose_answer_was_lost_is_there_once() {
    for hashes in [Hashes::new(), hashes(b"a")] {
        let setup = Setup::new().await;
        let old = put(setup.files(), "b.jpg", "old", Expect::Absent)
            .await
            .unwrap();
        for (name, expect) in [
            ("a.jpg", Expect::Absent),
            ("c.jpg", Expect::Anything),
            ("b.jpg", Expect::Version(old.version.clone())),
        ] {
            let write = async || {
                let request = UploadRequest::new(path(name), 1).with_expect(expect.clone());
                let mut session = setup.files().upload(request).await.unwrap();
                session.write("a".into()).await.unwrap();
                session.finish(&hashes).await
            };
            setup.fake.plan("files/upload", Fault::LoseAnswer);
            assert_eq!(write().await.unwrap_err().kind(), Unavailable);
            let again = write().await.unwrap();
            let there = setup.files().stat(&path(name)).await.unwrap();
            assert_eq!(there, Some(again));
            assert_eq!(setup.fake.world().named(name), 1);
            // Once it is known what became of it, a file that is there is one again.
            if !matches!(expect, Expect::Anything) {
                let third = write().await.unwrap_err().kind();
                assert!(matches!(third, AlreadyExists | Conflict), "{third:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_lost_answer_does_not_make_anothers_file_ours() {
    let setup = Setup::new().await;
    setup
        .fake
        .plan("files/upload", Fault::Answer(503, json!(null)));
    let lost = put(setup.files(), "a.jpg", "ours", Expect::Absent).await;
    assert_eq!(lost.unwrap_err().kind(), Unavailable);
    setup.fake.world().put("/a.jpg", "theirs");
    let again = put(setup.files(), "a.jpg", "ours", Expect::Absent).await;
    assert_eq!(again.unwrap_err().kind(), AlreadyExists);
    assert_eq!(read(setup.files(), "a.jpg").await.unwrap(), b"theirs");
}

#[tokio::test]
async fn a_large_file_whose_last_answer_was_lost_is_there_once() {
    let setup = Setup::new().await;
    let content = content(CHUNK * 2 + 5);
    let request =
        || UploadRequest::new(path("day/a.mov"), CHUNK * 2 + 5).with_expect(Expect::Absent);
    let mut session = setup.files().upload(request()).await.unwrap();
    while session.next_chunk() > 0 {
        let from = usize::try_from(session.offset()).unwrap();
        let to = from + usize::try_from(session.next_chunk()).unwrap();
        session.write(content.slice(from..to)).await.unwrap();
    }
    assert_eq!(setup.fake.world().named("a.mov"), 0);
    let token = session.token().unwrap();
    setup
        .fake
        .plan("files/upload_session/finish", Fault::LoseAnswer);
    let lost = session.finish(&hashes(&content)).await;
    assert_eq!(lost.unwrap_err().kind(), Unavailable);
    let over = setup.files().resume_upload(&token).await;
    assert_eq!(over.err().unwrap().kind(), Expired);
    // Begun again, it is found to be there.
    upload(setup.files(), request(), &content).await.unwrap();
    assert_eq!(setup.fake.world().named("a.mov"), 1);
    assert!(read(setup.files(), "day/a.mov").await.unwrap() == content);
}

#[tokio::test]
async fn an_upload_whose_last_call_did_not_arrive_is_finished_by_its_token() {
    let setup = Setup::new().await;
    let content = content(CHUNK + 5);
    let request = UploadRequest::new(path("a.mov"), CHUNK + 5);
    let mut session = setup.files().upload(request).await.unwrap();
    let half = usize::try_from(CHUNK).unwrap();
    session.write(content.slice(..half)).await.unwrap();
    session.write(content.slice(half..)).await.unwrap();
    let token = session.token().unwrap();
    let refused = Fault::Answer(503, json!(null));
    setup.fake.plan("files/upload_session/finish", refused);
    let lost = session.finish(&hashes(&content)).await;
    assert_eq!(lost.unwrap_err().kind(), Unavailable);
    let session = setup.files().resume_upload(&token).await.unwrap();
    assert_eq!(session.next_chunk(), 0);
    session.finish(&hashes(&content)).await.unwrap();
    assert!(read(setup.files(), "a.mov").await.unwrap() == content);
}

#[tokio::test]
async fn a_chunk_whose_answer_was_lost_is_not_counted_twice() {
    for fault in [Fault::LoseAnswer, Fault::Answer(503, json!(null))] {
        let setup = Setup::new().await;
        let content = content(CHUNK * 2 + 5);
        let mut session = setup
            .files()
            .upload(UploadRequest::new(path("a.mov"), CHUNK * 2 + 5))
            .await
            .unwrap();
        let cut = usize::try_from(CHUNK).unwrap();
        session.write(content.slice(..cut)).await.unwrap();
        setup.fake.plan("files/upload_session/append_v2", fault);
        let second = content.slice(cut..2 * cut);
        let answer = session.write(second.clone()).await;
        assert_eq!(answer.unwrap_err().kind(), Unavailable);
        assert_eq!(session.offset(), CHUNK);
        session.write(second).await.unwrap();
        session.write(content.slice(2 * cut..)).await.unwrap();
        session.finish(&hashes(&content)).await.unwrap();
        assert!(read(setup.files(), "a.mov").await.unwrap() == content);
    }
}

#[tokio::test]
async fn a_session_that_dropbox_has_forgotten_has_expired() {
    let setup = Setup::new().await;
    let content = content(CHUNK + 5);
    let begin = async || {
        let request = UploadRequest::new(path("a.mov"), CHUNK + 5);
        let mut session = setup.files().upload(request).await.unwrap();
        let cut = usize::try_from(CHUNK).unwrap();
        session.write(content.slice(..cut)).await.unwrap();
        session
    };
    let rest = content.slice(usize::try_from(CHUNK).unwrap()..);
    let mut session = begin().await;
    setup.fake.world().sessions.clear();
    let sent = session.write(rest.clone()).await;
    assert_eq!(sent.unwrap_err().kind(), Expired);
    let mut session = begin().await;
    session.write(rest).await.unwrap();
    setup.fake.world().sessions.clear();
    let finished = session.finish(&Hashes::new()).await;
    assert_eq!(finished.unwrap_err().kind(), Expired);
    // One that was thrown away is closed, which nobody goes on with.
    let session = begin().await;
    let token = session.token().unwrap();
    session.abort().await.unwrap();
    let resumed = setup.files().resume_upload(&token).await;
    assert_eq!(resumed.err().unwrap().kind(), Expired);
}

#[tokio::test]
async fn other_bytes_than_were_sent_or_are_there_are_found() {
    let setup = Setup::new().await;
    let wrong = hashes(b"other bytes");
    let write = async |expect: Expect, size: u64| {
        let request = UploadRequest::new(path("a.bin"), size).with_expect(expect);
        let mut session = setup.files().upload(request).await.unwrap();
        let content = content(size);
        while session.next_chunk() > 0 {
            let from = usize::try_from(session.offset()).unwrap();
            let to = from + usize::try_from(session.next_chunk()).unwrap();
            session.write(content.slice(from..to)).await.unwrap();
        }
        session.finish(&wrong).await.unwrap_err().kind()
    };
    // Dropbox refuses what goes in one call; what goes in chunks is taken away again.
    assert_eq!(write(Expect::Absent, 5).await, Corrupt);
    assert_eq!(write(Expect::Absent, CHUNK).await, Corrupt);
    assert_eq!(setup.files().stat(&path("a.bin")).await.unwrap(), None);
    put(setup.files(), "b.bin", "right", Expect::Absent)
        .await
        .unwrap();
    let said = setup.files().stat(&path("b.bin")).await.unwrap().unwrap();
    let body = json!({"error_summary": "path/not_found/", "error": {".tag": "path", "path": {".tag": "not_found"}}});
    setup.fake.plan("files/download", Fault::Answer(409, body));
    let gone = read(setup.files(), "b.bin").await;
    assert_eq!(gone.unwrap_err().kind(), NotFound);
    assert_eq!(said.version.size, 5);
}
