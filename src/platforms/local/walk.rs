//! The walk through the folder, in the exact order of paths.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::{self, Errno};

use crate::connector::{FileEntry, FilePath, ListPage, SkipReason, Skipped};
use crate::error::{Error, ErrorKind, Result};

use super::blocking::Produce;
use super::error::fault;
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
        let names = Names::read(
            folder.as_fd(),
            &mut self.buffer,
            |name, listed| match listed {
                FileType::Unknown => statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_or(FileType::Unknown, |stat| kind(&stat)),
                FileType::Symlink if follow => {
                    let behind = statat(&folder, name, AtFlags::empty()).map(|stat| kind(&stat));
                    match behind {
                        Ok(kind @ (FileType::Directory | FileType::RegularFile)) => kind,
                        _ => FileType::Symlink,
                    }
                }
                listed => listed,
            },
        )?;
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
                    self.descend(opened, above, page)?;
                }
                other => {
                    let reason = match other {
                        FileType::Symlink => Some(SkipReason::SymbolicLink),
                        // It has gone since its name was read.
                        FileType::Unknown => None,
                        _ => Some(SkipReason::SpecialFile),
                    };
                    let skipped = reason.map(|reason| Skipped::new(&*self.path, reason));
                    page.skipped.extend(skipped);
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
            // It has gone since its name was read, or is a folder no longer.
            _ if matches!(cause, Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(()),
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
        Ok(_) | Err(Errno::NOENT) => Ok(()),
        Err(cause) => Err(fault(OPERATION, path, cause)),
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
