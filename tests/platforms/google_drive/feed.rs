//! The feed of changes, held against listings.

use std::collections::BTreeMap;

use garland::connector::{Change, ChangeCursor, ChangeFeed, PlatformConnector};
use garland::platforms::GoogleDrive;
use garland::{Chance, ErrorKind};

use super::fake::{FOLDER, Fake, World};
use super::setup::{Setup, builder, list};

/// What somebody knows who listed once and then only followed the feed: ids by path.
type Known = BTreeMap<String, (String, String)>;

async fn known(drive: &GoogleDrive) -> Known {
    let entries = list(drive.files().unwrap()).await.entries;
    let entries = entries.into_iter();
    entries
        .map(|entry| (entry.path.to_string(), mark(&entry)))
        .collect()
}

fn feed_of(drive: &GoogleDrive) -> &dyn ChangeFeed {
    PlatformConnector::changes(drive).unwrap()
}

fn mark(entry: &garland::connector::FileEntry) -> (String, String) {
    let id = entry.version.id.as_deref().unwrap_or_default();
    (id.to_owned(), entry.version.hashes.to_string())
}

/// Takes in everything after `cursor`, as a sync does.
async fn follow(
    feed: &dyn ChangeFeed,
    mut cursor: ChangeCursor,
    known: &mut Known,
) -> ChangeCursor {
    loop {
        let page = feed.changes(&cursor).await.unwrap();
        for change in page.changes {
            match change {
                Change::Present(entry) => {
                    let mark = mark(&entry);
                    known.retain(|_, (id, _)| *id != mark.0);
                    known.insert(entry.path.to_string(), mark);
                }
                Change::Gone(gone) => {
                    let inside = format!("{gone}/");
                    known.retain(|path, _| path != gone.as_str() && !path.starts_with(&inside));
                }
                Change::GoneById(gone) => known.retain(|_, (id, _)| **id != *gone),
                other => panic!("{other:?}"),
            }
        }
        cursor = page.next;
        if !page.more {
            return cursor;
        }
    }
}

/// Follows from before `act` to after it, in the same process and in one that knows nothing, and holds both against a
/// listing.
async fn holds(prepare: fn(&mut World), act: fn(&mut World)) {
    for knows in [true, false] {
        let setup = Setup::new().await;
        prepare(&mut setup.fake.world());
        let top = top(&setup.fake);
        let account = || builder(&setup.server, &setup.clock).root_folder(top.clone());
        let first = account().build().unwrap();
        let cursor = feed_of(&first).start().await.unwrap();
        let mut followed = known(&first).await;
        act(&mut setup.fake.world());
        let second = if knows {
            first
        } else {
            account().build().unwrap()
        };
        let end = follow(feed_of(&second), cursor, &mut followed).await;
        assert_eq!(
            followed,
            known(&second).await,
            "in the same process: {knows}"
        );
        let rest = feed_of(&second).changes(&end).await.unwrap();
        assert_eq!(rest.changes, []);
    }
}

fn top(fake: &Fake) -> String {
    fake.world().named("top")[0].id.clone()
}

/// The one item of this name.
fn id(world: &World, name: &str) -> String {
    let named = world.named(name);
    assert_eq!(named.len(), 1, "{name}");
    named[0].id.clone()
}

/// `top/day/{a.jpg, more/b.jpg}`, `top/other`, and `elsewhere/c.jpg` outside.
fn some_folders(world: &mut World) {
    let top = world.folder("root", "top");
    let day = world.folder(&top, "day");
    world.put(&day, "a.jpg", "a");
    let more = world.folder(&day, "more");
    world.put(&more, "b.jpg", "b");
    world.folder(&top, "other");
    let elsewhere = world.folder("root", "elsewhere");
    world.put(&elsewhere, "c.jpg", "c");
}

