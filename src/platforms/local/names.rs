//! The names in one folder.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::FileType;
use rustix::io;

/// The names of one folder, in one piece of memory, in the order of paths: a folder sorts as `name/`.
#[derive(Debug, Default)]
pub(super) struct Names {
    text: Vec<u8>,
    items: Vec<Item>,
}

#[derive(Clone, Copy, Debug)]
struct Item {
    /// The first eight bytes of the sort key, which mostly decide.
    head: u64,
    at: usize,
    length: u16,
    kind: FileType,
}

impl Names {
    /// Reads a folder. `resolve` tells the kind of a name whose entry does not settle it, and
    /// `None` of one that has gone; an error of it ends the reading.
    pub(super) fn read(
        folder: BorrowedFd<'_>,
        buffer: &mut Vec<u8>,
        mut resolve: impl FnMut(&[u8], FileType) -> io::Result<Option<FileType>>,
    ) -> io::Result<Self> {
        let mut names = Self::default();
        each(folder, buffer, |name, kind| {
            let Some(kind) = resolve(name, kind)? else {
                return Ok(());
            };
            if let Ok(length) = u16::try_from(name.len()) {
                let at = names.text.len();
                names.text.extend_from_slice(name);
                // INVARIANT: every name is followed by what a folder sorts with.
                names.text.push(b'/');
                let item = Item {
                    head: 0,
                    at,
                    length,
                    kind,
                };
                names.items.push(item);
            }
            Ok(())
        })?;
        let text = &names.text;
        for item in &mut names.items {
            item.head = head(item.key(text));
        }
        names.items.sort_unstable_by(|a, b| {
            a.head
                .cmp(&b.head)
                .then_with(|| a.key(text).cmp(b.key(text)))
        });
        Ok(names)
    }

    /// Returns a name and its kind.
    pub(super) fn get(&self, index: usize) -> Option<(&[u8], FileType)> {
        let item = self.items.get(index)?;
        let name = self.text.get(item.at..item.at + usize::from(item.length))?;
        Some((name, item.kind))
    }
}

impl Item {
    fn key<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let slash = usize::from(self.kind == FileType::Directory);
        let end = self.at + usize::from(self.length) + slash;
        text.get(self.at..end).unwrap_or_default()
    }
}

/// The first bytes as a number that sorts as they do: no name holds a zero byte.
fn head(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(bytes)
}

/// The names of a small folder that are UTF-8.
pub(super) fn entries(folder: impl AsFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    each(folder.as_fd(), &mut Vec::new(), |name, _| {
        names.extend(str::from_utf8(name).map(str::to_owned));
        Ok(())
    })?;
    Ok(names)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn each(
    folder: BorrowedFd<'_>,
    buffer: &mut Vec<u8>,
    mut take: impl FnMut(&[u8], FileType) -> io::Result<()>,
) -> io::Result<()> {
    // One call of the kernel then brings some two thousand names.
    const BUFFER: usize = 64 << 10;
    buffer.clear();
    buffer.reserve(BUFFER);
    let mut entries = rustix::fs::RawDir::new(folder, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            take(name, entry.file_type())?;
        }
    }
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn each(
    folder: BorrowedFd<'_>,
    _: &mut Vec<u8>,
    mut take: impl FnMut(&[u8], FileType) -> io::Result<()>,
) -> io::Result<()> {
    for entry in rustix::fs::Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            take(name, entry.file_type())?;
        }
    }
    Ok(())
}
