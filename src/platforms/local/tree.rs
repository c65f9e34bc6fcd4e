//! Ways through the folder that never leave it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, mkdirat, openat, statat, unlinkat};
use rustix::io::{self, Errno};

use crate::connector::FilePath;
use crate::error::{ErrorKind, Result};

use super::error::{fault, refuse};
use super::stamp::{identity, kind};

/// The root, opened anew for each call, so that a card can be taken out between calls.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) root: PathBuf,
    /// Device and inode of the root when the folder was opened.
    pub(super) identity: (u64, u64),
    /// Whether inodes name files for good. FAT and many FUSE drivers make them up as they go.
    pub(super) has_ids: bool,
    pub(super) follow_links: bool,
    /// Whether folders that are made are written through at once.
    pub(super) sync_folders: bool,
}

/// The place of a name: its folder, held open, so that no one can put another there.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) folder: OwnedFd,
    pub(super) name: &'a str,
}

/// How often a folder that vanishes under our hands is made again.
pub(super) const TRIES: usize = 100;

/// Only a way to what lies inside; reading needs more rights.
#[cfg(target_os = "linux")]
const WAY: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const WAY: OFlags = OFlags::RDONLY;

impl Tree {
    /// Opens the root.
    ///
    /// Fails if another folder is there than was opened: the empty mount point of a card that was
    /// taken out would look like a card from which everything was deleted.
    pub(super) fn open_root(&self, operation: &'static str) -> Result<OwnedFd> {
        let name = self.root.display();
        let flags = WAY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, &self.root, flags, Mode::empty())
            .map_err(|cause| fault(operation, &name, cause))
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound | ErrorKind::AlreadyExists => refuse(
                    ErrorKind::Unavailable,
                    operation,
                    &name,
                    "the folder is gone",
                )
                .with_source(error),
                _ => error,
            })?;
        let stat = rustix::fs::fstat(&root).map_err(|cause| fault(operation, &name, cause))?;
        let ((device, inode), (old_device, old_inode)) = (identity(&stat), self.identity);
        if device == old_device && (inode == old_inode || !self.has_ids) {
            return Ok(root);
        }
        Err(refuse(
            ErrorKind::Unavailable,
            operation,
            name,
            "another folder is there than was opened; perhaps the disk was taken out",
        ))
    }

    /// Finds the place of a path; `None` if its folder is not there.
    pub(super) fn find<'a>(
        &self,
        path: &'a FilePath,
        follow: bool,
        operation: &'static str,
    ) -> Result<Option<Place<'a>>> {
        let root = self.open_root(operation)?;
        let name = path.name();
        let Some(parent) = path.parent() else {
            return Ok(Some(Place { folder: root, name }));
        };
        match open_below(root.as_fd(), parent, follow) {
            Ok(folder) => Ok(Some(Place { folder, name })),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(cause) => Err(fault(operation, path, cause)),
        }
    }

    /// Finds the place of a path, making the folders that are missing.
    pub(super) fn make<'a>(
        &self,
        path: &'a FilePath,
        operation: &'static str,
    ) -> Result<Place<'a>> {
        let name = path.name();
        let folder = match path.parent() {
            Some(parent) => self.make_folder(parent, operation)?,
            None => self.open_root(operation)?,
        };
        Ok(Place { folder, name })
    }

    /// Opens a folder, making it if need be.
    pub(super) fn make_folder(&self, folder: &str, operation: &'static str) -> Result<OwnedFd> {
        let mut tries = 0;
        loop {
            let root = self.open_root(operation)?;
            let opened = match open_below(root.as_fd(), folder, false) {
                Err(Errno::NOENT) => self.make_below(root, folder),
                other => other,
            };
            match opened {
                // It was empty, and somebody removed it again.
                Err(Errno::NOENT) if tries < TRIES => tries += 1,
                other => return other.map_err(|cause| fault(operation, folder, cause)),
            }
        }
    }

    fn make_below(&self, root: OwnedFd, folder: &str) -> io::Result<OwnedFd> {
        let mut at = root;
        for component in folder.split('/') {
            at = match open_step(at.as_fd(), component) {
                Err(Errno::NOENT) => {
                    match mkdirat(&at, component, Mode::from_raw_mode(0o777)) {
                        Ok(()) if self.sync_folders => {
                            sync_folder(at.as_fd()).inspect_err(|_| {
                                // Found the next time, it would be taken for written through.
                                let _in_use = unlinkat(&at, component, AtFlags::REMOVEDIR);
                            })?;
                        }
                        // Somebody else was faster, which is as good.
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(cause) => return Err(cause),
                    }
                    open_step(at.as_fd(), component)?
                }
                other => other?,
            };
        }
        Ok(at)
    }

    /// Removes the folders above `path` that are empty, from the bottom up, but not the root.
    pub(super) fn prune(&self, path: &FilePath) {
        let Ok(root) = self.open_root("local.prune") else {
            return;
        };
        let mut folder = path.parent();
        while let Some(at) = folder.filter(|&at| at != ".garland") {
            let (above, name) = at
                .rsplit_once('/')
                .map_or((None, at), |(a, n)| (Some(a), n));
            let removed = match above {
                None => unlinkat(&root, name, AtFlags::REMOVEDIR),
                Some(above) => open_below(root.as_fd(), above, false)
                    .and_then(|above| unlinkat(above, name, AtFlags::REMOVEDIR)),
            };
            // Not empty, or not ours to remove: then nothing above is empty either.
            if removed.is_err() {
                return;
            }
            folder = above;
        }
    }
}

