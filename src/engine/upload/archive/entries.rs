//! Every entry: what the directory says, what its own header says, and what really comes out.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use crc::{CRC_32_ISO_HDLC, Crc, Table};
use unicode_normalization::UnicodeNormalization as _;

use crate::text::{is_program_name, relative_path};
use crate::upload::policy::ArchiveLimits;
use crate::upload::sniff::{is_archive, is_program};
use crate::upload::verdict::Reason;
use crate::upload::window::{Checked, Window};

use super::directory::{Entry, fields, read};
use super::inflate::{Inflated, Wrapping, inflate};

const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const SIZES_FOLLOW: u16 = 1 << 3;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// An entry that was unpacked.
#[derive(Debug)]
pub(in crate::engine::upload) struct Unpacked<'e> {
    pub(in crate::engine::upload) name: &'e str,
    pub(in crate::engine::upload) content: &'e [u8],
}

/// Reads an archive from end to end: limits before anything is unpacked, then every entry, counted.
///
/// `look` sees what comes out of each entry, piece by piece.
pub(in crate::engine::upload) fn zip<R: Read + Seek>(
    file: &mut Window<R>,
    limits: &ArchiveLimits,
    mut look: impl FnMut(Unpacked<'_>) -> Checked<()>,
) -> Checked<Vec<String>> {
    let mut directory = read(file, limits)?;
    let names = check_claims(&directory.entries, limits, file.size())?;
    // In the order of the file, so that they can be seen to leave no gap and not to overlap.
    directory.entries.sort_by_key(|entry| entry.offset);
    let (mut at, mut total) = (0u64, 0u64);
    for entry in &directory.entries {
        if entry.offset != at {
            return Err(Reason::ArchiveMismatch.into());
        }
        let name = spelled(&entry.name);
        let data = local_header(file, entry)?;
        let end = data + entry.packed;
        if end > directory.start {
            return Err(Reason::ArchiveMismatch.into());
        }
        total += unpack(file, entry, data, |content| {
            look(Unpacked {
                name: &name,
                content,
            })
        })?;
        at = descriptor(file, entry, end)?;
    }
    if at != directory.start || total > limits.max_unpacked {
        return Err(Reason::ArchiveMismatch.into());
    }
    Ok(names)
}

/// Checks all that the directory claims, before a byte is unpacked.
fn check_claims(entries: &[Entry], limits: &ArchiveLimits, size: u64) -> Checked<Vec<String>> {
    let (mut total, mut places) = (0u64, BTreeSet::new());
    let (mut names, mut files) = (Vec::new(), Vec::new());
    for entry in entries {
        let name = spelled(&entry.name);
        check_name(&name)?;
        if let Some(other) = &entry.unicode_name {
            check_name(&spelled(other))?;
        }
        let kind = entry.mode & 0o170_000;
        let folder = name.ends_with('/');
        if !matches!(kind, 0 | 0o100_000 | 0o040_000) {
            return Err(Reason::ArchiveLink.into());
        }
        if entry.flags & ENCRYPTED != 0 {
            return Err(Reason::Encrypted.into());
        }
        if !matches!(entry.method, STORED | DEFLATED) {
            return Err(Reason::Unsupported.into());
        }
        if folder && entry.unpacked > 0 || entry.method == STORED && entry.packed != entry.unpacked
        {
            return Err(Reason::ArchiveMismatch.into());
        }
        total = total.saturating_add(entry.unpacked);
        if total > limits.max_unpacked {
            return Err(Reason::ArchiveSize.into());
        }
        if entry.unpacked > limits.max_ratio.saturating_mul(entry.packed) {
            return Err(Reason::ArchiveRatio.into());
        }
        // One place on a disk that ignores case or how Unicode spells.
        let place = name.trim_end_matches('/').chars();
        let place = place
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase);
        let place: String = place.nfc().collect();
        if !folder {
            files.push(place.clone());
        }
        if !places.insert(place) {
            return Err(Reason::ArchiveDuplicate.into());
        }
        names.push(name);
    }
    if total > limits.max_ratio.saturating_mul(size) {
        return Err(Reason::ArchiveRatio.into());
    }
    // A file where another entry needs a folder.
    let blocked = |file: &String| {
        let folder = format!("{file}/");
        let next = places.range(folder.clone()..).next();
        next.is_some_and(|place| place.starts_with(&folder))
    };
    if files.iter().any(blocked) {
        return Err(Reason::ArchiveDuplicate.into());
    }
    Ok(names)
}

