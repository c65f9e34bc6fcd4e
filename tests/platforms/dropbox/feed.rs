//! Changes, and waiting for them.

use std::time::Duration;

use garland::ErrorKind::*;
use garland::connector::{Change, ChangeCursor, PlatformConnector as _, SkipReason};

use super::fake::{ACCOUNT, Fault};
use super::setup::{Setup, builder};

/// What a feed tells, as text.
async fn told(setup: &Setup, cursor: &ChangeCursor) -> (Vec<String>, ChangeCursor) {
    let feed = setup.dropbox.changes().unwrap();
    let (mut all, mut cursor) = (Vec::new(), cursor.clone());
    loop {
        let page = feed.changes(&cursor).await.unwrap();
        all.extend(page.changes.iter().map(|change| match change {
            Change::Present(entry) => format!("+{}", entry.path),
            Change::Gone(path) => format!("-{path}"),
            Change::Skipped(skipped) => format!("?{}", skipped.name),
            other => format!("{other:?}"),
        }));
        cursor = page.next;
        if !page.more {
            return (all, cursor);
        }
    }
}

async fn start(setup: &Setup) -> ChangeCursor {
    setup.dropbox.changes().unwrap().start().await.unwrap()
}

#[tokio::test]
async fn a_deleted_folder_takes_all_below_with_it() {
    let setup = Setup::new().await;
    setup.fake.world().put("/day/a.jpg", "a");
    setup.fake.world().put("/day/b.jpg", "b");
    let cursor = start(&setup).await;
    setup.fake.world().take("/day");
    assert_eq!(told(&setup, &cursor).await.0, ["-day"]);
}

#[tokio::test]
async fn a_folder_in_the_place_of_a_file_or_of_another_folder_is_told_anew() {
    let setup = Setup::new().await;
    setup.fake.world().put("/a", "file");
    setup.fake.world().put("/day/old.jpg", "old");
    let cursor = start(&setup).await;
    {
        let mut world = setup.fake.world();
        world.take("/a");
        world.put("/a/inside.jpg", "inside");
        world.take("/day");
        world.put("/day/new.jpg", "new");
        world.put("/day/plan.paper", "plan");
        world.edit("/day/plan.paper", |file| file.is_downloadable = false);
    }
    let (told, _) = told(&setup, &cursor).await;
    // Dropbox says only that these are folders now; that a file and another folder were there before is in the first lines.
    let after = |gone: &str, there: &str| {
        let gone = told.iter().position(|line| line == gone).unwrap();
        told[gone..].iter().any(|line| line == there)
    };
    assert!(after("-a", "+a/inside.jpg"), "{told:?}");
    assert!(after("-day", "+day/new.jpg"), "{told:?}");
    assert!(after("-day", "?day/plan.paper"), "{told:?}");
}

#[tokio::test]
async fn a_round_with_ten_changes_is_one_call_and_the_first_one_more() {
    let setup = Setup::new().await;
    for number in 0..2_000 {
        setup.fake.world().put(&format!("/day/{number}.jpg"), "x");
    }
    let (cursor, calls) = setup.cost(start(&setup)).await;
    assert_eq!(calls, 2, "who the account is, and the cursor");
    for number in 0..10 {
        setup
            .fake
            .world()
            .put(&format!("/day/{number}.jpg"), "changed");
    }
    let ((told, next), calls) = setup.cost(told(&setup, &cursor)).await;
    assert_eq!((told.len(), calls), (10, 1));
    let feed = setup.dropbox.changes().unwrap();
    assert_eq!(feed.changes(&next).await.unwrap().changes, []);
}

#[tokio::test]
async fn a_new_tree_of_folders_is_listed_once() {
    let setup = Setup::new().await;
    let cursor = start(&setup).await;
    for number in 0..20 {
        let name = format!("/Smith/day {}/part {number}/a.jpg", number % 3);
        setup.fake.world().put(&name, "x");
    }
    let ((told, _), calls) = setup.cost(told(&setup, &cursor)).await;
    assert_eq!(calls, 2);
    let files: std::collections::BTreeSet<_> =
        told.iter().filter(|line| line.starts_with('+')).collect();
    assert_eq!((&*told[0], files.len()), ("-Smith", 20), "{told:?}");
}

