//! C1: every way to change an object is refused, by every reader, and nothing false comes out before.

use garland::crypto::{
    ChunkSize, HEADER, Header, Layout, Purpose, SealContext, SealKey, SealedError,
};

use crate::readers::WAYS;
use crate::world::{SMALL, content, context, key, seal, secret, small, why};

const SLOT: usize = SMALL + 16;

/// Three whole chunks and a piece of a fourth.
fn object() -> (Vec<u8>, Vec<u8>) {
    let plain = content(3 * SMALL + 100);
    let sealed = seal(&key(), small(), &plain);
    (plain, sealed)
}

/// Refused by every reader for one of the `reasons`; what came before is the beginning of `plain`.
#[track_caller]
fn refused(what: &str, sealed: &[u8], plain: &[u8], reasons: &[SealedError]) {
    refused_by(&key(), what, sealed, plain, reasons);
}

#[track_caller]
fn refused_by(key: &SealKey, what: &str, sealed: &[u8], plain: &[u8], reasons: &[SealedError]) {
    for (way, read) in WAYS {
        let read = read(key, sealed);
        let error = match read.end {
            Ok(()) => panic!("{what}: taken as {way}"),
            Err(error) => error,
        };
        let reason = why(&error);
        // A range that goes to the end looks at the end first.
        let last = u32::try_from(sealed.len().saturating_sub(HEADER + 1) / SLOT).unwrap();
        let by_end = *way == "a range" && [corrupt(last), SealedError::Truncated].contains(&reason);
        assert!(
            reasons.contains(&reason) || by_end,
            "{what}, as {way}: {reason:?}, not of {reasons:?}"
        );
        assert!(
            plain.starts_with(&read.plain),
            "{what}, as {way}: false plaintext"
        );
        let before_chunks = [SealedError::Header, SealedError::WrongKeyOrContext];
        if before_chunks.contains(&reason) {
            assert_eq!(read.plain.len(), 0, "{what}, as {way}");
        }
    }
}

fn corrupt(chunk: u32) -> SealedError {
    SealedError::Corrupt { chunk }
}

fn slot(index: usize) -> std::ops::Range<usize> {
    HEADER + index * SLOT..HEADER + (index + 1) * SLOT
}

#[test]
fn c1_what_was_sealed_opens_by_every_reader() {
    for length in [
        0,
        1,
        SMALL - 1,
        SMALL,
        SMALL + 1,
        2 * SMALL,
        3 * SMALL + 100,
    ] {
        let plain = content(length);
        let sealed = seal(&key(), small(), &plain);
        for (way, read) in WAYS {
            let read = read(&key(), &sealed);
            read.end
                .unwrap_or_else(|error| panic!("{length} bytes as {way}: {error:?}"));
            assert!(read.plain == plain, "{length} bytes as {way}");
        }
    }
}

#[test]
fn c1_every_flipped_bit_of_the_header_is_refused_before_any_chunk() {
    let (plain, sealed) = object();
    for byte in 0..HEADER {
        for bit in 0..8 {
            let mut bent = sealed.clone();
            bent[byte] ^= 1 << bit;
            let known = byte == 6 && ChunkSize::from_log2(bent[6]).is_some();
            let reason = if byte < 8 && !known {
                SealedError::Header
            } else {
                SealedError::WrongKeyOrContext
            };
            refused(
                &format!("bit {bit} of byte {byte}"),
                &bent,
                &plain,
                &[reason],
            );
        }
    }
}

#[test]
fn c1_chunk_sizes_versions_suites_and_flags_out_of_range_are_refused() {
    let (plain, sealed) = object();
    for (byte, allowed) in [(4, 1..=1), (5, 1..=1), (6, 14..=22), (7, 0..=0)] {
        for value in 0..=u8::MAX {
            let mut bent = sealed.clone();
            bent[byte] = value;
            let header = Header::parse(bent[..HEADER].try_into().unwrap());
            assert_eq!(
                header.is_ok(),
                allowed.contains(&value),
                "byte {byte}: {value}"
            );
            if value.is_power_of_two() && !allowed.contains(&value) {
                let what = format!("byte {byte} is {value}");
                refused(&what, &bent, &plain, &[SealedError::Header]);
            }
        }
    }
}

#[test]
fn c1_another_key_tenant_file_version_or_purpose_is_refused_before_any_chunk() {
    let (plain, sealed) = object();
    let wrong = [
        ("another key", 2, ["studio", "film", "v1"], Purpose::Body),
        (
            "another tenant",
            1,
            ["studio2", "film", "v1"],
            Purpose::Body,
        ),
        ("another file", 1, ["studio", "film2", "v1"], Purpose::Body),
        (
            "another version",
            1,
            ["studio", "film", "v2"],
            Purpose::Body,
        ),
        (
            "another purpose",
            1,
            ["studio", "film", "v1"],
            Purpose::Thumb,
        ),
        // The same letters, cut elsewhere.
        ("a moved border", 1, ["studio", "filmv", "1"], Purpose::Body),
        ("another border", 1, ["studiof", "ilm", "v1"], Purpose::Body),
    ];
    for (what, byte, [tenant, file, version], purpose) in wrong {
        let key = SealKey::new(secret(byte), context(tenant, file, version, purpose));
        let reasons = [SealedError::WrongKeyOrContext];
        refused_by(&key, what, &sealed, &plain, &reasons);
    }
}

