//! Bad days: what Drive refuses, what gets lost, what others do in between.

use garland::ErrorKind::{self, *};
use garland::connector::{Expect, PlatformConnector as _, UploadRequest};

use super::fake::{Fault, World};
use super::setup::{Setup, content, hashes, list, path, put, read, upload};

#[tokio::test]
async fn refusals_mean_what_drive_says_and_never_repeat_its_sentence() {
    let table: &[(u16, &str, ErrorKind)] = &[
        (400, "badRequest", InvalidInput),
        (401, "authError", Unauthenticated),
        (403, "userRateLimitExceeded", RateLimited),
        (403, "rateLimitExceeded", RateLimited),
        (403, "dailyLimitExceeded", RateLimited),
        (403, "sharingRateLimitExceeded", RateLimited),
        (403, "storageQuotaExceeded", Full),
        (403, "teamDriveFileLimitExceeded", Full),
        (403, "insufficientFilePermissions", Denied),
        (403, "appNotAuthorizedToFile", Denied),
        (403, "domainPolicy", Denied),
        (403, "fileNotDownloadable", Unsupported),
        (403, "exportSizeLimitExceeded", LimitExceeded),
        (404, "notFound", NotFound),
        (409, "fileIdInUse", AlreadyExists),
        (410, "gone", Expired),
        (423, "locked", Locked),
        (429, "rateLimitExceeded", RateLimited),
        (500, "backendError", Unavailable),
        (503, "backendError", Unavailable),
    ];
    let setup = Setup::new().await;
    for (status, reason, kind) in table {
        setup.fake.plan(
            "GET",
            "/drive/v3/files/root",
            Fault::Refuse(*status, reason),
        );
        let error = setup.drive.check().await.unwrap_err();
        assert_eq!(error.kind(), *kind, "{status} {reason}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(reason) || *status == 423, "{text}");
        assert!(!text.contains("a-secret-name"), "{text}");
    }
    let wait = Fault::Wait(403, "userRateLimitExceeded", 7);
    setup.fake.plan("GET", "/drive/v3/files/root", wait);
    let error = setup.drive.check().await.unwrap_err();
    assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(7));
    setup.fake.plan("GET", "/drive/v3/files/root", Fault::Html);
    assert_eq!(setup.drive.check().await.unwrap_err().kind(), Unavailable);
    assert_eq!(setup.fake.still_planned(), 0);
}

#[tokio::test]
async fn a_small_file_whose_answer_was_lost_is_there_once() {
    for expect in [Expect::Absent, Expect::Anything] {
        let setup = Setup::new().await;
        setup
            .fake
            .plan("POST", "uploadType=multipart", Fault::LoseAnswer);
        let lost = put(setup.files(), "day/a.jpg", "a", expect.clone()).await;
        assert_eq!(lost.unwrap_err().kind(), Unavailable);
        let again = put(setup.files(), "day/a.jpg", "a", expect).await.unwrap();
        let there = setup.files().stat(&path("day/a.jpg")).await.unwrap();
        assert_eq!(there, Some(again));
        assert_eq!(setup.fake.world().named("a.jpg").len(), 1);
    }
}

#[tokio::test]
async fn a_file_that_drive_does_not_show_yet_is_told_by_its_id() {
    let setup = Setup::new().await;
    setup
        .fake
        .plan("POST", "uploadType=multipart", Fault::LoseAnswer);
    let lost = put(setup.files(), "a.jpg", "a", Expect::Absent).await;
    assert_eq!(lost.unwrap_err().kind(), Unavailable);
    // Searches lag behind: for a moment the file is not found by its name.
    let hide = |world: &mut World| {
        let id = world.named("a.jpg")[0].id.clone();
        world.edit(&id, |item| item.name = "a.jpg (not in the index)".into());
    };
    let show = |world: &mut World| {
        let id = world.named("a.jpg (not in the index)")[0].id.clone();
        world.edit(&id, |item| item.name = "a.jpg".into());
    };
    setup
        .fake
        .plan("GET", "name = 'a.jpg'", Fault::Before(hide));
    setup
        .fake
        .plan("POST", "uploadType=multipart", Fault::Before(show));
    put(setup.files(), "a.jpg", "a", Expect::Absent)
        .await
        .unwrap();
    assert_eq!(setup.fake.world().named("a.jpg").len(), 1);
    assert_eq!(setup.fake.still_planned(), 0);
}

#[tokio::test]
async fn a_large_file_whose_last_answer_was_lost_is_there_once() {
    let setup = Setup::new().await;
    let content = content(600_000);
    let request = UploadRequest::new(path("day/a.mov"), 600_000).with_expect(Expect::Absent);
    let mut session = setup.files().upload(request).await.unwrap();
    for range in [0..262_144, 262_144..524_288, 524_288..600_000] {
        session.write(content.slice(range)).await.unwrap();
    }
    assert_eq!(setup.fake.world().named("a.mov").len(), 0);
    let token = session.token().unwrap();
    setup.fake.plan("PUT", "upload_id", Fault::LoseAnswer);
    let lost = session.finish(&hashes(&content)).await;
    assert_eq!(lost.unwrap_err().kind(), Unavailable);
    let over = setup.files().resume_upload(&token).await;
    assert_eq!(over.err().unwrap().kind(), Expired);
    assert_eq!(setup.fake.world().named("a.mov").len(), 1);
    assert!(read(setup.files(), "day/a.mov").await.unwrap() == content);
}

