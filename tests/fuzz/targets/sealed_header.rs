//! The header of a sealed object, and a layout for a length that somebody stated.

use garland::crypto::{HEADER, Header, Layout};

use super::sealed_object;

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let lengths = [
        88_u64,
        89,
        72 + 16_384 + 16,
        72 + 16_384 + 33,
        1 << 40,
        u64::MAX,
    ];
    let headers = sealed_object::corpus().into_iter().map(|mut object| {
        object.truncate(HEADER);
        object
    });
    headers
        .zip(lengths.into_iter().cycle())
        .map(|(header, length)| [header.as_slice(), &length.to_be_bytes()].concat())
        .collect()
}

pub(crate) fn check(input: &[u8]) -> bool {
    let Some((start, rest)) = input.split_first_chunk::<HEADER>() else {
        return false;
    };
    let Ok(header) = Header::parse(start) else {
        return false;
    };
    assert_eq!(&header.to_bytes(), start, "it is written as it was read");
    let Some(stated) = rest.first_chunk().copied().map(u64::from_be_bytes) else {
        return false;
    };
    let Ok(layout) = Layout::of_sealed(header.chunk_size(), stated) else {
        return false;
    };
    assert_eq!(layout.sealed_length(), stated);
    let again = Layout::of_plain(header.chunk_size(), layout.plain_length());
    assert_eq!(again.ok(), Some(layout));
    let last = layout.chunks() - 1;
    assert!(last < u64::from(u32::MAX) && layout.is_last(last));
    assert_eq!(layout.sealed_range(last).end, stated);
    for index in [stated, u64::MAX, last + 1] {
        assert!(layout.sealed_range(index).end <= stated);
        assert!(layout.chunks_of(&(index..u64::MAX)).end <= layout.chunks());
    }
    true
}