fn check_name(name: &str) -> Checked<()> {
    let bare = name.strip_suffix('/').unwrap_or(name);
    let Ok(path) = relative_path(bare) else {
        return Err(Reason::ArchivePath.into());
    };
    if is_program_name(path.name()) {
        return Err(Reason::ArchiveProgram.into());
    }
    Ok(())
}

/// The name as text. Old archives have names in an encoding that nobody wrote down: each of their
/// bytes stays apart from all others, which is enough to check them.
fn spelled(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok(name) => name.to_owned(),
        Err(_) => name.iter().map(|byte| old_letter(*byte)).collect(),
    }
}

fn old_letter(byte: u8) -> char {
    if byte.is_ascii() {
        char::from(byte)
    } else {
        char::from_u32(0xe000 + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

/// Holds the header before an entry to what the directory says; returns where its bytes begin.
fn local_header<R: Read + Seek>(file: &mut Window<R>, entry: &Entry) -> Checked<u64> {
    let at = entry.offset;
    if file.array::<4>(at)? != *b"PK\x03\x04" {
        return Err(Reason::ArchiveMismatch.into());
    }
    let said = (file.le16(at + 6)?, file.le16(at + 8)?);
    let sums = (
        file.le32(at + 14)?,
        u64::from(file.le32(at + 18)?),
        u64::from(file.le32(at + 22)?),
    );
    let lengths = (file.le16(at + 26)?, file.le16(at + 28)?);
    let same_name = file.bytes(at + 30, lengths.0.into())? == entry.name;
    let extra_at = at + 30 + u64::from(lengths.0);
    let other_name = fields(file.bytes(extra_at, lengths.1.into())?)?;
    let known = (entry.crc, entry.packed, entry.unpacked);
    let later = entry.flags & SIZES_FOLLOW != 0 && sums == (0, 0, 0);
    if said != (entry.flags, entry.method)
        || !same_name
        || (other_name.is_some() && other_name != entry.unicode_name)
        || (sums != known && !later)
    {
        return Err(Reason::ArchiveMismatch.into());
    }
    Ok(extra_at + u64::from(lengths.1))
}

/// Unpacks one entry; returns how many bytes came out.
fn unpack<R: Read + Seek>(
    file: &mut Window<R>,
    entry: &Entry,
    data: u64,
    mut look: impl FnMut(&[u8]) -> Checked<()>,
) -> Checked<u64> {
    let (mut digest, mut count, mut start) = (CRC.digest(), 0u64, Vec::new());
    let mut take = |content: &[u8]| {
        digest.update(content);
        count += content.len() as u64;
        if start.len() < 512 {
            let more = content.len().min(512 - start.len());
            start.extend_from_slice(content.get(..more).unwrap_or_default());
        }
        look(content)
    };
    let range = data..data + entry.packed;
    if entry.method == STORED {
        file.each(range, take)?;
    } else {
        match inflate(file, range, entry.unpacked, Wrapping::Bare, &mut take)? {
            Inflated::Whole { read } if read == entry.packed => {}
            _ => return Err(Reason::ArchiveMismatch.into()),
        }
    }
    if count != entry.unpacked || digest.finalize() != entry.crc {
        return Err(Reason::ArchiveMismatch.into());
    }
    if is_archive(&start) {
        return Err(Reason::ArchiveNested.into());
    }
    if is_program(&start) {
        return Err(Reason::ArchiveProgram.into());
    }
    Ok(count)
}

/// Reads what follows an entry whose header came before its sizes were known; returns where it ends.
fn descriptor<R: Read + Seek>(file: &mut Window<R>, entry: &Entry, at: u64) -> Checked<u64> {
    if entry.flags & SIZES_FOLLOW == 0 {
        return Ok(at);
    }
    let marked = file.array::<4>(at)? == *b"PK\x07\x08";
    let from = if marked { at + 4 } else { at };
    let said = (
        file.le32(from)?,
        u64::from(file.le32(from + 4)?),
        u64::from(file.le32(from + 8)?),
    );
    if said != (entry.crc, entry.packed, entry.unpacked) {
        return Err(Reason::ArchiveMismatch.into());
    }
    Ok(from + 12)
}