#[test]
fn c1_a_cut_anywhere_is_refused() {
    let (plain, sealed) = object();
    let mut cuts: Vec<usize> = (0..=HEADER + 20).collect();
    for index in 1..4 {
        let border = HEADER + index * SLOT;
        cuts.extend(border - 17..=border + 18);
    }
    cuts.extend((0..sealed.len()).step_by(4_099));
    cuts.extend(sealed.len() - 117..sealed.len());
    for cut in cuts {
        let what = format!("cut to {cut} bytes");
        // Only the bytes of a chunk tell a cut within it from a change.
        let within = u32::try_from(cut.saturating_sub(HEADER) / SLOT).unwrap();
        refused(
            &what,
            &sealed[..cut],
            &plain,
            &[SealedError::Truncated, corrupt(within)],
        );
    }
    for cut in [
        0,
        3,
        HEADER - 1,
        HEADER,
        HEADER + SLOT,
        HEADER + 2 * SLOT + 16,
        HEADER + 3 * SLOT,
    ] {
        let what = format!("cut to {cut} bytes");
        refused(&what, &sealed[..cut], &plain, &[SealedError::Truncated]);
    }
}

#[test]
fn c1_a_short_thing_that_is_no_object_is_told_from_one_that_was_cut() {
    for (way, read) in WAYS.iter().filter(|(way, _)| *way != "a range") {
        let error = read(&key(), b"PK\x03\x04").end.unwrap_err();
        assert_eq!(why(&error), SealedError::Header, "{way}");
    }
}

#[test]
fn c1_whole_chunks_swapped_doubled_or_dropped_are_refused() {
    let (plain, sealed) = object();
    let tail = HEADER + 3 * SLOT;
    let chunks: [&[u8]; 4] = [
        &sealed[slot(0)],
        &sealed[slot(1)],
        &sealed[slot(2)],
        &sealed[tail..],
    ];
    let built = |order: &[usize]| {
        let body: Vec<u8> = order.iter().flat_map(|at| chunks[*at]).copied().collect();
        [&sealed[..HEADER], &body].concat()
    };
    let cases: &[(&[usize], &[SealedError])] = &[
        (&[1, 0, 2, 3], &[corrupt(0)]),
        (&[0, 2, 1, 3], &[corrupt(1)]),
        (&[2, 1, 0, 3], &[corrupt(0)]),
        (&[0, 0, 1, 2, 3], &[corrupt(1)]),
        (&[0, 1, 2, 2, 3], &[corrupt(3)]),
        (&[1, 2, 3], &[corrupt(0)]),
        (&[0, 2, 3], &[corrupt(1)]),
        (&[0, 1, 3], &[corrupt(2)]),
        (&[0, 1, 2], &[SealedError::Truncated]),
        (&[0], &[SealedError::Truncated]),
        (&[3], &[corrupt(0)]),
        (&[], &[SealedError::Truncated]),
        // The last chunk again, or what stood before it after it: the lengths no longer fit.
        (&[0, 1, 2, 3, 3], &[corrupt(3)]),
        (&[0, 1, 2, 3, 0], &[corrupt(3)]),
    ];
    for (order, reasons) in cases {
        refused(&format!("{order:?}"), &built(order), &plain, reasons);
    }
}

#[test]
fn c1_appended_bytes_are_refused() {
    let (plain, sealed) = object();
    let whole = content(2 * SMALL);
    let sealed_whole = seal(&key(), small(), &whole);
    for (plain, sealed, last, tails) in [
        (
            &plain,
            &sealed,
            3,
            &[1, 15, 16, 17, SMALL - 101, SMALL - 100, SMALL - 99, SLOT][..],
        ),
        // Behind a whole last chunk.
        (&whole, &sealed_whole, 1, &[1, 16, 17, SLOT]),
    ] {
        for more in tails {
            let longer = [sealed.as_slice(), &vec![0; *more]].concat();
            let what = format!("{more} bytes more behind chunk {last}");
            let reasons = [corrupt(last), SealedError::Truncated];
            refused(&what, &longer, plain, &reasons);
        }
    }
}

#[test]
fn c1_two_objects_do_not_mix() {
    let (plain, sealed) = object();
    // The same file, key and context, another salt.
    let mut other = Vec::new();
    let mut sealer = key().seal(small(), &crate::world::Fixed(10)).unwrap();
    sealer.update(&plain, &mut other).unwrap();
    sealer.finish(&mut other).unwrap();

    let mut header = sealed.clone();
    header[..HEADER].copy_from_slice(&other[..HEADER]);
    refused("a header of another seal", &header, &plain, &[corrupt(0)]);
    for index in 0..3 {
        let mut mixed = sealed.clone();
        mixed[slot(index)].copy_from_slice(&other[slot(index)]);
        let at = u32::try_from(index).unwrap();
        refused("a chunk of another seal", &mixed, &plain, &[corrupt(at)]);
    }
    let mut salted = sealed;
    salted[8..40].copy_from_slice(&other[8..40]);
    refused("a salt", &salted, &plain, &[SealedError::WrongKeyOrContext]);
}

