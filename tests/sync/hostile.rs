//! Accounts that mean harm: no name they list leads out of the place that is written to.

use garland::connector::{
    FileEntry, FileFacts, FilePath, FileVersion, ListPage, SkipReason, Skipped,
};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::sync::{Plan, Relation};
use garland::{ErrorKind, Timestamp};

use crate::tools::{Desk, Hooked, files, listed, plain};
use crate::world::START;

const OUTSIDE: [&str; 14] = [
    "../x",
    "/etc/x",
    "a/../../x",
    "a/..",
    "..",
    ".",
    "./x",
    "a/./x",
    "",
    "/",
    "a//x",
    "a/",
    "x\0",
    "a\0/../x",
];

#[test]
fn no_name_that_leads_outside_is_a_path_however_it_comes_in() {
    for name in OUTSIDE {
        let parsed = FilePath::parse(name).unwrap_err();
        assert_eq!(parsed.kind(), ErrorKind::InvalidInput, "{name:?}");
        let json = serde_json::to_string(name).unwrap();
        assert!(serde_json::from_str::<FilePath>(&json).is_err(), "{name:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_was_tampered_with_is_not_read() {
    let (card, drive) = (plain(), plain());
    card.put("harmless", "x").unwrap();
    let desk = Desk::peers().place("card", card).place("drive", drive);
    let plan = desk.request().await.plan().await.unwrap();
    let json = serde_json::to_string(&plan).unwrap();
    assert!(serde_json::from_str::<Plan>(&json).is_ok());
    for name in OUTSIDE {
        let name = serde_json::to_string(name).unwrap();
        let tampered = json.replace("\"harmless\"", &name);
        assert_ne!(tampered, json);
        assert!(serde_json::from_str::<Plan>(&tampered).is_err(), "{name}");
    }
}

fn entry(path: &str, size: u64) -> FileEntry {
    let modified = Timestamp::from_millis(START);
    FileEntry::new(
        path.parse().unwrap(),
        FileVersion::new(size).with_modified(modified),
    )
}

/// A card that lists `names`, all of them files of four bytes, and hands them out.
fn card(names: &[&str]) -> (MemoryPlatform, Hooked) {
    let card = MemoryPlatform::new(MemoryOptions::bare(FileFacts::default()));
    for name in names {
        card.put_at(name, "evil", Timestamp::from_millis(START))
            .unwrap();
    }
    let entries = names.iter().map(|name| entry(name, 4)).collect();
    let skipped = OUTSIDE.map(|name| Skipped::new(name, SkipReason::InvalidName));
    let page = ListPage::new(entries).with_skipped(skipped.to_vec());
    (card.clone(), Hooked::new(card).listing(vec![page]))
}

#[tokio::test(start_paused = true)]
async fn what_a_card_lists_of_garlands_own_folder_is_left_alone() {
    let own = [
        ".garland/recovered/x",
        ".garland/uploads/x",
        ".Garland/recovered/y",
        ".GARLAND/z",
        ".garland",
    ];
    for name in own {
        let (card, hooked) = card(&[name, "a"]);
        let drive = plain();
        let desk = Desk::peers()
            .place("card", hooked.clone())
            .place("drive", drive.clone());
        let report = desk.settle().await;
        assert_eq!(report.replicas[0].files, 1, "{name}");
        assert_eq!(report.replicas[0].skipped.len(), OUTSIDE.len());
        assert_eq!(listed(&drive), files([("a", "evil")]));
        assert_eq!(drive.contents().len(), 1, "{name}");
        // It was never there as far as anybody can say, so nobody has deleted it either.
        desk.at_rest().await;
        assert!(card.get(name).is_some(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_path_listed_twice_is_believed_neither_time() {
    let account = plain();
    account.put("a", "evil").unwrap();
    account.put("b", "good").unwrap();
    let drive = plain();
    let desk = Desk::peers()
        .place("card", account.clone())
        .place("drive", drive.clone());
    desk.settle().await;
    let pages = vec![ListPage::new(vec![entry("a", 4), entry("a", 5)])];
    let mut desk = desk;
    desk.places[0].1 = std::sync::Arc::new(Hooked::new(account.clone()).listing(pages));
    let report = desk.run().await.unwrap();
    assert!(report.replicas[0].incomplete.is_some(), "{report}");
    assert_eq!(listed(&drive), files([("a", "evil"), ("b", "good")]));
}

#[tokio::test(start_paused = true)]
async fn a_listed_size_that_is_not_true_delivers_nothing() {
    for size in [0, 3, 5, 1 << 40, u64::MAX] {
        let account = MemoryPlatform::new(MemoryOptions::bare(FileFacts::default()));
        for name in ["a", "b"] {
            account
                .put_at(name, "evil", Timestamp::from_millis(START))
                .unwrap();
        }
        let page = ListPage::new(vec![entry("a", size), entry("b", 4)]);
        let hooked = Hooked::new(account).listing(vec![page]).credulous();
        let drive = plain();
        let desk = Desk::new(Relation::Backup)
            .place("card", hooked)
            .place("drive", drive.clone());
        let report = desk.run().await.unwrap();
        let failed: Vec<_> = report.failed.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(failed, ["a"], "{size}: {report}");
        assert_eq!(listed(&drive), files([("b", "evil")]), "{size}");
        assert_eq!(drive.unfinished_uploads(), 0, "{size}");
    }
}

#[cfg(feature = "local")]
mod folders {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use garland::platforms::LocalFolder;

    use super::*;
    use crate::tools::{Call, tree, whole_tree};

    /// A folder with a link that leads out, and what lies there.
    fn target(root: &Path) -> (LocalFolder, Vec<std::path::PathBuf>) {
        let (inside, outside) = (root.join("inside"), root.join("outside"));
        for folder in [&inside, &outside] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(outside.join("x"), "mine").unwrap();
        symlink(&outside, inside.join("link")).unwrap();
        symlink(outside.join("x"), inside.join("file")).unwrap();
        symlink("..", inside.join("up")).unwrap();
        (LocalFolder::open(&inside).unwrap(), vec![inside, outside])
    }

    #[tokio::test]
    async fn no_link_in_the_target_leads_a_file_outside() {
        for relation in [Relation::Peers, Relation::Mirror] {
            let root = tempfile::tempdir().unwrap();
            let (folder, paths) = target(root.path());
            let names = ["a", "link/x", "link/new", "up/outside/x", "up/new", "file"];
            let (account, hooked) = card(&names);
            let desk = Desk::new(relation)
                .place("card", hooked.clone())
                .place("drive", folder);
            for _ in 0..2 {
                let report = desk.run().await.unwrap();
                assert!(report.failed.is_empty(), "{report}");
                let skipped: Vec<_> = report.replicas[1]
                    .skipped
                    .iter()
                    .map(|s| (s.name.as_str(), s.reason))
                    .collect();
                let link = SkipReason::SymbolicLink;
                assert_eq!(skipped, [("file", link), ("link", link), ("up", link)]);
                assert_eq!(tree(&paths[0]), [("a".to_owned(), b"evil".to_vec())].into());
                assert_eq!(tree(&paths[1]), [("x".to_owned(), b"mine".to_vec())].into());
                assert_eq!(
                    account.contents().len(),
                    names.len(),
                    "nothing is deleted for it"
                );
            }
            assert!(
                fs::symlink_metadata(paths[0].join("file"))
                    .unwrap()
                    .is_symlink()
            );
            let own: Vec<_> = fs::read_dir(root.path()).unwrap().collect();
            assert_eq!(own.len(), 2);
        }
    }

    #[tokio::test]
    async fn a_link_put_there_while_a_file_is_on_its_way_is_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let (inside, outside) = (root.path().join("inside"), root.path().join("outside"));
        for folder in [&inside, &outside] {
            fs::create_dir(folder).unwrap();
        }
        let (_, source) = card(&["a", "day/x"]);
        let (from, to) = (inside.join("day"), outside.clone());
        let folder = Hooked::new(LocalFolder::open(&inside).unwrap()).before(move |call| {
            if call == Call::Finish && !from.is_symlink() {
                symlink(&to, &from).unwrap();
            }
            std::future::ready(())
        });
        let desk = Desk::new(Relation::Backup)
            .place("card", source)
            .place("drive", folder)
            .transfer(|transfer| transfer.with_concurrency(1));
        desk.run().await.unwrap();
        assert_eq!(whole_tree(&outside), [].into());
        assert_eq!(tree(&inside), [("a".to_owned(), b"evil".to_vec())].into());
    }

    #[tokio::test]
    async fn names_that_a_folder_keeps_to_itself_are_never_taken_for_deleted() {
        let root = tempfile::tempdir().unwrap();
        let own = ".garland-upload-0123456789abcdef0123456789abcdef";
        let below = format!("day/{own}");
        let names = [own, &below, "a"];
        let (account, hooked) = card(&names);
        let desk = Desk::peers()
            .place("card", hooked.clone())
            .place("drive", LocalFolder::open(root.path()).unwrap());
        for _ in 0..2 {
            desk.run().await.unwrap();
            assert_eq!(account.contents().len(), names.len());
        }
        let deletes = hooked
            .calls()
            .into_iter()
            .filter(|call| matches!(call, Call::Delete(_)));
        assert_eq!(deletes.count(), 0);
    }
}
