//! Reading: the beginning of the object tells which version it is, its chunks open one run at a time.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use crate::connector::{FilePath, FileReader, FileVersion, ReadOptions};
use crate::engine::crypto::blocking::off_runtime;
use crate::engine::crypto::cipher::TAG;
use crate::engine::crypto::sealed::{HEADER, Layout, ObjectKeys, SealedError};
use crate::error::{Error, ErrorKind, Result};

use super::place::{Place, foreign, header_of, not_found};
use super::records::SealedFile;

const OPERATION: &str = "sealed.read";

/// What is cheaper to open at once than to hand to another thread: one chunk of the usual size.
const INLINE: usize = (64 << 10) + 16;

/// Most bytes that are opened at once, unless a chunk is larger.
const RUN: usize = 1 << 20;

pub(super) async fn read(
    place: &Arc<Place>,
    path: &FilePath,
    options: ReadOptions,
) -> Result<FileReader> {
    let file = place.book.get(path).await?;
    let error = match read_as(place, path, file.clone(), options.clone()).await {
        Err(error) if error.kind() == ErrorKind::Corrupt => error,
        read => return read,
    };
    // What is there may have been announced after the record was read.
    let now = place.book.get(path).await?;
    if now == file {
        return Err(error);
    }
    read_as(place, path, now, options).await
}

/// Reads what is there as one of the versions on record.
async fn read_as(
    place: &Arc<Place>,
    path: &FilePath,
    file: Option<SealedFile>,
    options: ReadOptions,
) -> Result<FileReader> {
    let object = place.object(path).await?;
    let Some(file) = file else {
        return Err(match place.files()?.stat(&object).await? {
            Some(_) => foreign(path),
            None => not_found(OPERATION, path),
        });
    };
    let mut asked = ReadOptions::default();
    if let Some(version) = &options.version {
        asked.version = Some(wanted(place, path, &object, version).await?);
    }
    // A range that begins in the first chunk is read in one go with the header.
    let lead = options
        .range
        .as_ref()
        .map(|range| lead(place, &file, range));
    asked.range = lead.map(|end| 0..end);
    let reader = place.files()?.read(&object, asked).await?;
    let version = reader.version;
    let mut source = Source::new(reader.bytes);
    source.fill(HEADER).await?;
    let header = header_of(&source.buffer)?;
    let known = file.recognise(&header)?;
    let layout = known.layout()?;
    let keys = place.unlock(known, &header).await?;
    if version.size != layout.sealed_length() {
        return Err(Error::from(SealedError::Truncated)
            .with_context("stored", version.size)
            .with_context("sealed", layout.sealed_length()));
    }
    let (mut plain, _) = place.view(&version, &file, place.secrets().await?);
    plain.size = layout.plain_length();
    let (range, chunks) = match options.range {
        None => (0..layout.plain_length(), 0..layout.chunks()),
        Some(range) => (range.clone(), layout.chunks_of(&range)),
    };
    if chunks.is_empty() {
        return Ok(FileReader::new(plain, stream::empty().boxed()));
    }
    let until = end_of(&layout, &chunks);
    if chunks.start == 0 && lead.is_none_or(|lead| lead == until) {
        let _header = source.buffer.split_to(HEADER);
    } else {
        let sealed = layout.sealed_range(chunks.start).start..until;
        let options = ReadOptions::default()
            .with_range(sealed)
            .with_version(version);
        source = Source::new(place.files()?.read(&object, options).await?.bytes);
    }
    let opening = Opening {
        source,
        keys,
        layout,
        chunks,
        range,
    };
    let pieces = stream::try_unfold(opening, |mut opening| async move {
        Ok(opening.next().await?.map(|piece| (piece, opening)))
    });
    Ok(FileReader::new(plain, pieces.boxed()))
}

/// The version of the object that the file must have to be the version asked for.
async fn wanted(
    place: &Place,
    path: &FilePath,
    object: &FilePath,
    version: &FileVersion,
) -> Result<FileVersion> {
    if let Some(wanted) = place.expected(path, version).await? {
        return Ok(wanted);
    }
    match place.files()?.stat(object).await? {
        None => Err(not_found(OPERATION, path)),
        Some(_) => Err(Error::new(
            ErrorKind::Changed,
            OPERATION,
            "another version is there",
        )),
    }
}

