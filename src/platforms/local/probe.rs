//! What kind of file system a folder lies on, found out without writing anything.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, statat};
use rustix::io;
use unicode_normalization::UnicodeNormalization as _;

use crate::connector::{NameRules, UnicodeForm};

use super::names::entries;
use super::stamp::identity;

/// What was found out.
pub(super) struct Found {
    pub(super) names: NameRules,
    pub(super) time_precision: Duration,
    pub(super) max_file_size: Option<u64>,
    /// Whether inodes name files for good.
    pub(super) has_ids: bool,
}

/// What a kind of file system is known for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Family {
    /// FAT: names as on Windows, times to two seconds, files below 4 GiB.
    Fat,
    /// exFAT: names as on Windows, times to ten milliseconds.
    ExFat,
    /// NTFS: names as on Windows.
    Ntfs,
    /// What a driver outside the kernel serves from a disk, mostly NTFS or exFAT: names as on
    /// Windows, and times to two seconds, because some of the drivers keep no finer ones.
    FuseDisk,
    /// What any other program serves (sshfs, mergerfs …).
    Fuse,
    /// HFS+ and APFS: no case, one spelling of each text.
    Apple,
    /// A share of a Windows or Samba server: no case.
    Share,
    Other,
}

/// Finds out what an open folder at `root` takes.
pub(super) fn facts(folder: &OwnedFd, root: &Path) -> io::Result<Found> {
    let family = family(folder)?;
    let has_casefold = has_casefold(folder);
    let evidence = evidence(folder, root);
    let mut names = match family {
        Family::Fat | Family::ExFat | Family::Ntfs | Family::FuseDisk => NameRules::windows(),
        Family::Apple => NameRules::default()
            .with_case_sensitive(false)
            .with_unicode(UnicodeForm::Nfc),
        Family::Share => NameRules::default().with_case_sensitive(false),
        Family::Fuse | Family::Other => NameRules::default(),
    };
    if has_casefold {
        // Source: Documentation/filesystems/ext4, "Case-insensitive file name lookups".
        names = names
            .with_case_sensitive(false)
            .with_unicode(UnicodeForm::Nfc);
    }
    if let Some(case_sensitive) = evidence.case_sensitive {
        names = names.with_case_sensitive(case_sensitive);
    }
    if evidence.normalises {
        names = names.with_unicode(UnicodeForm::Nfc);
    }
    let longest = rustix::fs::fstatvfs(folder)?.f_namemax;
    let longest = usize::try_from(longest).unwrap_or(usize::MAX);
    if (1..names.max_name).contains(&longest) {
        names = names.with_max_name(longest);
    }
    Ok(Found {
        names,
        time_precision: Duration::from_millis(match family {
            Family::Fat | Family::FuseDisk => 2_000,
            Family::ExFat => 10,
            _ => 1,
        }),
        has_ids: !matches!(
            family,
            Family::Fat | Family::ExFat | Family::FuseDisk | Family::Fuse
        ),
        max_file_size: (family == Family::Fat).then_some(u64::from(u32::MAX)),
    })
}

#[cfg(target_os = "linux")]
fn family(folder: &OwnedFd) -> io::Result<Family> {
    let magic = u64::try_from(rustix::fs::fstatfs(folder)?.f_type).unwrap_or(0);
    // Source: statfs(2), and include/uapi/linux/magic.h.
    Ok(match magic {
        0x4d44 => Family::Fat,
        0x2011_bab0 => Family::ExFat,
        0x5346_544e | 0x7366_746e => Family::Ntfs,
        0x482b | 0x4244 => Family::Apple,
        0x6573_5546 if is_fuse_disk(folder) => Family::FuseDisk,
        0x6573_5546 => Family::Fuse,
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => Family::Share,
        _ => Family::Other,
    })
}

/// Tells whether a FUSE mount is of a disk (`fuseblk`) and not of a program's own making.
#[cfg(target_os = "linux")]
fn is_fuse_disk(folder: &OwnedFd) -> bool {
    let Ok(stat) = rustix::fs::fstat(folder) else {
        return false;
    };
    let (major, minor) = (
        rustix::fs::major(stat.st_dev),
        rustix::fs::minor(stat.st_dev),
    );
    let device = format!("{major}:{minor}");
    // Source: proc_pid_mountinfo(5): the third field is the device, the type follows ` - `.
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts
        .lines()
        .filter(|line| line.split(' ').nth(2) == Some(&device))
        .filter_map(|line| line.split_once(" - "))
        .any(|(_, rest)| rest.starts_with("fuseblk "))
}

#[cfg(not(target_os = "linux"))]
fn family(_: &OwnedFd) -> io::Result<Family> {
    Ok(if cfg!(target_vendor = "apple") {
        Family::Apple
    } else {
        Family::Other
    })
}

/// Tells whether an ext4, f2fs or tmpfs folder was set to ignore case (`chattr +F`).
#[cfg(target_os = "linux")]
fn has_casefold(folder: &OwnedFd) -> bool {
    // Source: FS_CASEFOLD_FL in include/uapi/linux/fs.h.
    const CASEFOLD: u32 = 0x4000_0000;
    rustix::fs::ioctl_getflags(folder).is_ok_and(|flags| flags.bits() & CASEFOLD != 0)
}

#[cfg(not(target_os = "linux"))]
fn has_casefold(_: &OwnedFd) -> bool {
    false
}

#[derive(Debug, Default)]
struct Evidence {
    case_sensitive: Option<bool>,
    normalises: bool,
}

/// Looks names up in other spellings than they have: what answers to both takes them for one.
fn evidence(folder: &OwnedFd, root: &Path) -> Evidence {
    let names = entries(folder).unwrap_or_default();
    let mut found = Evidence::default();
    for name in names.iter().take(256) {
        if found.case_sensitive.is_none() {
            found.case_sensitive = other_spelling(name, swap_case(name))
                .filter(|other| !names.contains(other))
                .map(|other| !answers(folder, &other));
        }
        let composed: String = name.nfc().collect();
        let other = if composed == *name {
            name.nfd().collect()
        } else {
            composed
        };
        found.normalises |= other_spelling(name, other)
            .filter(|other| !names.contains(other))
            .is_some_and(|other| answers(folder, &other));
    }
    // An empty folder says nothing, but its own name may.
    if found.case_sensitive.is_none()
        && let Some(above) = root.parent()
        && let Some(name) = root.file_name().and_then(|name| name.to_str())
        && let Some(other) = other_spelling(name, swap_case(name))
        && on_one_device(root, above)
    {
        let stat = |name: &str| statat(CWD, above.join(name), AtFlags::SYMLINK_NOFOLLOW);
        let same = stat(name).ok().zip(stat(&other).ok());
        if same.is_some_and(|(a, b)| identity(&a) == identity(&b)) {
            found.case_sensitive = Some(false);
        }
    }
    found
}

fn other_spelling(name: &str, other: String) -> Option<String> {
    (other != name).then_some(other)
}

fn swap_case(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_lowercase() {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// Tells whether a name that is not in the folder is found there all the same.
fn answers(folder: &OwnedFd, name: &str) -> bool {
    statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

fn on_one_device(a: &Path, b: &Path) -> bool {
    let device = |path: &Path| statat(CWD, path, AtFlags::empty()).map(|stat| identity(&stat).0);
    matches!((device(a), device(b)), (Ok(a), Ok(b)) if a == b)
}
