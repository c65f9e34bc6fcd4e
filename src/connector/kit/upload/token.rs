//! What is needed to go on after a restart, as text.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::files::{Expect, UploadRequest, UploadToken};
use crate::connector::path::FilePath;
use crate::error::{Error, ErrorKind, Result};

/// The content of a token.
#[derive(Deserialize, Serialize)]
pub(super) struct Kept<S> {
    account: String,
    path: FilePath,
    size: u64,
    modified: Option<Timestamp>,
    media_type: Option<Box<str>>,
    expect: Expect,
    pub(super) chunk: u64,
    pub(super) offset: u64,
    pub(super) state: S,
}

impl<S: Serialize + DeserializeOwned> Kept<S> {
    pub(super) fn new(
        account: String,
        request: &UploadRequest,
        chunk: u64,
        offset: u64,
        state: S,
    ) -> Self {
        Self {
            account,
            path: request.path.clone(),
            size: request.size,
            modified: request.modified,
            media_type: request.media_type.clone(),
            expect: request.expect.clone(),
            chunk,
            offset,
            state,
        }
    }

    /// Writes the token; `None` if the state cannot be written, which a protocol has to see to.
    pub(super) fn to_token(&self) -> Option<UploadToken> {
        serde_json::to_string(self).ok().map(UploadToken::new)
    }

    /// Reads a token of `account`.
    pub(super) fn read(token: &UploadToken, account: &str) -> Result<Self> {
        let foreign = || {
            let message = "not a token of this account";
            Error::new(ErrorKind::InvalidInput, "upload.resume", message)
        };
        let kept: Self = serde_json::from_str(token.as_str()).map_err(|_| foreign())?;
        let is_whole = kept.chunk > 0 && kept.offset <= kept.size && kept.account == account;
        is_whole.then_some(kept).ok_or_else(foreign)
    }

    pub(super) fn request(&self) -> UploadRequest {
        UploadRequest::new(self.path.clone(), self.size)
            .with_modified(self.modified)
            .with_media_type(self.media_type.clone())
            .with_expect(self.expect.clone())
    }
}
