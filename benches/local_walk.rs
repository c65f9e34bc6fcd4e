//! Speed of a listing: files a second over a warm tree of 100,000 files, 100 in a folder.
//!
//! The tree lies in `/dev/shm` where there is one, so that the figure is the kernel's and ours, not a
//! disk's. To compare: `time find TREE -printf '%p %s %T@ %i\n' > /dev/null`.

use std::fs;
use std::path::{Path, PathBuf};

use divan::counter::ItemsCount;
use futures_util::TryStreamExt as _;
use garland::connector::FileStore as _;
use garland::platforms::LocalFolder;

const FOLDERS: usize = 1_000;
const FILES: usize = 100;

fn main() {
    divan::main();
}

fn tree() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    let tree = if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    };
    for folder in 0..FOLDERS {
        let path = tree
            .path()
            .join(format!("wedding-{:02}/moment-{:03}", folder / 50, folder));
        fs::create_dir_all(&path).unwrap();
        for file in 0..FILES {
            fs::write(path.join(format!("IMG_{file:04}.CR3")), b"x").unwrap();
        }
    }
    tree
}

fn count(runtime: &tokio::runtime::Runtime, root: &Path) -> usize {
    let folder = LocalFolder::open(root).unwrap();
    runtime
        .block_on(folder.list().try_fold(
            0,
            |count, page| async move { Ok(count + page.entries.len()) },
        ))
        .unwrap()
}

#[divan::bench(sample_count = 20)]
fn list_100_000_files(bencher: divan::Bencher<'_, '_>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let tree = tree();
    assert_eq!(count(&runtime, tree.path()), FOLDERS * FILES);
    bencher
        .counter(ItemsCount::new(FOLDERS * FILES))
        .bench_local(|| count(&runtime, tree.path()));
}
