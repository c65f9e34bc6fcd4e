//! Parts of files: exactly the bytes asked for, and not more of the object than must be.

use std::sync::Arc;

use garland::connector::ReadOptions;
use garland::crypto::SealedOptions;
use garland::platforms::{MemoryOptions, MemoryPlatform};
use proptest::prelude::*;

use crate::spy::Spy;
use crate::world::{CHUNK, Studio, content, options, put, read_with};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_range_of_any_file_in_pieces_of_any_size(
        size in prop_oneof![0_u64..100, CHUNK - 2..CHUNK + 3, 0..3 * CHUNK + 100],
        piece in 1_usize..40_000,
        ranges in proptest::collection::vec((0_u64..4 * CHUNK, 0_u64..2 * CHUNK), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let memory = MemoryOptions::default().with_piece_size(piece.max(97));
            let account = MemoryPlatform::new(memory);
            let sealed = Studio::new().sealed(Arc::new(account), options());
            let plain = content(size, 5);
            put(&sealed, "a", &plain).await.unwrap();
            for (start, length) in ranges {
                let asked = start..start + length;
                let options = ReadOptions::default().with_range(asked.clone());
                let part = read_with(&sealed, "a", options).await.unwrap();
                let cut = |at: u64| usize::try_from(at.min(size)).unwrap();
                assert!(part == plain.slice(cut(asked.start)..cut(asked.end)), "{asked:?} of {size}");
            }
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_range_touches_the_header_and_its_chunks_and_nothing_else() {
    let spy = Spy::new(Arc::new(MemoryPlatform::default()));
    let sealed = Studio::new().sealed(Arc::new(spy.clone()), SealedOptions::default());
    let (chunk, size) = (65_536_u64, 10 * 65_536_u64);
    put(&sealed, "a", &content(size, 5)).await.unwrap();
    let (header, slot) = (72_u64, chunk + 16);
    let chunks = |from: u64, to: u64| header + from * slot..header + to * slot;
    let near = |to: u64| (0..header + to * slot, None);
    let far = |from: u64, to: u64| (0..header, Some(chunks(from, to)));
    for (asked, (first, second)) in [
        (0..1, near(1)),
        (0..chunk + 1, near(2)),
        (3 * chunk..4 * chunk, far(3, 4)),
        (3 * chunk + 1..4 * chunk + 1, far(3, 5)),
        (size - 1..size + 100, far(9, 10)),
        (size..size + 1, near(0)),
        (7..7, near(0)),
    ] {
        spy.take_asked();
        let options = ReadOptions::default().with_range(asked.clone());
        read_with(&sealed, "a", options).await.unwrap();
        let touched: Vec<_> = spy.take_asked().into_iter().map(Option::unwrap).collect();
        let expected: Vec<_> = std::iter::once(first).chain(second).collect();
        assert_eq!(touched, expected, "{asked:?}");
    }
}
