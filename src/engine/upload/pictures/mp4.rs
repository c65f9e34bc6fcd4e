//! MP4 ([ISO/IEC 14496-12](https://www.iso.org/standard/83102.html), 4.2).

use std::io::{Read, Seek};
use std::ops::Range;

use crate::upload::delivery::Delivery;
use crate::upload::sniff::find;
use crate::upload::verdict::{Finding, Reason};
use crate::upload::window::{Checked, Window};

use super::picture::Picture;

/// Most boxes that are looked at.
const MAX_BOXES: usize = 100_000;

/// A box: its type, all of it, and what is inside.
struct Frame {
    kind: [u8; 4],
    whole: Range<u64>,
    content: Range<u64>,
}

/// Walks the boxes. The copy has empty space for what users and programs wrote beside the film, positions
/// among it.
pub(in crate::engine::upload) fn mp4<R: Read + Seek>(file: &mut Window<R>) -> Checked<Picture> {
    let size = file.size();
    let brand = file.array::<4>(8)?;
    if !brand.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Reason::Malformed.into());
    }
    let mut picture = Picture::default();
    let (mut blank, mut names, mut count) = (Vec::new(), Vec::new(), 0);
    let mut waiting = Vec::new();
    waiting.push(0..size);
    while let Some(mut range) = waiting.pop() {
        while range.start < range.end {
            count += 1;
            if count > MAX_BOXES || blank.len() * 4 >= Delivery::MAX_PIECES {
                return Err(Reason::Malformed.into());
            }
            let outer = range.end == size && range.start < size;
            if outer && is_padding(file, range.start)? {
                break;
            }
            let found = frame(file, range.start, range.end, outer)?;
            match &found.kind {
                b"moov" | b"trak" => waiting.push(found.content.clone()),
                // A `meta` right inside carries what phones write; the one of a track tells how to play it.
                b"udta" | b"meta" | b"uuid" if !found.content.is_empty() => {
                    note(file, &mut picture, &found)?;
                    names.push(found.whole.start + 4);
                    blank.push(found.content.clone());
                }
                _ => {}
            }
            range.start = found.whole.end;
        }
    }
    picture.copy = replaced(size, &names, blank);
    Ok(picture)
}

/// Some cameras fill the last block of their card with zeros.
fn is_padding<R: Read + Seek>(file: &mut Window<R>, at: u64) -> Checked<bool> {
    // Fewer are the start of a box that was cut off.
    if file.size() - at < 8 || file.array(at)? != [0; 8] {
        return Ok(false);
    }
    let mut zeros = true;
    file.each(at..file.size(), |piece| {
        zeros &= piece.iter().all(|byte| *byte == 0);
        Ok(())
    })?;
    Ok(zeros)
}

fn frame<R: Read + Seek>(
    file: &mut Window<R>,
    at: u64,
    end: u64,
    last_may_be_open: bool,
) -> Checked<Frame> {
    let short = file.be32(at)?;
    let kind = file.array::<4>(at + 4)?;
    let readable = |byte: &u8| matches!(byte, b' '..=b'~' | 0xa9);
    if !kind.iter().all(readable) {
        return Err(Reason::Malformed.into());
    }
    let (header, length) = match short {
        0 if last_may_be_open => (8, end - at),
        1 => (16, u64::from_be_bytes(file.array::<8>(at + 8)?)),
        other => (8, other.into()),
    };
    if length < header {
        return Err(Reason::Malformed.into());
    }
    let stop = at.checked_add(length).filter(|stop| *stop <= end);
    let stop = stop.ok_or(Reason::Truncated)?;
    Ok(Frame {
        kind,
        whole: at..stop,
        content: at + header..stop,
    })
}

fn note<R: Read + Seek>(file: &mut Window<R>, picture: &mut Picture, found: &Frame) -> Checked<()> {
    let mut location = false;
    file.each(found.content.clone(), |piece| {
        location |= find(piece, b"\xa9xyz") || find(piece, b"ISO6709") || find(piece, b"loci");
        Ok(())
    })?;
    if location {
        picture.note(Finding::Location);
    }
    picture.read_text(file, found.content.clone())
}

/// The whole with free space in some places: the type of each box becomes `free`, its content zeros.
fn replaced(size: u64, names: &[u64], blank: Vec<Range<u64>>) -> Delivery {
    let mut edits: Vec<(Range<u64>, bool)> =
        blank.into_iter().map(|place| (place, false)).collect();
    edits.extend(names.iter().map(|at| (*at..*at + 4, true)));
    edits.sort_by_key(|(place, _)| place.start);
    let (mut copy, mut at) = (Delivery::default(), 0);
    for (place, name) in edits {
        copy.keep(at..place.start);
        if name {
            copy.insert(b"free".to_vec());
        } else {
            copy.zeros(place.end - place.start);
        }
        at = place.end;
    }
    copy.keep(at..size);
    copy
}
