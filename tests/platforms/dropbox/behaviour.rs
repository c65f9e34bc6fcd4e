//! What Dropbox does in its own way.

use garland::ErrorKind::{self, *};
use garland::Timestamp;
use garland::connector::{
    Expect, FileStore as _, PlatformConnector as _, ReadOptions, SkipReason, UploadRequest,
};

use super::fake::Fault;
use super::setup::{Setup, builder, content, list, listed, path, put, read, read_with, upload};

#[tokio::test]
async fn an_argument_in_a_header_says_any_name() {
    let setup = Setup::new().await;
    let name = "Braut & Bräutigam/\u{1f48d} №1 \"ja\".jpg";
    put(setup.files(), name, "x", Expect::Absent).await.unwrap();
    assert_eq!(listed(setup.files()).await, [name]);
    assert_eq!(read(setup.files(), name).await.unwrap(), b"x");
    let requests = setup.recorder.requests();
    let args = requests
        .iter()
        .filter_map(|request| request.header("dropbox-api-arg"));
    assert!(args.clone().count() >= 2);
    for arg in args {
        assert!(
            arg.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{arg}"
        );
        assert!(arg.contains(r"\ud83d\udc8d \u21161"), "{arg}");
    }
}

#[tokio::test]
async fn each_deed_costs_few_calls() {
    let setup = Setup::new().await;
    let files = setup.files();
    let (made, calls) = setup.cost(put(files, "a.jpg", "a", Expect::Absent)).await;
    let made = made.unwrap();
    assert_eq!(calls, 1);
    let over = Expect::Version(made.version.clone());
    let (_, calls) = setup.cost(put(files, "a.jpg", "b", over)).await;
    assert_eq!(calls, 1);
    let (_, calls) = setup.cost(read(files, "a.jpg")).await;
    assert_eq!(calls, 1);
    let part = ReadOptions::default().with_range(0..1);
    let (_, calls) = setup.cost(read_with(files, "a.jpg", part)).await;
    assert_eq!(calls, 1);
    let (_, calls) = setup.cost(listed(files)).await;
    assert_eq!(calls, 1);
    let request = UploadRequest::new(path("large.bin"), 200_000);
    let (_, calls) = setup.cost(upload(files, request, &content(200_000))).await;
    assert_eq!(calls, 1 + 4 + 1, "begin, four chunks, finish");
    let (_, calls) = setup
        .cost(files.delete(&path("a.jpg"), &Expect::Anything))
        .await;
    assert_eq!(calls, 2);
}

#[tokio::test]
async fn what_was_only_touched_counts_as_the_version_expected() {
    let setup = Setup::new().await;
    let files = setup.files();
    let made = put(files, "a.jpg", "old", Expect::Absent).await.unwrap();
    setup
        .fake
        .world()
        .edit("/a.jpg", |file| file.rev = "00000000000f00d".to_owned());
    let over = Expect::Version(made.version.clone());
    put(files, "a.jpg", "new", over.clone()).await.unwrap();
    assert_eq!(read(files, "a.jpg").await.unwrap(), b"new");
    let late = put(files, "a.jpg", "late", over).await;
    assert_eq!(late.unwrap_err().kind(), Conflict);
    assert_eq!(read(files, "a.jpg").await.unwrap(), b"new");
}

#[tokio::test]
async fn a_version_without_a_revision_is_looked_for() {
    let setup = Setup::new().await;
    let files = setup.files();
    let mut version = put(files, "a.jpg", "old", Expect::Absent)
        .await
        .unwrap()
        .version;
    version.revision = Some("of another place".into());
    version.id = None;
    put(files, "a.jpg", "new", Expect::Version(version.clone()))
        .await
        .unwrap();
    let late = put(files, "a.jpg", "late", Expect::Version(version)).await;
    assert_eq!(late.unwrap_err().kind(), Conflict);
}

