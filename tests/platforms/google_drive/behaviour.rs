//! What is Drive's own: names, documents, uploads, links, webhooks.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use garland::connector::{
    ChangeHint, Expect, Health, IdempotencyKey, LinkOptions, LinkScope, PlatformConnector as _,
    ReadOptions, SkipReason, Skipped, SubscriptionRequest, UploadRequest, WebhookSecret,
};
use garland::platforms::DriveDeletion;
use garland::{Clock as _, ErrorKind, Timestamp};

use super::conformance::delivery;
use super::fake::{MY_DRIVE, SHORTCUT};
use super::setup::{Setup, content, list, listed, path, put, read, upload};

const DOCUMENT: &str = "application/vnd.google-apps.document";

#[tokio::test]
async fn of_two_files_of_one_name_the_older_is_the_file_and_the_other_is_reported() {
    let setup = Setup::new().await;
    let files = setup.files();
    let (older, younger) = {
        let mut world = setup.fake.world();
        let day = world.folder("root", "day");
        let older = world.put(&day, "a.jpg", "older");
        (older, world.put(&day, "a.jpg", "the younger one"))
    };
    let found = list(files).await;
    let entry = &found.entries[..];
    assert_eq!(entry.len(), 1);
    assert_eq!(entry[0].version.id.as_deref(), Some(&*older));
    let twin = Skipped::new("day/a.jpg", SkipReason::DuplicateName);
    assert_eq!(found.skipped, [twin]);
    assert_eq!(read(files, "day/a.jpg").await.unwrap(), b"older");

    // Neither written over nor deleted with the other.
    put(files, "day/a.jpg", "new", Expect::Anything)
        .await
        .unwrap();
    files
        .delete(&path("day/a.jpg"), &Expect::Anything)
        .await
        .unwrap();
    assert!(setup.fake.world().item(&older).is_trashed);
    assert_eq!(
        setup.fake.world().item(&younger).content.as_deref(),
        Some(&b"the younger one"[..])
    );
    assert_eq!(read(files, "day/a.jpg").await.unwrap(), b"the younger one");
}

#[tokio::test]
async fn below_the_younger_of_two_folders_of_one_name_all_is_reported() {
    let setup = Setup::new().await;
    {
        let mut world = setup.fake.world();
        let older = world.folder("root", "day");
        let younger = world.folder("root", "day");
        world.put(&older, "a.jpg", "a");
        let below = world.folder(&younger, "more");
        world.put(&below, "b.jpg", "b");
    }
    let found = list(setup.files()).await;
    assert_eq!(listed(setup.files()).await, ["day/a.jpg"]);
    let hidden = Skipped::new("day/more/b.jpg", SkipReason::DuplicateName);
    assert_eq!(found.skipped, [hidden]);
}

