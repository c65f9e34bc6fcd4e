//! PNG ([W3C PNG, third edition](https://www.w3.org/TR/png-3/), 5 and 11).

use std::io::{Read, Seek};
use std::ops::Range;

use crc::{CRC_32_ISO_HDLC, Crc, Table};

use crate::upload::sniff::find;
use crate::upload::verdict::{Finding, PictureFacts, Reason};
use crate::upload::window::{Checked, Window};

use super::exif;
use super::picture::Picture;

const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// Chunks of the copy beside the critical ones: what changes the colours and the frames.
const KEPT: &[&[u8; 4]] = &[
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs", b"hIST", b"sPLT",
    b"acTL", b"fcTL", b"fdAT", b"cICP", b"mDCV", b"cLLI",
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
        if critical || KEPT.contains(&&kind) {
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
