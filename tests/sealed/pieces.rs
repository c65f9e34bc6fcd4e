//! Sealing and opening piece by piece: what an error leaves behind, and what a stated length is worth.

use garland::ErrorKind;
use garland::crypto::{HEADER, Layout, SealedError};

use crate::world::{Fixed, SMALL, content, key, seal, small, why};

#[test]
fn the_header_comes_first_and_once() {
    let mut sealer = key().seal(small(), &Fixed(9)).unwrap();
    let mut out = Vec::new();
    sealer.update(&[], &mut out).unwrap();
    assert_eq!(out.len(), HEADER);
    sealer.update(b"a", &mut out).unwrap();
    assert_eq!((out.len(), sealer.take_header()), (HEADER, None));
    sealer.finish(&mut out).unwrap();
    assert_eq!(out, seal(&key(), small(), b"a"));
}

#[test]
fn a_buffer_of_the_callers_is_sealed_where_it_is() {
    let slot = SMALL + 16;
    for length in [0, 1, SMALL, 2 * SMALL, 3 * SMALL, 3 * SMALL + 7] {
        let plain = content(length);
        let mut sealer = key().seal(small(), &Fixed(9)).unwrap();
        let mut object = sealer.take_header().unwrap().to_vec();
        // Chunks with room behind each, sealed two at a time.
        let mut chunks: Vec<&[u8]> = plain.chunks(SMALL).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        let mut slots: Vec<u8> = Vec::new();
        for chunk in &chunks {
            slots.extend_from_slice(chunk);
            slots.extend_from_slice(&[0; 16]);
        }
        let cut = (slots.len() - 1) / (2 * slot) * (2 * slot);
        let (runs, last) = slots.split_at_mut(cut);
        for run in runs.chunks_mut(2 * slot) {
            sealer.seal_in_place(run).unwrap();
        }
        let layout = sealer.finish_in_place(last).unwrap();
        object.extend_from_slice(&slots);
        assert_eq!(layout, Layout::of_plain(small(), length as u64).unwrap());
        assert!(object == seal(&key(), small(), &plain), "{length} bytes");
    }
}

#[test]
fn a_misuse_of_buffers_is_an_error_and_seals_nothing() {
    let whole = SMALL + 16;
    let begun = || key().seal(small(), &Fixed(9)).unwrap();
    let ready = || {
        let mut sealer = begun();
        sealer.take_header().unwrap();
        sealer
    };
    let refused = |result: garland::Result<()>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
    };
    refused(begun().seal_in_place(&mut vec![0; whole]));
    refused(ready().seal_in_place(&mut vec![0; whole - 1]));
    refused(ready().seal_in_place(&mut vec![0; whole + 1]));
    refused(ready().finish_in_place(&mut []).map(|_| ()));
    refused(ready().finish_in_place(&mut [0; 15]).map(|_| ()));
    refused(
        ready()
            .finish_in_place(&mut vec![0; whole + 16])
            .map(|_| ()),
    );
    let mut waiting = ready();
    waiting.update(b"a", &mut Vec::new()).unwrap();
    refused(waiting.seal_in_place(&mut vec![0; whole]));
    // And it is over then.
    refused(waiting.update(b"b", &mut Vec::new()));
    refused(waiting.finish(&mut Vec::new()).map(|_| ()));
}

#[test]
fn a_file_of_another_length_than_stated_gives_no_object() {
    let stated = |length| key().seal(small(), &Fixed(9)).unwrap().expecting(length);
    let mut out = Vec::new();

    let mut longer = stated(10).unwrap();
    longer.update(&[0; 10], &mut out).unwrap();
    let before = out.len();
    let error = longer.update(&[0], &mut out).unwrap_err();
    assert_eq!((error.kind(), out.len()), (ErrorKind::Changed, before));
    let error = longer.finish(&mut out).unwrap_err();
    assert_eq!((error.kind(), out.len()), (ErrorKind::InvalidInput, before));

    let mut shorter = stated(10).unwrap();
    shorter.update(&[0; 9], &mut Vec::new()).unwrap();
    let error = shorter.finish(&mut out).unwrap_err();
    assert_eq!((error.kind(), out.len()), (ErrorKind::Changed, before));

    let mut in_place = stated(10).unwrap();
    in_place.take_header().unwrap();
    let error = in_place.finish_in_place(&mut [0; 9 + 16]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);

    let error = stated(Layout::MAX_LENGTH + 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);

    let mut exact = stated(10).unwrap();
    exact.update(&[0; 10], &mut Vec::new()).unwrap();
    assert_eq!(exact.finish(&mut Vec::new()).unwrap().plain_length(), 10);
}

#[test]
fn c1_after_a_refusal_nothing_more_comes() {
    let plain = content(3 * SMALL);
    let mut sealed = seal(&key(), small(), &plain);
    sealed[HEADER + SMALL + 16] ^= 1;
    let mut opener = key().open();
    let mut out = Vec::new();
    let error = opener.update(&sealed, &mut out).unwrap_err();
    assert_eq!(why(&error), SealedError::Corrupt { chunk: 1 });
    assert!(
        out == plain[..SMALL],
        "the first chunk, and nothing of the second"
    );
    // The good bytes again do not help, nor does the rest.
    for _ in 0..2 {
        let error = opener.update(&sealed[HEADER..], &mut out).unwrap_err();
        assert_eq!(why(&error), SealedError::Corrupt { chunk: 1 });
    }
    let error = opener.finish(&mut out).unwrap_err();
    assert_eq!(why(&error), SealedError::Corrupt { chunk: 1 });
    assert_eq!(out.len(), SMALL);
}

#[test]
fn c1_a_whole_chunk_waits_until_it_is_known_not_to_be_the_last() {
    let plain = content(2 * SMALL);
    let sealed = seal(&key(), small(), &plain);
    let mut opener = key().open();
    let mut out = Vec::new();
    opener
        .update(&sealed[..HEADER + SMALL + 16], &mut out)
        .unwrap();
    assert_eq!(out.len(), 0);
    opener
        .update(&sealed[HEADER + SMALL + 16..][..1], &mut out)
        .unwrap();
    assert_eq!(out.len(), SMALL);
    opener
        .update(&sealed[HEADER + SMALL + 17..], &mut out)
        .unwrap();
    assert_eq!(out.len(), SMALL);
    assert_eq!(opener.finish(&mut out).unwrap(), 2 * SMALL as u64);
    assert!(out == plain);
}

#[test]
fn c8_nothing_of_a_key_is_printed() {
    let key = key();
    let mut sealer = key.seal(small(), &Fixed(9)).unwrap();
    sealer.update(b"secret words", &mut Vec::new()).unwrap();
    let shown = format!("{key:?} {sealer:?} {:?}", key.open());
    assert_eq!(
        shown,
        "SealKey { context: SealContext(\\x00\\x06studio\\x00\\x04film\\x00\\x02v1\\x00\\x04body), backend: RustCrypto, .. } \
         Sealer { chunk: ChunkSize(14), index: 0, length: 12, .. } Opener { fed: 0, .. }"
    );
}
