//! Laws over random lengths, pieces, cuts, ranges and chunk sizes.

use garland::crypto::{ChunkSize, HEADER, Layout, Pass, SealedReader};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::readers::{collect, fed, place, run};
use crate::world::{Fixed, content, key, seal};

fn chunk() -> impl Strategy<Value = ChunkSize> {
    (14_u8..=16).prop_map(|log2| ChunkSize::from_log2(log2).unwrap())
}

/// Lengths around whole chunks more often than not.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![
        0..200_000_usize,
        (0..5_usize, 14..=16_u32, 0..3_usize)
            .prop_map(|(chunks, log2, over)| ((chunks << log2) + over).saturating_sub(1)),
    ]
}

/// Cuts `bytes` at the places named, modulo its length.
fn cut<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places
        .iter()
        .map(|place| place % (bytes.len() + 1))
        .collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|ends| &bytes[ends[0]..ends[1]])
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pieces_change_nothing(
        chunk in chunk(),
        length in length(),
        in_places in vec(any::<usize>(), 0..12),
        out_places in vec(any::<usize>(), 0..12),
        workers in 1..4_usize,
    ) {
        let plain = content(length);
        let whole = seal(&key(), chunk, &plain);
        let mut sealed = Vec::new();
        let mut sealer = key().seal(chunk, &Fixed(9)).unwrap();
        for piece in cut(&plain, &in_places) {
            sealer.update(piece, &mut sealed).unwrap();
        }
        let layout = sealer.finish(&mut sealed).unwrap();
        prop_assert!(sealed == whole);
        prop_assert_eq!(layout, Layout::of_plain(chunk, length as u64).unwrap());
        prop_assert_eq!(layout, Layout::of_sealed(chunk, sealed.len() as u64).unwrap());
        prop_assert_eq!(layout.sealed_length(), sealed.len() as u64);

        let read = fed(&key(), cut(&sealed, &out_places));
        read.end.unwrap();
        prop_assert!(read.plain == plain);

        let mut passed = Vec::new();
        let pass = Pass::new().with_workers(workers).with_chunk(chunk);
        key().seal_all(&pass, &Fixed(9), plain.as_slice(), &mut passed).unwrap();
        prop_assert!(passed == whole);
    }

    #[test]
    fn c1_no_beginning_of_an_object_is_one(
        chunk in chunk(),
        length in length(),
        at in any::<prop::sample::Index>(),
        places in vec(any::<usize>(), 0..6),
    ) {
        let plain = content(length);
        let sealed = seal(&key(), chunk, &plain);
        let beginning = &sealed[..at.index(sealed.len())];
        let read = fed(&key(), cut(beginning, &places));
        prop_assert!(read.end.is_err());
        prop_assert!(plain.starts_with(&read.plain));
        if beginning.len() >= HEADER {
            let reached = Layout::of_sealed(chunk, beginning.len() as u64);
            prop_assert!(reached.is_err() || reached.unwrap().plain_length() < length as u64);
        }
    }

    #[test]
    fn c1_no_changed_object_is_taken(
        chunk in chunk(),
        length in length(),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u32,
        places in vec(any::<usize>(), 0..6),
    ) {
        let plain = content(length);
        let mut sealed = seal(&key(), chunk, &plain);
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        let read = fed(&key(), cut(&sealed, &places));
        prop_assert!(read.end.is_err());
        prop_assert!(plain.starts_with(&read.plain));
        prop_assert!(read.plain.len() <= at.saturating_sub(HEADER));
    }

    #[test]
    fn a_range_is_a_slice(
        chunk in chunk(),
        length in length(),
        ranges in vec((any::<prop::sample::Index>(), 0..150_000_u64), 1..5),
    ) {
        let plain = content(length);
        let sealed = seal(&key(), chunk, &plain);
        run(async {
            let reader = SealedReader::open(place(&sealed), sealed.len() as u64, &key())
                .await
                .unwrap();
            for (start, count) in ranges {
                let start = start.index(length + 2) as u64;
                let read = collect(reader.read(start..start + count)).await;
                read.end.unwrap();
                let end = (start + count).min(length as u64);
                let slice = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
                prop_assert!(read.plain == plain.get(slice).unwrap_or_default());
            }
            prop_assert_eq!(reader.length().await.unwrap(), length as u64);
            Ok(())
        })?;
    }

    #[test]
    fn chunks_cover_an_object_without_gaps(log2 in 14_u8..=22, length in 0..1_u64 << 46) {
        let chunk = ChunkSize::from_log2(log2).unwrap();
        let Ok(layout) = Layout::of_plain(chunk, length) else {
            prop_assert!(length.div_ceil(chunk.bytes() as u64) > u64::from(u32::MAX));
            return Ok(());
        };
        let last = layout.chunks() - 1;
        prop_assert_eq!(layout.sealed_range(0).start, HEADER as u64);
        prop_assert_eq!(layout.sealed_range(last).end, layout.sealed_length());
        prop_assert!(layout.is_last(last) && !layout.is_last(last + 1));
        for index in [0, last / 2, last.saturating_sub(1)] {
            if index < last {
                prop_assert_eq!(layout.sealed_range(index).end, layout.sealed_range(index + 1).start);
            }
        }
        prop_assert!(layout.sealed_range(last + 1).is_empty());
        prop_assert!(layout.sealed_range(u64::MAX).is_empty());
    }
}
