//! Large files, in chunks
//! ([resumable upload](https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable)).

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::connector::kit::{Begun, HttpAnswer, HttpRequest, UploadProtocol};
use crate::connector::{ChunkRules, Expect, FileEntry, Hashes, UploadRequest};
use crate::error::{Error, ErrorKind, Result};

use super::account::GoogleDrive;
use super::model::Remote;
use super::write::{check, conflict, media_type, metadata_of, verify};

const OPERATION: &str = "google_drive.upload";

/// Drive has some of the bytes, and wants more.
const MORE: u16 = 308;

/// The answer to a session that was given up.
const GIVEN_UP: u16 = 499;

/// How an account takes files.
#[derive(Debug)]
pub(super) struct DriveUploads(pub(super) GoogleDrive);

/// A session. Its address is a capability, so that it is not printed.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct State {
    session: String,
    target: Target,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    /// A new file in this folder.
    New { id: Box<str>, folder: Box<str> },
    /// The file with this id.
    Over(Box<str>),
}

/// What came of a call to a session.
enum Sent {
    /// So many bytes are there.
    Part(u64),
    /// The file has appeared.
    Whole(Box<Remote>),
}

#[async_trait]
impl UploadProtocol for DriveUploads {
    type State = State;

    fn account(&self) -> String {
        let calls = &self.0.calls;
        let drive = calls.shared_drive.as_deref().unwrap_or("my drive");
        format!("google-drive {drive} {}", calls.root)
    }

    fn rules(&self) -> ChunkRules {
        self.0.facts.chunks
    }

    fn whole_up_to(&self) -> u64 {
        self.0.settings.whole_up_to
    }

    fn ends_with_last_chunk(&self) -> bool {
        true
    }

    async fn put(
        &self,
        request: &UploadRequest,
        content: Bytes,
        computed: &Hashes,
    ) -> Result<FileEntry> {
        self.0.put(request, content, computed).await
    }

    async fn begin(&self, request: &UploadRequest) -> Result<Begun<State>> {
        let drive = &self.0;
        let there = match request.expect {
            Expect::Absent => None,
            _ => drive.at(OPERATION, &request.path).await?,
        };
        let (call, target) = match there {
            Some(file) => {
                let url = drive.upload_at(Some(&file.id), "resumable");
                let call = HttpRequest::patch(url).json(&metadata_of(request, None));
                (call, Target::Over(file.id))
            }
            None => {
                let folder = drive.folders.find_or_make(request.path.parent()).await?;
                let id = drive.calls.fresh_id(OPERATION).await?;
                let call = HttpRequest::post(drive.upload_at(None, "resumable"))
                    .json(&metadata_of(request, Some((&id, &folder))));
                let folder = (*folder).into();
                (call, Target::New { id, folder })
            }
        };
        let kind = media_type(request).unwrap_or("application/octet-stream");
        let call = call
            .header("x-upload-content-type", kind)
            .header("x-upload-content-length", request.size.to_string());
        let answer = drive.calls.api.call(OPERATION, call).await;
        let answer = answer.inspect_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                drive.forget_folder_of(&request.path);
            }
        })?;
        let session = answer.header("location").ok_or_else(|| {
            let message = "the platform began an upload without saying where it goes on";
            Error::new(ErrorKind::Unexpected, OPERATION, message)
        })?;
        let session = session.to_owned();
        Ok(Begun::new(State { session, target }))
    }

    async fn send(
        &self,
        request: &UploadRequest,
        state: &mut State,
        at: u64,
        chunk: Bytes,
    ) -> Result<u64> {
        match self.put_part(request, state, at, chunk).await? {
            Sent::Part(has) => Ok(has),
            Sent::Whole(_) => Err(gone(request)),
        }
    }

    async fn offset(&self, request: &UploadRequest, state: &mut State, _: u64) -> Result<u64> {
        let range = format!("bytes */{}", request.size);
        let call = self.to_session(HttpRequest::put(&*state.session), state);
        match self
            .ask(request, call.header("content-range", range))
            .await?
        {
            Sent::Part(has) => Ok(has),
            Sent::Whole(_) => Err(gone(request)),
        }
    }

    async fn commit(
        &self,
        request: &UploadRequest,
        state: &mut State,
        last: Option<(u64, Bytes)>,
        computed: &Hashes,
    ) -> Result<FileEntry> {
        let (drive, path) = (&self.0, &request.path);
        let there = drive.at(OPERATION, path).await?;
        check(OPERATION, path, &request.expect, there.as_ref())?;
        if let Target::Over(id) = &state.target
            && there.is_none_or(|file| file.id != *id)
        {
            // What was to be replaced has gone, and what is there now, if anything, is another file.
            return Err(match request.expect {
                Expect::Version(_) => conflict(OPERATION, path),
                _ => gone(request),
            });
        }
        let Some((mut at, mut chunk)) = last else {
            return Err(gone(request));
        };
        let file = loop {
            match self.put_part(request, state, at, chunk.clone()).await? {
                Sent::Whole(file) => break file,
                Sent::Part(has) => {
                    let taken = has
                        .checked_sub(at)
                        .and_then(|taken| usize::try_from(taken).ok());
                    let taken = taken.filter(|taken| (1..chunk.len()).contains(taken));
                    let taken = taken.ok_or_else(|| gone(request))?;
                    (at, chunk) = (has, chunk.slice(taken..));
                }
            }
        };
        if file.trashed {
            drive.forget_folder_of(path);
            return Err(gone(request));
        }
        let verified = verify(path, &file, request.size, computed);
        if let Target::New { id, folder } = &state.target {
            if let Err(wrong) = verified {
                drive.calls.remove_if_there(OPERATION, id).await?;
                return Err(wrong);
            }
            let settled = drive.settle(OPERATION, path, &request.expect, folder, &file);
            settled.await?;
        } else {
            verified?;
        }
        Ok(file.entry(path.clone()))
    }

    async fn abort(&self, _: &UploadRequest, state: &State) -> Result<()> {
        let call = self.to_session(HttpRequest::delete(&*state.session), state);
        let api = &self.0.calls.api;
        let over = [404, 410, GIVEN_UP];
        api.call_for("google_drive.abort", call, &over).await?;
        Ok(())
    }
}

