//! Listings of folders that are not as one would wish.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use futures_util::StreamExt as _;
use garland::ErrorKind;
use garland::connector::{Expect, FileStore as _, PlatformConnector as _, SkipReason};
use garland::platforms::{LocalFolder, LocalOptions};

use crate::tools::{list, names, path, put, read};

#[tokio::test]
async fn the_order_is_that_of_whole_paths() {
    let root = tempfile::tempdir().unwrap();
    for name in [
        "a/b", "a-c", "a.d", "a0", "a/b.c/d", "a/b.c-d", "Z", "é", "a b", "ab/c", "ab-",
    ] {
        let file = root.path().join(name.replace("a/b.c/d", "a/b.x/d"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "x").unwrap();
    }
    let options = LocalOptions::default().with_page_size(2);
    let listed = names(&LocalFolder::open_with(root.path(), options).unwrap()).await;
    let mut sorted = listed.clone();
    sorted.sort();
    assert_eq!(listed, sorted);
    assert_eq!(listed.len(), 11);
}

#[tokio::test]
async fn names_that_are_not_utf8_are_told_and_others_are_carried() {
    let root = tempfile::tempdir().unwrap();
    let odd = OsStr::from_bytes(b"IMG_\xff\xfe.jpg");
    fs::write(root.path().join(odd), "x").unwrap();
    fs::write(root.path().join("line\nbreak\t\u{7f}.jpg"), "x").unwrap();
    let page = list(&LocalFolder::open(root.path()).unwrap())
        .await
        .unwrap();
    assert_eq!(page.entries.len(), 1);
    assert_eq!(page.entries[0].path.as_str(), "line\nbreak\t\u{7f}.jpg");
    assert_eq!(page.skipped.len(), 1);
    assert_eq!(page.skipped[0].reason, SkipReason::NotUtf8);
    assert_eq!(page.skipped[0].name, r"IMG_\xff\xfe.jpg");
}

#[tokio::test]
async fn a_link_that_leads_in_a_circle_ends() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("day/deep")).unwrap();
    fs::write(root.path().join("day/a.jpg"), "a").unwrap();
    symlink("..", root.path().join("day/deep/up")).unwrap();
    symlink("nowhere", root.path().join("day/dangling")).unwrap();
    symlink("day", root.path().join("same day")).unwrap();
    symlink("day/a.jpg", root.path().join("b.jpg")).unwrap();
    let options = LocalOptions::default().with_follow_links(true);
    let folder = LocalFolder::open_with(root.path(), options).unwrap();
    assert_eq!(
        names(&folder).await,
        ["b.jpg", "day/a.jpg", "same day/a.jpg"]
    );
    let skipped = list(&folder).await.unwrap().skipped;
    let skipped: Vec<_> = skipped
        .iter()
        .map(|skipped| skipped.name.as_str())
        .collect();
    assert_eq!(
        skipped,
        [
            "day/dangling",
            "day/deep/up",
            "same day/dangling",
            "same day/deep/up"
        ]
    );
    assert_eq!(read(&folder, "same day/a.jpg").await.unwrap(), b"a");
    assert_eq!(read(&folder, "b.jpg").await.unwrap(), b"a");
    // What was linked is outside of what may be changed.
    let error = put(&folder, "same day/new.jpg", "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn a_tree_deeper_than_the_open_folders_is_listed() {
    let root = tempfile::tempdir().unwrap();
    let mut deep = PathBuf::new();
    for _ in 0..300 {
        deep.push("d");
    }
    fs::create_dir_all(root.path().join(&deep)).unwrap();
    let mut above = deep.as_path();
    let mut count = 0;
    while let Some(parent) = above.parent() {
        fs::write(root.path().join(above).join("file"), "x").unwrap();
        above = parent;
        count += 1;
    }
    let listed = names(&LocalFolder::open(root.path()).unwrap()).await;
    assert_eq!(listed.len(), count);
    assert!(listed.is_sorted());
}

