//! Reading ([download](https://www.dropbox.com/developers/documentation/http/documentation#files-download)).

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use crate::connector::kit::HttpAnswer;
use crate::connector::{ContentHasher, FilePath, FileReader, HashAlgorithm, ReadOptions};
use crate::error::{Error, ErrorKind, Result};

use super::account::Dropbox;
use super::expect::{changed, is_other, missing};
use super::model::{PathArg, Remote};

const OPERATION: &str = "dropbox.read";

type Pieces = BoxStream<'static, Result<Bytes>>;

impl Dropbox {
    /// Opens a file. What it is comes with its bytes, in one answer, so that nothing can change in between.
    pub(super) async fn open(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        let ReadOptions { range, version } = options;
        if !self.names().allows_path(path) {
            return Err(missing(OPERATION, path));
        }
        let check = |file: &Remote| match &version {
            Some(version) if is_other(version, file) => Err(changed(OPERATION, path)),
            _ => Ok(()),
        };
        if range.as_ref().is_some_and(std::ops::Range::is_empty) {
            return self.nothing_of(path, check).await;
        }
        let remote = self.remote(path);
        let wanted = range
            .as_ref()
            .map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        let arg = PathArg { path: &remote };
        let answer = self.calls.fetch(OPERATION, "files/download", &arg, wanted);
        let answer = answer
            .await?
            .map_err(|fault| fault.into_error(OPERATION).with_context("path", path))?;
        if answer.status() == 416 {
            return self.nothing_of(path, check).await;
        }
        let file = result(&answer)?;
        check(&file)?;
        let version = file.version();
        let is_part = answer.status() == 206;
        let range = range.unwrap_or(0..file.size);
        let (from, to) = (range.start.min(file.size), range.end.min(file.size));
        let length = to.saturating_sub(from);
        let is_whole = length == file.size;
        let fits = match is_part {
            true => begins_at(&answer) == Some(from),
            false => is_whole,
        };
        if !fits || answer.content_length().is_some_and(|given| given != length) {
            let message = "the platform answers with another part than was asked for";
            return Err(Error::new(ErrorKind::Unavailable, OPERATION, message)
                .with_context("path", path)
                .with_context("from", from));
        }
        let pieces = answer.into_stream(Some(length));
        let digest = version.hashes.get(HashAlgorithm::Dropbox);
        let pieces = match digest.filter(|_| is_whole) {
            Some(digest) => hashed(pieces, digest.to_vec(), path.clone()),
            None => pieces,
        };
        Ok(FileReader::new(version, pieces))
    }

    /// Opens no byte of a file.
    async fn nothing_of(
        &self,
        path: &FilePath,
        check: impl Fn(&Remote) -> Result<()>,
    ) -> Result<FileReader> {
        let file = self.at(OPERATION, path).await?;
        let file = file.ok_or_else(|| missing(OPERATION, path))?;
        check(&file)?;
        Ok(FileReader::new(file.version(), stream::empty().boxed()))
    }
}

/// What the file is whose bytes an answer holds.
fn result(answer: &HttpAnswer) -> Result<Remote> {
    let header = answer.header("dropbox-api-result").ok_or_else(|| {
        let message = "the platform answers with something else than the file";
        Error::new(ErrorKind::Unavailable, OPERATION, message)
    })?;
    serde_json::from_str(header).map_err(|cause| {
        let message = "the platform answered in another form than documented";
        Error::new(ErrorKind::Unexpected, OPERATION, message).with_context("column", cause.column())
    })
}

/// Where the part of a file begins that an answer holds.
fn begins_at(answer: &HttpAnswer) -> Option<u64> {
    let range = answer.header("content-range")?.strip_prefix("bytes ")?;
    range.split_once('-')?.0.parse().ok()
}

/// Holds a whole content against its hash, at its end.
fn hashed(pieces: Pieces, digest: Vec<u8>, path: FilePath) -> Pieces {
    let start = Some((pieces, ContentHasher::new([HashAlgorithm::Dropbox])));
    let wrong = move |hasher: ContentHasher| {
        let is_right = hasher.finish().get(HashAlgorithm::Dropbox) == Some(&*digest);
        let message = "other bytes came than the platform says it has";
        (!is_right)
            .then(|| Error::new(ErrorKind::Corrupt, OPERATION, message).with_context("path", &path))
    };
    stream::unfold((start, wrong), |(state, wrong)| async move {
        let (mut pieces, mut hasher) = state?;
        match pieces.next().await {
            Some(Ok(piece)) => {
                hasher.update(&piece);
                Some((Ok(piece), (Some((pieces, hasher)), wrong)))
            }
            Some(Err(error)) => Some((Err(error), (None, wrong))),
            None => wrong(hasher).map(|error| (Err(error), (None, wrong))),
        }
    })
    .boxed()
}
