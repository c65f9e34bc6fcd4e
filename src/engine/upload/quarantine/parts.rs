//! The bytes of an upload, in parts under its id.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::connector::{
    Expect, FilePath, FileStore, Hashes, PlatformConnector, ReadOptions, UploadRequest,
};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{OrganizationId, UploadId};

/// The bytes of all uploads of one organization.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    connector: Arc<dyn PlatformConnector>,
    folder: FilePath,
}

impl Parts {
    pub(super) fn new(
        connector: Arc<dyn PlatformConnector>,
        folder: &str,
        organization: &OrganizationId,
    ) -> Result<Self> {
        let parts = Self {
            folder: FilePath::parse(folder)?.join(&FilePath::parse(organization.as_str())?),
            connector,
        };
        parts.files()?;
        Ok(parts)
    }

    fn files(&self) -> Result<&dyn FileStore> {
        self.connector.files().ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "upload.open",
                "the connector keeps no files",
            )
        })
    }

    /// Only ids and numbers of our own: nothing that anybody sent is in it.
    fn path(&self, id: UploadId, part: u32) -> Result<FilePath> {
        let below = FilePath::parse(format!("{id}/{part:06}"))?;
        Ok(self.folder.join(&below))
    }

    pub(super) async fn write(&self, id: UploadId, part: u32, bytes: Bytes) -> Result<()> {
        let files = self.files()?;
        let request = UploadRequest::new(self.path(id, part)?, bytes.len() as u64)
            .with_expect(Expect::Absent);
        let mut session = files.upload(request).await?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let next = usize::try_from(session.next_chunk()).unwrap_or(usize::MAX);
            if next == 0 || next > rest.len() {
                return Err(Error::new(
                    ErrorKind::Unexpected,
                    "upload.write",
                    "the connector asks for bytes that are not there",
                ));
            }
            let written = session.write(rest.split_to(next)).await;
            if let Err(error) = written {
                // What was sent is of no use; if it stays, the connector lets it expire.
                return match session.abort().await {
                    Ok(()) => Err(error),
                    Err(also) => Err(error.with_context("abort", also)),
                };
            }
        }
        session.finish(&Hashes::new()).await.map(drop)
    }

    /// Waits until all parts would survive a loss of power.
    pub(super) async fn persist(&self) -> Result<()> {
        self.files()?.persist().await
    }

    /// Deletes parts; one that is not there was never written or is deleted already.
    pub(super) async fn delete(&self, id: UploadId, parts: u32) -> Result<()> {
        for part in 0..parts {
            match self
                .files()?
                .delete(&self.path(id, part)?, &Expect::Anything)
                .await
            {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Streams a range of an upload.
    pub(super) fn read(
        &self,
        id: UploadId,
        part_size: u64,
        range: Range<u64>,
    ) -> BoxStream<'static, Result<Bytes>> {
        let parts = self.clone();
        let step = part_size.max(1);
        let starts = stream::unfold(range.start, move |at| async move {
            (at < range.end).then(|| {
                let part = at / step;
                let end = range.end.min((part + 1).saturating_mul(step));
                ((part, at - part * step..end - part * step), end)
            })
        });
        let pieces = starts.then(move |(part, range)| {
            let parts = parts.clone();
            async move { parts.open(id, part, range).await }
        });
        pieces.try_flatten().boxed()
    }

    async fn open(
        &self,
        id: UploadId,
        part: u64,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let number = u32::try_from(part).unwrap_or(u32::MAX);
        let wanted = range.end - range.start;
        let options = ReadOptions::default().with_range(range);
        let reader = self.files()?.read(&self.path(id, number)?, options).await?;
        let missing = move || {
            Error::new(
                ErrorKind::Corrupt,
                "upload.read",
                "a part is shorter than it was",
            )
            .with_context("upload", id)
            .with_context("part", part)
        };
        let counted =
            stream::try_unfold((reader.bytes, 0u64), move |(mut bytes, seen)| async move {
                match bytes.try_next().await? {
                    Some(piece) => {
                        let seen = seen + piece.len() as u64;
                        Ok(Some((piece, (bytes, seen))))
                    }
                    None if seen == wanted => Ok(None),
                    None => Err(missing()),
                }
            });
        Ok(counted.boxed())
    }
}
