//! Giving a file out.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use crate::error::{Error, ErrorKind, Result};
use crate::id::UploadId;
use crate::upload::{Delivery, Piece, ServeHeaders};

use super::records::{UploadRecord, UploadState};
use super::service::{Uploads, missing};

/// Which copy of a file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Copy {
    /// Without positions, comments, other metadata and whatever stands behind the end.
    #[default]
    Delivered,
    /// As it was handed in: for those who work with it, not for guests. Refused where the original
    /// carries something that acts.
    Original,
}

/// A file that is given out.
#[non_exhaustive]
pub struct UploadReader {
    /// What is known about it.
    pub record: UploadRecord,
    /// The headers to give it out with.
    pub headers: ServeHeaders,
    /// Size of the whole copy in bytes, whatever range was asked for.
    pub size: u64,
    /// The bytes asked for.
    pub bytes: BoxStream<'static, Result<Bytes>>,
}

impl fmt::Debug for UploadReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadReader")
            .field("upload", &self.record.id)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Zeros of a piece at a time.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

impl Uploads {
    /// Opens a file that is clean: all of a copy, or a range of its bytes, cut to its end.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no such file in this organization, or it is in quarantine, refused or
    ///   going: one answer for all.
    /// - [`ErrorKind::Refused`]: the original is asked for, and carries something that acts.
    pub async fn read(
        &self,
        id: UploadId,
        copy: Copy,
        range: Option<Range<u64>>,
    ) -> Result<UploadReader> {
        let record = self.get(id).await?;
        let (UploadState::Clean, Some(inspection)) = (record.state, record.inspection.as_ref())
        else {
            return Err(missing(id));
        };
        let whole = match copy {
            Copy::Delivered => inspection.delivery.clone(),
            Copy::Original if inspection.original_is_safe() => Delivery::whole(record.bytes),
            Copy::Original => {
                let message = "the original carries something that acts";
                return Err(Error::new(ErrorKind::Refused, "upload.read", message)
                    .with_context("upload", id));
            }
        };
        let headers = ServeHeaders::new(record.kind, inspection.verdict, &record.name);
        let size = whole.size();
        let pieces = match range {
            Some(range) => whole.range(&range),
            None => whole,
        };
        let (parts, part_size) = (self.parts().clone(), record.part_size);
        let bytes = stream::iter(pieces.pieces().to_vec()).flat_map(move |piece| match piece {
            Piece::Keep(range) => parts.read(id, part_size, range),
            Piece::Bytes(bytes) => stream::iter([Ok(Bytes::from(bytes))]).boxed(),
            Piece::Zeros(count) => zeros(count),
        });
        Ok(UploadReader {
            record,
            headers,
            size,
            bytes: bytes.boxed(),
        })
    }
}

fn zeros(count: u64) -> BoxStream<'static, Result<Bytes>> {
    stream::unfold(count, |left| async move {
        let next = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
        let piece = ZEROS.get(..next).filter(|piece| !piece.is_empty())?;
        Some((Ok(Bytes::from_static(piece)), left - next as u64))
    })
    .boxed()
}
