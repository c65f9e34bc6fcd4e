//! C2: the primitives answer what is published, and refuse what is weaker than the house takes.

use garland::crypto::CipherBackend;
use garland::testing::crypto::{
    aes_256_gcm_open, aes_256_gcm_seal, hkdf_sha256, hmac_sha256_verify, pbkdf2_hmac_sha256,
};

const CIPHERS: &[CipherBackend] = &[
    CipherBackend::RustCrypto,
    #[cfg(feature = "aws-lc")]
    CipherBackend::AwsLc,
];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let byte = |pair: &[Option<u32>]| pair[0].unwrap() * 16 + pair[1].unwrap();
    let bytes = digits.chunks(2).map(byte);
    bytes.map(|byte| u8::try_from(byte).unwrap()).collect()
}

/// Test cases 13 and 14 of "The Galois/Counter Mode of Operation" (`McGrew` and Viega).
#[test]
fn c2_aes_256_gcm_is_as_published() {
    for &backend in CIPHERS {
        for (message, sealed) in [
            ("", "530f8afbc74536b9a963b4f1c4cb738b"),
            (
                "00000000000000000000000000000000",
                "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
            ),
        ] {
            let (message, sealed) = (hex(message), hex(sealed));
            let (key, nonce) = ([0; 32], [0; 12]);
            let own = aes_256_gcm_seal(backend, &key, &nonce, b"", &message);
            assert_eq!(own.as_ref(), Some(&sealed), "{backend:?}");
            let opened = aes_256_gcm_open(backend, &key, &nonce, b"", &sealed);
            assert_eq!(opened, Some(message), "{backend:?}");
            for bit in 0..sealed.len() * 8 {
                let mut changed = sealed.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                let opened = aes_256_gcm_open(backend, &key, &nonce, b"", &changed);
                assert_eq!(opened, None, "{backend:?}, bit {bit}");
            }
            for length in 0..sealed.len() {
                let cut = sealed.get(..length).unwrap();
                let opened = aes_256_gcm_open(backend, &key, &nonce, b"", cut);
                assert_eq!(opened, None, "{backend:?}, {length} bytes");
            }
        }
    }
}

#[test]
fn c2_a_nonce_that_is_not_of_96_bits_is_refused() {
    for &backend in CIPHERS {
        let sealed = aes_256_gcm_seal(backend, &[0; 32], &[0; 12], b"", b"x").unwrap();
        for length in (0..=32).chain([64, 128]) {
            let nonce = vec![0; length];
            let own = aes_256_gcm_seal(backend, &[0; 32], &nonce, b"", b"x");
            let opened = aes_256_gcm_open(backend, &[0; 32], &nonce, b"", &sealed);
            let taken = (own.is_some(), opened.is_some());
            assert_eq!(
                taken,
                (length == 12, length == 12),
                "{backend:?}, {length} bytes"
            );
        }
        for length in [0, 16, 24, 31, 33, 64] {
            let key = vec![0; length];
            let own = aes_256_gcm_seal(backend, &key, &[0; 12], b"", b"x");
            assert_eq!(own, None, "{backend:?}, a key of {length} bytes");
        }
    }
}

/// RFC 4231, cases 2 and 5.
#[test]
fn c2_hmac_sha_256_is_as_published_and_a_cut_tag_is_refused() {
    let tag = hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    let message = b"what do ya want for nothing?";
    assert!(hmac_sha256_verify(b"Jefe", message, &tag));
    assert!(!hmac_sha256_verify(b"jefe", message, &tag));
    for bit in 0..256 {
        let mut changed = tag.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!hmac_sha256_verify(b"Jefe", message, &changed), "bit {bit}");
    }
    for length in 0..tag.len() {
        let cut = tag.get(..length).unwrap();
        assert!(!hmac_sha256_verify(b"Jefe", message, cut), "{length} bytes");
    }
    let longer = [&*tag, &[0]].concat();
    assert!(!hmac_sha256_verify(b"Jefe", message, &longer));
    // Valid as published, with 128 bits; not here.
    let cut = hex("a3b6167473100ee06e0c796c2955552b");
    assert!(!hmac_sha256_verify(
        &[0x0c; 20],
        b"Test With Truncation",
        &cut
    ));
}

/// RFC 5869, case 1.
#[test]
fn c2_hkdf_sha_256_is_as_published_and_gives_255_blocks_at_most() {
    let (salt, info) = (
        hex("000102030405060708090a0b0c"),
        hex("f0f1f2f3f4f5f6f7f8f9"),
    );
    let expected = hex(concat!(
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
        "34007208d5b887185865",
    ));
    let got = hkdf_sha256(&[0x0b; 22], &salt, &info, expected.len());
    assert_eq!(got, Some(expected));
    let most = 255 * 32;
    assert!(hkdf_sha256(b"key", b"", b"", most).is_some());
    assert!(hkdf_sha256(b"key", b"", b"", most + 1).is_none());
}

/// RFC 7914, section 11.
#[test]
fn c2_pbkdf2_hmac_sha_256_is_as_published_and_absurd_counts_are_refused() {
    let expected = hex(concat!(
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc",
        "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
    ));
    let got = pbkdf2_hmac_sha256(b"passwd", b"salt", 1, 64);
    assert_eq!(got, Some(expected));
    for iterations in [0, 10_000_001, u32::MAX] {
        assert_eq!(pbkdf2_hmac_sha256(b"passwd", b"salt", iterations, 64), None);
    }
}
