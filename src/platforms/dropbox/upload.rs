//! Large files, in chunks
//! ([upload sessions](https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-start)).
//!
//! A session is never closed before it is finished: one that is closed cannot be asked any more how far it is.

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::connector::kit::{Begun, UploadProtocol};
use crate::connector::{ChunkRules, FileEntry, Hashes, UploadRequest};
use crate::error::{Error, ErrorKind, Result};

use super::account::Dropbox;
use super::calls::Answer;
use super::files::ROUNDS;
use super::model::Commit;
use super::write::{Content, OPERATION};

/// How an account takes files.
#[derive(Debug)]
pub(super) struct DropboxUploads(pub(super) Dropbox);

/// A session and how far it is. Whoever has it and the account can write to it, so that it is not printed.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Session {
    session_id: Box<str>,
    offset: u64,
}

#[derive(Serialize)]
struct Start {
    close: bool,
}

#[derive(Deserialize)]
struct Started {
    session_id: Box<str>,
}

#[derive(Serialize)]
struct Append<'a> {
    cursor: &'a Session,
    close: bool,
}

/// How a session becomes a file.
#[derive(Serialize)]
pub(super) struct Finish<'a> {
    pub(super) cursor: &'a Session,
    pub(super) commit: &'a Commit,
}

#[async_trait]
impl UploadProtocol for DropboxUploads {
    type State = Session;

    fn account(&self) -> String {
        let top = &self.0.top;
        let namespace = top.namespace.as_deref().unwrap_or("home");
        let id = top.account_id.as_deref().unwrap_or_default();
        format!("dropbox {id} {namespace} {}", top.path)
    }

    fn rules(&self) -> ChunkRules {
        self.0.facts.chunks
    }

    fn whole_up_to(&self) -> u64 {
        self.0.whole_up_to
    }

    fn ends_with_last_chunk(&self) -> bool {
        false
    }

    async fn put(
        &self,
        request: &UploadRequest,
        content: Bytes,
        computed: &Hashes,
    ) -> Result<FileEntry> {
        let content = Content::Here(content);
        self.0.place(request, &content, computed).await
    }

    async fn begin(&self, _: &UploadRequest) -> Result<Begun<Session>> {
        let (route, arg) = ("files/upload_session/start", Start { close: false });
        let started: Answer<Started> = self
            .0
            .calls
            .send(OPERATION, route, &arg, Bytes::new())
            .await?;
        let Started { session_id } = started.map_err(|fault| fault.into_error(OPERATION))?;
        Ok(Begun::new(Session {
            session_id,
            offset: 0,
        }))
    }

    async fn send(
        &self,
        request: &UploadRequest,
        state: &mut Session,
        at: u64,
        chunk: Bytes,
    ) -> Result<u64> {
        let end = at.saturating_add(chunk.len() as u64);
        state.offset = at;
        state.offset = self.append(request, state, chunk, end).await?;
        Ok(state.offset)
    }

    /// Sends no byte at all: Dropbox then says whether that was the place, and if not, which one is.
    async fn offset(&self, request: &UploadRequest, state: &mut Session, at: u64) -> Result<u64> {
        state.offset = at;
        state.offset = self.append(request, state, Bytes::new(), at).await?;
        Ok(state.offset)
    }

    async fn commit(
        &self,
        request: &UploadRequest,
        state: &mut Session,
        _: Option<(u64, Bytes)>,
        computed: &Hashes,
    ) -> Result<FileEntry> {
        state.offset = request.size;
        self.0.place(request, &Content::In(state), computed).await
    }

    /// Closes the session: nothing can be added any more, and Dropbox forgets it by itself.
    async fn abort(&self, _: &UploadRequest, state: &Session) -> Result<()> {
        let operation = "dropbox.abort";
        let mut session = state.clone();
        for _ in 0..ROUNDS {
            let arg = Append {
                cursor: &session,
                close: true,
            };
            let route = "files/upload_session/append_v2";
            let closed: Answer<()> = self
                .0
                .calls
                .send(operation, route, &arg, Bytes::new())
                .await?;
            let Err(fault) = closed else { return Ok(()) };
            match fault.correct_offset {
                Some(offset) if offset != session.offset => session.offset = offset,
                _ if fault.kind() == ErrorKind::Expired => return Ok(()),
                _ => return Err(fault.into_error(operation)),
            }
        }
        // Somebody else adds to it, and will finish or close it.
        Ok(())
    }
}

impl DropboxUploads {
    /// Adds bytes to a session, and returns how many it has then: `end`, or as many as it says.
    async fn append(
        &self,
        request: &UploadRequest,
        session: &Session,
        chunk: Bytes,
        end: u64,
    ) -> Result<u64> {
        let arg = Append {
            cursor: session,
            close: false,
        };
        let route = "files/upload_session/append_v2";
        let sent: Answer<()> = self.0.calls.send(OPERATION, route, &arg, chunk).await?;
        match sent {
            Ok(()) => Ok(end),
            Err(fault) => match fault.correct_offset {
                Some(offset) => Ok(offset),
                None if fault.kind() == ErrorKind::Expired => {
                    let message = "the upload is over; begin again";
                    Err(Error::new(ErrorKind::Expired, OPERATION, message)
                        .with_context("path", &request.path))
                }
                None => Err(fault
                    .into_error(OPERATION)
                    .with_context("path", &request.path)),
            },
        }
    }
}
