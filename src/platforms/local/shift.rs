//! Copy, rename and delete.

use std::fs::File;
use std::os::fd::AsFd as _;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Stat, fstat, fsync, openat, renameat, statat, unlinkat,
};
use rustix::io::{self, Errno};

use crate::connector::{Expect, FileEntry, FilePath, FileVersion};
use crate::error::{ErrorKind, Result};

use super::error::{fault, flush_fault, io_fault, refuse};
use super::folder::Shared;
use super::names::entries;
use super::place::{appear, rename_new};
use super::stamp::{Stamp, kind};
use super::temp::{Temp, set_aside, set_modified};
use super::tree::{Place, TRIES, open_below, readable, sync_folder};

/// Copies a file inside the folder; the kernel shares the blocks where it can.
pub(super) fn copy(
    shared: &Shared,
    from: &FilePath,
    expected: &FileVersion,
    to: &FilePath,
    expect: &Expect,
) -> Result<FileEntry> {
    let operation = "local.copy";
    shared.check_name(to, operation)?;
    let (source, before) = open(shared, from, operation)?;
    let changed = || {
        refuse(
            ErrorKind::Changed,
            operation,
            from,
            "another version is there",
        )
    };
    if shared.is_other(expected, &before) {
        return Err(changed());
    }
    let mut temp = Temp::create(&shared.tree, operation)?;
    let filled = fill(&mut temp, source, from, &before, operation)
        .and_then(|same| if same { Ok(()) } else { Err(changed()) });
    let done = filled.and_then(|()| appear(shared, &mut temp, to, expect, operation));
    if done.is_err() {
        let _left_behind = temp.remove();
    }
    done
}

/// Gives a file another name, which nobody has.
pub(super) fn rename(
    shared: &Shared,
    from: &FilePath,
    expect: &Expect,
    to: &FilePath,
) -> Result<FileEntry> {
    let operation = "local.rename";
    shared.check_name(to, operation)?;
    let (source, before) = there(shared, from, expect, operation)?;
    let to_error = |cause| fault(operation, to, cause);
    let mut tries = 0;
    let target = loop {
        let target = shared.tree.make(to, operation)?;
        match rename_new(source.folder.as_fd(), source.name, &target) {
            Ok(()) => break target,
            Err(Errno::XDEV) => return carry(shared, from, &before, to, operation),
            Err(Errno::EXIST) if is_respelled(shared, from, to, &target) => {
                renameat(&source.folder, source.name, &target.folder, target.name)
                    .map_err(to_error)?;
                break target;
            }
            // A folder on the way was empty, and somebody removed it.
            Err(Errno::NOENT) if tries < TRIES && source.look().is_ok_and(|s| s.is_some()) => {
                tries += 1;
            }
            Err(cause) => return Err(to_error(cause)),
        }
    };
    // What was moved may be newer than what was looked at: then it goes back.
    let after = target.file(shared.tree.follow_links).map_err(to_error)?;
    let after = after.ok_or_else(|| to_error(Errno::NOENT))?;
    let has_ids = shared.tree.has_ids;
    if *expect != Expect::Anything && !Stamp::of(&after).is_renamed(&Stamp::of(&before), has_ids) {
        rename_new(target.folder.as_fd(), target.name, &source).map_err(to_error)?;
        let message = "another version is there";
        return Err(refuse(ErrorKind::Conflict, operation, from, message));
    }
    if shared.syncs_each_file() {
        for folder in [&target.folder, &source.folder] {
            sync_folder(folder.as_fd()).map_err(|cause| flush_fault(operation, to, cause))?;
        }
    }
    shared.tree.prune(from);
    Ok(FileEntry::new(to.clone(), shared.version(&after)))
}

/// Removes a file and the folders that are empty without it.
pub(super) fn delete(shared: &Shared, path: &FilePath, expect: &Expect) -> Result<()> {
    let operation = "local.delete";
    let to_error = |cause| fault(operation, path, cause);
    let (place, before) = there(shared, path, expect, operation)?;
    let there = place.look().map_err(to_error)?;
    let is_link = there.is_some_and(|stat| kind(&stat) == FileType::Symlink);
    if *expect == Expect::Anything || is_link {
        unlinkat(&place.folder, place.name, AtFlags::empty()).map_err(to_error)?;
    } else {
        take_away(shared, &place, &before, path, operation)?;
    }
    if shared.syncs_each_file() {
        sync_folder(place.folder.as_fd()).map_err(|cause| flush_fault(operation, path, cause))?;
    }
    shared.tree.prune(path);
    Ok(())
}

/// Removes a file that is still what it was when it was looked at.
///
/// It is moved aside before the last look, so that a file saved at its place meanwhile stays.
fn take_away(
    shared: &Shared,
    place: &Place<'_>,
    before: &Stat,
    path: &FilePath,
    operation: &'static str,
) -> Result<()> {
    let (folder, name) = set_aside(&shared.tree, place, operation)?;
    let has_ids = shared.tree.has_ids;
    let removed = statat(&folder, &*name, AtFlags::SYMLINK_NOFOLLOW).and_then(|after| {
        let same = Stamp::of(&after).is_renamed(&Stamp::of(before), has_ids);
        if same {
            unlinkat(&folder, &*name, AtFlags::empty())?;
        }
        Ok(same)
    });
    let error = match removed {
        Ok(true) => return Ok(()),
        Ok(false) => refuse(
            ErrorKind::Conflict,
            operation,
            path,
            "another version is there",
        ),
        Err(cause) => fault(operation, path, cause),
    };
    match rename_new(folder.as_fd(), &name, place) {
        Ok(()) => Err(error),
        // A third version is there by now: the second stays where somebody can find it.
        Err(_) => Err(error.with_context("kept as", name)),
    }
}

