//! Writing: how a file appears, and that one file results.

use bytes::Bytes;

use crate::connector::{
    ContentHasher, Expect, FileEntry, FilePath, FileVersion, HashAlgorithm, Hashes, UploadRequest,
    to_hex,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::Dropbox;
use super::calls::Answer;
use super::expect::{conflict, is_other, moving};
use super::files::ROUNDS;
use super::model::{Commit, Mode, Remote, UploadArg, written};
use super::upload::{Finish, Session};

pub(super) const OPERATION: &str = "dropbox.upload";

/// How the bytes come.
pub(super) enum Content<'a> {
    Here(Bytes),
    /// All of them are in a session already.
    In(&'a Session),
}

impl Dropbox {
    /// Makes a file appear as its request asks.
    ///
    /// Dropbox checks the revision itself, at the moment the file appears. A file whose revision is another but whose bytes
    /// are those of the version expected counts as that version, so that what is there is looked at after a conflict.
    pub(super) async fn place(
        &self,
        request: &UploadRequest,
        content: &Content<'_>,
        computed: &Hashes,
    ) -> Result<FileEntry> {
        let claim = self.unsure.claim(self.key(&request.path));
        let placed = match self.try_to_place(request, content, computed).await {
            Ok(Placed::Done(file)) => Ok(file),
            Ok(Placed::Against(Some(there), _))
                if claim.is_second && is_ours(&there, request, content, computed) =>
            {
                // An earlier call had made it, and its answer was lost.
                Ok(there)
            }
            Ok(Placed::Against(_, error)) | Err(error) => Err(error),
        };
        if placed
            .as_ref()
            .err()
            .is_none_or(|error| !error.is_retryable())
        {
            claim.settle();
        }
        let file = placed?;
        self.verify(request, &file, computed).await?;
        Ok(self.shown(&file, &request.path))
    }

    async fn try_to_place(
        &self,
        request: &UploadRequest,
        content: &Content<'_>,
        computed: &Hashes,
    ) -> Result<Placed> {
        let path = &request.path;
        let mut mode = match &request.expect {
            Expect::Absent => Mode::Add,
            Expect::Anything => Mode::Overwrite,
            Expect::Version(version) => match self.update(version, path).await? {
                Some(mode) => mode,
                None => return Err(conflict(OPERATION, path)),
            },
        };
        for _ in 0..ROUNDS {
            let commit = Commit {
                path: self.remote(path),
                strict_conflict: !matches!(mode, Mode::Overwrite),
                mode,
                autorename: false,
                client_modified: request.modified.and_then(written),
            };
            let fault = match self.send(&commit, content, computed).await? {
                Ok(file) => return Ok(Placed::Done(file)),
                Err(fault) => fault,
            };
            let is_conflict = fault.is_conflict();
            let refused = fault.into_error(OPERATION).with_context("path", path);
            if !is_conflict {
                return Err(refused);
            }
            let there = self.at(OPERATION, path).await?;
            let Expect::Version(version) = &request.expect else {
                return Ok(Placed::Against(there, refused));
            };
            match there {
                Some(file) if !is_other(version, &file) => mode = Mode::Update { update: file.rev },
                there => return Ok(Placed::Against(there, conflict(OPERATION, path))),
            }
        }
        Err(moving(OPERATION, path))
    }

    /// How to write over a version; `None` if it is not there.
    async fn update(&self, version: &FileVersion, path: &FilePath) -> Result<Option<Mode>> {
        if let Some(rev) = version.revision.as_deref().filter(|rev| is_rev(rev)) {
            return Ok(Some(Mode::Update { update: rev.into() }));
        }
        let there = self.at(OPERATION, path).await?;
        let there = there.filter(|file| !is_other(version, file));
        Ok(there.map(|file| Mode::Update { update: file.rev }))
    }

    async fn send(
        &self,
        commit: &Commit,
        content: &Content<'_>,
        computed: &Hashes,
    ) -> Result<Answer<Remote>> {
        match content {
            Content::Here(bytes) => {
                let content_hash = computed.get(HashAlgorithm::Dropbox).map(to_hex);
                let arg = UploadArg {
                    commit,
                    content_hash,
                };
                let sent = self
                    .calls
                    .send(OPERATION, "files/upload", &arg, bytes.clone());
                sent.await
            }
            Content::In(session) => {
                let arg = Finish {
                    cursor: session,
                    commit,
                };
                let route = "files/upload_session/finish";
                self.calls.send(OPERATION, route, &arg, Bytes::new()).await
            }
        }
    }

    /// Checks what Dropbox says it has against what was sent. A new file that is wrong goes again.
    async fn verify(
        &self,
        request: &UploadRequest,
        file: &Remote,
        computed: &Hashes,
    ) -> Result<()> {
        if file.size == request.size && !file.hashes().contradict(computed) {
            return Ok(());
        }
        if matches!(request.expect, Expect::Absent) {
            self.remove(OPERATION, file).await?;
        }
        let message = "the platform has other bytes than were sent";
        Err(Error::new(ErrorKind::Corrupt, OPERATION, message)
            .with_context("path", &request.path)
            .with_context("size", request.size)
            .with_context("there", file.size))
    }
}

/// What a try to write came to.
enum Placed {
    Done(Remote),
    /// Another file is there, or something else that is none.
    Against(Option<Remote>, Error),
}

/// Tells whether a file is what the request asks to write.
fn is_ours(
    there: &Remote,
    request: &UploadRequest,
    content: &Content<'_>,
    computed: &Hashes,
) -> bool {
    let hashes = there.hashes();
    let digest = match (computed.get(HashAlgorithm::Dropbox), content) {
        (Some(_), _) => computed.clone(),
        (None, Content::Here(bytes)) => {
            let mut hasher = ContentHasher::new([HashAlgorithm::Dropbox]);
            hasher.update(bytes);
            hasher.finish()
        }
        (None, Content::In(_)) => return false,
    };
    let same = digest.as_ref().strongest_shared(hashes.as_ref());
    there.size == request.size && same.is_some_and(|(_, same)| same)
}

/// Revisions are of at least nine hexadecimal digits.
fn is_rev(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() >= 9 && text.bytes().all(is_digit)
}
