//! The sample files in three real folders, as the `sync` example would sync them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use garland::platforms::LocalFolder;
use garland::sync::{ConflictKind, ConflictStrategy, Resolution};

use crate::tools::{Desk, tree, whole_tree};

type Tree = BTreeMap<String, Vec<u8>>;

const STRATEGIES: [ConflictStrategy; 5] = [
    ConflictStrategy::NewerWins,
    ConflictStrategy::SourceWins,
    ConflictStrategy::Duplicate,
    ConflictStrategy::Merge,
    ConflictStrategy::ManualReview,
];

const FOLDERS: [&str; 3] = ["card", "drive", "nas"];

/// The folder of the samples, or `None` after saying that there is none.
fn samples() -> Option<PathBuf> {
    let shared = match std::env::var_os("GARLAND_SHARED") {
        Some(shared) => PathBuf::from(shared),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
    };
    let samples = shared.join("samples");
    if samples.is_dir() {
        return Some(samples);
    }
    eprintln!(
        "SKIPPED: no sample files in {}; set GARLAND_SHARED",
        samples.display()
    );
    None
}

/// Three folders that are in sync, all with the samples.
struct Studio {
    root: tempfile::TempDir,
    desk: Desk,
}

impl Studio {
    async fn new(strategy: ConflictStrategy, track_renames: bool) -> Option<Self> {
        let samples = samples()?;
        let root = tempfile::tempdir().unwrap();
        let mut desk = Desk::peers().options(|options| {
            let plan = options.plan.clone().with_track_renames(track_renames);
            options.with_strategy(strategy).with_plan(plan)
        });
        for name in FOLDERS {
            fs::create_dir(root.path().join(name)).unwrap();
            desk = desk.place(name, LocalFolder::open(root.path().join(name)).unwrap());
        }
        let studio = Self { root, desk };
        for (number, (name, content)) in (0..).zip(tree(&samples)) {
            studio.write(FOLDERS[number % 3], &name, &content, 0);
        }
        let report = studio.desk.settle().await;
        let files = report.plan.actions.len() as u64;
        assert_eq!(
            (report.done.copy, report.conflicts.len()),
            (files * 2, 0),
            "{report}"
        );
        assert_eq!(studio.trees(), [(); 3].map(|()| tree(&samples)));
        studio.desk.at_rest().await;
        Some(studio)
    }

    fn path(&self, folder: &str, name: &str) -> PathBuf {
        self.root.path().join(folder).join(name)
    }

    fn write(&self, folder: &str, name: &str, content: &[u8], seconds: u64) {
        let path = self.path(folder, name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000 + seconds);
        fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(moment)
            .unwrap();
    }

    fn trees(&self) -> [Tree; 3] {
        FOLDERS.map(|name| tree(&self.root.path().join(name)))
    }

    /// What each folder keeps aside.
    fn recovered(&self) -> [Vec<Vec<u8>>; 3] {
        FOLDERS.map(|name| {
            let all = whole_tree(&self.root.path().join(name)).into_iter();
            all.filter(|(path, _)| path.starts_with(".garland/recovered/"))
                .map(|(_, content)| content)
                .collect()
        })
    }
}

#[tokio::test]
async fn an_edit_a_delete_and_a_rename_of_three_files_reach_everybody() {
    for strategy in STRATEGIES {
        for track_renames in [false, true] {
            let Some(studio) = Studio::new(strategy, track_renames).await else {
                return;
            };
            let mut expected = studio.trees()[0].clone();
            studio.write("card", "DSC_0421.xmp", b"edited", 60);
            fs::remove_file(studio.path("drive", "dv_zeros.cr2")).unwrap();
            let to = studio.path("nas", "day/renamed.jpg");
            fs::create_dir(to.parent().unwrap()).unwrap();
            fs::rename(studio.path("nas", "DSC_0421.JPG"), to).unwrap();
            let report = studio.desk.settle().await;
            expected.insert("DSC_0421.xmp".into(), b"edited".to_vec());
            expected.remove("dv_zeros.cr2").unwrap();
            let renamed = expected.remove("DSC_0421.JPG").unwrap();
            expected.insert("day/renamed.jpg".into(), renamed);
            assert!(
                studio.trees().iter().all(|tree| *tree == expected),
                "{strategy:?}: {report}"
            );
            assert_eq!(report.conflicts, []);
            let done = (report.done.copy, report.done.delete, report.done.rename);
            let by_rule = if track_renames { (2, 2, 2) } else { (4, 4, 0) };
            assert_eq!(done, by_rule, "{strategy:?}: {report}");
            studio.desk.at_rest().await;
        }
    }
}

