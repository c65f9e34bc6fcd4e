//! Reading parts of a sealed object.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::error::{Error, Result};

use super::failure::SealedError;
use super::header::{HEADER, Header, ObjectKeys};
use super::key::SealKey;
use super::opener::Opener;
use super::size::Layout;
use super::stream::pump;

/// Where the bytes of one sealed object lie: a connector, a store, a file.
///
/// Closures are it already.
pub trait ReadAt: Send + Sync + 'static {
    /// Reads the bytes of `range`: exactly these, in order, in pieces of any size.
    ///
    /// # For implementors
    /// Fewer bytes are taken for an object that was cut, more for one that was changed. Errors of the place go
    /// through the stream.
    fn read_at(&self, range: Range<u64>) -> BoxStream<'static, Result<Bytes>>;
}

impl<F> ReadAt for F
where
    F: Fn(Range<u64>) -> BoxStream<'static, Result<Bytes>> + Send + Sync + 'static,
{
    fn read_at(&self, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
        self(range)
    }
}

/// Reads any part of a sealed object, and of the object only the chunks that hold it.
///
/// The length that the place states is not believed: what depends on it, [`SealedReader::length`],
/// [`SealedReader::read_last`] and reads beyond the end, first opens the last chunk, once.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use futures_util::stream::{self, StreamExt, TryStreamExt};
/// use garland::OrganizationId;
/// use garland::crypto::{ChunkSize, Purpose, SealContext, SealKey, SealedReader, SecretKey, SystemEntropy};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let context = SealContext::new(&OrganizationId::default(), "film", "v1", Purpose::Body)?;
/// let key = SealKey::new(SecretKey::generate(&SystemEntropy::new())?, context);
/// let mut sealed = Vec::new();
/// let mut sealer = key.seal(ChunkSize::default(), &SystemEntropy::new())?;
/// sealer.update(&[7; 200_000], &mut sealed)?;
/// sealer.finish(&mut sealed)?;
///
/// let (length, object) = (sealed.len() as u64, Bytes::from(sealed));
/// let place = move |range: std::ops::Range<u64>| {
///     let bytes = object.slice(range.start as usize..range.end as usize);
///     stream::iter([Ok(bytes)]).boxed()
/// };
/// let reader = SealedReader::open(place, length, &key).await?;
/// let part: Vec<Bytes> = reader.read(100_000..100_003).try_collect().await?;
/// assert_eq!(part.concat(), [7; 3]);
/// assert_eq!(reader.length().await?, 200_000);
/// # Ok::<(), garland::Error>(())
/// # }).unwrap();
/// ```
pub struct SealedReader<R> {
    source: Arc<R>,
    keys: ObjectKeys,
    layout: Layout,
    /// Whether the last chunk was opened as the last one.
    end_seen: Arc<AtomicBool>,
}

impl<R: ReadAt> SealedReader<R> {
    /// Reads and checks the header of an object of `sealed_length` bytes.
    ///
    /// # Errors
    /// - [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt), with a [`SealedError`] as its cause:
    ///   [`SealedError::Header`], [`SealedError::WrongKeyOrContext`], [`SealedError::Truncated`].
    /// - As [`Layout::of_sealed`], and those of `source`.
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn open(source: R, sealed_length: u64, key: &SealKey) -> Result<Self> {
        if sealed_length < HEADER as u64 {
            return Err(SealedError::Truncated.into());
        }
        let mut bytes = Vec::with_capacity(HEADER);
        let mut pieces = source.read_at(0..HEADER as u64);
        while let Some(piece) = pieces.try_next().await? {
            // A place that gives more than was asked for fills no memory.
            bytes.extend(piece.into_iter().take(HEADER + 1 - bytes.len()));
            if bytes.len() > HEADER {
                break;
            }
        }
        let Ok(bytes) = bytes.as_slice().try_into() else {
            return Err(SealedError::Truncated.into());
        };
        let header = Header::parse(bytes)?;
        let keys = key.unlock(&header)?;
        let layout = Layout::of_sealed(header.chunk_size(), sealed_length)?;
        Ok(Self {
            source: Arc::new(source),
            keys,
            layout,
            end_seen: Arc::default(),
        })
    }