#[test]
fn c1_a_flipped_bit_of_a_chunk_or_a_tag_is_refused() {
    let (plain, sealed) = object();
    for index in 0..4_u32 {
        let begin = HEADER + usize::try_from(index).unwrap() * SLOT;
        let end = (begin + SLOT).min(sealed.len());
        for at in [begin, begin + 50, end - 17, end - 16, end - 1] {
            let mut bent = sealed.clone();
            bent[at] ^= 0x10;
            refused(&format!("byte {at}"), &bent, &plain, &[corrupt(index)]);
        }
    }
}

#[test]
fn c1_an_empty_chunk_behind_others_is_refused_even_if_it_was_sealed() {
    // Whoever has the key can make one: the tag of nothing, as chunk 1 and the last.
    let plain = content(SMALL);
    let whole = seal(&key(), small(), &[plain.as_slice(), &[0]].concat());
    let header = Header::parse(whole[..HEADER].try_into().unwrap()).unwrap();
    let (file_key, mut nonce) = garland::testing::crypto::sealed_key_and_nonce(
        &secret(1),
        &context("studio", "film", "v1", Purpose::Body),
        &header,
    )
    .unwrap();
    nonce[10] = 1;
    nonce[11] = 1;
    let tag = garland::testing::crypto::aes_256_gcm_seal(
        garland::crypto::CipherBackend::default(),
        &file_key,
        &nonce,
        &[],
        &[],
    )
    .unwrap();
    assert_eq!(tag.len(), 16);
    let forged = [&whole[..HEADER + SLOT], &tag].concat();
    refused(
        "an empty last chunk",
        &forged,
        &plain,
        &[SealedError::Truncated],
    );
    assert!(Layout::of_sealed(small(), forged.len() as u64).is_err());
}

#[test]
fn c1_a_reader_that_knows_the_length_tells_every_cut() {
    let (_, sealed) = object();
    for cut in (0..sealed.len()).step_by(1_021).chain([sealed.len() - 1]) {
        let mut opener = key().open().expecting(sealed.len() as u64);
        let mut plain = Vec::new();
        opener.update(&sealed[..cut], &mut plain).unwrap();
        let error = opener.finish(&mut plain).unwrap_err();
        assert_eq!(why(&error), SealedError::Truncated, "cut to {cut} bytes");
    }
    let mut opener = key().open().expecting(sealed.len() as u64 - 1);
    let error = opener.update(&sealed, &mut Vec::new()).unwrap_err();
    assert!(matches!(why(&error), SealedError::Corrupt { .. }));
}

#[test]
fn c1_fields_of_a_context_end_where_they_end() {
    let long = "x".repeat(65_536);
    let tenant = "studio".parse().unwrap();
    for (file, version) in [(long.as_str(), "v1"), ("film", long.as_str())] {
        let error = SealContext::new(&tenant, file, version, Purpose::Body).unwrap_err();
        assert_eq!(error.kind(), garland::ErrorKind::InvalidInput);
    }
    let longest = SealContext::new(&tenant, &long[1..], "", Purpose::Body).unwrap();
    assert_eq!(longest.as_bytes().len(), 2 + 6 + 2 + 65_535 + 2 + 2 + 4);
}

#[test]
fn lengths_are_those_of_the_format() {
    for log2 in 14..=22 {
        let chunk = ChunkSize::from_log2(log2).unwrap();
        let size = chunk.bytes() as u64;
        for length in [0, 1, size - 1, size, size + 1, 10 * size, 10 * size + 5] {
            let layout = Layout::of_plain(chunk, length).unwrap();
            let chunks = length.div_ceil(size).max(1);
            assert_eq!(layout.sealed_length(), 72 + length + 16 * chunks);
            assert_eq!(
                Layout::of_sealed(chunk, layout.sealed_length()).unwrap(),
                layout
            );
        }
        let most = Layout::MAX_LENGTH.min(size * (u64::from(u32::MAX)));
        let longest = Layout::of_plain(chunk, most).unwrap();
        assert!(longest.chunks() <= u64::from(u32::MAX));
        assert_eq!(
            Layout::of_plain(chunk, most + 1).unwrap_err().kind(),
            garland::ErrorKind::LimitExceeded
        );
        assert!(Layout::of_sealed(chunk, longest.sealed_length() + 17).is_err());
        assert!(Layout::of_sealed(chunk, u64::MAX).is_err());
        // Between k chunks and k chunks with 17 bytes behind there is no object.
        for more in 1..=16 {
            assert!(Layout::of_sealed(chunk, 72 + size + 16 + more).is_err());
            assert!(Layout::of_sealed(chunk, 72 + more - 1).is_err());
        }
    }
    assert!(ChunkSize::from_log2(13).is_none() && ChunkSize::from_log2(23).is_none());
}