#[tokio::test]
async fn a_folder_is_neither_deleted_nor_moved_as_a_file() {
    let setup = Setup::new().await;
    let files = setup.files();
    put(files, "day/a.jpg", "a", Expect::Absent).await.unwrap();
    let gone = files.delete(&path("day"), &Expect::Anything).await;
    assert_eq!(gone.unwrap_err().kind(), NotFound);
    let moved = files
        .rename(&path("day"), &Expect::Anything, &path("other"))
        .await;
    assert_eq!(moved.unwrap_err().kind(), NotFound);
    // It becomes a folder between the look and the delete.
    put(files, "b", "b", Expect::Absent).await.unwrap();
    setup.fake.plan(
        "files/delete_v2",
        Fault::Before(|world| {
            world.take("/b");
            world.put("/b/inside.jpg", "inside");
        }),
    );
    let gone = files.delete(&path("b"), &Expect::Anything).await;
    assert_eq!(gone.unwrap_err().kind(), NotFound);
    assert_eq!(listed(files).await, ["b/inside.jpg", "day/a.jpg"]);
}

#[tokio::test]
async fn a_delete_of_whatever_is_there_follows_what_is_written_meanwhile() {
    let setup = Setup::new().await;
    let files = setup.files();
    let made = put(files, "a.jpg", "a", Expect::Absent).await.unwrap();
    let write = Fault::Before(|world| world.put("/a.jpg", "newer"));
    setup.fake.plan("files/delete_v2", write.clone());
    let kept = files
        .delete(&path("a.jpg"), &Expect::Version(made.version))
        .await;
    assert_eq!(kept.unwrap_err().kind(), Conflict);
    assert_eq!(read(files, "a.jpg").await.unwrap(), b"newer");
    setup.fake.plan("files/delete_v2", write);
    files
        .delete(&path("a.jpg"), &Expect::Anything)
        .await
        .unwrap();
    assert_eq!(listed(files).await, [""; 0]);
}

#[tokio::test]
async fn a_name_gets_another_case_and_is_finished_if_that_stopped_half_the_way() {
    let setup = Setup::new().await;
    let files = setup.files();
    put(files, "Day/img.jpg", "a", Expect::Absent)
        .await
        .unwrap();
    let (from, to) = (path("Day/img.jpg"), path("Day/IMG.jpg"));
    // The first of the two moves is done, and its answer is lost.
    setup.fake.plan("files/move_v2", Fault::LoseAnswer);
    let lost = files.rename(&from, &Expect::Anything, &to).await;
    assert_eq!(lost.unwrap_err().kind(), Unavailable);
    let half = listed(files).await;
    assert!(
        half.len() == 1 && half[0].starts_with("Day/renaming-"),
        "{half:?}"
    );
    let done = files.rename(&from, &Expect::Anything, &to).await.unwrap();
    assert_eq!(done.path, to);
    assert_eq!(listed(files).await, ["Day/IMG.jpg"]);
}

#[tokio::test]
async fn a_rename_of_a_version_goes_back_if_it_was_written_to_meanwhile() {
    let setup = Setup::new().await;
    let files = setup.files();
    let made = put(files, "a.jpg", "a", Expect::Absent).await.unwrap();
    let write = Fault::Before(|world| world.put("/a.jpg", "newer"));
    setup.fake.plan("files/move_v2", write);
    let expect = Expect::Version(made.version);
    let moved = files.rename(&path("a.jpg"), &expect, &path("b.jpg")).await;
    assert_eq!(moved.unwrap_err().kind(), Conflict);
    assert_eq!(listed(files).await, ["a.jpg"]);
}

#[tokio::test]
async fn a_copy_goes_over_no_file_and_takes_no_other_version() {
    let setup = Setup::new().await;
    let files = setup.files();
    let a = put(files, "a.jpg", "a", Expect::Absent)
        .await
        .unwrap()
        .version;
    let b = put(files, "b.jpg", "b", Expect::Absent)
        .await
        .unwrap()
        .version;
    for expect in [Expect::Anything, Expect::Version(b)] {
        let copied = files
            .copy(&path("a.jpg"), &a, &path("b.jpg"), &expect)
            .await;
        assert_eq!(copied.unwrap(), None);
    }
    let write = Fault::Before(|world| world.put("/a.jpg", "newer"));
    setup.fake.plan("files/copy_v2", write);
    let copied = files
        .copy(&path("a.jpg"), &a, &path("c.jpg"), &Expect::Absent)
        .await;
    assert_eq!(copied.unwrap_err().kind(), Changed);
    assert_eq!(listed(files).await, ["a.jpg", "b.jpg"]);
}