/// How much to read at first: the header, and the chunks of the range where they follow at once, as far as
/// can be told beforehand.
fn lead(place: &Place, file: &SealedFile, range: &Range<u64>) -> u64 {
    let known = file
        .possible()
        .next()
        .and_then(|version| version.layout().ok());
    let layout = known.or_else(|| Layout::of_plain(place.options.chunk, range.end).ok());
    let chunks = layout.map(|layout| (layout, layout.chunks_of(range)));
    match chunks {
        Some((layout, chunks)) if chunks.start == 0 && !chunks.is_empty() => {
            end_of(&layout, &chunks)
        }
        _ => HEADER as u64,
    }
}

/// Where the last of some chunks ends in the object.
fn end_of(layout: &Layout, chunks: &Range<u64>) -> u64 {
    layout.sealed_range(chunks.end.saturating_sub(1)).end
}

/// The bytes of an object as they come.
struct Source {
    bytes: BoxStream<'static, Result<Bytes>>,
    buffer: BytesMut,
}

impl Source {
    fn new(bytes: BoxStream<'static, Result<Bytes>>) -> Self {
        Self {
            bytes,
            buffer: BytesMut::new(),
        }
    }

    /// Waits until this many bytes are at hand, or no more come; tells whether they are.
    async fn fill(&mut self, size: usize) -> Result<bool> {
        while self.buffer.len() < size {
            match self.bytes.next().await.transpose()? {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// Chunks on their way to the reader.
struct Opening {
    source: Source,
    keys: ObjectKeys,
    layout: Layout,
    /// Still to come.
    chunks: Range<u64>,
    /// Which bytes of the file were asked for.
    range: Range<u64>,
}

impl Opening {
    /// Opens what is at hand, one chunk at least; `None` once everything was given and nothing is left over.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.chunks.is_empty() {
            return self.end().await;
        }
        let first = self.length(self.chunks.start);
        if !self.source.fill(first).await? {
            return Err(SealedError::Truncated.into());
        }
        let (start, mut end, mut size) = (self.chunks.start, self.chunks.start + 1, first);
        while end < self.chunks.end {
            let more = size + self.length(end);
            if more > self.source.buffer.len() || more > RUN {
                break;
            }
            (end, size) = (end + 1, more);
        }
        let mut run = self.source.buffer.split_to(size);
        let (keys, chunk) = (self.keys.clone(), self.layout.chunk_size());
        let last = self.layout.is_last(end - 1);
        let index = u32::try_from(start).map_err(|_| SealedError::Truncated)?;
        let range = self.range.clone();
        let work = move || {
            keys.open_run(chunk, index, last, &mut run)?;
            Ok::<_, Error>(plain_of(run, chunk.bytes(), start, &range))
        };
        let piece = if size <= INLINE {
            work()?
        } else {
            off_runtime(OPERATION, work).await?
        };
        self.chunks.start = end;
        Ok(Some(piece))
    }

    /// The end of a read vouches for all of it: nothing may follow, and the account must not complain.
    async fn end(&mut self) -> Result<Option<Bytes>> {
        if self.source.fill(1).await? {
            let message = "the account gave more bytes than were asked for";
            return Err(Error::new(ErrorKind::Corrupt, OPERATION, message));
        }
        Ok(None)
    }

    fn length(&self, chunk: u64) -> usize {
        let range = self.layout.sealed_range(chunk);
        usize::try_from(range.end - range.start).unwrap_or(usize::MAX)
    }
}

/// Takes the tags out of an opened run, and what was not asked for.
fn plain_of(mut run: BytesMut, chunk: usize, first: u64, asked: &Range<u64>) -> Bytes {
    let slot = chunk + TAG;
    let start = first * chunk as u64;
    let count = run.len().div_ceil(slot);
    let mut end = 0;
    for index in 0..count {
        let from = index * slot;
        let until = (from + slot).min(run.len()) - TAG;
        run.copy_within(from..until, end);
        end += until - from;
    }
    run.truncate(end);
    let within = |at: u64| {
        let at = at.saturating_sub(start);
        usize::try_from(at).unwrap_or(usize::MAX).min(end)
    };
    run.freeze().slice(within(asked.start)..within(asked.end))
}
