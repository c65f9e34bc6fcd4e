//! Files that do not hold still, and things that are no files.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use futures_util::StreamExt as _;
use garland::connector::{FileStore as _, ReadOptions, SkipReason};
use garland::platforms::{LocalFolder, LocalOptions};
use garland::{ErrorKind, Result};

use crate::tools::{list, path};

const SIZE: usize = 1 << 20;

type Change<'a> = &'a dyn Fn(&Path);

/// Reads one piece, lets `happen` do its worst, and reads the rest.
async fn read_while(happen: impl FnOnce(&Path)) -> Result<usize> {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("film.mov");
    fs::write(&file, vec![7; SIZE]).unwrap();
    // The change must not fall into the same tick of the file system's clock as the making.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let options = LocalOptions::default().with_piece_size(64 << 10);
    let folder = LocalFolder::open_with(root.path(), options).unwrap();
    let mut reader = folder
        .read(&path("film.mov"), ReadOptions::default())
        .await
        .unwrap();
    let mut count = reader.bytes.next().await.unwrap()?.len();
    happen(&file);
    while let Some(piece) = reader.bytes.next().await {
        count += piece?.len();
    }
    Ok(count)
}

#[tokio::test]
async fn a_file_that_holds_still_is_read_to_its_end() {
    assert_eq!(read_while(|_| ()).await.unwrap(), SIZE);
}

#[tokio::test]
async fn a_file_that_does_not_hold_still_has_changed() {
    let grow = |file: &Path| {
        let mut file = OpenOptions::new().append(true).open(file).unwrap();
        file.write_all(b"more").unwrap();
    };
    let truncate = |file: &Path| {
        File::options()
            .write(true)
            .open(file)
            .unwrap()
            .set_len(9)
            .unwrap()
    };
    let overwrite = |file: &Path| {
        let file = File::options().write(true).open(file).unwrap();
        file.write_all_at(b"other", 500_000).unwrap();
    };
    let replace = |file: &Path| {
        let other = file.with_extension("tmp");
        fs::write(&other, vec![8; SIZE]).unwrap();
        fs::rename(other, file).unwrap();
    };
    let remove = |file: &Path| fs::remove_file(file).unwrap();
    let changes: [(&str, Change<'_>); 5] = [
        ("grown", &grow),
        ("truncated", &truncate),
        ("overwritten", &overwrite),
        ("replaced", &replace),
        ("removed", &remove),
    ];
    for (what, change) in changes {
        let error = read_while(change).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Changed, "{what}");
    }
}

#[tokio::test]
async fn pipes_sockets_links_and_folders_are_not_read() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::write(at("file"), "x").unwrap();
    fs::create_dir(at("folder")).unwrap();
    std::os::unix::fs::symlink("file", at("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let made = Command::new("mkfifo").arg(at("pipe")).status();
    assert!(made.is_ok_and(|status| status.success()), "no mkfifo here");

    let folder = LocalFolder::open(root.path()).unwrap();
    for name in ["folder", "link", "socket", "pipe"] {
        let answer = folder.read(&path(name), ReadOptions::default()).await;
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unsupported, "{name}");
        assert_eq!(folder.stat(&path(name)).await.unwrap(), None, "{name}");
    }
    let page = list(&folder).await.unwrap();
    let skipped: Vec<_> = page
        .skipped
        .iter()
        .map(|skipped| (skipped.name.as_str(), skipped.reason))
        .collect();
    assert_eq!(
        skipped,
        [
            ("link", SkipReason::SymbolicLink),
            ("pipe", SkipReason::SpecialFile),
            ("socket", SkipReason::SpecialFile),
        ]
    );
    assert_eq!(page.entries.len(), 1);
}
