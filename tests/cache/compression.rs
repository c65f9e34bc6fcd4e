//! Values in a smaller form.
#![cfg(feature = "compression")]

use bytes::Bytes;
use garland::cache::Cache;

fn packing() -> Cache<u32, Bytes> {
    Cache::builder(1 << 20)
        .weigher(|_, bytes: &Bytes| bytes.len() as u64)
        .compression(1_024)
        .build()
        .unwrap()
}

#[test]
fn large_values_that_shrink_weigh_less_and_come_back_whole() {
    let cache = packing();
    let text = Bytes::from("the bride, the groom, the cake; ".repeat(500));
    cache.insert(1, text.clone());
    assert!(cache.stats().weight < 2_000, "{:?}", cache.stats());
    assert_eq!(cache.get(&1), Some(text));
}

#[test]
fn small_ones_noise_and_what_is_packed_already_stay_as_they_are() {
    let cache = packing();
    let zeros = |start: &[u8]| Bytes::from([start, &[0; 4_096]].concat());
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(4_096)
    .collect();
    let values = [
        Bytes::from(vec![0; 1_023]),
        noise.into(),
        zeros(&[0xff, 0xd8, 0xff, 0xe0]),
        zeros(b"\0\0\0\x18ftypisom"),
        zeros(b"PK\x03\x04"),
    ];
    for (key, value) in (0..).zip(&values) {
        let before = cache.stats().weight;
        cache.insert(key, value.clone());
        assert_eq!(cache.stats().weight - before, value.len() as u64, "{key}");
        assert_eq!(cache.get(&key).as_ref(), Some(value));
    }
}
