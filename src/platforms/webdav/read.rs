//! Reading.

use std::ops::Range;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use crate::connector::kit::{HttpAnswer, HttpRequest};
use crate::connector::{FilePath, FileReader, FileVersion, ReadOptions, http_date};
use crate::error::{Error, ErrorKind, Result};

use super::account::WebDav;
use super::place::{changed, not_found};
use super::xml::revision;

const OPERATION: &str = "webdav.read";

impl WebDav {
    pub(super) async fn open(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        // Whoever knows the mark of the version spares a call: an answer that bears the same is of that file.
        if let Some(version) = options
            .version
            .as_ref()
            .filter(|known| known.revision.is_some())
            && let Some(range) = span(options.range.as_ref(), version.size)
            && let Ok(answer) = self.get(path, &range, version.size).await
            && is_of(&answer, version)
            && answer.header("etag").is_some()
        {
            let bytes = content(answer, range, version.size)?;
            return Ok(FileReader::new(version.clone(), bytes));
        }
        let there = self.dav.look(OPERATION, path).await?.file();
        let there = there.ok_or_else(|| not_found(OPERATION, path))?;
        let version = there.entry.version;
        if let Some(expected) = &options.version
            && !self.is_same(expected, &version)
        {
            return Err(changed(OPERATION, path));
        }
        let Some(range) = span(options.range.as_ref(), version.size) else {
            return Ok(FileReader::new(version, stream::empty().boxed()));
        };
        let answer = self.get(path, &range, version.size).await?;
        if version.modified.is_some() && !tells_version(&answer) {
            let message = "the answer does not tell which version it is of";
            return Err(
                Error::new(ErrorKind::Unavailable, OPERATION, message).with_context("path", path)
            );
        }
        if !is_of(&answer, &version) {
            return Err(changed(OPERATION, path));
        }
        let bytes = content(answer, range, version.size)?;
        Ok(FileReader::new(version, bytes))
    }

    async fn get(&self, path: &FilePath, range: &Range<u64>, size: u64) -> Result<HttpAnswer> {
        let mut request = HttpRequest::get(self.dav.url(path));
        if *range != (0..size) {
            let last = range.end.saturating_sub(1);
            request = request.header("range", format!("bytes={}-{last}", range.start));
        }
        // A part that is not there: the file has become shorter.
        let answer = self.dav.api.call_for(OPERATION, request, &[416]).await?;
        if answer.status() == 416 {
            return Err(changed(OPERATION, path));
        }
        Ok(answer)
    }
}

/// The bytes to be read, cut to the file; `None` if there are none.
fn span(range: Option<&Range<u64>>, size: u64) -> Option<Range<u64>> {
    let range = range.map_or(0..size, |range| range.start.min(size)..range.end.min(size));
    (!range.is_empty()).then_some(range)
}

/// Whether an answer bears any mark of a version; a page for people does not.
fn tells_version(answer: &HttpAnswer) -> bool {
    answer.header("etag").is_some() || answer.header("last-modified").is_some()
}

/// Whether an answer is of this version, as far as it tells.
fn is_of(answer: &HttpAnswer, version: &FileVersion) -> bool {
    if let Some((etag, known)) = answer.header("etag").zip(version.revision.as_deref()) {
        return revision(etag) == known;
    }
    match (
        answer.header("last-modified").and_then(http_date),
        version.modified,
    ) {
        (Some(now), Some(then)) => now == then,
        _ => true,
    }
}

/// The bytes of an answer, which is either the part or, from a server that does not know of parts, the whole.
fn content(
    answer: HttpAnswer,
    range: Range<u64>,
    size: u64,
) -> Result<BoxStream<'static, Result<Bytes>>> {
    let length = range.end.saturating_sub(range.start);
    if answer.status() != 206 {
        let whole = answer.into_stream(Some(size));
        return Ok(if length == size {
            whole
        } else {
            cut(whole, range)
        });
    }
    let expected = format!(
        "bytes {}-{}/{size}",
        range.start,
        range.end.saturating_sub(1)
    );
    let told = answer.header("content-range").unwrap_or_default();
    if told != expected {
        let message = "the server sends another part than was asked for";
        return Err(Error::new(ErrorKind::Changed, OPERATION, message));
    }
    Ok(answer.into_stream(Some(length)))
}

/// A part of a whole.
fn cut(
    whole: BoxStream<'static, Result<Bytes>>,
    range: Range<u64>,
) -> BoxStream<'static, Result<Bytes>> {
    stream::unfold(Some((whole, 0_u64)), move |state| {
        let range = range.clone();
        async move {
            let (mut whole, mut at) = state?;
            while at < range.end {
                let mut piece = match whole.next().await? {
                    Ok(piece) => piece,
                    Err(error) => return Some((Err(error), None)),
                };
                let end = at.saturating_add(piece.len() as u64);
                let over = usize::try_from(end.saturating_sub(range.end)).unwrap_or(usize::MAX);
                piece.truncate(piece.len().saturating_sub(over));
                let before = usize::try_from(range.start.saturating_sub(at)).unwrap_or(usize::MAX);
                let piece = piece.split_off(before.min(piece.len()));
                at = end;
                if !piece.is_empty() {
                    return Some((Ok(piece), Some((whole, at))));
                }
            }
            None
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_part_is_cut_from_the_whole_where_the_server_knows_of_none() {
        for (range, expected) in [(0..1, "0"), (2..5, "234"), (3..10, "3456789"), (9..10, "9")] {
            let pieces = ["012", "3", "456789"].map(|piece| Ok(Bytes::from(piece)));
            let part: Vec<Bytes> = cut(stream::iter(pieces).boxed(), range)
                .try_collect()
                .await
                .unwrap();
            assert_eq!(part.concat(), expected.as_bytes());
        }
    }
}