#[tokio::test]
async fn a_folder_that_is_renamed_takes_its_files_along() {
    holds(some_folders, |world| {
        let day = id(world, "day");
        world.edit(&day, |item| item.name = "the day".into());
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_is_moved_takes_its_files_along() {
    holds(some_folders, |world| {
        let (more, other) = (id(world, "more"), id(world, "other"));
        world.edit(&more, |item| item.parent = Some(other));
    })
    .await;
}

#[tokio::test]
async fn what_leaves_the_top_is_gone_and_what_comes_in_is_there() {
    holds(some_folders, |world| {
        let (day, elsewhere, top) = (id(world, "day"), id(world, "elsewhere"), id(world, "top"));
        world.edit(&day, |item| {
            item.parent = Some("0AMyDriveRootUk9PVA".into())
        });
        world.edit(&elsewhere, |item| item.parent = Some(top));
    })
    .await;
}

#[tokio::test]
async fn a_folder_in_the_bin_is_gone_with_all_below_and_comes_back_so() {
    holds(some_folders, |world| {
        let day = id(world, "day");
        world.edit(&day, |item| {
            item.name = "renamed before".into();
            item.is_trashed = true;
        });
    })
    .await;
    fn with_a_bin(world: &mut World) {
        some_folders(world);
        let day = id(world, "day");
        world.edit(&day, |item| item.is_trashed = true);
    }
    holds(with_a_bin, |world| {
        let day = world
            .children(&id(world, "top"))
            .find(|item| item.name == "day");
        let day = day.unwrap().id.clone();
        world.edit(&day, |item| item.is_trashed = false);
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_is_deleted_for_good_is_gone_with_all_below() {
    holds(some_folders, |world| {
        let day = id(world, "day");
        world.erase(&day);
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_takes_the_place_of_another_is_told_with_its_files() {
    holds(some_folders, |world| {
        let (day, other) = (id(world, "day"), id(world, "other"));
        world.put(&other, "a.jpg", "another a");
        world.edit(&day, |item| item.name = "the day before".into());
        world.edit(&other, |item| item.name = "day".into());
        let more = id(world, "more");
        world.edit(&more, |item| item.parent = Some(other));
    })
    .await;
}

#[tokio::test]
async fn a_file_of_the_name_of_a_folder_that_goes_stays() {
    fn namesakes(world: &mut World) {
        some_folders(world);
        let top = id(world, "top");
        world.put(&top, "more", "a file");
        let day = id(world, "day");
        world.edit(&day, |item| item.name = "more".into());
    }
    holds(namesakes, |world| {
        let top = id(world, "top");
        let folder = world
            .children(&top)
            .find(|item| item.name == "more" && item.mime == FOLDER);
        let folder = folder.unwrap().id.clone();
        world.edit(&folder, |item| item.is_trashed = true);
    })
    .await;
}

#[tokio::test]
async fn of_two_of_one_name_the_other_shows_when_the_first_goes() {
    fn twins(world: &mut World) {
        some_folders(world);
        let day = id(world, "day");
        world.put(&day, "a.jpg", "the younger a");
        let second = world.folder(&id(world, "top"), "day");
        world.put(&second, "only here.jpg", "x");
    }
    holds(twins, |world| {
        let first = world.named("a.jpg")[0].id.clone();
        world.edit(&first, |item| item.is_trashed = true);
    })
    .await;
    holds(twins, |world| {
        let first = world.named("day")[0].id.clone();
        world.edit(&first, |item| item.is_trashed = true);
    })
    .await;
    // One that comes in and is older takes the name.
    holds(some_folders, |world| {
        let (c, day) = (id(world, "c.jpg"), id(world, "day"));
        world.edit(&c, |item| {
            item.name = "a.jpg".into();
            item.parent = Some(day);
            item.created = garland::Timestamp::from_millis(0);
        });
    })
    .await;
}

#[tokio::test]
async fn documents_and_names_that_are_none_are_not_told() {
    holds(some_folders, |world| {
        let (day, a) = (id(world, "day"), id(world, "a.jpg"));
        world.add(
            None,
            Some(&day),
            "Plan",
            "application/vnd.google-apps.document",
            None,
        );
        world.edit(&a, |item| item.name = "a/b.jpg".into());
        let own = world.folder(&id(world, "top"), ".garland");
        world.put(&own, "x", "own");
    })
    .await;
}

#[tokio::test]
async fn any_changes_of_anybody_lead_to_the_listing() {
    for seed in 0..60 {
        let chance = Chance::seeded(seed);
        let setup = Setup::new().await;
        some_folders(&mut setup.fake.world());
        setup.fake.world().page_cap = 1 + pick(&chance, 9);
        let account = builder(&setup.server, &setup.clock).root_folder(top(&setup.fake));
        let drive = account.build().unwrap();
        let feed = feed_of(&drive);
        let mut cursor = feed.start().await.unwrap();
        let mut followed = known(&drive).await;
        for round in 0..6 {
            for _ in 0..=pick(&chance, 4) {
                happen(&mut setup.fake.world(), &chance);
            }
            cursor = follow(feed, cursor, &mut followed).await;
            let listed = known(&drive).await;
            assert_eq!(followed, listed, "seed {seed}, round {round}");
        }
    }
}

fn pick(chance: &Chance, of: usize) -> usize {
    usize::try_from(chance.word() % of as u64).unwrap()
}

/// Something that somebody does in a browser: never what the docs say cannot be told.
fn happen(world: &mut World, chance: &Chance) {
    let mut items: Vec<(String, bool)> = world
        .children("root")
        .map(|item| (item.id.clone(), true))
        .collect();
    let mut at = 0;
    while let Some((id, is_folder)) = items.get(at).cloned() {
        if is_folder {
            let below = world.children(&id);
            items.extend(below.map(|item| (item.id.clone(), item.mime == FOLDER)));
        }
        at += 1;
    }
    let folders: Vec<String> = items
        .iter()
        .filter(|(_, is)| *is)
        .map(|(id, _)| id.clone())
        .collect();
    let folder = folders[pick(chance, folders.len())].clone();
    let name = ["a.jpg", "b.jpg", "day", "more"][pick(chance, 4)];
    // The top itself stays.
    let others: Vec<&String> = items
        .iter()
        .map(|(id, _)| id)
        .filter(|id| world.item(id).name != "top")
        .collect();
    let any = others[pick(chance, others.len())].clone();
    match pick(chance, 7) {
        0 => drop(world.put(&folder, name, "new")),
        1 => drop(world.folder(&folder, name)),
        2 => world.edit(&any, |item| item.name = name.to_owned()),
        3 => {
            let mut above = Some(folder.clone());
            while let Some(id) = above {
                if id == any {
                    return;
                }
                above = world.item(&id).parent.clone();
            }
            world.edit(&any, |item| item.parent = Some(folder));
        }
        4 => world.edit(&any, |item| item.is_trashed = !item.is_trashed),
        5 => world.edit(&any, |item| {
            if let Some(content) = &mut item.content {
                *content = [content, &b"!"[..]].concat().into();
                item.revision += 1;
            }
        }),
        _ => world.edit(&any, |_| ()),
    }
}

#[tokio::test]
async fn a_round_costs_what_has_changed_and_not_what_is_there() {
    let setup = Setup::new().await;
    let ids: Vec<String> = {
        let mut world = setup.fake.world();
        let folders: Vec<String> = (0..50)
            .map(|n| world.folder("root", &format!("day {n}")))
            .collect();
        let put = |n: usize| world.put(&folders[n % 50], &format!("IMG_{n:05}.jpg"), "x");
        (0..5_000).map(put).collect()
    };
    let feed = feed_of(&setup.drive);
    let cursor = feed.start().await.unwrap();
    for id in ids.iter().step_by(500) {
        setup
            .fake
            .world()
            .edit(id, |item| item.content = Some("changed".into()));
    }
    let (page, calls) = setup.cost(feed.changes(&cursor)).await;
    assert_eq!(page.unwrap().changes.len(), 10);
    // The feed, the id of the top, and one search for files of the same names.
    assert_eq!(calls, 3);
    let (page, calls) = setup.cost(feed.changes(&feed.start().await.unwrap())).await;
    assert_eq!((page.unwrap().changes, calls), (vec![], 1));
}

#[tokio::test]
async fn a_cursor_that_drive_does_not_know_has_expired() {
    let setup = Setup::new().await;
    let feed = feed_of(&setup.drive);
    let old = feed.start().await.unwrap();
    setup.fake.world().expire_tokens();
    for cursor in [
        old,
        ChangeCursor::new("nonsense"),
        ChangeCursor::new("999999"),
    ] {
        let answer = feed.changes(&cursor).await;
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Expired, "{cursor:?}");
    }
}

#[tokio::test]
async fn a_folder_that_was_moved_is_found_where_it_is_once_the_feed_has_told() {
    let setup = Setup::new().await;
    some_folders(&mut setup.fake.world());
    let (files, feed) = (setup.files(), feed_of(&setup.drive));
    let cursor = feed.start().await.unwrap();
    assert!(super::setup::read(files, "top/day/a.jpg").await.is_ok());
    let day = id(&setup.fake.world(), "day");
    setup
        .fake
        .world()
        .edit(&day, |item| item.name = "the day".into());
    feed.changes(&cursor).await.unwrap();
    let answer = super::setup::read(files, "top/day/a.jpg").await;
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(super::setup::read(files, "top/the day/a.jpg").await.is_ok());
}
