//! Building an inventory from entries in any order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::connector::{FilePath, VersionRef};
use crate::error::{Error, ErrorKind, Result};

use super::codec::{put_entry, put_version, take_entry};
use super::table::{Chunk, Inventory};

/// A chunk is closed when it has grown past this, in bytes.
const CHUNK: usize = 60 << 10;
/// How many entries share prefixes before one has its full path again.
const RESTART: usize = 16;
/// How much is sorted at a time, in bytes.
const SORTED_AT_ONCE: usize = 4 << 20;

/// Collects entries for an [`Inventory`].
///
/// Entries that come by rising path bytes are packed at once. Others are sorted a few megabytes at a time
/// and merged at the end, so that memory never rises much above that of the result.
#[derive(Debug, Default)]
pub struct InventoryBuilder {
    /// Each in order by itself.
    runs: Vec<Writer>,
    current: Writer,
    unsorted: Unsorted,
    duplicate: Option<Box<[u8]>>,
}

impl InventoryBuilder {
    /// Adds one entry.
    pub fn push(&mut self, path: &FilePath, version: VersionRef<'_>) {
        let path = path.as_str().as_bytes();
        if self.unsorted.entries.is_empty() && self.current.takes(path) {
            self.current.push_version(path, version);
            return;
        }
        self.unsorted.push(path, version);
        if self.unsorted.bytes.len() >= SORTED_AT_ONCE {
            self.sort();
        }
    }

    /// Makes the inventory.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: a path was pushed twice. Which of the two is the file cannot be told,
    /// and to guess could lose one; a platform that allows it must give them different paths.
    pub fn finish(mut self) -> Result<Inventory> {
        self.sort();
        self.unsorted = Unsorted::default();
        if let Some(path) = self.duplicate {
            return Err(twice(&path));
        }
        if self.runs.is_empty() {
            return Ok(self.current.finish());
        }
        self.runs.push(self.current);
        merge(self.runs)
    }

    /// Empties what is unsorted, onto the current run if it fits there.
    fn sort(&mut self) {
        self.unsorted.sort();
        let Some((first, _)) = self.unsorted.iter().next() else {
            return;
        };
        if !self.current.takes(first) {
            self.runs.push(std::mem::take(&mut self.current));
        }
        for (path, version) in self.unsorted.iter() {
            if self.current.takes(path) {
                self.current.push(path, version);
            } else {
                self.duplicate = Some(path.into());
            }
        }
        self.unsorted.clear();
    }
}

fn twice(path: &[u8]) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        "inventory.finish",
        "a path is listed twice",
    )
    .with_context("path", String::from_utf8_lossy(path))
}

/// Packs entries that come in order.
#[derive(Debug, Default)]
pub(super) struct Writer {
    chunks: Vec<Chunk>,
    bytes: Vec<u8>,
    restarts: Vec<u32>,
    in_chunk: usize,
    length: usize,
    last: Vec<u8>,
    scratch: Vec<u8>,
}

impl Writer {
    /// Tells whether `path` comes after all that was written.
    fn takes(&self, path: &[u8]) -> bool {
        self.length == 0 || *self.last < *path
    }

    fn push_version(&mut self, path: &[u8], version: VersionRef<'_>) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        put_version(&mut scratch, version);
        self.push(path, &scratch);
        self.scratch = scratch;
    }

    /// Writes an entry whose version is packed already.
    pub(super) fn push(&mut self, path: &[u8], version: &[u8]) {
        let shared = if self.in_chunk.is_multiple_of(RESTART) {
            let at = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
            self.restarts.push(at);
            0
        } else {
            let same = self.last.iter().zip(path).take_while(|(a, b)| a == b);
            same.count()
        };
        let suffix = path.get(shared..).unwrap_or_default();
        put_entry(&mut self.bytes, shared, suffix, version);
        self.last.truncate(shared);
        self.last.extend_from_slice(suffix);
        self.in_chunk += 1;
        self.length += 1;
        if self.bytes.len() >= CHUNK {
            self.close_chunk();
        }
    }

    pub(super) fn finish(mut self) -> Inventory {
        self.close_chunk();
        Inventory::from_chunks(self.chunks, self.length)
    }

