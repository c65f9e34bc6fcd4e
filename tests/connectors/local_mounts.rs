//! Real file systems on their bad days. Each test says so plainly when it cannot mount one.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use futures_util::StreamExt as _;
use garland::ErrorKind;
use garland::connector::{Expect, FileStore as _, Health, PlatformConnector as _, UploadRequest};
use garland::platforms::{Durability, LocalFolder, LocalOptions};
use garland::testing::{Account, connector};

use crate::tools::{list, names, path, put, put_if, read};

/// A file system that is mounted as long as this lives.
#[derive(Debug)]
struct Mount(PathBuf);

impl Mount {
    fn new(at: &Path, arguments: &[&str]) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mut command = Command::new("mount");
        let quiet = command.stderr(Stdio::null()).args(arguments).arg(at);
        if quiet.status().is_ok_and(|status| status.success()) {
            return Some(Self(at.to_owned()));
        }
        eprintln!("SKIPPED: this machine does not let the test mount {arguments:?}");
        None
    }

    fn tmpfs(at: &Path, size: &str) -> Option<Self> {
        Self::new(at, &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A file that plays a disk as long as this lives.
#[derive(Debug)]
struct Loop(PathBuf);

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").arg("-d").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_says_so_and_keeps_what_it_has() {
    let root = tempfile::tempdir().unwrap();
    let Some(_mount) = Mount::tmpfs(root.path(), "1m") else {
        return;
    };
    let folder = LocalFolder::open(root.path()).unwrap();
    put(&folder, "a.jpg", "old").await.unwrap();
    let request = UploadRequest::new(path("a.jpg"), 2 << 20);
    let mut session = folder.upload(request).await.unwrap();
    let error = loop {
        let size = usize::try_from(session.next_chunk()).unwrap();
        match session.write(vec![1; size].into()).await {
            Ok(()) => assert!(session.next_chunk() > 0, "2 MiB fit into 1"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Full);
    session.abort().await.unwrap();
    assert_eq!(read(&folder, "a.jpg").await.unwrap(), b"old");
    put(&folder, "b.jpg", "there is room again").await.unwrap();
}

#[tokio::test]
async fn a_read_only_disk_is_read_and_denies_the_rest() {
    let root = tempfile::tempdir().unwrap();
    let Some(_mount) = Mount::tmpfs(root.path(), "1m") else {
        return;
    };
    let folder = LocalFolder::open(root.path()).unwrap();
    put(&folder, "a.jpg", "a").await.unwrap();
    assert_eq!(folder.check().await.unwrap(), Health::Healthy);
    let mut remount = Command::new("mount");
    let status = remount.args(["-o", "remount,ro"]).arg(root.path()).status();
    assert!(status.unwrap().success());
    assert!(matches!(folder.check().await.unwrap(), Health::Degraded(_)));
    assert_eq!(read(&folder, "a.jpg").await.unwrap(), b"a");
    let error = put(&folder, "b.jpg", "b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    let error = folder
        .delete(&path("a.jpg"), &Expect::Anything)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn a_card_that_was_taken_out_is_not_an_empty_card() {
    let root = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::tmpfs(root.path(), "1m") else {
        return;
    };
    let folder = LocalFolder::open(root.path()).unwrap();
    put(&folder, "a.jpg", "a").await.unwrap();
    drop(mount);
    assert_eq!(
        list(&folder).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert_eq!(
        put(&folder, "b", "b").await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_mount_inside_the_root_is_crossed_without_a_gap() {
    let root = tempfile::tempdir().unwrap();
    let card = root.path().join("card");
    let Some(_mount) = Mount::tmpfs(&card, "8m") else {
        return;
    };
    let folder = LocalFolder::open(root.path()).unwrap();
    let device = |at: PathBuf| fs::metadata(at).unwrap().dev();
    assert_ne!(device(card.clone()), device(root.path().to_owned()));

    let entry = put(&folder, "card/day/a.jpg", "a").await.unwrap();
    assert_eq!(folder.stat(&entry.path).await.unwrap(), Some(entry));
    let error = put_if(&folder, "card/day/a.jpg", "b", Expect::Absent)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let here = put(&folder, "here.jpg", "here").await.unwrap();
    let moved = folder
        .rename(
            &path("here.jpg"),
            &Expect::Version(here.version.clone()),
            &path("card/there.jpg"),
        )
        .await
        .unwrap();
    assert_eq!(moved.version.modified, here.version.modified);
    let error = folder
        .rename(
            &path("card/there.jpg"),
            &Expect::Anything,
            &path("card/day/a.jpg"),
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let back = path("day/back.jpg");
    folder
        .copy(&moved.path, &moved.version, &back, &Expect::Absent)
        .await
        .unwrap();
    folder
        .rename(
            &path("card/day/a.jpg"),
            &Expect::Anything,
            &path(".garland/recovered/run/a.jpg"),
        )
        .await
        .unwrap();
    folder.persist().await.unwrap();
    assert_eq!(names(&folder).await, ["card/there.jpg", "day/back.jpg"]);
    assert_eq!(read(&folder, "day/back.jpg").await.unwrap(), b"here");
    // Nothing unfinished lies about, neither there nor here.
    assert_eq!(fs::read_dir(&card).unwrap().count(), 1);
    assert_eq!(
        fs::read_dir(root.path().join(".garland/uploads"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn a_tiny_disk_inside_the_root_is_full_on_its_own() {
    let root = tempfile::tempdir().unwrap();
    let card = root.path().join("card");
    let Some(_mount) = Mount::tmpfs(&card, "64k") else {
        return;
    };
    let folder = LocalFolder::open(root.path()).unwrap();
    let mut session = folder
        .upload(UploadRequest::new(path("card/a.jpg"), 256 << 10))
        .await
        .unwrap();
    session.write(vec![1; 256 << 10].into()).await.unwrap();
    let error = session.finish(&Default::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert_eq!(fs::read_dir(&card).unwrap().count(), 0);
    assert!(names(&folder).await.is_empty());
}

/// Runs itself again as a user to whom rights apply, because to root they do not.
#[tokio::test]
async fn what_the_user_may_not_read_makes_the_listing_incomplete() {
    const ROOT: &str = "GARLAND_TEST_ROOT_FOR_NOBODY";
    if let Some(root) = std::env::var_os(ROOT) {
        return as_nobody(Path::new(&root)).await;
    }
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    for folder in ["open", "shut", "fixed"] {
        fs::create_dir(at(folder)).unwrap();
        fs::write(at(folder).join("a.jpg"), "a").unwrap();
    }
    fs::write(at("unreadable.jpg"), "x").unwrap();
    for name in ["", "open", "shut", "fixed", "unreadable.jpg"] {
        if chown(at(name), Some(65_534), Some(65_534)).is_err() {
            eprintln!("SKIPPED: only root can give folders to another user");
            return;
        }
    }
    let set = |name: &str, mode| fs::set_permissions(at(name), fs::Permissions::from_mode(mode));
    set("shut", 0o000).unwrap();
    set("fixed", 0o555).unwrap();
    set("unreadable.jpg", 0o000).unwrap();
    let test = "local_mounts::what_the_user_may_not_read_makes_the_listing_incomplete";
    // The build's own folder may be out of the other user's reach.
    let program = tempfile::tempdir().unwrap();
    fs::set_permissions(program.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = program.path().join("connectors");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let mut child = Command::new(copy);
    child
        .args(["--exact", test])
        .env(ROOT, root.path())
        .current_dir("/");
    let output = child.uid(65_534).gid(65_534).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

async fn as_nobody(root: &Path) {
    let folder = LocalFolder::open(root).unwrap();
    let pages: Vec<_> = folder.list().collect().await;
    let entries = pages.iter().filter_map(|page| page.as_ref().ok());
    let listed: Vec<_> = entries.flat_map(|page| &page.entries).collect();
    let listed: Vec<_> = listed.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(listed, ["fixed/a.jpg", "open/a.jpg", "unreadable.jpg"]);
    let error = pages.into_iter().next_back().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("`shut`"), "{error}");
    let denied = [
        read(&folder, "unreadable.jpg").await.unwrap_err(),
        put(&folder, "fixed/b.jpg", "b").await.unwrap_err(),
        put(&folder, "shut/b.jpg", "b").await.unwrap_err(),
        folder
            .delete(&path("fixed/a.jpg"), &Expect::Anything)
            .await
            .unwrap_err(),
    ];
    for error in denied {
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    }
}

/// exFAT by its driver outside the kernel (Debian: `exfat-fuse`, `exfatprogs`), on a file of 32 MiB.
#[tokio::test]
async fn a_card_that_ignores_case_keeps_every_promise() {
    let above = tempfile::tempdir().unwrap();
    let image = above.path().join("card.img");
    fs::File::create(&image).unwrap().set_len(32 << 20).unwrap();
    let run = |program: &str, arguments: &[&Path]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        output.status.success().then_some(output.stdout)
    };
    let card = above.path().join("Card");
    fs::create_dir(&card).unwrap();
    let attach = [Path::new("--find"), Path::new("--show"), &image];
    let device = run("mkfs.exfat", &[&image]).and_then(|_| run("losetup", &attach));
    let device = device.map(|name| Loop(String::from_utf8(name).unwrap().trim().into()));
    let mounted = device
        .as_ref()
        .and_then(|device| run("mount.exfat-fuse", &[&device.0, &card]));
    if mounted.is_none() {
        eprintln!("SKIPPED: no exfat-fuse and mkfs.exfat here, or no leave to mount with them");
        return;
    }
    let _mount = Mount(card.clone());
    connector(async || {
        // A fresh folder for each rule; the card itself is one file system.
        let root = tempfile::tempdir_in(&card).unwrap();
        let first = LocalFolder::open(root.path()).unwrap();
        let names = &first.facts().names;
        assert!(
            !names.case_sensitive,
            "not found out that the card ignores case"
        );
        Account::new(first, LocalFolder::open(root.path()).unwrap()).keeping(root)
    })
    .await;
}

/// The folder for a test that runs itself again, with system calls that fail or take their time.
const TAMPERED: &str = "GARLAND_TEST_TAMPERED";

/// Runs a test again under `strace`, which tampers with its system calls.
fn tampered(test: &str, inject: &str, root: &Path) {
    let run = |program: &mut Command| {
        let output = program.env(TAMPERED, root).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        Some((
            output.status.success(),
            String::from_utf8_lossy(&text).into_owned(),
        ))
    };
    let strace = || {
        let mut command = Command::new("strace");
        command.args([
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            &format!("inject={inject}"),
        ]);
        command
    };
    if !run(strace().arg("true")).is_some_and(|(works, _)| works) {
        eprintln!("SKIPPED: no strace here, or no leave to use it");
        return;
    }
    let mut again = strace();
    again.arg(std::env::current_exe().unwrap());
    let (passed, text) = run(again.args(["--exact", &format!("local_mounts::{test}")])).unwrap();
    assert!(passed && text.contains("1 passed"), "{inject}: {text}");
}

#[tokio::test]
async fn a_failed_flush_is_not_tried_again() {
    let Some(root) = std::env::var_os(TAMPERED) else {
        for cause in ["EIO", "ENOSPC"] {
            let root = tempfile::tempdir().unwrap();
            fs::create_dir_all(root.path().join(".garland/uploads")).unwrap();
            fs::write(root.path().join(cause), "").unwrap();
            let inject = format!("fsync,syncfs:error={cause}");
            tampered("a_failed_flush_is_not_tried_again", &inject, root.path());
        }
        return;
    };
    let root = Path::new(&root);
    let is_full = root.join("ENOSPC").exists();
    let kind = |other| if is_full { ErrorKind::Full } else { other };
    let folder = LocalFolder::open(root).unwrap();
    let error = folder.persist().await.unwrap_err();
    assert_eq!(error.kind(), kind(ErrorKind::Corrupt), "{error}");

    let options = LocalOptions::default().with_durability(Durability::EachFile);
    let folder = LocalFolder::open_with(root, options).unwrap();
    let error = put(&folder, "a.jpg", "a").await.unwrap_err();
    assert_eq!(error.kind(), kind(ErrorKind::Expired), "{error}");
    assert!(!root.join("a.jpg").exists());
    let left = fs::read_dir(root.join(".garland/uploads")).unwrap();
    assert_eq!(left.count(), 0);
    // A folder that could not be written through is not found there by the next try.
    for _ in 0..2 {
        put(&folder, "day/a.jpg", "a").await.unwrap_err();
        assert!(!root.join("day").exists());
    }
}

#[tokio::test]
async fn a_file_leaves_its_disk_only_when_it_is_safe_on_the_other() {
    let Some(root) = std::env::var_os(TAMPERED) else {
        let root = tempfile::tempdir().unwrap();
        let Some(_mount) = Mount::tmpfs(&root.path().join("card"), "1m") else {
            return;
        };
        fs::write(root.path().join("card/a.jpg"), "a").unwrap();
        let test = "a_file_leaves_its_disk_only_when_it_is_safe_on_the_other";
        return tampered(test, "fsync:error=EIO", root.path());
    };
    let folder = LocalFolder::open(&root).unwrap();
    let (from, to) = (path("card/a.jpg"), path("day/a.jpg"));
    let error = folder
        .rename(&from, &Expect::Anything, &to)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(names(&folder).await, ["card/a.jpg"]);
}

#[tokio::test]
async fn what_is_saved_while_the_old_version_is_deleted_stays() {
    let Some(root) = std::env::var_os(TAMPERED) else {
        for slow in ["unlinkat", "renameat,renameat2"] {
            let root = tempfile::tempdir().unwrap();
            let test = "what_is_saved_while_the_old_version_is_deleted_stays";
            tampered(test, &format!("{slow}:delay_enter=400000"), root.path());
        }
        return;
    };
    let root = Path::new(&root);
    let folder = LocalFolder::open(root).unwrap();
    fs::write(root.join("a.jpg"), "old").unwrap();
    fs::create_dir_all(root.join(".garland/deleted")).unwrap();
    let old = folder.stat(&path("a.jpg")).await.unwrap().unwrap();
    let deleting = tokio::spawn(async move {
        let expect = Expect::Version(old.version);
        folder.delete(&path("a.jpg"), &expect).await
    });
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    fs::write(root.join("a.jpg"), "newer").unwrap();
    if let Err(error) = deleting.await.unwrap() {
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
    assert_eq!(fs::read(root.join("a.jpg")).unwrap(), b"newer");
    assert_eq!(
        fs::read_dir(root.join(".garland/deleted")).unwrap().count(),
        0
    );
}

#[tokio::test]
async fn a_write_that_was_given_up_holds_the_upload_only_while_it_lasts() {
    let Some(root) = std::env::var_os(TAMPERED) else {
        let root = tempfile::tempdir().unwrap();
        let test = "a_write_that_was_given_up_holds_the_upload_only_while_it_lasts";
        return tampered(test, "pwrite64:delay_enter=2000000", root.path());
    };
    let folder = LocalFolder::open(&root).unwrap();
    let request = UploadRequest::new(path("a.jpg"), 1);
    let mut session = folder.upload(request).await.unwrap();
    let token = session.token().unwrap();
    let patience = std::time::Duration::from_millis(100);
    let given_up = tokio::time::timeout(patience, session.write("a".into())).await;
    assert!(given_up.is_err());
    drop(session);
    let mut refused = 0;
    let session = loop {
        match folder.resume_upload(&token).await {
            Err(error) if error.is_retryable() && refused < 5 => refused += 1,
            answer => break answer.unwrap(),
        }
    };
    assert!(refused > 0);
    assert_eq!(session.offset(), 1);
    session.finish(&Default::default()).await.unwrap();
    assert_eq!(names(&folder).await, ["a.jpg"]);
}