/// Finds a file that is to be changed, and checks it.
fn there<'a>(
    shared: &Shared,
    path: &'a FilePath,
    expect: &Expect,
    operation: &'static str,
) -> Result<(Place<'a>, Stat)> {
    let missing = || fault(operation, path, Errno::NOENT);
    let place = shared
        .tree
        .find(path, false, operation)?
        .ok_or_else(missing)?;
    let stat = place
        .file(shared.tree.follow_links)
        .map_err(|cause| fault(operation, path, cause))?
        .ok_or_else(missing)?;
    shared.check(path, &stat, expect, operation)?;
    Ok((place, stat))
}

/// Tells whether what is at `target` is the file itself, in another spelling of its name.
fn is_respelled(shared: &Shared, from: &FilePath, to: &FilePath, target: &Place<'_>) -> bool {
    let rules = &shared.facts.names;
    let one_name = from != to && rules.key(from.as_str()) == rules.key(to.as_str());
    // Found, but not among the names of its folder: so it was found by another spelling.
    let listed = || readable(&target.folder).and_then(entries);
    one_name && listed().is_ok_and(|names| names.iter().all(|name| name != target.name))
}

/// A rename from one file system to another: a copy that appears whole, then a delete.
fn carry(
    shared: &Shared,
    from: &FilePath,
    before: &Stat,
    to: &FilePath,
    operation: &'static str,
) -> Result<FileEntry> {
    let expected = shared.version(before);
    let entry = copy(shared, from, &expected, to, &Expect::Absent)?;
    // The source is the only copy that survives a loss of power until this one does.
    if let Err(error) = write_through(shared, to, operation) {
        let _left_behind = delete(shared, to, &Expect::Version(entry.version));
        return Err(error);
    }
    match there(shared, from, &Expect::Version(expected), operation) {
        Ok((place, now)) if Stamp::of(&now) == Stamp::of(before) => {
            unlinkat(&place.folder, place.name, AtFlags::empty())
                .map_err(|cause| fault(operation, from, cause))?;
            if shared.syncs_each_file() {
                sync_folder(place.folder.as_fd())
                    .map_err(|cause| flush_fault(operation, from, cause))?;
            }
            shared.tree.prune(from);
            Ok(entry)
        }
        // The source has changed meanwhile: the copy goes, the source stays.
        _ => {
            delete(shared, to, &Expect::Version(entry.version))?;
            let message = "another version is there";
            Err(refuse(ErrorKind::Conflict, operation, from, message))
        }
    }
}

/// Writes a file and all folders above it through to the disk.
fn write_through(shared: &Shared, path: &FilePath, operation: &'static str) -> Result<()> {
    let to_error = |cause| fault(operation, path, cause);
    let flushed =
        |answer: io::Result<()>| answer.map_err(|cause| flush_fault(operation, path, cause));
    let (file, _) = open(shared, path, operation)?;
    flushed(fsync(&file))?;
    let root = shared.tree.open_root(operation)?;
    let mut folder = path.parent();
    while let Some(at) = folder {
        let opened = open_below(root.as_fd(), at, false).map_err(to_error)?;
        flushed(sync_folder(opened.as_fd()))?;
        folder = at.rsplit_once('/').map(|(above, _)| above);
    }
    flushed(sync_folder(root.as_fd()))
}

fn open(shared: &Shared, path: &FilePath, operation: &'static str) -> Result<(File, Stat)> {
    let to_error = |cause| fault(operation, path, cause);
    let follow = shared.tree.follow_links;
    let place = shared
        .tree
        .find(path, follow, operation)?
        .ok_or_else(|| to_error(Errno::NOENT))?;
    let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    if !follow {
        flags |= OFlags::NOFOLLOW;
    }
    let file = openat(&place.folder, place.name, flags, Mode::empty()).map_err(to_error)?;
    let stat = fstat(&file).map_err(to_error)?;
    if kind(&stat) == FileType::RegularFile {
        return Ok((file.into(), stat));
    }
    Err(to_error(Errno::NOENT))
}

/// Fills a new file; tells whether the source held still.
fn fill(
    temp: &mut Temp,
    mut source: File,
    from: &FilePath,
    before: &Stat,
    operation: &'static str,
) -> Result<bool> {
    std::io::copy(&mut source, &mut temp.file).map_err(|cause| io_fault(operation, from, cause))?;
    let to_error = |cause| fault(operation, from, cause);
    source
        .metadata()
        .and_then(|source| set_modified(&temp.file, source.modified()?))
        .map_err(|cause| io_fault(operation, from, cause))?;
    let after = fstat(&source).map_err(to_error)?;
    let copied = fstat(&temp.file).map_err(to_error)?;
    Ok(Stamp::of(&after) == Stamp::of(before) && copied.st_size == before.st_size)
}