    /// Reads a part of the file; what of `range` lies beyond the end is left out, once the end was seen.
    ///
    /// The pieces that come are plaintext whose tags were checked. Holds at most three chunks and one piece of what
    /// the place gives, whatever the length.
    ///
    /// # Errors
    /// The stream ends with [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt), with [`SealedError::Corrupt`] or
    /// [`SealedError::Truncated`] as its cause, or with those of the place.
    ///
    /// # Cancel safety
    /// The stream may be left waiting or dropped at any time.
    pub fn read(&self, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
        let part = self.opened(&range);
        if range.start >= range.end || range.end <= self.layout.plain_length() {
            return part;
        }
        let end = self.end();
        stream::once(async move {
            end.await?;
            Ok::<_, Error>(part)
        })
        .try_flatten()
        .boxed()
    }

    /// Reads the last `bytes` of the file, all of it if it is shorter.
    ///
    /// # Errors
    /// As [`SealedReader::read`].
    ///
    /// # Cancel safety
    /// The stream may be left waiting or dropped at any time.
    pub fn read_last(&self, bytes: u64) -> BoxStream<'static, Result<Bytes>> {
        let length = self.layout.plain_length();
        // One past the end, so that the end is proven for an empty file and for no bytes too.
        self.read(length.saturating_sub(bytes)..length.saturating_add(1))
    }

    /// Returns the length of the file, proven by its last chunk.
    ///
    /// # Errors
    /// As [`SealedReader::read`].
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn length(&self) -> Result<u64> {
        self.end().await?;
        Ok(self.layout.plain_length())
    }

    /// Returns where the chunks lie if the length that was stated is the right one.
    #[must_use]
    pub const fn stated_layout(&self) -> &Layout {
        &self.layout
    }

    /// Opens the last chunk as the last one, unless that was done.
    fn end(&self) -> impl Future<Output = Result<()>> + Send + use<R> {
        let seen = Arc::clone(&self.end_seen);
        let last = self.layout.chunks().saturating_sub(1);
        let opened = (!seen.load(Ordering::Acquire)).then(|| self.chunks(last..last + 1));
        async move {
            if let Some(mut chunk) = opened {
                while chunk.try_next().await?.is_some() {}
                seen.store(true, Ordering::Release);
            }
            Ok(())
        }
    }

    /// The part of the file that is in `range`.
    fn opened(&self, range: &Range<u64>) -> BoxStream<'static, Result<Bytes>> {
        let chunks = self.layout.chunks_of(range);
        if chunks.is_empty() {
            return stream::empty().boxed();
        }
        let size = self.layout.chunk_size().bytes() as u64;
        let begin = chunks.start.saturating_mul(size);
        let end = range.end.min(self.layout.plain_length());
        let cut = Cut {
            skip: range.start.saturating_sub(begin),
            left: end.saturating_sub(range.start),
        };
        // Every chunk is asked for to its end, also when nothing more of it is delivered: its tag counts.
        self.chunks(chunks)
            .scan(cut, |cut, piece| {
                let piece = piece.map(|piece| cut.piece(piece));
                std::future::ready(Some(piece))
            })
            .try_filter(|piece| std::future::ready(!piece.is_empty()))
            .boxed()
    }

    /// All of the plaintext of some chunks.
    fn chunks(&self, chunks: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
        let first = self.layout.sealed_range(chunks.start);
        let last = self.layout.sealed_range(chunks.end.saturating_sub(1));
        // INVARIANT: a layout has fewer than 2³² chunks.
        let index = u32::try_from(chunks.start).unwrap_or(u32::MAX);
        let opener = Opener::of_chunks(
            self.keys.clone(),
            self.layout.chunk_size(),
            index,
            chunks.end == self.layout.chunks(),
        )
        .expecting(last.end.saturating_sub(first.start));
        pump(opener, self.source.read_at(first.start..last.end))
    }
}