impl Place<'_> {
    /// Looks at what is there, not following a link.
    pub(super) fn look(&self) -> io::Result<Option<Stat>> {
        absent(statat(&self.folder, self.name, AtFlags::SYMLINK_NOFOLLOW))
    }

    /// Looks at the regular file that is there, through a link if links are followed.
    pub(super) fn file(&self, follow: bool) -> io::Result<Option<Stat>> {
        let flags = if follow {
            AtFlags::empty()
        } else {
            AtFlags::SYMLINK_NOFOLLOW
        };
        let stat = absent(statat(&self.folder, self.name, flags))?;
        Ok(stat.filter(|stat| kind(stat) == FileType::RegularFile))
    }
}

fn absent(answer: io::Result<Stat>) -> io::Result<Option<Stat>> {
    match answer {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Opens a folder below `root` as a way to what lies inside.
///
/// Unless links are followed, the kernel itself refuses every link on the way (`openat2`); where it
/// cannot, each component is opened by itself.
pub(super) fn open_below(root: BorrowedFd<'_>, folder: &str, follow: bool) -> io::Result<OwnedFd> {
    let flags = WAY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if follow {
        return openat(root, folder, flags, Mode::empty());
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{ResolveFlags, openat2};

        let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match openat2(root, folder, flags, Mode::empty(), within) {
            // Too old a kernel, a sandbox, a race with a rename, a path longer than it takes at once.
            Err(Errno::NOSYS | Errno::PERM | Errno::TOOBIG | Errno::AGAIN | Errno::NAMETOOLONG) => {
            }
            answer => return answer,
        }
    }
    let mut at: Option<OwnedFd> = None;
    for component in folder.split('/') {
        let here = at.as_ref().map_or(root, |at| at.as_fd());
        at = Some(open_step(here, component)?);
    }
    at.ok_or(Errno::INVAL)
}

/// Opens one component; a link is [`Errno::LOOP`].
fn open_step(at: BorrowedFd<'_>, component: &str) -> io::Result<OwnedFd> {
    let flags = WAY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    openat(at, component, flags, Mode::empty()).map_err(|cause| {
        let is_link = cause == Errno::NOTDIR
            && statat(at, component, AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|stat| kind(&stat) == FileType::Symlink);
        if is_link { Errno::LOOP } else { cause }
    })
}

/// Opens a folder again, to read it or write it through.
pub(super) fn readable(folder: impl AsFd) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(folder, ".", flags, Mode::empty())
}

/// Writes a folder's names through to the disk.
pub(super) fn sync_folder(folder: BorrowedFd<'_>) -> io::Result<()> {
    match rustix::fs::fsync(readable(folder)?) {
        // Some file systems have nothing to write through.
        Err(Errno::INVAL) => Ok(()),
        other => other,
    }
}
