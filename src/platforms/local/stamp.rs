//! What a file's attributes tell.

use rustix::fs::{FileType, Stat};

use crate::clock::Timestamp;
use crate::connector::FileVersion;

/// Everything that moves when a file is written to, replaced or touched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(stat: &Stat) -> Self {
        let (device, inode) = identity(stat);
        Self {
            device,
            inode,
            size: size(stat),
            modified: (signed(stat.st_mtime), signed(stat.st_mtime_nsec)),
            changed: (signed(stat.st_ctime), signed(stat.st_ctime_nsec)),
        }
    }

    /// Compares all that a rename leaves as it is; inodes too, if they name files for good.
    pub(super) fn is_renamed(&self, other: &Self, has_ids: bool) -> bool {
        let same_file = (self.device, self.inode) == (other.device, other.inode);
        let same_content = (self.size, self.modified) == (other.size, other.modified);
        same_content && (same_file || !has_ids)
    }
}

/// Device and inode, by which a file is known on this machine.
pub(super) fn identity(stat: &Stat) -> (u64, u64) {
    (unsigned(stat.st_dev), unsigned(stat.st_ino))
}

pub(super) fn size(stat: &Stat) -> u64 {
    unsigned(stat.st_size)
}

pub(super) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// The version as a listing gives it.
pub(super) fn version(stat: &Stat, has_ids: bool) -> FileVersion {
    let version = FileVersion::new(size(stat)).with_modified(modified(stat));
    if !has_ids {
        return version;
    }
    let (device, inode) = identity(stat);
    version.with_id(id(device, inode))
}

/// The modified time to the millisecond; none outside the years 1970 to 9999 (`spec/sync.md` §1).
fn modified(stat: &Stat) -> Option<Timestamp> {
    const LAST: i64 = 253_402_300_799_999;
    let millis = signed(stat.st_mtime)
        .checked_mul(1_000)?
        .checked_add(signed(stat.st_mtime_nsec) / 1_000_000)?;
    (0..=LAST)
        .contains(&millis)
        .then_some(Timestamp::from_millis(millis))
}

/// When the file's attributes last changed, by the machine's own clock.
pub(super) fn changed_at(stat: &Stat) -> Option<Timestamp> {
    let millis = signed(stat.st_ctime).checked_mul(1_000)?;
    let millis = millis.checked_add(signed(stat.st_ctime_nsec) / 1_000_000)?;
    Some(Timestamp::from_millis(millis))
}

/// `device:inode` in hexadecimal, without going through a formatter: a listing makes one a file.
fn id(device: u64, inode: u64) -> Box<str> {
    let mut text = String::with_capacity(33);
    push_hex(&mut text, device);
    text.push(':');
    push_hex(&mut text, inode);
    text.into_boxed_str()
}

fn push_hex(text: &mut String, number: u64) {
    let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        let nibble = u32::try_from(number >> (place * 4) & 15).unwrap_or(0);
        text.push(char::from_digit(nibble, 16).unwrap_or('0'));
    }
}

// The fields of `Stat` have other types on other systems.
fn signed<T: TryInto<i64>>(number: T) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

fn unsigned<T: TryInto<u64>>(number: T) -> u64 {
    number.try_into().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_hexadecimal() {
        assert_eq!(&*id(0, 0), "0:0");
        assert_eq!(&*id(0xfe01, 0x10), "fe01:10");
        assert_eq!(&*id(u64::MAX, 1), "ffffffffffffffff:1");
    }
}