#[tokio::test]
async fn one_file_edited_deleted_and_renamed_at_once_is_lost_by_no_strategy() {
    for strategy in STRATEGIES {
        let Some(studio) = Studio::new(strategy, true).await else {
            return;
        };
        let before = studio.trees()[0].clone();
        let name = "DSC_0421.JPG";
        studio.write("card", name, b"edited", 60);
        fs::remove_file(studio.path("drive", name)).unwrap();
        fs::rename(studio.path("nas", name), studio.path("nas", "renamed.jpg")).unwrap();
        let report = studio.desk.settle().await;
        let mut expected = before.clone();
        expected.insert("renamed.jpg".into(), before[name].clone());
        expected.insert(name.into(), b"edited".to_vec());
        let mut without = expected.clone();
        without.remove(name).unwrap();
        if strategy == ConflictStrategy::ManualReview {
            assert_eq!(
                studio.trees(),
                [expected, without.clone(), without],
                "{report}"
            );
            let open = studio.desk.request().await.conflicts().await.unwrap();
            let open: Vec<_> = open
                .iter()
                .map(|open| (open.path.as_str(), open.kind))
                .collect();
            assert_eq!(open, [(name, ConflictKind::DeleteModify)]);
        } else {
            assert!(
                studio.trees().iter().all(|tree| *tree == expected),
                "{strategy:?}: {report}"
            );
            assert_eq!(report.conflicts, []);
        }
        studio.desk.at_rest().await;
    }
}

#[tokio::test]
async fn two_edits_of_one_file_end_as_the_strategy_says() {
    for strategy in STRATEGIES {
        let Some(studio) = Studio::new(strategy, false).await else {
            return;
        };
        let before = studio.trees()[0].clone();
        let name = "DSC_0421.JPG";
        studio.write("card", name, b"by the card", 60);
        studio.write("drive", name, b"by the drive", 120);
        let report = studio.desk.settle().await;
        let conflict: Vec<_> = report
            .conflicts
            .iter()
            .map(|c| (c.kind, c.resolution))
            .collect();
        let with = |files: &[(&str, &[u8])]| {
            let mut tree = before.clone();
            tree.extend(
                files
                    .iter()
                    .map(|(name, content)| ((*name).into(), content.to_vec())),
            );
            tree
        };
        let everywhere = |tree: Tree| [tree.clone(), tree.clone(), tree];
        let (card, drive): (&[u8], &[u8]) = (b"by the card", b"by the drive");
        let copy = "DSC_0421 (conflict card 20250615T150740Z).JPG";
        let (resolution, trees, kept) = match strategy {
            ConflictStrategy::NewerWins => {
                let kept = [vec![card.to_vec()], vec![], vec![]];
                (
                    Resolution::Overwrite,
                    everywhere(with(&[(name, drive)])),
                    kept,
                )
            }
            ConflictStrategy::SourceWins => {
                let kept = [vec![], vec![drive.to_vec()], vec![]];
                (
                    Resolution::Overwrite,
                    everywhere(with(&[(name, card)])),
                    kept,
                )
            }
            // A picture cannot be merged.
            ConflictStrategy::Duplicate | ConflictStrategy::Merge => {
                let trees = everywhere(with(&[(name, drive), (copy, card)]));
                (Resolution::Duplicate, trees, [vec![], vec![], vec![]])
            }
            _ => {
                let trees = [
                    with(&[(name, card)]),
                    with(&[(name, drive)]),
                    before.clone(),
                ];
                (Resolution::Manual, trees, [vec![], vec![], vec![]])
            }
        };
        assert_eq!(
            conflict,
            [(ConflictKind::ModifyModify, resolution)],
            "{strategy:?}"
        );
        assert!(studio.trees() == trees, "{strategy:?}: {report}");
        assert_eq!(studio.recovered(), kept, "{strategy:?}");
        studio.desk.at_rest().await;
    }
}

#[tokio::test]
async fn two_edits_of_a_sidecar_are_merged() {
    let Some(studio) = Studio::new(ConflictStrategy::Merge, false).await else {
        return;
    };
    let name = "DSC_0421.xmp";
    studio.write("card", name, b"rating", 60);
    studio.write("nas", name, b"label", 120);
    studio.desk.settle().await;
    let merged = b"label\nrating".to_vec();
    assert!(studio.trees().iter().all(|tree| tree[name] == merged));
    let [card, drive, nas] = studio.recovered();
    assert_eq!(
        (card, nas),
        (vec![b"rating".to_vec()], vec![b"label".to_vec()])
    );
    assert_eq!(drive.len(), 1, "what was to be replaced is kept there too");
    studio.desk.at_rest().await;
}