#[tokio::test]
async fn what_is_no_file_is_reported_and_left_alone() {
    let setup = Setup::new().await;
    {
        let mut world = setup.fake.world();
        let day = world.folder("root", "day");
        world.add(None, Some(&day), "Plan", DOCUMENT, None);
        world.add(None, Some(&day), "To the church", SHORTCUT, None);
        world.put(&day, "a/b.jpg", "slash");
        world.put(&day, "..", "dots");
        world.put(
            "1elsewhere_000000",
            "shared.jpg",
            "in no folder of the account",
        );
        world.put(&day, "kept.jpg", "kept");
    }
    let files = setup.files();
    let found = list(files).await;
    assert_eq!(listed(files).await, ["day/kept.jpg"]);
    let expected = [
        Skipped::new("day/..", SkipReason::InvalidName),
        Skipped::new("day/Plan", SkipReason::NoContent),
        Skipped::new("day/To the church", SkipReason::SymbolicLink),
        Skipped::new("day/a/b.jpg", SkipReason::InvalidName),
    ];
    assert_eq!(found.skipped, expected);

    // A file may have the name of a document; the document stays.
    put(files, "day/Plan", "a file", Expect::Absent)
        .await
        .unwrap();
    assert_eq!(read(files, "day/Plan").await.unwrap(), b"a file");
    let pieces = setup
        .drive
        .export(&path("day/Plan"), "application/pdf")
        .await
        .unwrap();
    let pieces: Vec<_> = pieces.try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"Plan as application/pdf");
    let wrong = setup.drive.export(&path("day/Plan"), "image/x-none").await;
    assert_eq!(wrong.err().unwrap().kind(), ErrorKind::InvalidInput);
    let missing = setup
        .drive
        .export(&path("day/kept.jpg"), "application/pdf")
        .await;
    assert_eq!(missing.err().unwrap().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_media_type_of_googles_own_does_not_turn_a_file_into_a_document() {
    let setup = Setup::new().await;
    for size in [9, 300_000] {
        let content = content(size);
        let request = UploadRequest::new(path("notes.gdoc"), size as u64)
            .with_media_type(Some("Application/vnd.google-apps.document".into()));
        upload(setup.files(), request, &content).await.unwrap();
        assert_eq!(read(setup.files(), "notes.gdoc").await.unwrap(), content);
    }
}

#[tokio::test]
async fn a_listing_costs_a_call_for_each_thousand_and_not_for_each_folder() {
    let setup = Setup::new().await;
    {
        let mut world = setup.fake.world();
        for number in 0..600 {
            let folder = world.folder("root", &format!("day {number}"));
            world.put(&folder, "a.jpg", "a");
            world.put(&folder, "b.jpg", "b");
        }
    }
    let (found, calls) = setup.cost(list(setup.files())).await;
    assert_eq!(found.entries.len(), 1_200);
    // Two pages, and one call for the id of the top.
    assert_eq!(calls, 3);
}

#[tokio::test]
async fn names_in_queries_stay_names() {
    let setup = Setup::new().await;
    let files = setup.files();
    let name = "it's \\' or name != 'x";
    setup.fake.world().put("root", "other.jpg", "other");
    put(files, &format!("{name}/{name}"), "x", Expect::Absent)
        .await
        .unwrap();
    assert_eq!(read(files, &format!("{name}/{name}")).await.unwrap(), b"x");
    // Drive finds names whatever their case; they are others all the same.
    setup.fake.world().put("root", "OTHER.JPG", "capitals");
    assert_eq!(read(files, "other.jpg").await.unwrap(), b"other");
    assert_eq!(files.stat(&path("Other.jpg")).await.unwrap(), None);
}

#[tokio::test]
async fn an_upload_that_was_finished_or_given_up_has_expired() {
    let setup = Setup::new().await;
    let (files, content) = (setup.files(), content(600_000));
    for finishes in [true, false] {
        let request = UploadRequest::new(path("a.mov"), 600_000);
        let mut session = files.upload(request).await.unwrap();
        let token = session.token().unwrap();
        assert!(!format!("{token:?} {session:?}").contains("upload_id"));
        session.write(content.slice(..262_144)).await.unwrap();
        session
            .write(content.slice(262_144..524_288))
            .await
            .unwrap();
        session.write(content.slice(524_288..)).await.unwrap();
        if finishes {
            session
                .finish(&super::setup::hashes(&content))
                .await
                .unwrap();
        } else {
            session.abort().await.unwrap();
        }
        let again = files.resume_upload(&token).await;
        assert_eq!(
            again.err().unwrap().kind(),
            ErrorKind::Expired,
            "{finishes}"
        );
    }
    assert_eq!(setup.fake.world().named("a.mov").len(), 1);
    let drive = setup.drive.clone();
    let other = super::setup::builder(&setup.server, &setup.clock).root_folder("1another");
    let session = drive
        .files()
        .unwrap()
        .upload(UploadRequest::new(path("b.mov"), 600_000));
    let token = session.await.unwrap().token().unwrap();
    let foreign = other.build().unwrap();
    let answer = foreign.files().unwrap().resume_upload(&token).await;
    assert_eq!(answer.err().unwrap().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_session_that_keeps_a_part_of_a_chunk_is_sent_the_rest() {
    let setup = Setup::with(|builder| builder.chunk_size(1 << 20)).await;
    setup.fake.world().keeps_at_most = Some(256 << 10);
    let content = content((2 << 20) + 7);
    let request = UploadRequest::new(path("a.mov"), content.len() as u64);
    upload(setup.files(), request, &content).await.unwrap();
    assert!(read(setup.files(), "a.mov").await.unwrap() == content);
}

#[tokio::test]
async fn times_before_1970_and_of_no_year_that_can_be_written_do_no_harm() {
    let setup = Setup::new().await;
    let old = Timestamp::from_millis(-1_234_567_890_123);
    for (time, kept) in [(old, Some(old)), (Timestamp::from_millis(i64::MAX), None)] {
        let request = UploadRequest::new(path("a.jpg"), 1).with_modified(time);
        let entry = upload(setup.files(), request, &"x".into()).await.unwrap();
        if let Some(kept) = kept {
            assert_eq!(entry.version.modified, Some(kept));
        }
    }
}

#[tokio::test]
async fn files_are_deleted_for_good_only_if_the_account_is_told_to() {
    for (deletion, stays) in [
        (DriveDeletion::Trash, true),
        (DriveDeletion::Permanent, false),
    ] {
        let setup = Setup::with(|builder| builder.deletion(deletion)).await;
        let entry = put(setup.files(), "a.jpg", "x", Expect::Absent)
            .await
            .unwrap();
        setup
            .files()
            .delete(&path("a.jpg"), &Expect::Anything)
            .await
            .unwrap();
        let world = setup.fake.world();
        let id = entry.version.id.unwrap();
        let is_there = world
            .children(MY_DRIVE)
            .any(|item| *item.id == *id && item.is_trashed);
        assert_eq!(is_there, stays);
    }
}

#[tokio::test]
async fn links_are_never_wider_nor_longer_than_asked_for() {
    let setup = Setup::new().await;
    let links = setup.drive.links().unwrap();
    put(setup.files(), "day/a.jpg", "a", Expect::Absent)
        .await
        .unwrap();
    let at = path("day/a.jpg");
    let end = setup.clock.now().saturating_add(Duration::from_secs(60));
    let anyone = LinkOptions::default().with_scope(LinkScope::Anyone);
    for options in [
        anyone.clone().with_expires(end),
        anyone.clone().with_password("x"),
    ] {
        let answer = links.create_link(&at, &options).await;
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    let link = links
        .create_link(&at, &LinkOptions::default())
        .await
        .unwrap();
    let given = setup
        .fake
        .world()
        .item(link.id.split_once('.').unwrap().0)
        .permissions
        .clone();
    assert_eq!(given.len(), 1);
    assert_eq!(
        (&given[0]["type"], &given[0]["domain"]),
        (&"domain".into(), &"studio.example".into())
    );
    assert_eq!(given[0]["allowFileDiscovery"], false);
    // A folder can be shared as well.
    let folder = links.create_link(&path("day"), &anyone).await.unwrap();
    assert_eq!(links.links(&path("day")).await.unwrap(), [folder]);
    let answer = links.revoke_link("../about").await;
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_channel_is_told_by_its_handshake_and_its_token() {
    let setup = Setup::new().await;
    let hooks = setup.drive.webhooks().unwrap();
    let secret = "a secret of thirty-two characters";
    let request =
        SubscriptionRequest::new("https://studio.example/hooks/1", WebhookSecret::new(secret));
    let key: IdempotencyKey = "hook".parse().unwrap();
    let made = hooks.subscribe(&key, &request).await.unwrap();
    let now = setup.clock.now();
    let sync = delivery(&setup.fake, &made, "sync");
    // The handshake comes before the answer.
    assert_eq!(hooks.verify(None, &sync, now).unwrap().hints, []);
    assert_eq!(hooks.verify(Some(&made), &sync, now).unwrap().hints, []);
    let change = delivery(&setup.fake, &made, "change");
    assert!(hooks.verify(None, &change, now).is_err());
    let read = hooks.verify(Some(&made), &change, now).unwrap();
    assert_eq!(read.hints, [ChangeHint::Files]);
    assert!(read.id.unwrap().ends_with(".3"));

    let renewed = hooks.renew(&made).await.unwrap();
    assert_ne!(renewed.id, made.id);
    assert!(renewed.expires.unwrap() > made.expires.unwrap());
    let open: Vec<_> = setup.fake.world().channels().clone().into_iter().collect();
    assert_eq!(open.len(), 1);
    assert_eq!(Some(open[0].1.expires), renewed.expires);
    assert_eq!(
        [&*open[0].0],
        [renewed.id.as_str().split_once('.').unwrap().0]
    );
    let change = delivery(&setup.fake, &renewed, "change");
    assert!(hooks.verify(Some(&made), &change, now).is_err());
    assert!(hooks.verify(Some(&renewed), &change, now).is_ok());

    let insecure = SubscriptionRequest::new("http://studio.example/", WebhookSecret::new(secret));
    let answer = hooks.subscribe(&key, &insecure).await;
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn the_top_folder_tells_how_the_account_is_doing() {
    let setup = Setup::new().await;
    let day = setup.fake.world().folder("root", "day");
    let builder = || super::setup::builder(&setup.server, &setup.clock);
    let account = builder().root_folder(day.clone()).build().unwrap();
    assert_eq!(account.check().await.unwrap(), Health::Healthy);
    setup.fake.world().edit(&day, |item| item.is_trashed = true);
    assert!(matches!(
        account.check().await.unwrap(),
        Health::Degraded(_)
    ));
    setup.fake.world().erase(&day);
    assert_eq!(
        account.check().await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let wrong = builder().root_folder("a' or name = 'b").build();
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_range_of_a_file_that_changes_meanwhile_is_not_taken_for_the_old_one() {
    let setup = Setup::new().await;
    setup.fake.world().put("root", "a.jpg", "0123456789");
    let change = |world: &mut super::fake::World| {
        let id = world.named("a.jpg")[0].id.clone();
        world.edit(&id, |item| {
            item.content = Some("abcdefghij".into());
            item.revision += 1;
        });
    };
    setup
        .fake
        .plan("GET", "alt=media", super::fake::Fault::Before(change));
    let part = ReadOptions::default().with_range(2..4);
    let answer = setup.files().read(&path("a.jpg"), part).await;
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Changed);
    // A whole one of the same size is told by its hash.
    let back = |world: &mut super::fake::World| {
        let id = world.named("a.jpg")[0].id.clone();
        world.edit(&id, |item| {
            item.content = Some("9876543210".into());
            item.revision += 1;
        });
    };
    setup
        .fake
        .plan("GET", "alt=media", super::fake::Fault::Before(back));
    let answer = read(setup.files(), "a.jpg").await;
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Changed);
}
