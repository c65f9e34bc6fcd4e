//! JPEG ([ITU-T T.81](https://www.w3.org/Graphics/JPEG/itu-t81.pdf), annex B).

use std::io::{Read, Seek};

use crate::upload::sniff::{find, is_active, is_active_in_binary};
use crate::upload::verdict::{Finding, PictureFacts, Reason};
use crate::upload::window::{Checked, Window};

use super::exif;
use super::picture::Picture;

/// Walks every segment from the start to the end of the image.
///
/// The copy keeps what decodes the pixels, the colour profile and, if it is not upright, the
/// orientation.
pub(in crate::engine::upload) fn jpeg<R: Read + Seek>(file: &mut Window<R>) -> Checked<Picture> {
    let mut picture = Picture::default();
    let mut scanned = false;
    picture.keep(0..2)?;
    let mut at = 2;
    loop {
        let (start, marker, body) = next_marker(file, at)?;
        match marker {
            0xd9 => {
                if picture.facts.is_none() || !scanned {
                    return Err(Reason::Malformed.into());
                }
                picture.keep(start..body)?;
                picture.trailer(file, body)?;
                return Ok(picture);
            }
            0xc0..=0xcf | 0xda..=0xdf | 0xe0..=0xef | 0xfe => {}
            _ => return Err(Reason::Malformed.into()),
        }
        let length = u64::from(file.be16(body)?);
        if length < 2 {
            return Err(Reason::Malformed.into());
        }
        let end = body + length;
        if end > file.size() {
            return Err(Reason::Truncated.into());
        }
        at = end;
        match marker {
            0xc4 | 0xc8 | 0xcc | 0xdb..=0xdf => picture.keep(start..end)?,
            0xc0..=0xcf => {
                if picture.facts.is_some() || length < 8 {
                    return Err(Reason::Malformed.into());
                }
                let (height, width) = (file.be16(body + 3)?, file.be16(body + 5)?);
                // A height of 0 is to be told after the first scan; nobody knows it before.
                if height == 0 || width == 0 {
                    return Err(Reason::Malformed.into());
                }
                picture.facts = Some(PictureFacts::new(width.into(), height.into(), 1));
                picture.keep(start..end)?;
            }
            0xda => {
                if picture.facts.is_none() {
                    return Err(Reason::Malformed.into());
                }
                scanned = true;
                at = end_of_scan(file, end)?;
                picture.keep(start..at)?;
            }
            _ => application(file, &mut picture, marker, start, body + 2, end)?,
        }
    }
}

/// Finds the marker that must stand here: where its first byte is, its code, and what follows it.
fn next_marker<R: Read + Seek>(file: &mut Window<R>, at: u64) -> Checked<(u64, u8, u64)> {
    if file.byte(at)? != 0xff {
        return Err(Reason::Malformed.into());
    }
    let mut next = at + 1;
    // Any number of fill bytes may stand before the code.
    while file.byte(next)? == 0xff {
        next += 1;
    }
    Ok((next - 1, file.byte(next)?, next + 1))
}

/// Finds the first marker behind coded pixels that is neither a stuffed byte nor a restart.
fn end_of_scan<R: Read + Seek>(file: &mut Window<R>, from: u64) -> Checked<u64> {
    let mut at = from;
    loop {
        let coded = file.some(at, 2)?;
        if coded.len() < 2 {
            return Err(Reason::Truncated.into());
        }
        let Some(found) = coded.iter().position(|byte| *byte == 0xff) else {
            at += coded.len() as u64;
            continue;
        };
        at += found as u64;
        match coded.get(found + 1) {
            Some(0x00 | 0xd0..=0xd7) => at += 2,
            Some(0xff) => at += 1,
            Some(_) => return Ok(at),
            // The code is on the next page; without one, the next round finds the end.
            None => {}
        }
    }
}

/// Keeps what changes colours; leaves out what tells about people and programs.
fn application<R: Read + Seek>(
    file: &mut Window<R>,
    picture: &mut Picture,
    marker: u8,
    start: u64,
    content: u64,
    end: u64,
) -> Checked<()> {
    let length = usize::try_from(end - content).unwrap_or(usize::MAX);
    let block = file.bytes(content, length)?;
    let begins = |name: &[u8]| block.starts_with(name);
    let kept = match marker {
        0xe0 if begins(b"JFIF\0") => resolution(block),
        0xee if begins(b"Adobe") => transform(block),
        0xe2 if begins(b"ICC_PROFILE\0") && !is_active_in_binary(block) => {
            return picture.keep(start..end);
        }
        _ => None,
    };
    if let Some(kept) = kept {
        if kept == block {
            return picture.keep(start..end);
        }
        let size = u8::try_from(kept.len() + 2).unwrap_or_default();
        picture.insert([&[0xff, marker, 0, size], kept.as_slice()].concat())?;
        return picture.read_text(file, content..end);
    }
    let mut orientation = None;
    let mut location = find(block, b"GPSLatitude");
    if marker == 0xe1 && begins(b"Exif\0") {
        let exif = exif::read(block.get(6..).unwrap_or_default());
        location |= exif.location;
        orientation = exif::upright(exif.orientation);
    }
    if location {
        picture.note(Finding::Location);
    }
    if let Some(block) = orientation {
        let mut segment = b"\xff\xe1\0\x22Exif\0\0".to_vec();
        segment.extend_from_slice(&block);
        picture.insert(segment)?;
    }
    picture.read_text(file, content..end)
}

/// What is kept of a JFIF segment: all but its thumbnail and what stands behind that
/// ([JFIF 1.02](https://www.w3.org/Graphics/JPEG/jfif3.pdf), page 5).
fn resolution(block: &[u8]) -> Option<Vec<u8>> {
    let mut kept = block.get(..14)?.to_vec();
    if kept.get(7).is_none_or(|unit| *unit > 2) {
        return None;
    }
    kept.truncate(12);
    kept.extend([0, 0]);
    (!is_active(&kept)).then_some(kept)
}

/// What is kept of Adobe's segment: its twelve bytes, which end with the transform of the colours.
fn transform(block: &[u8]) -> Option<Vec<u8>> {
    let kept = block.get(..12)?;
    let known = kept.last().is_some_and(|transform| *transform <= 2);
    (known && !is_active(kept)).then(|| kept.to_vec())
}