#[tokio::test]
async fn a_chunk_whose_answer_was_lost_is_not_counted_twice() {
    for fault in [
        Fault::LoseAnswer,
        Fault::Refuse(503, "backendError"),
        Fault::Html,
    ] {
        let setup = Setup::new().await;
        let content = content(600_000);
        let mut session = setup
            .files()
            .upload(UploadRequest::new(path("a.mov"), 600_000))
            .await
            .unwrap();
        session.write(content.slice(..262_144)).await.unwrap();
        setup.fake.plan("PUT", "upload_id", fault);
        let second = content.slice(262_144..524_288);
        let answer = session.write(second.clone()).await;
        assert_eq!(answer.unwrap_err().kind(), Unavailable);
        assert_eq!(session.offset(), 262_144);
        session.write(second).await.unwrap();
        session.write(content.slice(524_288..)).await.unwrap();
        session.finish(&hashes(&content)).await.unwrap();
        assert!(read(setup.files(), "a.mov").await.unwrap() == content);
    }
}

#[tokio::test]
async fn a_session_that_drive_has_forgotten_has_expired() {
    let setup = Setup::new().await;
    let content = content(600_000);
    let request = UploadRequest::new(path("a.mov"), 600_000);
    let mut session = setup.files().upload(request.clone()).await.unwrap();
    let token = session.token().unwrap();
    setup.fake.world().forget_sessions();
    let answer = session.write(content.slice(..262_144)).await;
    assert_eq!(answer.unwrap_err().kind(), Expired);
    let answer = setup.files().resume_upload(&token).await;
    assert_eq!(answer.err().unwrap().kind(), Expired);
    upload(setup.files(), request, &content).await.unwrap();
}

#[tokio::test]
async fn of_two_writers_who_cannot_see_each_other_one_wins() {
    // The other one's file comes right before ours, after it was looked whether there is one.
    let other_was_first = |world: &mut World| {
        let day = world.named("day")[0].id.clone();
        world.put(&day, "a.jpg", "theirs");
    };
    for (expect, size, wins) in [
        (Expect::Absent, 4, false),
        (Expect::Absent, 300_000, false),
        (Expect::Anything, 4, true),
        (Expect::Anything, 300_000, true),
    ] {
        let setup = Setup::new().await;
        setup.fake.world().folder("root", "day");
        let content = content(size);
        let (method, part) = match size {
            4 => ("POST", "uploadType=multipart"),
            _ => ("PUT", "upload_id"),
        };
        let request = UploadRequest::new(path("day/a.jpg"), size as u64).with_expect(expect);
        let mut session = setup.files().upload(request).await.unwrap();
        while session.next_chunk() > 0 {
            let from = usize::try_from(session.offset()).unwrap();
            let next = usize::try_from(session.next_chunk()).unwrap();
            session
                .write(content.slice(from..from + next))
                .await
                .unwrap();
        }
        setup
            .fake
            .plan(method, part, Fault::Before(other_was_first));
        let answer = session.finish(&hashes(&content)).await;
        assert_eq!(setup.fake.still_planned(), 0);
        assert_eq!(setup.fake.world().named("a.jpg").len(), 1, "{size} {wins}");
        let there = read(setup.files(), "day/a.jpg").await.unwrap();
        if wins {
            assert!(answer.is_ok() && there == content);
        } else {
            assert_eq!(answer.unwrap_err().kind(), AlreadyExists);
            assert_eq!(there, b"theirs");
        }
    }
}

#[tokio::test]
async fn a_rename_never_hides_a_file_that_came_meanwhile() {
    let setup = Setup::new().await;
    put(setup.files(), "a.jpg", "ours", Expect::Absent)
        .await
        .unwrap();
    let meanwhile = |world: &mut World| drop(world.put("root", "b.jpg", "theirs"));
    setup
        .fake
        .plan("PATCH", "/drive/v3/files/", Fault::Before(meanwhile));
    let (from, to) = (path("a.jpg"), path("b.jpg"));
    let answer = setup.files().rename(&from, &Expect::Anything, &to);
    assert_eq!(answer.await.unwrap_err().kind(), AlreadyExists);
    assert_eq!(read(setup.files(), "a.jpg").await.unwrap(), b"ours");
    assert_eq!(read(setup.files(), "b.jpg").await.unwrap(), b"theirs");
}

#[tokio::test]
async fn a_folder_that_goes_away_under_a_write_is_made_again() {
    let to_the_bin = |world: &mut World| {
        let day = world.named("day")[0].id.clone();
        world.edit(&day, |item| item.is_trashed = true);
    };
    let for_good = |world: &mut World| {
        let day = world.named("day")[0].id.clone();
        world.erase(&day);
    };
    for away in [to_the_bin as fn(&mut World), for_good] {
        let setup = Setup::new().await;
        put(setup.files(), "day/first.jpg", "x", Expect::Absent)
            .await
            .unwrap();
        away(&mut setup.fake.world());
        put(setup.files(), "day/a.jpg", "a", Expect::Absent)
            .await
            .unwrap();
        let listed = super::setup::listed(setup.files()).await;
        assert_eq!(listed, ["day/a.jpg"]);
    }
}

