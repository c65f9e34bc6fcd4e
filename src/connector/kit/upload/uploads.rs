//! Beginning and going on.

use std::sync::Arc;

use crate::connector::files::{UploadRequest, UploadSession, UploadToken};
use crate::error::{Error, ErrorKind, Result};

use super::protocol::UploadProtocol;
use super::session::Session;
use super::token::Kept;

/// Drives an [`UploadProtocol`] as upload sessions. Cheap to clone.
#[derive(Debug)]
pub struct Uploads<P>(Arc<P>);

impl<P> Clone for Uploads<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: UploadProtocol> Uploads<P> {
    /// Drives uploads by this protocol.
    #[must_use]
    pub fn new(protocol: P) -> Self {
        Self(Arc::new(protocol))
    }

    /// Begins to write a file. Name and size have been judged by then.
    ///
    /// # Errors
    /// - [`ErrorKind::LimitExceeded`]: it cannot be cut as the platform asks.
    /// - As [`UploadProtocol::begin`].
    ///
    /// # Cancel safety
    /// Safe to drop; what the platform began ends there by itself.
    pub async fn begin(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        let protocol = Arc::clone(&self.0);
        if request.size <= protocol.whole_up_to() {
            return Ok(Box::new(Session::whole(protocol, request)));
        }
        let rules = protocol.rules();
        let chunk = rules.size_for(request.size).ok_or_else(|| {
            let message = "the platform takes no file of this size in so many chunks";
            Error::new(ErrorKind::LimitExceeded, "upload.begin", message)
                .with_context("path", &request.path)
                .with_context("size", request.size)
        })?;
        let begun = protocol.begin(&request).await?;
        let chunk = begun.chunk.unwrap_or(chunk).max(1);
        let session = Session::in_chunks(protocol, request, begun.state, chunk, 0);
        Ok(Box::new(session))
    }

    /// Goes on with an upload, from where the platform says that it is.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: not a token of this account.
    /// - [`ErrorKind::Expired`]: the platform no longer knows it, or the file has appeared.
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn resume(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        let protocol = Arc::clone(&self.0);
        let mut kept: Kept<P::State> = Kept::read(token, &protocol.account())?;
        let request = kept.request();
        let offset = protocol
            .offset(&request, &mut kept.state, kept.offset)
            .await?
            .min(request.size);
        let session = Session::in_chunks(protocol, request, kept.state, kept.chunk, offset);
        Ok(Box::new(session))
    }
}