impl DriveUploads {
    /// Signs a call to a session only where it goes to Google's own host: its address is a proof of its own.
    fn to_session(&self, call: HttpRequest, state: &State) -> HttpRequest {
        if self.0.calls.upload_base.is_origin_of(&state.session) {
            call
        } else {
            call.unsigned()
        }
    }

    async fn put_part(
        &self,
        request: &UploadRequest,
        state: &State,
        at: u64,
        chunk: Bytes,
    ) -> Result<Sent> {
        let last = at.saturating_add(chunk.len() as u64).saturating_sub(1);
        let range = format!("bytes {at}-{last}/{}", request.size);
        let call = self.to_session(HttpRequest::put(&*state.session), state);
        let call = call
            .header("content-range", range)
            .body("application/octet-stream", chunk);
        self.ask(request, call).await
    }

    /// Makes a call to a session. One that Drive does not know any more has expired.
    async fn ask(&self, request: &UploadRequest, call: HttpRequest) -> Result<Sent> {
        let answer = self
            .0
            .calls
            .api
            .call_for(OPERATION, call, &[MORE, GIVEN_UP]);
        let answer = match answer.await {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Expired) => {
                return Err(gone(request).with_source(error));
            }
            answer => answer?,
        };
        match answer.status() {
            GIVEN_UP => Err(gone(request)),
            MORE => Ok(Sent::Part(has(&answer)?)),
            // A page of somebody in between is no file.
            _ => Ok(Sent::Whole(answer.json().await?)),
        }
    }
}

/// How many bytes Drive has, by its answer `308`: none without a range.
fn has(answer: &HttpAnswer) -> Result<u64> {
    let Some(range) = answer.header("range") else {
        return Ok(0);
    };
    let last = range
        .rsplit_once('-')
        .and_then(|(_, last)| last.parse::<u64>().ok());
    let has = last.and_then(|last| last.checked_add(1));
    has.ok_or_else(|| {
        let message = "the platform does not say how much it has";
        Error::new(ErrorKind::Unexpected, OPERATION, message)
    })
}

fn gone(request: &UploadRequest) -> Error {
    let message = "the upload is over; begin again";
    Error::new(ErrorKind::Expired, OPERATION, message).with_context("path", &request.path)
}
