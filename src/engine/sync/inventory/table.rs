//! The map itself: chunks of entries, looked up by binary search.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::connector::{FilePath, FileVersion, VersionRef, to_hex};

use super::builder::{InventoryBuilder, Writer};
use super::codec::{put_version, take_bytes, take_length};
use super::cursor::Cursor;

/// What one replica lists, or held when all last agreed: a map from path to version, ordered by bytes.
///
/// It is made for millions of entries: paths share their prefixes, fields are packed, memory comes in
/// small chunks, and nothing is allocated for an entry that is only read. A typical photo takes 20 to 30
/// bytes besides its digests, revision and id. Cloning is cheap.
///
/// # Example
///
/// ```
/// use garland::connector::{FilePath, FileVersion};
/// use garland::sync::Inventory;
///
/// let mut builder = Inventory::builder();
/// for (path, size) in [("b.jpg", 2), ("a.jpg", 1)] {
///     builder.push(&FilePath::parse(path)?, FileVersion::new(size).as_ref());
/// }
/// let inventory = builder.finish()?;
/// assert_eq!(inventory.get("b.jpg").map(|version| version.size), Some(2));
/// assert_eq!(inventory.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>(), ["a.jpg", "b.jpg"]);
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Inventory(Arc<Table>);

/// A digest of everything that an [`Inventory`] holds: equal content, equal digest.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct InventoryDigest(pub(super) [u8; 32]);

/// INVARIANT: entries rise strictly by path bytes, within a chunk and from chunk to chunk, and how
/// they are cut into chunks follows from them alone (so equal content means equal bytes).
struct Table {
    chunks: Vec<Chunk>,
    length: usize,
    digest: InventoryDigest,
}

/// Some tens of kilobytes of entries; every sixteenth has its full path, so that a search can start there.
#[derive(Clone)]
pub(super) struct Chunk {
    bytes: Box<[u8]>,
    restarts: Box<[u32]>,
}

impl Inventory {
    /// Starts an empty inventory.
    #[must_use]
    pub fn builder() -> InventoryBuilder {
        InventoryBuilder::default()
    }

    pub(super) fn from_chunks(chunks: Vec<Chunk>, length: usize) -> Self {
        let mut hasher = blake3::Hasher::new();
        for chunk in &chunks {
            hasher.update(&chunk.bytes);
        }
        let digest = InventoryDigest(*hasher.finalize().as_bytes());
        Self(Arc::new(Table {
            chunks,
            length,
            digest,
        }))
    }

    /// Returns how many paths it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.length
    }

    /// Tells whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.length == 0
    }

    /// Returns the digest of its content.
    #[must_use]
    pub fn digest(&self) -> InventoryDigest {
        self.0.digest
    }

    /// Returns how many bytes of memory it takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let chunk = |chunk: &Chunk| {
            size_of::<Chunk>() + chunk.bytes.len() + chunk.restarts.len() * size_of::<u32>()
        };
        size_of::<Table>() + self.0.chunks.iter().map(chunk).sum::<usize>()
    }

    /// Returns the version at `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<VersionRef<'_>> {
        let cursor = self.seek(path);
        (cursor.path() == Some(path.as_bytes()))
            .then(|| cursor.version())
            .flatten()
    }

    /// Returns every path and its version, by rising path bytes.
    pub fn iter(&self) -> impl Iterator<Item = (FilePath, VersionRef<'_>)> {
        let mut cursor = self.cursor();
        std::iter::from_fn(move || {
            cursor.advance();
            let path = std::str::from_utf8(cursor.path()?).ok()?;
            Some((FilePath::parse(path).ok()?, cursor.version()?))
        })
    }

    /// Makes a copy with some paths added or replaced (`Some`) or taken out (`None`).
    #[must_use]
    pub fn amended(&self, changes: &BTreeMap<FilePath, Option<FileVersion>>) -> Self {
        let mut writer = Writer::default();
        let mut bytes = Vec::new();
        let mut write = |path: &[u8], version: VersionRef<'_>| {
            bytes.clear();
            put_version(&mut bytes, version);
            writer.push(path, &bytes);
        };
        let mut cursor = self.cursor();
        cursor.advance();
        for (path, change) in changes {
            let path = path.as_str().as_bytes();
            while let Some((listed, version)) = cursor.path().zip(cursor.version())
                && listed < path
            {
                write(listed, version);
                cursor.advance();
            }
            if cursor.path() == Some(path) {
                cursor.advance();
            }
            if let Some(version) = change {
                write(path, version.as_ref());
            }
        }
        while let Some((listed, version)) = cursor.path().zip(cursor.version()) {
            write(listed, version);
            cursor.advance();
        }
        writer.finish()
    }

    /// Returns a cursor before the first entry.
    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor::new(self.0.chunks.iter(), &[])
    }

    /// Returns a cursor at the first entry whose path is not less than `path`.
    pub(crate) fn seek(&self, path: &str) -> Cursor<'_> {
        let path = path.as_bytes();
        let after = self
            .0
            .chunks
            .partition_point(|chunk| chunk.path_at(0).is_some_and(|first| first <= path));
        let tail = self.0.chunks.get(after.saturating_sub(1)..);
        let mut chunks = tail.unwrap_or_default().iter();
        let rest = chunks.next().map_or(&[][..], |chunk| chunk.from(path));
        let mut cursor = Cursor::new(chunks, rest);
        while cursor.advance() && cursor.path().is_some_and(|listed| listed < path) {}
        cursor
    }

    /// Tells whether something lies inside the folder `path`.
    pub(crate) fn has_folder(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        let cursor = self.seek(&inside);
        cursor
            .path()
            .is_some_and(|listed| listed.starts_with(inside.as_bytes()))
    }
}

