//! Whole files by several workers: the same bytes, the same errors, hashes on the way.

use std::io::{self, Read, Write};

use garland::ErrorKind;
use garland::connector::{ContentHasher, HashAlgorithm};
use garland::crypto::{HEADER, Pass, SealedError};

use crate::world::{Dry, Fixed, SMALL, content, key, seal, small, why};

fn pass(workers: usize) -> Pass {
    Pass::new().with_workers(workers).with_chunk(small())
}

#[test]
fn any_number_of_workers_gives_the_same_bytes_and_hashes() {
    let algorithms = [HashAlgorithm::Sha256, HashAlgorithm::Crc32c];
    let hashed = |bytes: &[u8]| {
        let mut hasher = ContentHasher::new(algorithms);
        hasher.update(bytes);
        hasher.finish()
    };
    for length in [0, 1, SMALL - 1, SMALL, SMALL + 1, 7 * SMALL, 40 * SMALL + 5] {
        let plain = content(length);
        let expected = seal(&key(), small(), &plain);
        for workers in [0, 1, 2, 5] {
            let pass = pass(workers)
                .with_plain_hashes(algorithms)
                .with_sealed_hashes(algorithms);
            let (mut sealed, mut opened) = (Vec::new(), Vec::new());
            // A reader that gives little at a time.
            let there = key()
                .seal_all(&pass, &Fixed(9), Dribble(&plain), &mut sealed)
                .unwrap();
            assert!(sealed == expected, "{length} bytes, {workers} workers");
            let back = key()
                .open_all(&pass, Dribble(&sealed), &mut opened)
                .unwrap();
            assert!(opened == plain, "{length} bytes, {workers} workers");
            assert_eq!(there, back);
            assert_eq!(there.plain_hashes, hashed(&plain));
            assert_eq!(there.sealed_hashes, hashed(&sealed));
            assert_eq!(there.layout.plain_length(), length as u64);
            assert_eq!(there.layout.sealed_length(), sealed.len() as u64);
        }
    }
}

#[test]
fn c1_the_first_bad_chunk_is_told_and_all_before_it_is_written() {
    let plain = content(40 * SMALL);
    let mut sealed = seal(&key(), small(), &plain);
    for chunk in [30, 12, 11] {
        sealed[HEADER + chunk * (SMALL + 16)] ^= 1;
        for workers in [1, 2, 5] {
            let mut opened = Vec::new();
            let error = key()
                .open_all(&pass(workers), sealed.as_slice(), &mut opened)
                .unwrap_err();
            let expected = u32::try_from(chunk).unwrap();
            assert_eq!(why(&error), SealedError::Corrupt { chunk: expected });
            assert!(opened == plain[..chunk * SMALL], "{workers} workers");
        }
    }
}

#[test]
fn a_reader_or_writer_that_fails_ends_the_pass() {
    let plain = content(20 * SMALL);
    for workers in [1, 3] {
        let broken = plain[..9 * SMALL].chain(Broken);
        let mut sealed = Vec::new();
        let error = key()
            .seal_all(&pass(workers), &Fixed(9), broken, &mut sealed)
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.operation()),
            (ErrorKind::Unavailable, "sealed.read")
        );
        // What is written is the beginning of an object, and no object.
        assert!(
            key()
                .open_all(&pass(workers), sealed.as_slice(), io::sink())
                .is_err()
        );

        let full = Narrow(5 * SMALL);
        let error = key()
            .seal_all(&pass(workers), &Fixed(9), plain.as_slice(), full)
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.operation()),
            (ErrorKind::Full, "sealed.write")
        );
    }
}

#[test]
fn a_reader_that_panics_leaves_nobody_waiting() {
    // Whoever of the workers meets it: an error, or the panic itself if it was the caller's thread.
    for _ in 0..20 {
        let ended = std::panic::catch_unwind(|| {
            let panics = content(9 * SMALL).chain_panic();
            key().seal_all(&pass(3), &Fixed(9), panics, io::sink())
        });
        if let Ok(result) = ended {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Unexpected);
        }
    }
}

#[test]
fn c3_without_chance_nothing_is_written() {
    let mut sealed = Vec::new();
    let error = key()
        .seal_all(&pass(2), &Dry::after(31), &b"a"[..], &mut sealed)
        .unwrap_err();
    assert_eq!((error.kind(), sealed.len()), (ErrorKind::Unavailable, 0));
}

/// Gives up to 777 bytes at a time, interrupted now and then.
struct Dribble<'a>(&'a [u8]);

impl Read for Dribble<'_> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let most = place.len().min(777);
        if self.0.len() % 5 == 1 && most > 1 {
            // Once for each such place: one byte goes first.
            return self.0.read(&mut place[..1]);
        }
        self.0.read(&mut place[..most])
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}

struct Narrow(usize);

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

trait ChainPanic {
    fn chain_panic(self) -> io::Chain<io::Cursor<Vec<u8>>, Panics>;
}

impl ChainPanic for Vec<u8> {
    fn chain_panic(self) -> io::Chain<io::Cursor<Vec<u8>>, Panics> {
        io::Cursor::new(self).chain(Panics)
    }
}

struct Panics;

impl Read for Panics {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("a reader that is not well")
    }
}