#[tokio::test]
async fn what_has_no_content_is_skipped_and_not_seen() {
    let setup = Setup::new().await;
    for name in ["/plan.paper", "/link", "/a.jpg"] {
        setup.fake.world().put(name, "x");
    }
    setup
        .fake
        .world()
        .edit("/plan.paper", |file| file.is_downloadable = false);
    setup.fake.world().edit("/link", |file| file.is_link = true);
    let found = list(setup.files()).await.unwrap();
    assert_eq!(found.entries.len(), 1);
    let mut skipped: Vec<_> = found
        .skipped
        .iter()
        .map(|skipped| (skipped.name.as_str(), skipped.reason))
        .collect();
    skipped.sort_by_key(|(name, _)| *name);
    assert_eq!(
        skipped,
        [
            ("link", SkipReason::SymbolicLink),
            ("plan.paper", SkipReason::NoContent)
        ]
    );
    assert_eq!(setup.files().stat(&path("plan.paper")).await.unwrap(), None);
}

#[tokio::test]
async fn a_listing_takes_back_what_changes_under_it() {
    let setup = Setup::new().await;
    setup.fake.world().page_cap = 2;
    for name in ["/a/1.jpg", "/a/2.jpg", "/b.jpg", "/c.jpg"] {
        setup.fake.world().put(name, "x");
    }
    setup.fake.plan(
        "files/list_folder/continue",
        Fault::Before(|world| {
            world.take("/a");
            world.put("/b.jpg", "longer");
            world.put("/d.jpg", "x");
        }),
    );
    let found = list(setup.files()).await.unwrap().entries;
    let told: Vec<_> = found
        .iter()
        .map(|entry| (entry.path.as_str(), entry.version.size))
        .collect();
    assert_eq!(told, [("b.jpg", 6), ("c.jpg", 1), ("d.jpg", 1)]);
}

#[tokio::test]
async fn the_top_folder_has_to_be_there() {
    let setup = Setup::with(|builder| builder.root_folder("Weddings/2026")).await;
    let error = list(setup.files()).await.unwrap_err();
    assert_eq!(error.kind(), NotFound);
    let feed = setup.dropbox.changes().unwrap();
    assert_eq!(feed.start().await.unwrap_err().kind(), NotFound);
    let health = setup.dropbox.check().await.unwrap();
    assert_ne!(health, garland::connector::Health::Healthy);
    setup.fake.world().put("/Weddings/2026/a.jpg", "a");
    let health = setup.dropbox.check().await.unwrap();
    assert_eq!(health, garland::connector::Health::Healthy);
    assert_eq!(listed(setup.files()).await, ["a.jpg"]);
}

#[tokio::test]
async fn a_namespace_goes_along_with_every_call() {
    let setup = Setup::with(|builder| builder.namespace("4711")).await;
    let request = UploadRequest::new(path("large.bin"), 100_000);
    upload(setup.files(), request, &content(100_000))
        .await
        .unwrap();
    read(setup.files(), "large.bin").await.unwrap();
    setup.dropbox.check().await.unwrap();
    for request in setup.recorder.requests() {
        let root = request.header("dropbox-api-path-root");
        let expected = r#"{".tag":"namespace_id","namespace_id":"4711"}"#;
        assert_eq!(root, Some(expected), "{}", request.target);
    }
}

#[tokio::test]
async fn times_are_kept_to_the_second_rounded_down() {
    let setup = Setup::new().await;
    let request = UploadRequest::new(path("a.jpg"), 1)
        .with_modified(Timestamp::from_millis(1_750_000_000_999));
    let entry = upload(setup.files(), request, &content(1)).await.unwrap();
    assert_eq!(
        entry.version.modified.unwrap().as_millis(),
        1_750_000_000_000
    );
}

#[tokio::test]
async fn what_is_configured_wrongly_is_refused() {
    let setup = Setup::new().await;
    let base = setup.server.base("");
    for wrong in [
        builder(&base).root_folder("a/../b"),
        builder(&base).namespace("home"),
        builder(&base).account_id("1"),
    ] {
        let kind: ErrorKind = wrong.build().unwrap_err().kind();
        assert_eq!(kind, InvalidInput);
    }
    let shown = format!("{:?} {:?}", builder(&base), setup.dropbox);
    assert!(
        !shown.contains("a-token") && !shown.contains("app_secret_test"),
        "{shown}"
    );
    let _ = setup.elsewhere().facts();
}