impl Chunk {
    pub(super) fn new(bytes: &[u8], restarts: &[u32]) -> Self {
        Self {
            bytes: bytes.into(),
            restarts: restarts.into(),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the full path at a restart.
    fn path_at(&self, restart: u32) -> Option<&[u8]> {
        let mut bytes = self.bytes.get(usize::try_from(restart).ok()?..)?;
        take_length(&mut bytes)?;
        take_bytes(&mut bytes)
    }

    /// Returns the entries from the last restart that is not past `path`.
    fn from(&self, path: &[u8]) -> &[u8] {
        let after = self
            .restarts
            .partition_point(|&at| self.path_at(at).is_some_and(|listed| listed <= path));
        self.restarts
            .get(after.saturating_sub(1))
            .and_then(|&at| self.bytes.get(usize::try_from(at).ok()?..))
            .unwrap_or_default()
    }
}

impl Default for Table {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            length: 0,
            digest: InventoryDigest(*blake3::hash(b"").as_bytes()),
        }
    }
}

impl PartialEq for Inventory {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for Inventory {}

impl fmt::Debug for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inventory")
            .field("len", &self.len())
            .field("digest", &self.digest())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({} bytes)", self.bytes.len())
    }
}

impl InventoryDigest {
    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for InventoryDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for InventoryDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(paths: &[&str]) -> Inventory {
        let mut builder = Inventory::builder();
        for (size, path) in (1..).zip(paths) {
            builder.push(
                &FilePath::parse(*path).unwrap(),
                FileVersion::new(size).as_ref(),
            );
        }
        builder.finish().unwrap()
    }

    fn paths(inventory: &Inventory) -> Vec<String> {
        inventory.iter().map(|(path, _)| path.to_string()).collect()
    }

    #[test]
    fn every_entry_is_found_and_nothing_else() {
        let names: Vec<String> = (0..15_000)
            .map(|n| format!("day/{:05}.jpg", n * 2))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let inventory = inventory(&names);
        assert!(inventory.0.chunks.len() > 1);
        for (size, name) in (1..).zip(&names) {
            assert_eq!(inventory.get(name).map(|version| version.size), Some(size));
        }
        for absent in [
            "",
            "day",
            "day/00001.jpg",
            "day/00000.jpg0",
            "day/99999.jpg",
            "z",
        ] {
            assert_eq!(inventory.get(absent), None, "{absent}");
        }
    }

    #[test]
    fn a_folder_is_what_lies_above_a_file() {
        let inventory = inventory(&["a/b/c", "a-", "a.", "d"]);
        assert!(inventory.has_folder("a") && inventory.has_folder("a/b"));
        for absent in ["a/b/c", "a-", "d", "z", "a/"] {
            assert!(!inventory.has_folder(absent), "{absent}");
        }
    }

    #[test]
    fn amending_adds_replaces_and_takes_out() {
        let before = inventory(&["b", "c", "e"]);
        let change = |path: &str, size: Option<u64>| {
            (FilePath::parse(path).unwrap(), size.map(FileVersion::new))
        };
        let changes = [
            change("a", Some(7)),
            change("c", None),
            change("d", None),
            change("e", Some(8)),
            change("f", Some(9)),
        ];
        let after = before.amended(&changes.into());
        assert_eq!(paths(&after), ["a", "b", "e", "f"]);
        assert_eq!(after.get("e").unwrap().size, 8);
        assert_eq!(before.amended(&BTreeMap::new()), before);
    }
}
