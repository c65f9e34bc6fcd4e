//! Every implementation of the cipher gives the same bytes and opens those of the others.

use garland::crypto::SealedError;

use crate::readers::WAYS;
use crate::world::{CIPHERS, SMALL, content, key, seal, small, why};

#[test]
fn all_ciphers_give_the_same_bytes() {
    for length in [0, 1, SMALL, 3 * SMALL + 77] {
        let plain = content(length);
        let first = seal(&key(), small(), &plain);
        for &own in CIPHERS {
            let own_key = key().with_backend(own);
            let sealed = seal(&own_key, small(), &plain);
            assert!(sealed == first, "{own:?}, {length} bytes");
            for (way, read) in WAYS {
                let read = read(&own_key, &sealed);
                read.end
                    .unwrap_or_else(|error| panic!("{own:?} as {way}: {error:?}"));
                assert!(read.plain == plain, "{own:?} as {way}");
            }
        }
    }
}

#[test]
fn all_ciphers_refuse_alike() {
    let plain = content(2 * SMALL);
    let sealed = seal(&key(), small(), &plain);
    let mut bent = sealed.clone();
    bent[100] ^= 1;
    let cut = &sealed[..72 + SMALL + 16];
    for &own in CIPHERS {
        for (way, read) in WAYS {
            let own_key = key().with_backend(own);
            let error = read(&own_key, &bent).end.unwrap_err();
            assert_eq!(
                why(&error),
                SealedError::Corrupt { chunk: 0 },
                "{own:?} as {way}"
            );
            let error = read(&own_key, cut).end.unwrap_err();
            assert_eq!(why(&error), SealedError::Truncated, "{own:?} as {way}");
        }
    }
}
