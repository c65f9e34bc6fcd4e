//! Going on with an upload that was begun earlier.

use std::sync::Arc;

use crate::connector::{UploadSession, UploadToken};
use crate::error::{Error, ErrorKind, Result};

use super::place::Place;
use super::session::{Begun, Session, Token, expired};

pub(super) async fn resume(
    place: &Arc<Place>,
    token: &UploadToken,
) -> Result<Box<dyn UploadSession>> {
    let token: Token = serde_json::from_str(token.as_str()).map_err(|cause| {
        Error::new(
            ErrorKind::InvalidInput,
            "sealed.resume_upload",
            "not a token of this connector",
        )
        .with_source(cause)
    })?;
    // Where the object has come to its place, there is nothing to go on with.
    let found = place.settle(&token.sealed).await?;
    let pending = found.file.pending.iter();
    let mut ours = pending.filter(|one| one.version == token.version);
    let Some(version) = ours.next().cloned() else {
        // Nobody else would ever take away what an upload has left that was given up. Best effort.
        if let Ok(left) = place.files()?.resume_upload(&token.account).await {
            let _ = left.abort().await;
        }
        return Err(expired("the upload is not known any more").with_context("file", &token.sealed));
    };
    let inner = place.files()?.resume_upload(&token.account).await?;
    let header = version.header()?;
    let sealed_facts = version.open_facts(&place.secrets().await?.facts);
    let begun = Begun {
        base: found.file.current.map(|current| current.version),
        layout: version.layout()?,
        keys: place.unlock(&version, &header).await?,
        header,
        path: token.sealed,
        version: version.version,
        facts: sealed_facts,
        resumable: true,
    };
    let session = Session::resumed(Arc::clone(place), inner, begun, version.sent.as_ref())?;
    Ok(Box::new(session))
}
