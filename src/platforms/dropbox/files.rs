//! The files of an account.

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::connector::kit::Uploads;
use crate::connector::{
    Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, FileVersion, ListPage,
    ReadOptions, UploadRequest, UploadSession, UploadToken,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::Dropbox;
use super::calls::Answer;
use super::expect::{changed, check, check_there, conflict, is_other, missing, moving, taken};
use super::model::{DeleteArg, Metadata, Outcome, PathArg, Relocation, Remote};
use super::place::At;
use super::upload::DropboxUploads;

/// How often a call is made anew because the file changed under it.
pub(super) const ROUNDS: usize = 3;

#[async_trait]
impl FileStore for Dropbox {
    fn facts(&self) -> &FileFacts {
        &self.facts
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        self.clone().listing()
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        let found = self.at("dropbox.stat", path).await?;
        Ok(found.map(|file| self.shown(&file, path)))
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        self.open(path, options).await
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        let operation = "dropbox.upload";
        self.check_name(operation, &request.path)?;
        let most = self.facts.max_file_size;
        if most.is_some_and(|most| request.size > most) {
            let message = "the file is larger than Dropbox takes";
            return Err(Error::new(ErrorKind::LimitExceeded, operation, message)
                .with_context("path", &request.path)
                .with_context("size", request.size));
        }
        let uploads = Uploads::new(DropboxUploads(self.clone()));
        uploads.begin(request).await
    }

    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        let uploads = Uploads::new(DropboxUploads(self.clone()));
        uploads.resume(token).await
    }

    /// Dropbox does not copy over a file: then it is `None`.
    async fn copy(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        let operation = "dropbox.copy";
        self.check_name(operation, to)?;
        let source = self.at(operation, from).await?;
        let source = source.ok_or_else(|| missing(operation, from))?;
        if is_other(version, &source) {
            return Err(changed(operation, from));
        }
        if !matches!(expect, Expect::Absent) {
            let there = self.at(operation, to).await?;
            check(operation, to, expect, there.as_ref())?;
            if there.is_some() {
                return Ok(None);
            }
        }
        let copied = self.relocate(operation, "files/copy_v2", &source.id, to);
        let copy = match copied.await? {
            Ok(copy) => copy,
            Err(fault) if fault.is_conflict() && matches!(expect, Expect::Anything) => {
                return Ok(None);
            }
            Err(fault) => return Err(fault.into_error(operation).with_context("path", to)),
        };
        if copy.size != source.size || copy.hashes().contradict(&source.hashes()) {
            // The source was written to in the last moment.
            self.remove(operation, &copy).await?;
            return Err(changed(operation, from));
        }
        Ok(Some(self.shown(&copy, to)))
    }

    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry> {
        let operation = "dropbox.rename";
        self.check_name(operation, to)?;
        let is_same = self.names().key(from.as_str()) == self.names().key(to.as_str());
        let mut there = self.at(operation, from).await?;
        if there.is_none() && is_same {
            // An earlier call may have come half the way.
            there = self.at(operation, &between(to, &self.key(to))).await?;
        }
        let file = check_there(operation, from, expect, there)?;
        let moved = match is_same {
            true => self.respell(operation, &file, to).await?,
            false => {
                let moved = self.relocate(operation, "files/move_v2", &file.id, to);
                let refused = |fault: super::error::Fault| match fault.is_conflict() {
                    true => taken(operation, to),
                    false => fault.into_error(operation).with_context("path", to),
                };
                moved.await?.map_err(refused)?
            }
        };
        if let Expect::Version(version) = expect
            && is_other(version, &moved)
        {
            // Somebody wrote to it in the last moment: it goes back to where that somebody knows it.
            let back = self.relocate(operation, "files/move_v2", &moved.id, from);
            back.await?.map_err(|fault| fault.into_error(operation))?;
            return Err(conflict(operation, from));
        }
        Ok(self.shown(&moved, to))
    }

    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        let operation = "dropbox.delete";
        for _ in 0..ROUNDS {
            let there = self.at(operation, path).await?;
            let file = check_there(operation, path, expect, there)?;
            // With its revision nothing else is deleted: not what came since, and no folder.
            let arg = DeleteArg {
                path: &self.remote(path),
                parent_rev: &file.rev,
            };
            let gone: Answer<Outcome> = self.calls.ask(operation, "files/delete_v2", &arg).await?;
            match gone {
                Ok(_) => return Ok(()),
                Err(fault) if fault.is_conflict() => {}
                Err(fault) => return Err(fault.into_error(operation).with_context("path", path)),
            }
        }
        Err(moving(operation, path))
    }

    /// Dropbox answers once a file is stored.
    async fn persist(&self) -> Result<()> {
        Ok(())
    }
}

