//! Every way to open an object, under one signature.

use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use garland::crypto::{ChunkSize, HEADER, Pass, SealKey, SealedReader};
use garland::{Error, ErrorKind, Result};

/// What a reader gave before its end, and how it ended.
pub(crate) struct Read {
    pub(crate) plain: Vec<u8>,
    pub(crate) end: Result<()>,
}

/// One way to open a whole object.
pub(crate) type Way = fn(&SealKey, &[u8]) -> Read;

pub(crate) const WAYS: &[(&str, Way)] = &[
    ("at once", at_once),
    ("by pieces", by_pieces),
    ("in place", in_place),
    ("a stream", as_stream),
    ("a range", as_range),
    ("one worker", |key, sealed| all(key, sealed, 1)),
    ("three workers", |key, sealed| all(key, sealed, 3)),
];

fn at_once(key: &SealKey, sealed: &[u8]) -> Read {
    fed(key, [sealed])
}

fn by_pieces(key: &SealKey, sealed: &[u8]) -> Read {
    fed(key, sealed.chunks(1_000))
}

pub(crate) fn fed<'a>(key: &SealKey, pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let mut plain = Vec::new();
    let mut opener = key.open();
    let fed = pieces
        .into_iter()
        .try_for_each(|piece| opener.update(piece, &mut plain));
    let end = fed.and_then(|()| {
        let length = opener.finish(&mut plain)?;
        assert_eq!(length, plain.len() as u64);
        Ok(())
    });
    Read { plain, end }
}

fn in_place(key: &SealKey, sealed: &[u8]) -> Read {
    let mut plain = Vec::new();
    let end = (|| {
        let mut opener = key.open();
        let (header, body) = sealed.split_at(sealed.len().min(HEADER));
        opener.update(header, &mut plain)?;
        if header.len() < HEADER {
            return opener.finish(&mut plain).map(|_| ());
        }
        let size = ChunkSize::from_log2(header[6]).unwrap().bytes() + 16;
        // Two at a time, the last ones by `finish_in_place`.
        let cut = body.len().saturating_sub(1) / (2 * size) * (2 * size);
        let (runs, last) = body.split_at(cut);
        for run in runs.chunks(2 * size) {
            let mut run = run.to_vec();
            opener.open_in_place(&mut run)?;
            run.chunks(size)
                .for_each(|slot| plain.extend_from_slice(&slot[..slot.len() - 16]));
        }
        let mut last = last.to_vec();
        let length = opener.finish_in_place(&mut last)?;
        last.chunks(size)
            .for_each(|slot| plain.extend_from_slice(&slot[..slot.len() - 16]));
        assert_eq!(length, plain.len() as u64);
        Ok(())
    })();
    Read { plain, end }
}

fn as_stream(key: &SealKey, sealed: &[u8]) -> Read {
    let pieces: Vec<_> = sealed.chunks(5_000).map(Bytes::copy_from_slice).collect();
    run(collect(key.open_stream(stream::iter(pieces).map(Ok))))
}

fn as_range(key: &SealKey, sealed: &[u8]) -> Read {
    run(async {
        let reader = match SealedReader::open(place(sealed), sealed.len() as u64, key).await {
            Ok(reader) => reader,
            Err(error) => {
                return Read {
                    plain: Vec::new(),
                    end: Err(error),
                };
            }
        };
        collect(reader.read(0..u64::MAX)).await
    })
}

fn all(key: &SealKey, sealed: &[u8], workers: usize) -> Read {
    let mut plain = Vec::new();
    let end = key
        .open_all(&Pass::new().with_workers(workers), sealed, &mut plain)
        .map(|_| ());
    Read { plain, end }
}

/// An object in memory as a place.
pub(crate) fn place(
    sealed: &[u8],
) -> impl Fn(Range<u64>) -> BoxStream<'static, Result<Bytes>> + Send + Sync + 'static + use<> {
    let sealed = Bytes::copy_from_slice(sealed);
    move |range| {
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        let bytes = sealed.get(range).map(Bytes::copy_from_slice);
        let bytes = bytes
            .ok_or_else(|| Error::new(ErrorKind::Unexpected, "place.read_at", "beyond the end"));
        stream::iter([bytes]).boxed()
    }
}

pub(crate) async fn collect(mut pieces: BoxStream<'static, Result<Bytes>>) -> Read {
    let mut plain = Vec::new();
    loop {
        match pieces.try_next().await {
            Ok(Some(piece)) => plain.extend_from_slice(&piece),
            Ok(None) => return Read { plain, end: Ok(()) },
            Err(error) => {
                assert!(
                    pieces.next().await.is_none(),
                    "nothing comes after an error"
                );
                return Read {
                    plain,
                    end: Err(error),
                };
            }
        }
    }
}

pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(work)
}
