//! The walk through the folder, in the exact order of paths.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::{self, Errno};

use crate::connector::{FileEntry, FilePath, ListPage, SkipReason, Skipped};
use crate::error::{Error, ErrorKind, Result};

use super::blocking::Produce;
use super::error::{fault, refuse};
use super::folder::Shared;
use super::names::Names;
use super::stamp::{identity, kind};
use super::temp;
use super::tree::open_below;

const OPERATION: &str = "local.list";

/// The longest path that is carried, in bytes.
const MAX_PATH: usize = 32 << 10;

/// How many folders are held open at once; deeper ones are opened again on the way back.
const MAX_OPEN: usize = 64;

/// A walk under way. Holds the names of one folder for each level, and one page.
pub(super) struct Walker {
    shared: Arc<Shared>,
    stack: Vec<Frame>,
    /// The folder at hand: empty, or ending in `/`.
    path: String,
    buffer: Vec<u8>,
    is_started: bool,
    /// Ends the listing once what was found so far is given out.
    failure: Option<Error>,
    /// The first folder that may not be read. The rest is listed before the error is told.
    denied: Option<Error>,
}

struct Frame {
    folder: Option<OwnedFd>,
    identity: (u64, u64),
    names: Names,
    next: usize,
    /// How long the path was above this folder.
    above: usize,
}

impl Walker {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            stack: Vec::new(),
            path: String::new(),
            buffer: Vec::new(),
            is_started: false,
            failure: None,
            denied: None,
        }
    }

    fn start(&mut self) -> Result<()> {
        let root = self.shared.tree.open_root(OPERATION)?;
        let root = super::tree::readable(&root);
        let root =
            root.map_err(|cause| fault(OPERATION, self.shared.tree.root.display(), cause))?;
        self.enter(root, 0)
            .map_err(|cause| fault(OPERATION, self.shared.tree.root.display(), cause))
    }

    /// Reads a folder and makes it the one at hand.
    fn enter(&mut self, folder: OwnedFd, above: usize) -> io::Result<()> {
        let follow = self.shared.tree.follow_links;
        let names = Names::read(folder.as_fd(), &mut self.buffer, |name, listed| {
            resolve(&folder, name, listed, follow)
        })?;
        // Only links can lead in a circle, so only with them the way back must be known.
        let identity = if follow {
            identity(&fstat(&folder)?)
        } else {
            (0, 0)
        };
        if let Some(index) = self.stack.len().checked_sub(MAX_OPEN)
            && let Some(frame) = self.stack.get_mut(index)
        {
            frame.folder = None;
        }
        self.stack.push(Frame {
            folder: Some(folder),
            identity,
            names,
            next: 0,
            above,
        });
        Ok(())
    }

    /// Goes on until the page is full or everything is listed.
    fn fill(&mut self, page: &mut ListPage) -> Result<()> {
        let most = self.shared.options.page_size;
        while page.entries.len() + page.skipped.len() < most {
            let Some(frame) = self.stack.last_mut() else {
                return Ok(());
            };
            let at_root = self.path.is_empty();
            let Some((name, listed)) = frame.names.get(frame.next) else {
                self.path.truncate(frame.above);
                self.stack.pop();
                continue;
            };
            frame.next += 1;
            let Ok(name) = str::from_utf8(name) else {
                let shown = format!("{}{}", self.path, name.escape_ascii());
                page.skipped.push(Skipped::new(shown, SkipReason::NotUtf8));
                continue;
            };
            if (at_root && name.eq_ignore_ascii_case(".garland")) || temp::is_beside(name) {
                continue;
            }
            let above = self.path.len();
            let folder = match &frame.folder {
                Some(folder) => folder,
                None => {
                    let folder = reopen(&self.shared, &self.path)?;
                    frame.folder.insert(folder)
                }
            };
            self.path.push_str(name);
            if self.path.len() > MAX_PATH {
                page.skipped
                    .push(Skipped::new(&*self.path, SkipReason::TooLong));
                self.path.truncate(above);
                continue;
            }
            match listed {
                FileType::RegularFile => {
                    list(&self.shared, folder, name, &self.path, page)?;
                    self.path.truncate(above);
                }
                FileType::Directory => {
                    let opened = open(&self.shared, folder, name);
                    // Looked at again here, where its folder is at hand.
                    if let Err(cause) = opened
                        && is_another(cause)
                    {
                        look_again(folder, name, &self.path, page)?;
                        self.path.truncate(above);
                        continue;
                    }
                    self.descend(opened, above, page)?;
                }
                other => {
                    page.skipped.push(Skipped::new(&*self.path, reason(other)));
                    self.path.truncate(above);
                }
            }
        }
        Ok(())
    }

    /// Goes into the folder that `self.path` names now.
    fn descend(
        &mut self,
        opened: io::Result<OwnedFd>,
        above: usize,
        page: &mut ListPage,
    ) -> Result<()> {
        let entered = match opened {
            Ok(folder) if self.is_loop(&folder) => {
                let skipped = Skipped::new(&*self.path, SkipReason::SymbolicLink);
                page.skipped.push(skipped);
                self.path.truncate(above);
                return Ok(());
            }
            Ok(folder) => self.enter(folder, above),
            Err(cause) => Err(cause),
        };
        let Err(cause) = entered else {
            self.path.push('/');
            return Ok(());
        };
        let error = fault(OPERATION, &self.path, cause);
        self.path.truncate(above);
        match error.kind() {
            // It was removed after it was opened.
            _ if cause == Errno::NOENT => Ok(()),
            ErrorKind::Denied => {
                self.denied.get_or_insert(error);
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// Tells whether a folder is one of those that lead to it.
    fn is_loop(&self, folder: &OwnedFd) -> bool {
        self.shared.tree.follow_links
            && fstat(folder).is_ok_and(|stat| {
                let identity = identity(&stat);
                self.stack.iter().any(|frame| frame.identity == identity)
            })
    }
}

impl Produce for Walker {
    type Item = ListPage;

    fn next(&mut self) -> Result<Option<ListPage>> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        if !self.is_started {
            self.is_started = true;
            self.start()?;
        }
        let mut page = ListPage::new(Vec::with_capacity(self.shared.options.page_size.min(1_000)));
        if let Err(error) = self.fill(&mut page) {
            self.stack.clear();
            self.failure = Some(error);
        }
        if !page.entries.is_empty() || !page.skipped.is_empty() {
            return Ok(Some(page));
        }
        match self.failure.take().or_else(|| self.denied.take()) {
            Some(error) => Err(error),
            None => Ok(None),
        }
    }
}

/// Adds a file to the page, unless it has gone since its name was read.
fn list(
    shared: &Shared,
    folder: &OwnedFd,
    name: &str,
    path: &str,
    page: &mut ListPage,
) -> Result<()> {
    let flags = if shared.tree.follow_links {
        AtFlags::empty()
    } else {
        AtFlags::SYMLINK_NOFOLLOW
    };
    match statat(folder, name, flags) {
        Ok(stat) if kind(&stat) == FileType::RegularFile => {
            let path = FilePath::parse(path)?;
            page.entries
                .push(FileEntry::new(path, shared.version(&stat)));
            Ok(())
        }
        Ok(_) => look_again(folder, name, path, page),
        Err(cause) if is_another(cause) => look_again(folder, name, path, page),
        Err(cause) => Err(fault(OPERATION, path, cause)),
    }
}

/// Tells the kind of a name that was just read, and `None` if it has gone since.
///
/// # Errors
/// Any other failure: what cannot be looked at may well be there, and must not look deleted.
fn resolve(
    folder: &OwnedFd,
    name: &[u8],
    listed: FileType,
    follow: bool,
) -> io::Result<Option<FileType>> {
    let kind = match listed {
        FileType::Unknown => match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => kind(&stat),
            Err(Errno::NOENT) => return Ok(None),
            Err(cause) => return Err(cause),
        },
        listed => listed,
    };
    if kind != FileType::Symlink || !follow {
        return Ok(Some(kind));
    }
    // A link that leads nowhere is told as a link, which is not the same as gone.
    let behind = statat(folder, name, AtFlags::empty()).map(|stat| self::kind(&stat));
    Ok(Some(match behind {
        Ok(behind @ (FileType::Directory | FileType::RegularFile)) => behind,
        _ => FileType::Symlink,
    }))
}

