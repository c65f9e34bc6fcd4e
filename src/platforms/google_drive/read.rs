//! Reading, and exporting what has no bytes of its own.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use crate::connector::kit::{HttpAnswer, HttpRequest};
use crate::connector::{ContentHasher, FilePath, FileReader, HashAlgorithm, ReadOptions};
use crate::error::{Error, ErrorKind, Result};

use super::account::GoogleDrive;
use super::calls::{for_all_drives, holder};
use super::files::changed;
use super::model::{Kind, Remote};
use super::write::{is_other, missing};

const OPERATION: &str = "google_drive.read";

type Pieces = BoxStream<'static, Result<Bytes>>;

impl GoogleDrive {
    /// Exports a document of Google's editors, such as one that a listing passed over with
    /// [`NoContent`](crate::connector::SkipReason::NoContent), in another format:
    /// `application/pdf` for most, `text/csv` for a sheet
    /// ([formats](https://developers.google.com/workspace/drive/api/guides/ref-export-formats)). Of several of one name it is
    /// the oldest. Drive exports up to 10 MB, made anew each time: there is no size beforehand, no range and no hash.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no such document at `path`.
    /// - [`ErrorKind::InvalidInput`], [`ErrorKind::Unsupported`]: not into this format.
    /// - [`ErrorKind::LimitExceeded`]: it is larger than Drive exports.
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn export(&self, path: &FilePath, media_type: &str) -> Result<Pieces> {
        let operation = "google_drive.export";
        let all = self.all_at(operation, path).await?;
        let document = holder(all, Kind::Native).ok_or_else(|| missing(operation, path))?;
        let request = HttpRequest::get(self.calls.file_at(&document.id, "/export"));
        let request = request.query("mimeType", media_type);
        let answer = self.calls.api.call(operation, request).await?;
        let length = answer.content_length();
        Ok(answer.into_stream(length))
    }

    pub(super) async fn open(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        let file = self.at(OPERATION, path).await?;
        let file = file.ok_or_else(|| missing(OPERATION, path))?;
        if options
            .version
            .is_some_and(|version| is_other(&version, &file))
        {
            return Err(changed(OPERATION, path));
        }
        let version = file.version();
        let range = options.range.unwrap_or(0..version.size);
        let (from, to) = (range.start.min(version.size), range.end.min(version.size));
        let length = to.saturating_sub(from);
        if length == 0 {
            return Ok(FileReader::new(version, stream::empty().boxed()));
        }
        let is_whole = length == version.size;
        let mut request = for_all_drives(HttpRequest::get(self.calls.file_at(&file.id, "")));
        request = request.query("alt", "media");
        if !is_whole {
            request = request.header("range", format!("bytes={from}-{}", to.saturating_sub(1)));
        }
        let answer = match self.calls.api.call(OPERATION, request).await {
            // It became shorter, or went away, since it was looked at.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                self.check_unchanged(path, &file).await?;
                return Err(error);
            }
            answer => answer?,
        };
        let digest = version.hashes.get(HashAlgorithm::Md5).map(<[u8]>::to_vec);
        if is_whole && answer.content_length().is_none_or(|given| given == length) {
            let pieces = answer.into_stream(Some(length));
            let pieces = match digest {
                Some(digest) => self.clone().hashed(pieces, digest, path.clone(), file),
                None => pieces,
            };
            return Ok(FileReader::new(version, pieces));
        }
        // A part proves nothing by its hash. What was not changed after the answer had begun was not before either.
        self.check_unchanged(path, &file).await?;
        let is_part = answer.status() == 206 && begins_at(&answer) == Some(from);
        if is_whole || !is_part {
            let message = "the platform answers with another part than was asked for";
            return Err(Error::new(ErrorKind::Unavailable, OPERATION, message)
                .with_context("path", path)
                .with_context("from", from));
        }
        Ok(FileReader::new(version, answer.into_stream(Some(length))))
    }

    /// Looks again whether a file is what it was.
    async fn check_unchanged(&self, path: &FilePath, then: &Remote) -> Result<()> {
        match self.calls.file(OPERATION, &then.id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(changed(OPERATION, path)),
            Err(error) => Err(error),
            Ok(now) if is_other(&then.version(), &now) => Err(changed(OPERATION, path)),
            Ok(_) => Ok(()),
        }
    }

    /// Holds a whole content against its hash, at its end.
    fn hashed(self, pieces: Pieces, digest: Vec<u8>, path: FilePath, file: Remote) -> Pieces {
        let hasher = ContentHasher::new([HashAlgorithm::Md5]);
        let start = Some((pieces, hasher));
        let check = move |hasher: ContentHasher| {
            let is_right = hasher.finish().get(HashAlgorithm::Md5) == Some(&*digest);
            let (drive, path, file) = (self.clone(), path.clone(), file.clone());
            async move {
                if is_right {
                    return None;
                }
                let message = "other bytes came than the platform says it has";
                let corrupt = Error::new(ErrorKind::Corrupt, OPERATION, message);
                let now = drive.check_unchanged(&path, &file).await;
                Some(now.err().unwrap_or(corrupt.with_context("path", &path)))
            }
        };
        stream::unfold((start, check), |(state, check)| async move {
            let (mut pieces, mut hasher) = state?;
            match pieces.next().await {
                Some(Ok(piece)) => {
                    hasher.update(&piece);
                    Some((Ok(piece), (Some((pieces, hasher)), check)))
                }
                Some(Err(error)) => Some((Err(error), (None, check))),
                None => {
                    let wrong = check(hasher).await?;
                    Some((Err(wrong), (None, check)))
                }
            }
        })
        .boxed()
    }
}

/// Where the part of a file begins that an answer holds.
fn begins_at(answer: &HttpAnswer) -> Option<u64> {
    let range = answer.header("content-range")?.strip_prefix("bytes ")?;
    range.split_once('-')?.0.parse().ok()
}
