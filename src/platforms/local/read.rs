//! Reading a file, and noticing when it does not hold still.

use std::os::fd::OwnedFd;

use bytes::Bytes;
use rustix::buffer::spare_capacity;
use rustix::fs::{FileType, Mode, OFlags, fstat, openat};
use rustix::io::{self, Errno, pread, retry_on_intr};

use crate::connector::{FilePath, FileVersion, ReadOptions};
use crate::error::{ErrorKind, Result};

use super::blocking::Produce;
use super::error::{fault, refuse};
use super::folder::Shared;
use super::stamp::{Stamp, kind, size};

/// An open file on its way out.
pub(super) struct Reading {
    path: FilePath,
    file: OwnedFd,
    /// What the file was when it was opened.
    stamp: Stamp,
    offset: u64,
    end: u64,
    piece_size: usize,
    operation: &'static str,
}

impl Reading {
    pub(super) fn open(
        shared: &Shared,
        path: &FilePath,
        options: ReadOptions,
        operation: &'static str,
    ) -> Result<(FileVersion, Self)> {
        let to_error = |cause| fault(operation, path, cause);
        let missing = || to_error(Errno::NOENT);
        let follow = shared.tree.follow_links;
        let place = shared
            .tree
            .find(path, follow, operation)?
            .ok_or_else(missing)?;
        // A pipe must not hold us up, nor a terminal take us over.
        let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        if !follow {
            flags |= OFlags::NOFOLLOW;
        }
        let not_a_file = || {
            refuse(
                ErrorKind::Unsupported,
                operation,
                path,
                "not a regular file",
            )
        };
        let file = match openat(&place.folder, place.name, flags, Mode::empty()) {
            Ok(file) => file,
            // A link, a socket, a device without a driver.
            Err(Errno::LOOP | Errno::NXIO | Errno::NODEV) => return Err(not_a_file()),
            Err(cause) => return Err(to_error(cause)),
        };
        let stat = fstat(&file).map_err(to_error)?;
        if kind(&stat) != FileType::RegularFile {
            return Err(not_a_file());
        }
        if let Some(expected) = &options.version
            && shared.is_other(expected, &stat)
        {
            return Err(changed(operation, path));
        }
        let size = size(&stat);
        let range = options.range.unwrap_or(0..size);
        let reading = Self {
            path: path.clone(),
            file,
            stamp: Stamp::of(&stat),
            offset: range.start.min(size),
            end: range.end.min(size),
            piece_size: shared.options.piece_size,
            operation,
        };
        Ok((shared.version(&stat), reading))
    }

    fn piece(&self) -> io::Result<Vec<u8>> {
        let rest = self.end.saturating_sub(self.offset);
        let wanted =
            usize::try_from(rest).map_or(self.piece_size, |rest| rest.min(self.piece_size));
        let mut piece = Vec::with_capacity(wanted);
        while piece.len() < wanted {
            let at = self.offset + piece.len() as u64;
            let got = retry_on_intr(|| pread(&self.file, spare_capacity(&mut piece), at))?;
            if got == 0 {
                break;
            }
        }
        piece.truncate(wanted);
        Ok(piece)
    }
}

impl Produce for Reading {
    type Item = Bytes;

    fn next(&mut self) -> Result<Option<Bytes>> {
        let to_error = |cause| fault(self.operation, &self.path, cause);
        if self.offset < self.end {
            let piece = self.piece().map_err(to_error)?;
            if piece.is_empty() {
                return Err(changed(self.operation, &self.path));
            }
            self.offset += piece.len() as u64;
            return Ok(Some(piece.into()));
        }
        // Size, times and inode as they were: nobody wrote to it, replaced it or touched it.
        let stat = fstat(&self.file).map_err(to_error)?;
        if Stamp::of(&stat) != self.stamp {
            return Err(changed(self.operation, &self.path));
        }
        Ok(None)
    }
}

fn changed(operation: &'static str, path: &FilePath) -> crate::error::Error {
    refuse(
        ErrorKind::Changed,
        operation,
        path,
        "another version is there",
    )
}