#[tokio::test]
async fn a_path_longer_than_the_kernel_takes_at_once_is_served() {
    let root = tempfile::tempdir().unwrap();
    let folder = LocalFolder::open(root.path()).unwrap();
    let long = vec!["d".repeat(200); 40].join("/");
    let file = format!("{long}/a.jpg");
    put(&folder, &file, "deep").await.unwrap();
    assert_eq!(read(&folder, &file).await.unwrap(), b"deep");
    assert_eq!(names(&folder).await, [&*file]);
    let (from, to) = (path(&file), path(&format!("{long}/below/b.jpg")));
    folder.rename(&from, &Expect::Anything, &to).await.unwrap();
    folder.delete(&to, &Expect::Anything).await.unwrap();
    assert!(!root.path().join("d".repeat(200)).exists());
}

#[tokio::test]
async fn the_folders_of_garland_itself_are_not_listed() {
    let root = tempfile::tempdir().unwrap();
    let folder = LocalFolder::open(root.path()).unwrap();
    put(&folder, "a/.garland/x", "x").await.unwrap();
    put(&folder, ".garland/recovered/run/a", "x").await.unwrap();
    let stray = format!("a/.garland-upload-{}", "0".repeat(32));
    fs::write(root.path().join(stray), "x").unwrap();
    assert_eq!(names(&folder).await, ["a/.garland/x"]);
}

#[tokio::test]
async fn a_root_that_was_replaced_is_not_taken_for_the_old_one() {
    let above = tempfile::tempdir().unwrap();
    let root = above.path().join("card");
    fs::create_dir(&root).unwrap();
    let folder = LocalFolder::open(&root).unwrap();
    put(&folder, "a.jpg", "a").await.unwrap();
    fs::rename(&root, above.path().join("elsewhere")).unwrap();
    for step in ["gone", "replaced"] {
        assert_eq!(
            list(&folder).await.unwrap_err().kind(),
            ErrorKind::Unavailable,
            "{step}"
        );
        assert!(folder.check().await.is_err());
        let error = folder.stat(&path("a.jpg")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{step}");
        fs::create_dir_all(&root).unwrap();
    }
}

#[tokio::test]
async fn what_is_not_a_folder_is_not_opened() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "x").unwrap();
    let kind = |name: &str| {
        LocalFolder::open(root.path().join(name))
            .unwrap_err()
            .kind()
    };
    assert_eq!(kind("missing"), ErrorKind::NotFound);
    assert_eq!(kind("file"), ErrorKind::InvalidInput);
}

/// What is there under another kind than its name was read with is told, not taken for deleted.
#[tokio::test]
async fn what_becomes_something_else_under_the_listing_is_not_gone() {
    for (now, complete) in [("link", true), ("gone", true), ("other", false)] {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for name in ["a", "b", "n"] {
            fs::write(at(name), "x").unwrap();
        }
        fs::create_dir(at("m")).unwrap();
        fs::write(at("m/a"), "x").unwrap();
        let options = LocalOptions::default().with_page_size(1);
        let folder = LocalFolder::open_with(root.path(), options).unwrap();
        let mut pages = folder.list();
        let mut told = vec![pages.next().await.unwrap().unwrap()];
        // One page is worked on ahead, and no more: `m` and `n` were only named so far.
        fs::remove_dir_all(at("m")).unwrap();
        fs::remove_file(at("n")).unwrap();
        match now {
            "link" => {
                symlink("a", at("m")).unwrap();
                symlink("a", at("n")).unwrap();
            }
            "other" => fs::create_dir(at("n")).unwrap(),
            _ => {}
        }
        let rest: Vec<_> = pages.collect().await;
        assert_eq!(rest.iter().all(Result::is_ok), complete, "{now}: {rest:?}");
        told.extend(rest.into_iter().filter_map(Result::ok));
        let skipped = told.iter().flat_map(|page| &page.skipped);
        let skipped: Vec<_> = skipped.map(|it| (it.name.as_str(), it.reason)).collect();
        let links = ["m", "n"].map(|name| (name, SkipReason::SymbolicLink));
        let expected = if now == "link" {
            links.to_vec()
        } else {
            vec![]
        };
        assert_eq!(skipped, expected, "{now}");
    }
}