#[tokio::test]
async fn a_cursor_of_another_account_or_folder_has_expired() {
    let setup = Setup::new().await;
    setup.fake.world().add_folder("/Weddings");
    let cursor = start(&setup).await;
    let base = setup.server.base("");
    for other in [
        builder(&base).root_folder("Weddings"),
        builder(&base).account_id("dbid:another"),
        builder(&base).namespace("1"),
    ] {
        let other = other.build().unwrap();
        let answer = other.changes().unwrap().changes(&cursor).await;
        assert_eq!(answer.unwrap_err().kind(), Expired);
        let waited = other.wait_for_changes(&cursor, Duration::ZERO).await;
        assert_eq!(waited.unwrap_err().kind(), Expired);
    }
    // Asked for and configured, the same account and folder are the same.
    let same = builder(&base).account_id(ACCOUNT).build().unwrap();
    same.changes().unwrap().changes(&cursor).await.unwrap();
    let feed = setup.dropbox.changes().unwrap();
    let (mark, _) = cursor.as_str().split_once('.').unwrap();
    for text in [
        "",
        "nonsense",
        &format!("{mark}."),
        &format!("{mark}.nonsense"),
    ] {
        let answer = feed.changes(&ChangeCursor::new(text)).await;
        assert_eq!(answer.unwrap_err().kind(), Expired, "{text}");
    }
}

#[tokio::test]
async fn a_top_folder_that_goes_away_ends_its_cursor() {
    let setup = Setup::with(|builder| builder.root_folder("Weddings")).await;
    setup.fake.world().put("/Weddings/a.jpg", "a");
    let cursor = start(&setup).await;
    setup.fake.world().take("/Weddings");
    let feed = setup.dropbox.changes().unwrap();
    assert_eq!(feed.changes(&cursor).await.unwrap_err().kind(), Expired);
}

#[tokio::test]
async fn what_is_not_handed_out_any_more_is_told() {
    let setup = Setup::new().await;
    setup.fake.world().put("/a.jpg", "a");
    let cursor = start(&setup).await;
    setup
        .fake
        .world()
        .edit("/a.jpg", |file| file.is_link = true);
    let feed = setup.dropbox.changes().unwrap();
    let page = feed.changes(&cursor).await.unwrap();
    let [Change::Skipped(skipped)] = &page.changes[..] else {
        panic!("{page:?}")
    };
    assert_eq!(
        (&*skipped.name, skipped.reason),
        ("a.jpg", SkipReason::SymbolicLink)
    );
    assert!(skipped.id.is_some());
}

#[tokio::test]
async fn a_feed_that_goes_in_a_circle_is_a_fault() {
    let setup = Setup::new().await;
    let cursor = start(&setup).await;
    let (_, own) = cursor.as_str().split_once('.').unwrap();
    let body = serde_json::json!({"entries": [], "cursor": own, "has_more": true});
    setup
        .fake
        .plan("files/list_folder/continue", Fault::Answer(200, body));
    let feed = setup.dropbox.changes().unwrap();
    assert_eq!(feed.changes(&cursor).await.unwrap_err().kind(), Unavailable);
}

#[tokio::test]
async fn waiting_tells_whether_something_changed_and_sends_no_credentials() {
    let setup = Setup::new().await;
    let cursor = start(&setup).await;
    let wait = async || {
        setup
            .dropbox
            .wait_for_changes(&cursor, Duration::from_secs(60))
            .await
    };
    let news = wait().await.unwrap();
    assert_eq!((news.changed, news.backoff), (false, None));
    setup.fake.world().put("/a.jpg", "a");
    setup.fake.world().backoff = Some(7);
    let news = wait().await.unwrap();
    assert_eq!(
        (news.changed, news.backoff),
        (true, Some(Duration::from_secs(7)))
    );
    let requests = setup.recorder.requests();
    let last = requests.last().unwrap();
    assert_eq!(last.target, "/2/files/list_folder/longpoll");
    assert_eq!(last.header("authorization"), None);
    setup.fake.world().expire_cursors();
    assert_eq!(wait().await.unwrap_err().kind(), Expired);
}
