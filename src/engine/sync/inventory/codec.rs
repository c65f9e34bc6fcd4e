//! The bytes of an entry.
//!
//! An entry is the length of the prefix it shares with the path before, the rest of the path with its
//! length, and the version: one byte of flags and the fields that are there. Numbers are LEB128, so a
//! typical photo takes about 20 bytes besides its digests.

use crate::clock::Timestamp;
use crate::connector::{HashesRef, VersionRef};

const MODIFIED: u8 = 1;
const HASHES: u8 = 2;
const REVISION: u8 = 4;
const ID: u8 = 8;

/// One entry as it is stored.
pub(super) struct Stored<'a> {
    pub(super) shared: usize,
    pub(super) suffix: &'a [u8],
    pub(super) version: &'a [u8],
    pub(super) decoded: VersionRef<'a>,
}

/// Takes the next entry off the front. `None` at the end.
pub(super) fn take_entry<'a>(bytes: &mut &'a [u8]) -> Option<Stored<'a>> {
    let shared = take_length(bytes)?;
    let suffix = take_bytes(bytes)?;
    let start = *bytes;
    let decoded = take_version(bytes)?;
    let version = start.get(..start.len() - bytes.len())?;
    Some(Stored {
        shared,
        suffix,
        version,
        decoded,
    })
}

pub(super) fn put_entry(out: &mut Vec<u8>, shared: usize, suffix: &[u8], version: &[u8]) {
    put_number(out, shared as u64);
    put_bytes(out, suffix);
    out.extend_from_slice(version);
}

pub(super) fn put_version(out: &mut Vec<u8>, version: VersionRef<'_>) {
    let hashes = version.hashes.as_bytes();
    let flag = |bit: u8, set: bool| if set { bit } else { 0 };
    out.push(
        flag(MODIFIED, version.modified.is_some())
            | flag(HASHES, !hashes.is_empty())
            | flag(REVISION, version.revision.is_some())
            | flag(ID, version.id.is_some()),
    );
    put_number(out, version.size);
    if let Some(modified) = version.modified {
        put_number(out, zigzag(modified.as_millis()));
    }
    if !hashes.is_empty() {
        put_bytes(out, hashes);
    }
    for text in [version.revision, version.id].into_iter().flatten() {
        put_bytes(out, text.as_bytes());
    }
}

fn take_version<'a>(bytes: &mut &'a [u8]) -> Option<VersionRef<'a>> {
    let (&flags, rest) = bytes.split_first()?;
    *bytes = rest;
    let mut version = VersionRef {
        size: take_number(bytes)?,
        ..VersionRef::default()
    };
    if flags & MODIFIED != 0 {
        version.modified = Some(Timestamp::from_millis(unzigzag(take_number(bytes)?)));
    }
    if flags & HASHES != 0 {
        version.hashes = HashesRef::from_bytes(take_bytes(bytes)?);
    }
    if flags & REVISION != 0 {
        version.revision = Some(std::str::from_utf8(take_bytes(bytes)?).ok()?);
    }
    if flags & ID != 0 {
        version.id = Some(std::str::from_utf8(take_bytes(bytes)?).ok()?);
    }
    Some(version)
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(super) fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_length(bytes)?;
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

pub(super) fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    usize::try_from(take_number(bytes)?).ok()
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::{FileVersion, HashAlgorithm, Hashes};

    #[test]
    fn every_field_comes_back() {
        let hashes = Hashes::new().with(HashAlgorithm::Md5, b"digest");
        let full = FileVersion::new(u64::MAX)
            .with_modified(Timestamp::from_millis(i64::MIN))
            .with_hashes(hashes)
            .with_revision("")
            .with_id("id");
        for version in [FileVersion::new(0), full] {
            let mut bytes = Vec::new();
            put_version(&mut bytes, version.as_ref());
            let mut rest = &bytes[..];
            assert_eq!(take_version(&mut rest), Some(version.as_ref()));
            assert!(rest.is_empty());
            for cut in 0..bytes.len() {
                assert_eq!(take_version(&mut &bytes[..cut]), None);
            }
        }
    }

    #[test]
    fn times_on_both_sides_of_1970_are_short() {
        for millis in [0, 1, -1, i64::MAX, i64::MIN, 1_750_000_000_000] {
            assert_eq!(unzigzag(zigzag(millis)), millis);
        }
        let mut bytes = Vec::new();
        put_number(&mut bytes, zigzag(1_750_000_000_000));
        assert_eq!(bytes.len(), 6);
    }
}
