//! PNG ([W3C PNG, third edition](https://www.w3.org/TR/png-3/), 5 and 11).

use std::io::{Read, Seek};
use std::ops::Range;

use crc::{CRC_32_ISO_HDLC, Crc, Table};

use crate::upload::archive::{Inflated, Wrapping, inflate};
use crate::upload::sniff::{find, is_active_in_binary};
use crate::upload::verdict::{Finding, PictureFacts, Reason};
use crate::upload::window::{Checked, Window};

use super::exif;
use super::picture::{Picture, Scan, is_armed};

const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// Most bytes of a profile, unpacked; those of printers have a few million.
const MAX_PROFILE: u64 = 16 * 1024 * 1024;

/// Chunks of the copy beside the critical ones: what changes the colours and the frames.
const KEPT: &[&[u8; 4]] = &[
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs", b"hIST", b"acTL",
    b"fcTL", b"fdAT", b"cICP", b"mDCV", b"cLLI",
];

/// Walks every chunk and checks its sum.
pub(in crate::engine::upload) fn png<R: Read + Seek>(file: &mut Window<R>) -> Checked<Picture> {
    let mut picture = Picture::default();
    picture.keep(0..8)?;
    let (mut at, mut frames, mut pixels) = (8, 0u32, false);
    loop {
        let length = file.be32(at)?;
        let kind = file.array::<4>(at + 4)?;
        let content = at + 8..at + 8 + u64::from(length);
        let end = content.end + 4;
        if length > 0x7fff_ffff || !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err(Reason::Malformed.into());
        }
        if end > file.size() {
            return Err(Reason::Truncated.into());
        }
        check_sum(file, &content)?;
        let critical = kind.first().is_some_and(u8::is_ascii_uppercase);
        match &kind {
            b"IHDR" => header(file, &mut picture, at, &content)?,
            _ if picture.facts.is_none() => return Err(Reason::Malformed.into()),
            b"IDAT" => pixels = true,
            b"PLTE" => {}
            b"IEND" => {
                if length != 0 || !pixels {
                    return Err(Reason::Malformed.into());
                }
                picture.keep(at..end)?;
                picture.facts = picture.facts.map(|facts| PictureFacts {
                    frames: frames.max(1),
                    ..facts
                });
                picture.trailer(file, end)?;
                return Ok(picture);
            }
            _ if critical => return Err(Reason::Malformed.into()),
            b"fcTL" => frames = frames.saturating_add(1),
            _ => {}
        }
        let kept = match &kind {
            b"fdAT" => true,
            b"iCCP" => has_quiet_profile(file, &mut picture, &content)?,
            _ if critical => true,
            _ => KEPT.contains(&&kind) && !is_armed(file, content.clone())?,
        };
        if kept {
            picture.keep(at..end)?;
        } else {
            text(file, &mut picture, &kind, content)?;
        }
        at = end;
    }
}

fn check_sum<R: Read + Seek>(file: &mut Window<R>, content: &Range<u64>) -> Checked<()> {
    let mut digest = CRC.digest();
    file.each(content.start - 4..content.end, |piece| {
        digest.update(piece);
        Ok(())
    })?;
    if file.be32(content.end)? == digest.finalize() {
        return Ok(());
    }
    Err(Reason::Malformed.into())
}

/// Tells whether there is no script in a profile, packed or unpacked.
fn has_quiet_profile<R: Read + Seek>(
    file: &mut Window<R>,
    picture: &mut Picture,
    content: &Range<u64>,
) -> Checked<bool> {
    let length = usize::try_from(content.end - content.start).unwrap_or(usize::MAX);
    let name = file.bytes(content.start, length.min(80))?;
    let Some(end) = name.iter().position(|byte| *byte == 0) else {
        return Ok(false);
    };
    // A zero ends the name, and the method of packing follows it.
    let packed = (content.start + end as u64 + 2).min(content.end)..content.end;
    let mut words = Scan::new(is_active_in_binary);
    let unpacked = inflate(file, packed, MAX_PROFILE, Wrapping::Zlib, |piece| {
        words.take(piece);
        Ok(())
    })?;
    if words.found() {
        picture.note(Finding::ActiveText);
    }
    let quiet = !words.found() && unpacked != Inflated::TooLarge;
    Ok(quiet && !is_armed(file, content.clone())?)
}

fn header<R: Read + Seek>(
    file: &mut Window<R>,
    picture: &mut Picture,
    at: u64,
    content: &Range<u64>,
) -> Checked<()> {
    if at != 8 || content.end - content.start != 13 || picture.facts.is_some() {
        return Err(Reason::Malformed.into());
    }
    let (width, height) = (file.be32(content.start)?, file.be32(content.start + 4)?);
    let [depth, colour, compression, filter, interlace] = file.array::<5>(content.start + 8)?;
    let fits = match colour {
        0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
        3 => matches!(depth, 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(depth, 8 | 16),
        _ => false,
    };
    let sized = (1..=0x7fff_ffff).contains(&width) && (1..=0x7fff_ffff).contains(&height);
    if !fits || !sized || compression != 0 || filter != 0 || interlace > 1 {
        return Err(Reason::Malformed.into());
    }
    picture.facts = Some(PictureFacts::new(width, height, 1));
    Ok(())
}

fn text<R: Read + Seek>(
    file: &mut Window<R>,
    picture: &mut Picture,
    kind: &[u8; 4],
    content: Range<u64>,
) -> Checked<()> {
    let head = file.some(content.start, 64 * 1024)?;
    let length = usize::try_from(content.end - content.start).unwrap_or(usize::MAX);
    let head = head.get(..length.min(head.len())).unwrap_or_default();
    if find(head, b"GPSLatitude") || (kind == b"eXIf" && exif::read(head).location) {
        picture.note(Finding::Location);
    }
    picture.read_text(file, content)
}