/// Tells whether an error says that what was listed has gone or is something else now.
fn is_another(cause: Errno) -> bool {
    matches!(cause, Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
}

/// Tells what has become of a name that is no longer what it was when it was read.
fn look_again(folder: &OwnedFd, name: &str, path: &str, page: &mut ListPage) -> Result<()> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| kind(&stat)) {
        Err(Errno::NOENT) => Ok(()),
        Err(cause) => Err(fault(OPERATION, path, cause)),
        // Its place in the order may be another now.
        Ok(FileType::RegularFile | FileType::Directory) => {
            let message = "it changed while it was listed";
            Err(refuse(ErrorKind::Unavailable, OPERATION, path, message))
        }
        Ok(other) => {
            page.skipped.push(Skipped::new(path, reason(other)));
            Ok(())
        }
    }
}

/// Says why something that is neither a file nor a folder is passed over.
fn reason(kind: FileType) -> SkipReason {
    match kind {
        FileType::Symlink => SkipReason::SymbolicLink,
        _ => SkipReason::SpecialFile,
    }
}

fn open(shared: &Shared, folder: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    let mut flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    if !shared.tree.follow_links {
        flags |= OFlags::NOFOLLOW;
    }
    openat(folder, name, flags, Mode::empty())
}

/// Opens a folder again that was closed because of too many above it.
fn reopen(shared: &Shared, path: &str) -> Result<OwnedFd> {
    let root = shared.tree.open_root(OPERATION)?;
    let path = path.trim_end_matches('/');
    if path.is_empty() {
        return Ok(root);
    }
    open_below(root.as_fd(), path, shared.tree.follow_links)
        .map_err(|cause| fault(OPERATION, path, cause))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_what_is_not_there_is_taken_for_gone() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "x").unwrap();
        let folder = OwnedFd::from(fs::File::open(root.path()).unwrap());
        let kind = |name: &str| resolve(&folder, name.as_bytes(), FileType::Unknown, false);
        assert_eq!(kind("file"), Ok(Some(FileType::RegularFile)));
        assert_eq!(kind("missing"), Ok(None));
        assert_eq!(kind("file/below"), Err(Errno::NOTDIR));
        assert_eq!(kind(&"n".repeat(300)), Err(Errno::NAMETOOLONG));
    }
}