impl Dropbox {
    /// Returns the file at a path, if one is there that is handed out.
    pub(super) async fn at(
        &self,
        operation: &'static str,
        path: &FilePath,
    ) -> Result<Option<Remote>> {
        if !self.names().allows_path(path) {
            return Ok(None);
        }
        let remote = self.remote(path);
        let arg = PathArg { path: &remote };
        match self
            .calls
            .ask(operation, "files/get_metadata", &arg)
            .await?
        {
            Ok(Metadata::File(file)) if file.skip().is_none() => Ok(Some(file)),
            Ok(_) => Ok(None),
            Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(fault.into_error(operation).with_context("path", path)),
        }
    }

    /// The file where Dropbox shows it: case and spelling may be others than asked for.
    pub(super) fn shown(&self, file: &Remote, asked: &FilePath) -> FileEntry {
        match self.local(file.path_display.as_deref()) {
            At::Here(path) => file.entry(path),
            _ => file.entry(asked.clone()),
        }
    }

    /// What stands for a path among those that are one to Dropbox.
    pub(super) fn key(&self, path: &FilePath) -> String {
        self.names().key(path.as_str())
    }

    /// Deletes this revision of a file. One that is gone or is another by now is no error.
    pub(super) async fn remove(&self, operation: &'static str, file: &Remote) -> Result<()> {
        let arg = DeleteArg {
            path: &file.id,
            parent_rev: &file.rev,
        };
        let gone: Answer<Outcome> = self.calls.ask(operation, "files/delete_v2", &arg).await?;
        match gone {
            Err(fault) if !fault.is_conflict() && fault.kind() != ErrorKind::NotFound => {
                Err(fault.into_error(operation))
            }
            _ => Ok(()),
        }
    }

    /// Copies or moves the file with this id.
    async fn relocate(
        &self,
        operation: &'static str,
        route: &str,
        id: &str,
        to: &FilePath,
    ) -> Result<Answer<Remote>> {
        let to_path = self.remote(to);
        let arg = Relocation {
            from_path: id,
            to_path: &to_path,
            autorename: false,
        };
        let outcome: Answer<Outcome> = self.calls.ask(operation, route, &arg).await?;
        match outcome.map(|outcome| outcome.metadata) {
            Ok(Metadata::File(file)) => Ok(Ok(file)),
            Ok(_) => {
                let message = "the platform answers with something else than the file";
                Err(Error::new(ErrorKind::Unexpected, operation, message))
            }
            Err(fault) => Ok(Err(fault)),
        }
    }

    /// Gives a file its name in another case. Dropbox does that only by way of another name.
    async fn respell(
        &self,
        operation: &'static str,
        file: &Remote,
        to: &FilePath,
    ) -> Result<Remote> {
        let shown = self.shown(file, to).path;
        if shown.name() == self.names().spell(to.name()) {
            return Ok(file.clone());
        }
        let refused = |fault: super::error::Fault| fault.into_error(operation);
        let by_way_of = between(to, &self.key(to));
        if self.key(&shown) == self.key(to) {
            let away = self.relocate(operation, "files/move_v2", &file.id, &by_way_of);
            away.await?.map_err(refused)?;
        }
        let moved = self.relocate(operation, "files/move_v2", &file.id, to);
        match moved.await? {
            Ok(moved) => Ok(moved),
            Err(fault) if fault.is_conflict() => {
                // Somebody wrote a file there in the same moment; both stay, this one under the other name.
                Err(taken(operation, to).with_context("left_at", &by_way_of))
            }
            Err(fault) => Err(refused(fault)),
        }
    }
}

/// The name by way of which a file gets its name in another case: beside it, so that it is seen wherever it is left.
fn between(to: &FilePath, key: &str) -> FilePath {
    let digest = blake3::hash(key.as_bytes()).to_hex();
    let name = format!("renaming-{}", digest.get(..16).unwrap_or(&digest));
    let text = match to.parent() {
        Some(parent) => format!("{parent}/{name}"),
        None => name,
    };
    // The text has no component that a path cannot have.
    FilePath::parse(text).unwrap_or_else(|_| to.clone())
}