#[tokio::test]
async fn a_file_that_goes_away_under_its_replacement_is_written_anew() {
    let away = |world: &mut World| {
        let id = world.named("a.jpg")[0].id.clone();
        world.edit(&id, |item| item.is_trashed = true);
    };
    let setup = Setup::new().await;
    put(setup.files(), "a.jpg", "old", Expect::Absent)
        .await
        .unwrap();
    setup
        .fake
        .plan("PATCH", "uploadType=multipart", Fault::Before(away));
    put(setup.files(), "a.jpg", "new", Expect::Anything)
        .await
        .unwrap();
    assert_eq!(read(setup.files(), "a.jpg").await.unwrap(), b"new");
}

#[tokio::test]
async fn bytes_that_arrive_as_others_are_no_file() {
    let setup = Setup::new().await;
    let wrong = hashes(b"what was meant");
    for size in [14, 300_000] {
        let content = content(size);
        let request = UploadRequest::new(path("a.jpg"), size as u64);
        let mut session = setup.files().upload(request).await.unwrap();
        while session.next_chunk() > 0 {
            let from = usize::try_from(session.offset()).unwrap();
            let next = usize::try_from(session.next_chunk()).unwrap();
            session
                .write(content.slice(from..from + next))
                .await
                .unwrap();
        }
        let answer = session.finish(&wrong).await;
        assert_eq!(answer.unwrap_err().kind(), Corrupt);
        assert_eq!(setup.files().stat(&path("a.jpg")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_account_that_is_full_is_full() {
    let setup = Setup::new().await;
    setup.fake.world().room = Some(100_000);
    for size in [110_000, 300_000] {
        let content = content(size);
        let request = UploadRequest::new(path("a.jpg"), size as u64);
        let answer = upload(setup.files(), request, &content).await;
        assert_eq!(answer.unwrap_err().kind(), Full, "{size}");
    }
    assert_eq!(list(setup.files()).await.entries, []);
}

#[tokio::test]
async fn a_listing_that_is_not_whole_is_an_error() {
    use futures_util::TryStreamExt as _;
    let setup = Setup::new().await;
    setup.fake.world().page_cap = 2;
    for name in ["a", "b", "c", "d", "e"] {
        setup.fake.world().put("root", name, "x");
    }
    for fault in [Fault::Html, Fault::Refuse(500, "backendError")] {
        setup.fake.plan("GET", "pageToken", fault);
        let answer: garland::Result<Vec<_>> = setup.files().list().try_collect().await;
        assert_eq!(answer.unwrap_err().kind(), Unavailable);
    }
    // What moves to another folder while it is listed is there once.
    let moves = |world: &mut World| {
        let day = world.folder("root", "day");
        let id = world.named("e")[0].id.clone();
        world.edit(&id, |item| item.parent = Some(day));
    };
    setup.fake.plan("GET", "pageToken", Fault::Meanwhile(moves));
    let names = super::setup::listed(setup.files()).await;
    assert_eq!(
        names.iter().filter(|name| name.ends_with('e')).count(),
        1,
        "{names:?}"
    );
}

#[tokio::test]
async fn a_subscription_whose_answer_was_lost_is_the_same_one() {
    use garland::connector::{IdempotencyKey, SubscriptionRequest, WebhookSecret};
    let setup = Setup::new().await;
    let hooks = setup.drive.webhooks().unwrap();
    let secret = WebhookSecret::new("a secret of thirty-two characters");
    let request = SubscriptionRequest::new("https://studio.example/hooks/1", secret);
    let key: IdempotencyKey = "hook".parse().unwrap();
    setup.fake.plan("POST", "/changes/watch", Fault::LoseAnswer);
    assert_eq!(
        hooks.subscribe(&key, &request).await.unwrap_err().kind(),
        Unavailable
    );
    let made = hooks.subscribe(&key, &request).await.unwrap();
    assert_eq!(setup.fake.world().channels().len(), 1);
    let change = super::conformance::delivery(&setup.fake, &made, "change");
    let now = garland::Clock::now(&setup.clock);
    assert_eq!(
        hooks.verify(Some(&made), &change, now).unwrap().hints.len(),
        1
    );
    // Its end was not told, so it is to be renewed at once; whose answer may get lost too.
    setup.fake.plan("POST", "/changes/watch", Fault::LoseAnswer);
    assert_eq!(hooks.renew(&made).await.unwrap_err().kind(), Unavailable);
    let renewed = hooks.renew(&made).await.unwrap();
    let open: Vec<String> = setup.fake.world().channels().keys().cloned().collect();
    assert_eq!(open, [renewed.id.as_str().split_once('.').unwrap().0]);
    hooks.unsubscribe(&renewed.id).await.unwrap();
    assert!(setup.fake.world().channels().is_empty());
}
