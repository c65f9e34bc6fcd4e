//! Files that are not there yet: written aside, moved to their place when whole.

use std::fs::{File, FileTimes};
use std::os::fd::{AsFd, OwnedFd};
use std::time::SystemTime;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, openat, renameat, unlinkat};
use rustix::io::{self, Errno};

use crate::connector::to_hex;
use crate::error::{ErrorKind, Result};

use super::error::{fault, refuse};
use super::tree::{Place, Tree};

/// Where unfinished files lie.
pub(super) const UPLOADS: &str = ".garland/uploads";

/// How an unfinished file beside its place begins, on another file system than the root's.
const BESIDE: &str = ".garland-upload-";

/// Where a file waits, for a moment, to be deleted.
const DELETED: &str = ".garland/deleted";

/// An unfinished file, locked against other processes.
#[derive(Debug)]
pub(super) struct Temp {
    pub(super) file: File,
    pub(super) folder: OwnedFd,
    pub(super) name: String,
}

impl Temp {
    /// Makes an empty one in garland's own folder.
    pub(super) fn create(tree: &Tree, operation: &'static str) -> Result<Self> {
        let folder = tree.make_folder(UPLOADS, operation)?;
        let name = random_name();
        Self::create_in(folder, name).map_err(|cause| fault(operation, UPLOADS, cause))
    }

    /// Makes an empty one beside the place where it shall be.
    pub(super) fn create_beside(place: &OwnedFd) -> io::Result<Self> {
        let name = format!("{BESIDE}{}", random_name());
        Self::create_in(place.try_clone().map_err(|_| Errno::MFILE)?, name)
    }

    /// Opens one that was left by an earlier session.
    pub(super) fn open(tree: &Tree, name: &str, operation: &'static str) -> Result<Self> {
        let expired = || {
            refuse(
                ErrorKind::Expired,
                operation,
                name,
                "the upload is not there any more",
            )
        };
        let folder = tree.make_folder(UPLOADS, operation)?;
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        match openat(&folder, name, flags, Mode::empty()) {
            Ok(file) => {
                lock(&file).map_err(|_| {
                    refuse(
                        ErrorKind::Locked,
                        operation,
                        name,
                        "somebody else is at the upload",
                    )
                })?;
                Ok(Self {
                    file: file.into(),
                    folder,
                    name: name.to_owned(),
                })
            }
            Err(Errno::NOENT) => Err(expired()),
            Err(cause) => Err(fault(operation, name, cause)),
        }
    }

    /// Removes it. One that is gone already is no error.
    pub(super) fn remove(&self) -> io::Result<()> {
        match unlinkat(&self.folder, &*self.name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            other => other,
        }
    }

    fn create_in(folder: OwnedFd, name: String) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&folder, &*name, flags, Mode::from_raw_mode(0o666))?;
        lock(&file)?;
        Ok(Self {
            file: file.into(),
            folder,
            name,
        })
    }
}

/// Moves a file out of its place to where nobody saves over it; tells where it is then.
pub(super) fn set_aside(
    tree: &Tree,
    place: &Place<'_>,
    operation: &'static str,
) -> Result<(OwnedFd, String)> {
    let to_error = |cause| fault(operation, place.name, cause);
    let name = random_name();
    if let Ok(folder) = tree.make_folder(DELETED, operation) {
        match renameat(&place.folder, place.name, &folder, &*name) {
            Ok(()) => return Ok((folder, name)),
            Err(Errno::XDEV) => {}
            Err(cause) => return Err(to_error(cause)),
        }
    }
    // On another file system than the root's, or in a root that takes no new folders.
    let name = format!("{BESIDE}{name}");
    let folder = place
        .folder
        .try_clone()
        .map_err(|_| to_error(Errno::MFILE))?;
    renameat(&place.folder, place.name, &folder, &*name).map_err(to_error)?;
    Ok((folder, name))
}

/// Sets the modified time of a file that is not at its place yet.
pub(super) fn set_modified(file: &File, modified: SystemTime) -> std::io::Result<()> {
    // Both times at once: older FUSE drivers (exfat-fuse, ntfs-3g) pass over a change of one alone.
    let accessed = file.metadata()?.accessed()?;
    let times = FileTimes::new().set_accessed(accessed);
    file.set_times(times.set_modified(modified))
}

/// Tells whether an upload's name has the form that [`Temp::create`] gives.
pub(super) fn is_name(name: &str) -> bool {
    name.len() == 32
        && name
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Tells whether a name in any folder is that of an unfinished file.
pub(super) fn is_beside(name: &str) -> bool {
    name.strip_prefix(BESIDE).is_some_and(is_name)
}

/// Takes the lock that says somebody is at this upload; where there are no locks, it is free.
pub(super) fn lock(file: impl AsFd) -> io::Result<()> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(Errno::WOULDBLOCK),
        _ => Ok(()),
    }
}

fn random_name() -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // `O_EXCL` keeps two of one name apart; a name that is taken fails the upload, no more.
        let own: &[u8; 16] = &u128::from(std::process::id()).to_be_bytes();
        bytes = *own;
    }
    to_hex(&bytes)
}
