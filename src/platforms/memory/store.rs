//! The files of an account in memory.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use crate::connector::{
    Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, FileVersion, ListPage,
    ReadOptions, UploadRequest, UploadSession, UploadToken,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::MemoryPlatform;
use super::state::{check_name, is_other};
use super::upload::{Pending, Session};

#[async_trait]
impl FileStore for MemoryPlatform {
    fn facts(&self) -> &FileFacts {
        &self.options().facts
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        let account = self.clone();
        // The first page takes a picture of the account, as a listing of a platform may be old.
        stream::once(async move {
            let options = account.options();
            let state = account.state();
            let mut files = state.all(options);
            files.retain(|stored| !stored.path.is_internal());
            let entries: Vec<FileEntry> =
                files.iter().map(|stored| stored.entry(options)).collect();
            let chunks = entries.chunks(options.page_size.max(1));
            let last = chunks.len();
            let pages: Vec<Result<ListPage>> = (1..)
                .zip(chunks)
                .map(|(number, page)| Ok(ListPage::new(page.to_vec()).with_last(number == last)))
                .collect();
            stream::iter(pages)
        })
        .flatten()
        .boxed()
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        let options = self.options();
        let state = self.state();
        let found = state.find(options, path.as_str());
        Ok(found.map(|stored| stored.entry(options)))
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        let operation = "memory.read";
        let state = self.state();
        let stored = state
            .find(self.options(), path.as_str())
            .ok_or_else(|| not_found(operation, path))?;
        let version = stored.version(self.options());
        if let Some(expected) = &options.version
            && is_other(self.options(), expected, &version)
        {
            return Err(changed(operation, path));
        }
        let size = stored.content.len() as u64;
        let range = options.range.unwrap_or(0..size);
        let reading = Reading {
            account: self.clone(),
            path: path.clone(),
            revision: stored.revision,
            rest: range.start.min(size)..range.end.min(size),
        };
        let pieces = stream::try_unfold(reading, |mut reading| async move {
            Ok(reading.piece()?.map(|piece| (piece, reading)))
        });
        Ok(FileReader::new(version, pieces.boxed()))
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        let operation = "memory.upload";
        let facts = &self.options().facts;
        check_name(self.options(), &request.path, operation)?;
        let too_large = facts.max_file_size.is_some_and(|most| request.size > most);
        if too_large || facts.chunks.size_for(request.size).is_none() {
            return Err(
                Error::new(ErrorKind::LimitExceeded, operation, "the file is too large")
                    .with_context("path", &request.path)
                    .with_context("size", request.size),
            );
        }
        let mut state = self.state();
        let number = state.tick();
        state.uploads.insert(number, Pending::new(request));
        Ok(Box::new(Session::new(self.clone(), number)))
    }

    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        let number = Session::number(token)?;
        if !self.state().uploads.contains_key(&number) {
            return Err(Error::new(
                ErrorKind::Expired,
                "memory.resume_upload",
                "the upload is not known any more",
            ));
        }
        Ok(Box::new(Session::new(self.clone(), number)))
    }

    async fn copy(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        let operation = "memory.copy";
        let options = self.options();
        if !options.copies {
            return Ok(None);
        }
        let mut state = self.state();
        let stored = state
            .find(options, from.as_str())
            .ok_or_else(|| not_found(operation, from))?;
        if is_other(options, version, &stored.version(options)) {
            return Err(changed(operation, from));
        }
        let incoming = stored.incoming(to.clone());
        let size = incoming.content.len() as u64;
        if options
            .capacity
            .is_some_and(|most| state.used() + size > most)
        {
            return Err(
                Error::new(ErrorKind::Full, operation, "the account is full")
                    .with_context("path", to),
            );
        }
        state.check(options, to, expect, operation)?;
        state.place(options, incoming, operation).map(Some)
    }

    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry> {
        let operation = "memory.rename";
        let mut state = self.state();
        self.check_there(&state, from, expect, operation)?;
        state.rename(self.options(), from, to, operation)
    }

    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        let operation = "memory.delete";
        let mut state = self.state();
        self.check_there(&state, path, expect, operation)?;
        state.remove(self.options(), path);
        Ok(())
    }

    async fn persist(&self) -> Result<()> {
        Ok(())
    }
}

/// A read under way. It looks at the account for each piece, so that a change meanwhile is seen.
struct Reading {
    account: MemoryPlatform,
    path: FilePath,
    revision: u64,
    rest: Range<u64>,
}

impl Reading {
    fn piece(&mut self) -> Result<Option<Bytes>> {
        let options = self.account.options();
        let state = self.account.state();
        let stored = state
            .find(options, self.path.as_str())
            .filter(|stored| stored.revision == self.revision)
            .ok_or_else(|| changed("memory.read", &self.path))?;
        if self.rest.is_empty() {
            return Ok(None);
        }
        let most = u64::try_from(options.piece_size.max(1)).unwrap_or(u64::MAX);
        let end = self.rest.end.min(self.rest.start.saturating_add(most));
        let place = |at: u64| {
            usize::try_from(at)
                .unwrap_or(usize::MAX)
                .min(stored.content.len())
        };
        let piece = stored.content.slice(place(self.rest.start)..place(end));
        self.rest.start = end;
        Ok(Some(piece))
    }
}

fn not_found(operation: &'static str, path: &FilePath) -> Error {
    Error::new(ErrorKind::NotFound, operation, "no such file").with_context("path", path)
}

fn changed(operation: &'static str, path: &FilePath) -> Error {
    Error::new(ErrorKind::Changed, operation, "another version is there").with_context("path", path)
}
