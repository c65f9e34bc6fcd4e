//! Reading parts: exact bytes, few chunks, and no belief in a length that was not proven.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use garland::crypto::{HEADER, SealedError, SealedReader};
use garland::{Error, ErrorKind, Result};

use crate::readers::{collect, place, run};
use crate::world::{SMALL, content, key, seal, small, why};

const SLOT: usize = SMALL + 16;

type Asked = Arc<Mutex<Vec<Range<u64>>>>;

/// A place that keeps what it was asked for.
fn watched(
    sealed: &[u8],
) -> (
    impl Fn(Range<u64>) -> BoxStream<'static, Result<Bytes>> + Send + Sync + 'static + use<>,
    Asked,
) {
    let (inner, asked) = (place(sealed), Asked::default());
    let log = Arc::clone(&asked);
    let watched = move |range: Range<u64>| {
        let (pieces, log) = (inner(range.clone()), Arc::clone(&log));
        // Asked for when it is polled, as a connector would.
        stream::once(async move {
            log.lock().unwrap().push(range);
            pieces
        })
        .flatten()
        .boxed()
    };
    (watched, asked)
}

#[test]
fn a_part_is_what_it_is_in_the_file() {
    let plain = content(3 * SMALL + 100);
    let sealed = seal(&key(), small(), &plain);
    let ends = [
        0,
        1,
        SMALL - 1,
        SMALL,
        SMALL + 1,
        2 * SMALL,
        3 * SMALL,
        3 * SMALL + 99,
        3 * SMALL + 100,
    ];
    run(async {
        let reader = SealedReader::open(place(&sealed), sealed.len() as u64, &key())
            .await
            .unwrap();
        for start in ends {
            for end in ends.into_iter().chain([3 * SMALL + 101, 5 * SMALL]) {
                let read = collect(reader.read(start as u64..end as u64)).await;
                read.end.unwrap();
                let expected = plain.get(start..end.min(plain.len())).unwrap_or_default();
                assert!(read.plain == expected, "{start}..{end}");
            }
        }
        for last in [0, 1, 100, 101, SMALL, plain.len(), plain.len() + 1] {
            let read = collect(reader.read_last(last as u64)).await;
            read.end.unwrap();
            let from = plain.len().saturating_sub(last);
            assert!(read.plain == plain[from..], "the last {last}");
        }
        assert_eq!(
            collect(reader.read_last(u64::MAX)).await.plain.len(),
            plain.len()
        );
        assert_eq!(reader.length().await.unwrap(), plain.len() as u64);
    });
}

fn once(range: Range<u64>) -> Vec<Range<u64>> {
    std::iter::once(range).collect()
}

#[test]
fn only_the_chunks_around_a_part_are_asked_for() {
    let plain = content(9 * SMALL + 100);
    let sealed = seal(&key(), small(), &plain);
    run(async {
        let (watched, asked) = watched(&sealed);
        let reader = SealedReader::open(watched, sealed.len() as u64, &key())
            .await
            .unwrap();
        let header = HEADER as u64;
        let take = || std::mem::take(&mut *asked.lock().unwrap());
        assert_eq!(take(), once(0..header));

        let slot = SLOT as u64;
        collect(reader.read(4 * SMALL as u64 - 1..5 * SMALL as u64 + 1))
            .await
            .end
            .unwrap();
        assert_eq!(take(), once(header + 3 * slot..header + 6 * slot));
        collect(reader.read(0..1)).await.end.unwrap();
        assert_eq!(take(), once(header..header + slot));
        collect(reader.read(7..7)).await.end.unwrap();
        assert_eq!(take(), []);

        // The end is proven once, before anything that depends on it is given.
        let last = header + 9 * slot..sealed.len() as u64;
        collect(reader.read_last(10)).await.end.unwrap();
        assert_eq!(take(), [last.clone(), last.clone()]);
        assert_eq!(reader.length().await.unwrap(), plain.len() as u64);
        assert_eq!(take(), []);
        collect(reader.read_last(10)).await.end.unwrap();
        assert_eq!(take(), [last]);
    });
}

#[test]
fn c1_a_length_counts_only_after_the_last_chunk() {
    let plain = content(4 * SMALL);
    let sealed = seal(&key(), small(), &plain);
    for chunks in 1..4 {
        let cut = &sealed[..HEADER + chunks * SLOT];
        run(async {
            let reader = SealedReader::open(place(cut), cut.len() as u64, &key())
                .await
                .unwrap();
            // What is there is good as long as nobody asks for the end of it.
            if chunks > 1 {
                let read = collect(reader.read(5..SMALL as u64)).await;
                read.end.unwrap();
                assert!(read.plain == plain[5..SMALL]);
            }
            for _ in 0..2 {
                let error = reader.length().await.unwrap_err();
                assert_eq!(why(&error), SealedError::Truncated);
            }
            for stream in [
                reader.read_last(1),
                reader.read_last(0),
                reader.read(0..u64::MAX),
                reader.read(u64::MAX - 1..u64::MAX),
                reader.read((chunks * SMALL) as u64..u64::MAX),
            ] {
                let read = collect(stream).await;
                assert_eq!(read.plain.len(), 0, "given before the end was seen");
                assert_eq!(why(&read.end.unwrap_err()), SealedError::Truncated);
            }
        });
    }
}

#[test]
fn c1_a_bent_chunk_stops_the_parts_it_is_in_and_no_others() {
    let plain = content(4 * SMALL);
    let mut sealed = seal(&key(), small(), &plain);
    sealed[HEADER + 2 * SLOT + 5] ^= 1;
    run(async {
        let reader = SealedReader::open(place(&sealed), sealed.len() as u64, &key())
            .await
            .unwrap();
        let size = SMALL as u64;
        collect(reader.read(0..2 * size)).await.end.unwrap();
        collect(reader.read(3 * size..4 * size)).await.end.unwrap();
        let read = collect(reader.read(2 * size + 100..2 * size + 101)).await;
        assert_eq!(
            why(&read.end.unwrap_err()),
            SealedError::Corrupt { chunk: 2 }
        );
        assert_eq!(read.plain.len(), 0);
    });
}

#[test]
fn c1_a_place_that_gives_more_or_less_than_asked_is_not_believed() {
    let sealed = seal(&key(), small(), &content(4 * SMALL));
    let length = sealed.len() as u64;
    for (more, reason) in [
        (1, SealedError::Corrupt { chunk: 1 }),
        (-1, SealedError::Truncated),
    ] {
        let inner = place(&sealed);
        let liar = move |range: Range<u64>| {
            if range.start == 0 {
                return inner(range);
            }
            inner(range.start..range.end.checked_add_signed(more).unwrap())
        };
        run(async {
            let reader = SealedReader::open(liar, length, &key()).await.unwrap();
            let read = collect(reader.read(SMALL as u64..SMALL as u64 + 10)).await;
            assert_eq!(why(&read.end.unwrap_err()), reason);
            assert_eq!(read.plain.len(), 0);
        });
    }
    // Endless headers fill no memory.
    let endless = |_: Range<u64>| stream::repeat_with(|| Ok(Bytes::from_static(&[0; 50]))).boxed();
    let error = run(SealedReader::open(endless, length, &key())).unwrap_err();
    assert_eq!(why(&error), SealedError::Truncated);
}

#[test]
fn errors_of_the_place_come_through() {
    let down = |_: Range<u64>| {
        let error = Error::new(ErrorKind::Timeout, "place.read_at", "no answer");
        stream::iter([Err(error)]).boxed()
    };
    let error = run(SealedReader::open(down, 1_000, &key())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}
