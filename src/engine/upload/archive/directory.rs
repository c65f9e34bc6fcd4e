//! The directory at the end of an archive ([APPNOTE 6.3.10](https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT), 4.3).
//!
//! Readers of archives disagree where an archive is odd, and an attack lives in the difference. So only
//! plain ones are taken: one directory, right before the one end record, that ends the file.

use std::io::{Read, Seek};

use crate::upload::policy::ArchiveLimits;
use crate::upload::verdict::Reason;
use crate::upload::window::{Checked, Window};

/// Bytes of an end record without its comment.
const END: u64 = 22;

/// What the directory says about an entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    /// Another name for the same entry, which some readers prefer.
    pub(super) unicode_name: Option<Vec<u8>>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    pub(super) mode: u32,
    pub(super) offset: u64,
}

/// All entries and where the directory begins.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
    pub(super) start: u64,
}

/// Reads the directory of a file that is an archive from its first to its last byte.
pub(super) fn read<R: Read + Seek>(
    file: &mut Window<R>,
    limits: &ArchiveLimits,
) -> Checked<Directory> {
    let end = find_end(file)?;
    let disks = (file.le16(end + 4)?, file.le16(end + 6)?);
    let counts = (file.le16(end + 8)?, file.le16(end + 10)?);
    let (length, start) = (file.le32(end + 12)?, file.le32(end + 16)?);
    if counts.0 == u16::MAX || length == u32::MAX || start == u32::MAX {
        return Err(Reason::Unsupported.into());
    }
    if disks != (0, 0) || counts.0 != counts.1 {
        return Err(Reason::Malformed.into());
    }
    if usize::from(counts.0) > limits.max_entries {
        return Err(Reason::ArchiveEntries.into());
    }
    let start = u64::from(start);
    if start + u64::from(length) != end {
        return Err(Reason::Malformed.into());
    }
    let mut entries = Vec::with_capacity(counts.0.into());
    let mut at = start;
    while at < end {
        if entries.len() >= usize::from(counts.0) {
            return Err(Reason::ArchiveMismatch.into());
        }
        let (entry, next) = entry(file, at)?;
        entries.push(entry);
        at = next;
    }
    if at != end || entries.len() != usize::from(counts.0) {
        return Err(Reason::ArchiveMismatch.into());
    }
    Ok(Directory { entries, start })
}

/// Finds the one end record whose comment ends the file.
fn find_end<R: Read + Seek>(file: &mut Window<R>) -> Checked<u64> {
    let size = file.size();
    let Some(last) = size.checked_sub(END) else {
        return Err(Reason::Truncated.into());
    };
    let first = last.saturating_sub(u64::from(u16::MAX));
    let length = usize::try_from(size - first).unwrap_or(usize::MAX);
    let tail = file.bytes(first, length)?;
    let mut found = None;
    for (at, mark) in tail.windows(4).enumerate() {
        if mark != b"PK\x05\x06" {
            continue;
        }
        let comment = tail
            .get(at + 20..at + 22)
            .and_then(|two| two.try_into().ok());
        let comment = comment.map(u16::from_le_bytes).map(u64::from);
        let at = first + at as u64;
        if comment.is_some_and(|comment| at + END + comment == size) {
            // Two that fit: each reader takes another one.
            if found.replace(at).is_some() {
                return Err(Reason::ArchiveMismatch.into());
            }
        }
    }
    found.ok_or_else(|| Reason::Truncated.into())
}

fn entry<R: Read + Seek>(file: &mut Window<R>, at: u64) -> Checked<(Entry, u64)> {
    if file.array::<4>(at)? != *b"PK\x01\x02" {
        return Err(Reason::Malformed.into());
    }
    let lengths = (
        file.le16(at + 28)?,
        file.le16(at + 30)?,
        file.le16(at + 32)?,
    );
    let sizes = (
        file.le32(at + 20)?,
        file.le32(at + 24)?,
        file.le32(at + 42)?,
    );
    if sizes.0 == u32::MAX || sizes.1 == u32::MAX || sizes.2 == u32::MAX {
        return Err(Reason::Unsupported.into());
    }
    if file.le16(at + 34)? != 0 {
        return Err(Reason::Malformed.into());
    }
    let name = file.bytes(at + 46, lengths.0.into())?.to_vec();
    let extra_at = at + 46 + u64::from(lengths.0);
    let extra = file.bytes(extra_at, lengths.1.into())?.to_vec();
    let unicode_name = fields(&extra)?;
    let entry = Entry {
        name,
        unicode_name,
        flags: file.le16(at + 8)?,
        method: file.le16(at + 10)?,
        crc: file.le32(at + 16)?,
        packed: sizes.0.into(),
        unpacked: sizes.1.into(),
        mode: file.le32(at + 38)? >> 16,
        offset: sizes.2.into(),
    };
    let next = extra_at + u64::from(lengths.1) + u64::from(lengths.2);
    Ok((entry, next))
}

/// Reads the extra fields; returns the name in Unicode if there is one.
pub(super) fn fields(mut extra: &[u8]) -> Checked<Option<Vec<u8>>> {
    let mut name = None;
    // Some writers fill up with up to three zeros.
    while extra.len() >= 4 {
        let (Some(id), Some(length)) = (extra.get(..2), extra.get(2..4)) else {
            break;
        };
        let length = match length {
            [low, high] => usize::from(u16::from_le_bytes([*low, *high])),
            _ => 0,
        };
        let Some(body) = extra.get(4..4 + length) else {
            return Err(Reason::Malformed.into());
        };
        match id {
            // Sizes of 64 bits.
            b"\x01\x00" => return Err(Reason::Unsupported.into()),
            // AES, and the strong encryption of its maker.
            b"\x01\x99" | b"\x17\x00" => return Err(Reason::Encrypted.into()),
            // A version, the sum of the other name, and the name.
            b"\x75\x70" => name = body.get(5..).map(<[u8]>::to_vec),
            _ => {}
        }
        extra = extra.get(4 + length..).unwrap_or_default();
    }
    Ok(name)
}
