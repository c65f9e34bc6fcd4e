//! How an unfinished file gets to its place, in one step.

use std::io::{Seek as _, SeekFrom};
use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, Stat, flock, renameat, unlinkat};
use rustix::io::{self, Errno};

use crate::connector::{Expect, FileEntry, FilePath};
use crate::error::{ErrorKind, Result};

use super::error::{fault, flush_fault, io_fault, refuse};
use super::folder::Shared;
use super::stamp::kind;
use super::temp::{Temp, set_modified};
use super::tree::{Place, TRIES, readable, sync_folder};

/// Moves a whole file to `path` if `expect` holds there, and tells what it is then.
///
/// After an error the file is still where it was, but for [`ErrorKind::Corrupt`] and
/// [`ErrorKind::Full`] of a flush: then it may have appeared, and must be written anew.
pub(super) fn appear(
    shared: &Shared,
    temp: &mut Temp,
    path: &FilePath,
    expect: &Expect,
    operation: &'static str,
) -> Result<FileEntry> {
    let to_error = |cause| fault(operation, path, cause);
    if shared.syncs_each_file() {
        rustix::fs::fsync(&temp.file).map_err(|cause| flush_fault(operation, path, cause))?;
    }
    let mut beside: Option<Temp> = None;
    let result = settle(shared, temp, &mut beside, path, expect, operation);
    if let Some(other) = beside {
        if result.is_ok() {
            // The original is not needed any more; the copy is in its place.
            let _left_behind = temp.remove();
            *temp = other;
        } else {
            let _left_behind = other.remove();
        }
    }
    result?;
    let stat = rustix::fs::fstat(&temp.file).map_err(to_error)?;
    Ok(FileEntry::new(path.clone(), shared.version(&stat)))
}

fn settle(
    shared: &Shared,
    temp: &Temp,
    beside: &mut Option<Temp>,
    path: &FilePath,
    expect: &Expect,
    operation: &'static str,
) -> Result<()> {
    let to_error = |cause| fault(operation, path, cause);
    let mut tries = 0;
    loop {
        let place = shared.tree.make(path, operation)?;
        let ready = beside.as_ref().unwrap_or(temp);
        let there = place.look().map_err(to_error)?;
        check(shared, &place, there.as_ref(), path, expect, operation)?;
        if let Some(stat) = there.filter(|stat| kind(stat) == FileType::RegularFile) {
            // The rights of the file that is replaced stay. A file system without rights has none to keep.
            let _unsupported =
                rustix::fs::fchmod(&ready.file, Mode::from_raw_mode(stat.st_mode & 0o777));
        }
        let moved = if *expect == Expect::Absent {
            move_new(ready, &place)
        } else {
            renameat(&ready.folder, &*ready.name, &place.folder, place.name)
        };
        match moved {
            Ok(()) => {
                if beside.is_some() || shared.syncs_each_file() {
                    sync_folder(place.folder.as_fd())
                        .map_err(|cause| flush_fault(operation, path, cause))?;
                }
                return Ok(());
            }
            Err(Errno::XDEV) if beside.is_none() => {
                *beside = Some(carry(temp, &place, path, operation)?);
            }
            Err(Errno::NOENT) if tries < TRIES => tries += 1,
            Err(cause) => return Err(to_error(cause)),
        }
    }
}

/// Checks what is at the place. The look is as late as can be; see the module's promises.
fn check(
    shared: &Shared,
    place: &Place<'_>,
    there: Option<&Stat>,
    path: &FilePath,
    expect: &Expect,
    operation: &'static str,
) -> Result<()> {
    let follow = shared.tree.follow_links;
    let Some(stat) = there else {
        return match expect {
            Expect::Version(_) => Err(refuse(
                ErrorKind::Conflict,
                operation,
                path,
                "the file is gone",
            )),
            _ => Ok(()),
        };
    };
    let file = match kind(stat) {
        FileType::RegularFile => Some(*stat),
        FileType::Symlink if follow => place
            .file(true)
            .map_err(|cause| fault(operation, path, cause))?,
        _ => None,
    };
    let error = |kind, message| Err(refuse(kind, operation, path, message));
    match (file, expect) {
        (None, _) if kind(stat) == FileType::Directory => {
            error(ErrorKind::AlreadyExists, "a folder is there already")
        }
        (None, _) => error(
            ErrorKind::AlreadyExists,
            "something that is not a file is there",
        ),
        (Some(_), Expect::Absent) => error(ErrorKind::AlreadyExists, "a file is there already"),
        (Some(stat), Expect::Version(_)) => shared.check(path, &stat, expect, operation),
        (Some(_), Expect::Anything) => Ok(()),
    }
}

/// Copies a file beside its place, where that is on another file system.
fn carry(temp: &Temp, place: &Place<'_>, path: &FilePath, operation: &'static str) -> Result<Temp> {
    let mut copy =
        Temp::create_beside(&place.folder).map_err(|cause| fault(operation, path, cause))?;
    let copied = (|| {
        let mut source = &temp.file;
        source.seek(SeekFrom::Start(0))?;
        std::io::copy(&mut source, &mut copy.file)?;
        set_modified(&copy.file, temp.file.metadata()?.modified()?)?;
        // The barrier of the root does not reach another file system.
        copy.file.sync_all()
    })();
    copied
        .map_err(|cause| {
            let _left_behind = copy.remove();
            io_fault(operation, path, cause)
        })
        .map(|()| copy)
}

/// Moves a file to a place where nothing is, or fails with [`Errno::EXIST`].
fn move_new(temp: &Temp, place: &Place<'_>) -> io::Result<()> {
    rename_new(temp.folder.as_fd(), &temp.name, place)
}

/// Gives a file a name that nobody has, or fails with [`Errno::EXIST`].
pub(super) fn rename_new(folder: BorrowedFd<'_>, name: &str, to: &Place<'_>) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{RenameFlags, renameat_with};

        let flags = RenameFlags::NOREPLACE;
        match renameat_with(folder, name, &to.folder, to.name, flags) {
            // The kernel or this file system does not know the flag.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            answer => return answer,
        }
    }
    match rustix::fs::linkat(folder, name, &to.folder, to.name, AtFlags::empty()) {
        Ok(()) => unlinkat(folder, name, AtFlags::empty()),
        // No hard links here either: looking before the leap is the best there is. The lock keeps
        // garland's own tasks and processes from leaping together.
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => {
            let locked = readable(&to.folder)?;
            let _unsupported = flock(&locked, FlockOperation::LockExclusive);
            if to.look()?.is_some() {
                return Err(Errno::EXIST);
            }
            renameat(folder, name, &to.folder, to.name)
        }
        Err(cause) => Err(cause),
    }
}
