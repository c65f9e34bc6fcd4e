//! Real folders on their bad days.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use garland::ErrorKind;
use garland::connector::{SkipReason, Skipped};
use garland::platforms::{LocalFolder, LocalOptions};
use garland::sync::Relation;
use garland::testing::{FaultKind, FaultRule, Faults, Operation};
use garland::transfer::Verify;

use crate::tools::{Call, Desk, Hooked, files, listed, plain, shaky, tree, whole_tree};

/// Two folders and the sync of both.
struct Pair {
    root: tempfile::TempDir,
}

impl Pair {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["card", "drive"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        Self { root }
    }

    fn card(&self, name: &str) -> PathBuf {
        self.root.path().join("card").join(name)
    }

    fn drive(&self, name: &str) -> PathBuf {
        self.root.path().join("drive").join(name)
    }

    fn desk(&self) -> Desk {
        let open = |name| LocalFolder::open(self.root.path().join(name)).unwrap();
        Desk::peers()
            .place("card", open("card"))
            .place("drive", open("drive"))
    }

    fn trees(&self) -> [std::collections::BTreeMap<String, Vec<u8>>; 2] {
        ["card", "drive"].map(|name| tree(&self.root.path().join(name)))
    }
}

fn write(path: &Path, content: impl AsRef<[u8]>, seconds: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000 + seconds))
        .unwrap();
}

/// A file system that is mounted as long as this lives.
struct Mount(PathBuf);