    fn close_chunk(&mut self) {
        if self.in_chunk > 0 {
            self.chunks.push(Chunk::new(&self.bytes, &self.restarts));
            self.bytes.clear();
            self.restarts.clear();
            self.in_chunk = 0;
        }
    }
}

/// Entries as they came, packed one behind the other.
#[derive(Debug, Default)]
struct Unsorted {
    bytes: Vec<u8>,
    entries: Vec<Place>,
}

/// Where an entry begins, where its path ends, and where it ends.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    path_end: usize,
    end: usize,
}

impl Unsorted {
    fn push(&mut self, path: &[u8], version: VersionRef<'_>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(path);
        let path_end = self.bytes.len();
        put_version(&mut self.bytes, version);
        let end = self.bytes.len();
        self.entries.push(Place {
            start,
            path_end,
            end,
        });
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        self.entries
            .sort_unstable_by_key(|place| bytes.get(place.start..place.path_end));
    }

    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries.iter().filter_map(|place| {
            let path = self.bytes.get(place.start..place.path_end)?;
            Some((path, self.bytes.get(place.path_end..place.end)?))
        })
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }
}

/// Merges runs into one, giving up each chunk as soon as it is read.
fn merge(runs: Vec<Writer>) -> Result<Inventory> {
    let mut sources: Vec<Source> = runs.into_iter().map(Source::new).collect();
    let mut heap = BinaryHeap::with_capacity(sources.len());
    for (index, source) in sources.iter_mut().enumerate() {
        heap.extend(source.step(Vec::new()).map(|path| Reverse((path, index))));
    }
    let mut writer = Writer::default();
    while let Some(Reverse((path, index))) = heap.pop() {
        if !writer.takes(&path) {
            return Err(twice(&path));
        }
        let Some(source) = sources.get_mut(index) else {
            continue;
        };
        writer.push(&path, &source.version);
        heap.extend(source.step(path).map(|path| Reverse((path, index))));
    }
    Ok(writer.finish())
}

/// A run that is read to its end.
struct Source {
    chunks: std::vec::IntoIter<Chunk>,
    chunk: Option<Chunk>,
    read: usize,
    version: Vec<u8>,
}

impl Source {
    fn new(mut run: Writer) -> Self {
        run.close_chunk();
        let mut chunks = run.chunks.into_iter();
        Self {
            chunk: chunks.next(),
            chunks,
            read: 0,
            version: Vec::new(),
        }
    }

    /// Reads the next entry; `path` is the one before.
    fn step(&mut self, mut path: Vec<u8>) -> Option<Vec<u8>> {
        let mut rest = self.chunk.as_ref()?.bytes().get(self.read..)?;
        if rest.is_empty() {
            self.chunk = self.chunks.next();
            rest = self.chunk.as_ref()?.bytes();
        }
        let entry = take_entry(&mut rest)?;
        path.truncate(entry.shared);
        path.extend_from_slice(entry.suffix);
        self.version.clear();
        self.version.extend_from_slice(entry.version);
        self.read = self.chunk.as_ref()?.bytes().len() - rest.len();
        Some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::FileVersion;

    fn build(paths: impl IntoIterator<Item = String>) -> Result<Inventory> {
        let mut builder = Inventory::builder();
        for path in paths {
            let version = FileVersion::new(path.len() as u64).with_revision(&*path);
            builder.push(&FilePath::parse(path).unwrap(), version.as_ref());
        }
        builder.finish()
    }

    #[test]
    fn the_order_of_entries_does_not_matter() {
        let name = |n: u64| format!("f{:03}/a rather long name of a photo {n:06}.jpg", n % 997);
        let mut names: Vec<String> = (0..120_000).map(name).collect();
        let shuffled = build(names.clone()).unwrap();
        names.sort_unstable();
        let sorted = build(names.clone()).unwrap();
        assert_eq!(sorted, shuffled);
        assert_eq!(sorted.len(), names.len());
        let listed: Vec<String> = shuffled.iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(listed, names);
    }

    #[test]
    fn a_path_pushed_twice_is_refused() {
        for paths in [
            ["a", "a", "b"],
            ["a", "b", "a"],
            ["b", "a", "b"],
            ["b", "a", "a"],
        ] {
            let error = build(paths.map(String::from)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{paths:?}");
        }
    }
}
