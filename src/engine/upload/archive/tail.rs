//! Archives behind something else.

use std::io::{Read, Seek};

use crate::upload::window::{Checked, Window};

/// Tells whether a reader of archives, which begins at the end of a file, would find one here.
pub(in crate::engine::upload) fn hides_archive<R: Read + Seek>(
    file: &mut Window<R>,
) -> Checked<bool> {
    let size = file.size();
    let first = size.saturating_sub(22 + u64::from(u16::MAX));
    let length = usize::try_from(size - first).unwrap_or(usize::MAX);
    let tail = file.bytes(first, length)?;
    let ends: Vec<(u64, Option<u64>)> = tail
        .windows(22)
        .enumerate()
        .filter(|(_, record)| record.starts_with(b"PK\x05\x06"))
        .filter_map(|(at, record)| {
            let length = record.get(12..16)?.try_into().ok()?;
            let before = at
                .checked_sub(20)
                .and_then(|start| tail.get(start..start + 4));
            // The true length of a long archive stands in a record before this one.
            let length = match (u32::from_le_bytes(length), before) {
                (u32::MAX, _) | (_, Some(b"PK\x06\x07")) => None,
                (length, _) => Some(u64::from(length)),
            };
            Some((first + at as u64, length))
        })
        .collect();
    for (end, length) in ends {
        let Some(length) = length else {
            return Ok(true);
        };
        // Readers find the directory by its length, before the end record; an empty one has no entry.
        let start = end.checked_sub(length);
        let Some(start) = start else { continue };
        if length == 0 || file.array::<4>(start)? == *b"PK\x01\x02" {
            return Ok(true);
        }
    }
    Ok(false)
}