impl Mount {
    fn tmpfs(at: &Path, size: &str) -> Option<Self> {
        let mut command = Command::new("mount");
        command
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at);
        if command
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
        {
            return Some(Self(at.to_owned()));
        }
        eprintln!("SKIPPED: this machine does not let the test mount a file system");
        None
    }

    fn grow(&self, size: &str) {
        let mut command = Command::new("mount");
        command
            .args(["-o", &format!("remount,size={size}")])
            .arg(&self.0);
        assert!(command.status().unwrap().success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_takes_what_fits_and_the_rest_once_there_is_space() {
    for resume_from in [64 << 20, 1 << 20] {
        let pair = Pair::new();
        let disk = pair.drive("");
        let Some(mount) = Mount::tmpfs(&disk, "2m") else {
            return;
        };
        write(&pair.card("a.jpg"), vec![1; 300 << 10], 0);
        write(&pair.card("b.mp4"), vec![2; 3 << 20], 0);
        write(&pair.card("c.jpg"), vec![3; 300 << 10], 0);
        let mut desk = pair.desk();
        desk.relation = Relation::Backup;
        let desk =
            desk.transfer(|transfer| transfer.with_concurrency(1).with_resume_from(resume_from));
        let report = desk.run().await.unwrap();
        let failed: Vec<_> = report
            .failed
            .iter()
            .map(|f| (f.path.as_str(), f.error.kind()))
            .collect();
        assert_eq!(failed, [("b.mp4", ErrorKind::Full)], "{report}");
        let there: Vec<String> = whole_tree(&disk).into_keys().collect();
        assert_eq!(
            there,
            ["a.jpg", "c.jpg"],
            "nothing half-written, not even hidden"
        );
        mount.grow("8m");
        desk.settle().await;
        assert_eq!(pair.trees()[0], pair.trees()[1]);
        desk.at_rest().await;
    }
}

#[tokio::test]
async fn a_file_replaced_grown_or_cut_while_it_is_read_arrives_as_it_is_in_the_end() {
    let old = vec![b'o'; 64 << 10];
    type Change = fn(&Path);
    let changes: [(&str, Change); 4] = [
        ("replaced", |path| {
            let beside = path.with_extension("new");
            write(&beside, vec![b'n'; 64 << 10], 60);
            fs::rename(beside, path).unwrap();
        }),
        ("rewritten", |path| write(path, vec![b'n'; 64 << 10], 60)),
        ("grown", |path| write(path, vec![b'o'; 90 << 10], 60)),
        ("cut", |path| write(path, vec![b'o'; 10 << 10], 60)),
    ];
    for (what, change) in changes {
        let pair = Pair::new();
        let path = pair.card("a.jpg");
        write(&path, &old, 0);
        let options = LocalOptions::default().with_piece_size(4 << 10);
        let card = LocalFolder::open_with(pair.card(""), options).unwrap();
        let (at, before) = (path.clone(), old.clone());
        let card = Hooked::new(card).before(move |call| {
            if call == Call::Piece("a.jpg".into(), 5) && fs::read(&at).unwrap() == before {
                change(&at);
            }
            std::future::ready(())
        });
        let drive = Hooked::new(LocalFolder::open(pair.drive("")).unwrap());
        let desk = Desk::peers()
            .place("card", card)
            .place("drive", drive.clone());
        let report = desk.settle().await;
        assert_eq!(report.rounds, 2, "{what}");
        let [card, copy] = pair.trees();
        assert_eq!(card.len(), 1);
        assert!(card == copy && card["a.jpg"] != old, "{what}");
        let finished = drive
            .calls()
            .into_iter()
            .filter(|call| *call == Call::Finish);
        assert_eq!(
            finished.count(),
            1,
            "{what}: only the last version ever appeared"
        );
        desk.at_rest().await;
    }
}

#[tokio::test]
async fn a_folder_that_spoils_what_is_written_is_found_out_by_reading_back() {
    let pair = Pair::new();
    write(&pair.card("a.jpg"), "content", 0);
    let spoil = FaultRule::new(Operation::Write, FaultKind::CorruptWrite).always();
    let faults = Faults::none().with_rule(spoil);
    let drive = LocalFolder::open(pair.drive("")).unwrap();
    let mut desk = pair
        .desk()
        .transfer(|transfer| transfer.with_verify(Verify::ReadBack));
    desk.places[1].1 = std::sync::Arc::new(shaky("drive", &drive, &faults));
    for _ in 0..2 {
        let report = desk.run().await.unwrap();
        let failed: Vec<_> = report
            .failed
            .iter()
            .map(|f| (f.path.as_str(), f.error.kind()))
            .collect();
        assert_eq!(failed, [("a.jpg", ErrorKind::Corrupt)]);
        assert_eq!(
            pair.trees(),
            [
                [("a.jpg".to_owned(), b"content".to_vec())].into(),
                [].into()
            ]
        );
    }
    faults.heal();
    desk.settle().await;
    assert_eq!(pair.trees()[0], pair.trees()[1]);
}

#[tokio::test]
async fn links_pipes_sockets_and_foreign_names_are_reported_and_left_alone() {
    let pair = Pair::new();
    write(&pair.card("a.jpg"), "a", 0);
    write(&pair.root.path().join("elsewhere/secret"), "secret", 0);
    symlink(pair.root.path().join("elsewhere"), pair.card("link")).unwrap();
    symlink("a.jpg", pair.card("alias.jpg")).unwrap();
    symlink("nowhere", pair.card("dangling")).unwrap();
    let made = Command::new("mkfifo")
        .arg(pair.card("pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    let _socket = UnixListener::bind(pair.card("socket")).unwrap();
    fs::write(
        pair.card("").join(OsStr::from_bytes(b"caf\xe9.jpg")),
        "latin",
    )
    .unwrap();
    let desk = pair.desk();
    for _ in 0..2 {
        let report = desk.settle().await;
        let skipped = &report.replicas[0].skipped;
        let expected = [
            ("alias.jpg", SkipReason::SymbolicLink),
            ("caf\\xe9.jpg", SkipReason::NotUtf8),
            ("dangling", SkipReason::SymbolicLink),
            ("link", SkipReason::SymbolicLink),
            ("pipe", SkipReason::SpecialFile),
            ("socket", SkipReason::SpecialFile),
        ];
        let expected = expected.map(|(name, reason)| Skipped::new(name, reason));
        assert_eq!(*skipped, expected);
        assert_eq!(report.replicas[0].skipped_total, 6);
        assert_eq!(
            pair.trees()[1],
            [("a.jpg".to_owned(), b"a".to_vec())].into()
        );
    }
    assert_eq!(
        fs::read_dir(pair.card("")).unwrap().count(),
        7,
        "and garland needs nothing there"
    );
}

#[tokio::test]
async fn a_folder_or_file_replaced_by_a_link_is_not_deleted_elsewhere() {
    for relation in [Relation::Peers, Relation::Mirror] {
        let pair = Pair::new();
        for name in [
            "a.jpg",
            "day/b.jpg",
            "day/deep/c.jpg",
            "gone.jpg",
            "single.jpg",
        ] {
            write(&pair.card(name), name, 0);
        }
        let mut desk = pair.desk();
        desk.relation = relation;
        desk.settle().await;
        let before = pair.trees()[1].clone();
        let elsewhere = pair.root.path().join("elsewhere");
        fs::rename(pair.card("day"), &elsewhere).unwrap();
        symlink(&elsewhere, pair.card("day")).unwrap();
        fs::rename(pair.card("single.jpg"), elsewhere.join("single.jpg")).unwrap();
        symlink(elsewhere.join("single.jpg"), pair.card("single.jpg")).unwrap();
        fs::remove_file(pair.card("gone.jpg")).unwrap();
        let report = desk.settle().await;
        let skipped: Vec<_> = report.replicas[0]
            .skipped
            .iter()
            .map(|s| s.name.as_str())
            .collect();
        assert_eq!(skipped, ["day", "single.jpg"]);
        let mut left = before.clone();
        left.remove("gone.jpg").unwrap();
        assert_eq!(pair.trees()[1], left, "{relation:?}");
        assert_eq!(tree(&elsewhere).len(), 3);

        // Put back, it is what it was: no conflict, nothing to do.
        fs::remove_file(pair.card("day")).unwrap();
        fs::remove_file(pair.card("single.jpg")).unwrap();
        fs::rename(elsewhere.join("single.jpg"), pair.card("single.jpg")).unwrap();
        fs::rename(&elsewhere, pair.card("day")).unwrap();
        desk.at_rest().await;
    }
}

/// Runs itself again as a user to whom rights apply, because to root they do not.
#[tokio::test]
async fn a_subfolder_that_may_not_be_read_counts_as_a_listing_cut_short() {
    const ROOT: &str = "GARLAND_TEST_SYNC_FOR_NOBODY";
    if let Some(root) = std::env::var_os(ROOT) {
        return as_nobody(Path::new(&root)).await;
    }
    let root = tempfile::tempdir().unwrap();
    for name in ["open/a.jpg", "open/gone.jpg", "shut/b.jpg"] {
        write(&root.path().join(name), name, 0);
    }
    for name in [
        "",
        "open",
        "shut",
        "open/a.jpg",
        "open/gone.jpg",
        "shut/b.jpg",
    ] {
        if chown(root.path().join(name), Some(65_534), Some(65_534)).is_err() {
            eprintln!("SKIPPED: only root can give folders to another user");
            return;
        }
    }
    // The build's own folder may be out of the other user's reach.
    let program = tempfile::tempdir().unwrap();
    fs::set_permissions(program.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = program.path().join("sync");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let mut child = Command::new(copy);
    let test = "local::a_subfolder_that_may_not_be_read_counts_as_a_listing_cut_short";
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
    let drive = plain();
    let desk = Desk::peers()
        .place("card", LocalFolder::open(root).unwrap())
        .place("drive", drive.clone());
    desk.settle().await;
    let all = ["open/a.jpg", "open/gone.jpg", "shut/b.jpg"].map(|name| (name, name));
    assert_eq!(listed(&drive), files(all));
    let set = |mode| fs::set_permissions(root.join("shut"), fs::Permissions::from_mode(mode));
    set(0o000).unwrap();
    fs::remove_file(root.join("open/gone.jpg")).unwrap();
    let report = desk.run().await.unwrap();
    let incomplete = report.replicas[0].incomplete.as_ref().unwrap();
    assert_eq!(incomplete.kind(), ErrorKind::Denied);
    let told = incomplete.to_string();
    assert!(
        told.contains("`shut`") && told.contains("connector `card`"),
        "{told}"
    );
    assert_eq!(listed(&drive), files(all));
    set(0o755).unwrap();
    assert_eq!(desk.settle().await.done.delete, 1);
    let left = ["open/a.jpg", "shut/b.jpg"].map(|name| (name, name));
    assert_eq!(listed(&drive), files(left));
}
