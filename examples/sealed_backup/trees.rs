//! Folders as they lie on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read as _, Result};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What is in a folder, but for garland's own files.
pub(crate) struct Tree(BTreeMap<PathBuf, (u64, SystemTime)>);

impl Tree {
    pub(crate) fn of(root: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(root.join(&folder))? {
                let entry = entry?;
                let path = folder.join(entry.file_name());
                let kind = entry.file_type()?;
                if path == Path::new(".garland") {
                    continue;
                }
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() {
                    let metadata = entry.metadata()?;
                    files.insert(path, (metadata.len(), metadata.modified()?));
                }
            }
        }
        Ok(Self(files))
    }

    pub(crate) fn files(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.values().map(|(size, _)| size).sum()
    }

    /// How many bytes lie in files that are not those of `before`.
    pub(crate) fn bytes_written_since(&self, before: &Self) -> u64 {
        let new = self
            .0
            .iter()
            .filter(|(path, now)| before.0.get(*path) != Some(*now));
        new.map(|(_, (size, _))| size).sum()
    }
}

/// Returns every path at which two folders do not hold the same bytes.
pub(crate) fn compare(left: &Path, right: &Path) -> Result<Vec<PathBuf>> {
    let (trees, mut differences) = ([Tree::of(left)?, Tree::of(right)?], Vec::new());
    let paths: BTreeSet<_> = trees.iter().flat_map(|tree| tree.0.keys()).collect();
    for path in paths {
        let there = trees.iter().all(|tree| tree.0.contains_key(path));
        if !there || !same(&left.join(path), &right.join(path))? {
            differences.push(path.clone());
        }
    }
    Ok(differences)
}

fn same(left: &Path, right: &Path) -> Result<bool> {
    let mut files = [
        BufReader::new(File::open(left)?),
        BufReader::new(File::open(right)?),
    ];
    let mut buffers = [[0; 1 << 16], [0; 1 << 16]];
    loop {
        let mut counts = [0; 2];
        for ((file, buffer), count) in files.iter_mut().zip(&mut buffers).zip(&mut counts) {
            while *count < buffer.len() {
                match file.read(&mut buffer[*count..])? {
                    0 => break,
                    read => *count += read,
                }
            }
        }
        let [a, b] = [&buffers[0][..counts[0]], &buffers[1][..counts[1]]];
        if a != b {
            return Ok(false);
        }
        if a.is_empty() {
            return Ok(true);
        }
    }
}
