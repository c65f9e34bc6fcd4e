//! C3: no key and nonce twice, and no seal without chance.

use std::thread;

use garland::ErrorKind;
use garland::crypto::{Header, KekId, Purpose, SealKey, SecretKey, SystemEntropy, WrapRecord};
use garland::testing::crypto::sealed_key_and_nonce;

use crate::world::{Dry, context, secret, small};

/// The worst case: one key, one context, one content, sealed again and again.
#[test]
fn c3_a_million_seals_share_no_key_and_nonce() {
    const SEALS: usize = 1 << 20;
    const THREADS: usize = 2;
    let one = || context("studio", "film", "v1", Purpose::Body);
    let seals = || {
        let key = SealKey::new(secret(1), one());
        let mut seen = Vec::with_capacity(SEALS / THREADS);
        for _ in 0..SEALS / THREADS {
            // Both are settled when a seal begins; the chunks only count on.
            let mut sealer = key.seal(small(), &SystemEntropy::new()).unwrap();
            let header = Header::parse(&sealer.take_header().unwrap()).unwrap();
            seen.push(sealed_key_and_nonce(&secret(1), &one(), &header).unwrap());
        }
        seen
    };
    let mut pairs: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(seals)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    pairs.sort_unstable();
    pairs.dedup();
    assert_eq!(pairs.len(), SEALS);
}

#[test]
fn c3_a_source_of_chance_that_fails_is_an_error_everywhere() {
    let context = context("studio", "film", "v1", Purpose::Body);
    let key = SealKey::new(secret(1), context.clone());
    let wrap = |bytes| {
        let id = KekId::new([1; 16]);
        WrapRecord::wrap(id, &secret(2), &context, &secret(1), &Dry::after(bytes)).map(|_| ())
    };
    for short in [0, 1, 31] {
        let error = key.seal(small(), &Dry::after(short)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let error = SecretKey::generate(&Dry::after(short)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    for short in [0, 1, 23] {
        assert_eq!(wrap(short).unwrap_err().kind(), ErrorKind::Unavailable);
    }
    // One seal takes one salt: the same source holds for one and not for two.
    let once = Dry::after(32);
    assert!(key.seal(small(), &once).is_ok());
    assert!(key.seal(small(), &once).is_err());
    wrap(24).unwrap();
}