/// Shows what is known of the object; nothing of keys.
impl<R> fmt::Debug for SealedReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedReader")
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

/// Cuts the plaintext of whole chunks to what was asked for.
struct Cut {
    skip: u64,
    left: u64,
}

impl Cut {
    fn piece(&mut self, mut piece: Bytes) -> Bytes {
        let skip = piece.len().min(saturated(self.skip));
        self.skip -= skip as u64;
        let _ = piece.split_to(skip);
        piece.truncate(saturated(self.left));
        self.left -= piece.len() as u64;
        piece
    }
}

fn saturated(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::engine::crypto::sealed::{ChunkSize, Purpose, SealContext};
    use crate::engine::crypto::{SecretKey, SystemEntropy};
    use crate::id::OrganizationId;

    /// A sealed file of zeros whose chunks are made when they are asked for.
    struct Zeros {
        header: Header,
        keys: ObjectKeys,
        layout: Layout,
        touched: Arc<Mutex<Vec<u64>>>,
    }

    impl ReadAt for Zeros {
        fn read_at(&self, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
            if range.start < HEADER as u64 {
                let header = Bytes::copy_from_slice(&self.header.to_bytes());
                return stream::iter([Ok(header)]).boxed();
            }
            let chunks: Vec<_> = (0..self.layout.chunks())
                .skip_while(|index| self.layout.sealed_range(*index).end <= range.start)
                .take_while(|index| self.layout.sealed_range(*index).start < range.end)
                .map(|index| {
                    self.touched.lock().unwrap().push(index);
                    let place = self.layout.sealed_range(index);
                    assert!(range.start <= place.start && place.end <= range.end);
                    let mut chunk = vec![0; usize::try_from(place.end - place.start).unwrap()];
                    let last = self.layout.is_last(index);
                    let number = u32::try_from(index).unwrap();
                    self.keys
                        .seal_run(self.layout.chunk_size(), number, last, &mut chunk)
                        .unwrap();
                    Ok(Bytes::from(chunk))
                })
                .collect();
            stream::iter(chunks).boxed()
        }
    }

    #[tokio::test]
    async fn c1_a_part_of_a_file_of_ten_gib_touches_three_chunks_at_most() {
        const LENGTH: u64 = (10 << 30) + 5;
        const PART: u64 = 64 << 10;
        let context =
            SealContext::new(&OrganizationId::default(), "film", "v1", Purpose::Body).unwrap();
        let key = SealKey::new(SecretKey::generate(&SystemEntropy::new()).unwrap(), context);
        let (header, keys) = key
            .begin(ChunkSize::default(), &SystemEntropy::new())
            .unwrap();
        let layout = Layout::of_plain(ChunkSize::default(), LENGTH).unwrap();
        let touched = Arc::default();
        let zeros = Zeros {
            header,
            keys,
            layout,
            touched: Arc::clone(&touched),
        };
        let reader = SealedReader::open(zeros, layout.sealed_length(), &key)
            .await
            .unwrap();
        assert_eq!(touched.lock().unwrap().len(), 0);
        for start in [
            0,
            1,
            PART - 1,
            PART,
            5 << 30,
            (7 << 30) + 12_345,
            LENGTH - PART,
        ] {
            let pieces: Vec<Bytes> = reader
                .read(start..start + PART)
                .try_collect()
                .await
                .unwrap();
            assert!(pieces.concat() == vec![0; usize::try_from(PART).unwrap()]);
            let chunks = std::mem::take(&mut *touched.lock().unwrap());
            assert!(chunks.len() <= 2, "{chunks:?} at {start}");
        }
        // With the end proven on the way.
        let pieces: Vec<Bytes> = reader.read_last(PART).try_collect().await.unwrap();
        assert_eq!(pieces.concat().len() as u64, PART);
        let chunks = std::mem::take(&mut *touched.lock().unwrap());
        assert!(chunks.len() <= 3, "{chunks:?}");
    }
}
