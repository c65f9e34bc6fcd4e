//! Streams: the same bytes, nothing held, nothing lost when left waiting or dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use garland::crypto::{ChunkSize, HEADER};
use garland::{Error, ErrorKind, Result};

use crate::readers::{collect, run};
use crate::world::{Dry, Fixed, SMALL, content, key, seal, small};

fn pieces(bytes: &[u8], size: usize) -> BoxStream<'static, Result<Bytes>> {
    let pieces: Vec<_> = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
    stream::iter(pieces).map(Ok).boxed()
}

#[test]
fn a_stream_gives_the_bytes_of_an_object_however_it_is_cut() {
    for length in [0, 1, SMALL, 5 * SMALL + 3] {
        let plain = content(length);
        let expected = seal(&key(), small(), &plain);
        for size in [1_000, SMALL, 3 * SMALL, 1 << 20] {
            let sealed = key()
                .seal_stream(pieces(&plain, size), small(), &Fixed(9))
                .unwrap();
            let sealed = run(collect(sealed));
            sealed.end.unwrap();
            assert!(sealed.plain == expected, "{length} bytes by {size}");
            let opened = run(collect(key().open_stream(pieces(&expected, size))));
            opened.end.unwrap();
            assert!(opened.plain == plain, "{length} bytes by {size}");
        }
    }
}

#[test]
fn empty_pieces_are_nothing() {
    let plain = content(SMALL + 5);
    let with_gaps = pieces(&plain, 700)
        .flat_map(|piece| stream::iter([Ok(Bytes::new()), piece, Ok(Bytes::new())]));
    let sealed = run(collect(
        key().seal_stream(with_gaps, small(), &Fixed(9)).unwrap(),
    ));
    assert!(sealed.plain == seal(&key(), small(), &plain));
}

#[test]
fn pieces_are_about_a_chunk_whatever_comes_in() {
    let plain = content(40 * SMALL);
    let sealed = seal(&key(), small(), &plain);
    let most = 2 * (SMALL + 16) + HEADER;
    run(async {
        let mut stream = key()
            .seal_stream(pieces(&plain, 1 << 20), small(), &Fixed(9))
            .unwrap();
        while let Some(piece) = stream.try_next().await.unwrap() {
            assert!(piece.len() <= most, "{} bytes at once", piece.len());
        }
        let mut stream = key().open_stream(pieces(&sealed, 1 << 20));
        while let Some(piece) = stream.try_next().await.unwrap() {
            assert!(piece.len() <= most, "{} bytes at once", piece.len());
        }
    });
}

#[test]
fn no_more_is_read_than_is_asked_for() {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let endless = stream::repeat_with(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(Bytes::from_static(&[0; 4_096]))
    });
    run(async {
        let mut sealed = key().seal_stream(endless, small(), &Fixed(9)).unwrap();
        for _ in 0..10 {
            sealed.try_next().await.unwrap().unwrap();
        }
    });
    // Ten pieces of a chunk each are 40 of these, and a chunk waits.
    assert!(taken.load(Ordering::Relaxed) <= 50, "{taken:?}");
}

#[test]
fn an_error_of_the_source_ends_the_stream() {
    let failing = |bytes: &[u8]| {
        let broken = Error::new(ErrorKind::Unavailable, "test.read", "the line broke");
        pieces(bytes, 9_000).chain(stream::iter([Err(broken)]))
    };
    let plain = content(3 * SMALL);
    let sealed = seal(&key(), small(), &plain);
    let end = run(collect(
        key()
            .seal_stream(failing(&plain), small(), &Fixed(9))
            .unwrap(),
    ))
    .end;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::Unavailable);
    // All of the object, and then the error: not a success.
    let opened = run(collect(key().open_stream(failing(&sealed))));
    assert_eq!(opened.end.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(plain.starts_with(&opened.plain));
}

#[test]
fn c3_without_chance_no_stream_begins() {
    let stream = key().seal_stream(pieces(b"a", 1), small(), &Dry::after(31));
    assert_eq!(
        stream.err().map(|error| error.kind()),
        Some(ErrorKind::Unavailable)
    );
}

/// `next` is dropped again and again while work is on its way, and nothing is lost or doubled.
#[test]
fn dropping_a_wait_loses_nothing() {
    let chunk = ChunkSize::from_log2(17).unwrap();
    let plain = content(1 << 20);
    let expected = seal(&key(), chunk, &plain);
    let (sealed, waits) = run(async {
        let mut stream = key()
            .seal_stream(pieces(&plain, 50_000), chunk, &Fixed(9))
            .unwrap();
        let (mut sealed, mut waits) = (Vec::new(), 0);
        loop {
            match stream.next().now_or_never() {
                Some(Some(piece)) => sealed.extend_from_slice(&piece.unwrap()),
                Some(None) => return (sealed, waits),
                None => {
                    waits += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
    });
    assert!(waits > 0, "the work was never on its way");
    assert!(sealed == expected);
}

/// A runtime of one thread drives other work while chunks are sealed.
#[test]
fn the_runtime_is_not_blocked_by_large_chunks() {
    let chunk = ChunkSize::from_log2(22).unwrap();
    let plain = content(9 << 20);
    run(async {
        let others = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&others);
        let other = tokio::spawn(async move {
            loop {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
        let mut stream = key()
            .seal_stream(pieces(&plain, 1 << 20), chunk, &Fixed(9))
            .unwrap();
        let (mut length, mut at_work) = (0, 0);
        loop {
            let before = others.load(Ordering::Relaxed);
            let Some(piece) = stream.try_next().await.unwrap() else {
                break;
            };
            length += piece.len();
            // Between asking for a piece and having it, the other task had its turns.
            at_work += usize::from(others.load(Ordering::Relaxed) > before);
        }
        other.abort();
        assert_eq!(length, HEADER + (9 << 20) + 3 * 16);
        assert!(at_work >= 2, "only {at_work}");
    });
}
