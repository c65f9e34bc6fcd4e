//! Beginning an upload: its version and key are on record before a byte is sent.

use std::sync::Arc;

use crate::connector::{UploadRequest, UploadSession, to_hex};
use crate::engine::crypto::entropy::draw;
use crate::engine::crypto::keys::KeyName;
use crate::engine::crypto::sealed::{Header, Layout, ObjectKeys, Purpose, begin as begin_object};
use crate::error::{Error, ErrorKind, Result};

use super::book::{Saved, crowded, tries};
use super::place::Place;
use super::records::{Facts, SealedVersion};
use super::session::{Begun, Session};

const OPERATION: &str = "sealed.upload";

pub(super) async fn begin(
    place: &Arc<Place>,
    request: UploadRequest,
) -> Result<Box<dyn UploadSession>> {
    place.check_name(&request.path, OPERATION)?;
    let layout = fitting(place, &request)?;
    let expect = place
        .expect(&request.path, &request.expect, OPERATION)
        .await?;
    let object = place.object(&request.path).await?;
    // What is there may be about to move, or have come unheard.
    place.settle(&request.path).await?;
    let facts = Facts {
        media_type: request.media_type.clone(),
        ..Facts::default()
    };
    let (version, header, keys, base) = announce(place, &request, layout, &facts).await?;
    // The kind of the content is nobody's business there.
    let sealed = UploadRequest::new(object, layout.sealed_length())
        .with_modified(request.modified)
        .with_expect(expect);
    let inner = match place.files()?.upload(sealed).await {
        Ok(inner) => inner,
        Err(error) => {
            let forgotten = place.book.forget(&request.path, &version.version).await;
            let error = error.with_context("file", &request.path);
            return Err(match forgotten {
                Ok(()) => error,
                Err(cause) => error.with_source(cause),
            });
        }
    };
    let resumable = inner.token().is_some() && request.size >= place.options.resume_from;
    Ok(Box::new(Session::new(
        Arc::clone(place),
        inner,
        Begun {
            path: request.path,
            version: version.version,
            base,
            layout,
            header,
            keys,
            facts,
            resumable,
        },
    )))
}

/// Refuses a file that has no room on the account once it is sealed.
fn fitting(place: &Place, request: &UploadRequest) -> Result<Layout> {
    let most = place.facts.max_file_size;
    if most.is_some_and(|most| request.size > most) {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            OPERATION,
            "the file is too large, sealed as it would be",
        )
        .with_context("file", &request.path)
        .with_context("size", request.size));
    }
    Layout::of_plain(place.options.chunk, request.size)
}

/// Puts a version on record, with its key.
async fn announce(
    place: &Place,
    request: &UploadRequest,
    layout: Layout,
    facts: &Facts,
) -> Result<(SealedVersion, Header, ObjectKeys, Option<String>)> {
    let (book, path) = (&place.book, &request.path);
    let (ring, entropy) = (&book.keys, book.keys.entropy());
    let fresh = to_hex(&draw::<16>(entropy)?);
    for _ in tries() {
        let mut found = book.find(path).await?;
        let base = found.file.current.as_ref();
        let file = base.map_or_else(|| fresh.clone(), |current| current.file.clone());
        let base = base.map(|current| current.version.clone());
        let name = KeyName::new(file, to_hex(&draw::<16>(entropy)?), Purpose::Body);
        let mut batch = book.batch();
        let key = ring.create(&mut batch, &name).await?;
        let context = name.context(ring.store().organization())?;
        let (header, keys) = begin_object(
            &key,
            &context,
            layout.chunk_size(),
            place.options.cipher,
            entropy,
        )?;
        let mut version =
            SealedVersion::new(name.file, name.version, &header, request.size, batch.at());
        version.keep_facts(&place.secrets().await?.facts, facts)?;
        found.file.pending.push(version.clone());
        if book.save(batch, [found]).await? == Saved::Done {
            return Ok((version, header, keys, base));
        }
    }
    Err(crowded(path))
}
