//! MP4 ([ISO/IEC 14496-12](https://www.iso.org/standard/83102.html), 4.2, 6.3 and 8).

use std::io::{Read, Seek};
use std::ops::Range;

use crate::upload::delivery::Delivery;
use crate::upload::sniff::find;
use crate::upload::verdict::Reason;
use crate::upload::window::{Checked, Window};

use super::boxes::{Boxes, Frame};
use super::edits::Edits;
use super::picture::Picture;
use super::track::{is_shown, samples};

/// Where a box stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Level {
    File,
    Movie,
    Track,
    Media,
    Information,
    Table,
    Fragment,
}

/// What is done with a box.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Act {
    Keep,
    Enter(Level),
    Track,
    Content,
    Blank,
    Refuse,
}

/// By an allow list, but for the tables, where only what is known to hold other things is left out.
fn act(level: Level, kind: &[u8; 4]) -> Act {
    use Act::{Blank, Content, Enter, Keep, Refuse, Track};
    match (level, kind) {
        (Level::File, b"ftyp" | b"styp" | b"pdin" | b"sidx" | b"ssix" | b"mfra" | b"mfro") => Keep,
        (Level::File, b"mdat" | b"imda") => Content,
        (Level::File, b"moov") => Enter(Level::Movie),
        (Level::File, b"moof") => Enter(Level::Fragment),
        (Level::Movie, b"mvhd" | b"mvex" | b"iods" | b"pssh") => Keep,
        (Level::Movie, b"trak") => Track,
        // Everything about the film, packed: nobody would see what is in it.
        (Level::Movie, b"cmov") => Refuse,
        (
            Level::Track,
            b"tkhd" | b"edts" | b"tref" | b"trgr" | b"tapt" | b"load" | b"clip" | b"matt",
        ) => Keep,
        (Level::Track, b"mdia") => Enter(Level::Media),
        (Level::Media, b"mdhd" | b"hdlr" | b"elng") => Keep,
        (Level::Media, b"minf") => Enter(Level::Information),
        (
            Level::Information,
            b"vmhd" | b"smhd" | b"sthd" | b"nmhd" | b"hmhd" | b"gmhd" | b"hdlr" | b"dinf",
        ) => Keep,
        (Level::Information, b"stbl") => Enter(Level::Table),
        (Level::Fragment, b"mfhd" | b"pssh") => Keep,
        (Level::Fragment, b"traf") => Enter(Level::Table),
        (Level::Table, b"udta" | b"meta" | b"uuid" | b"free" | b"skip") => Blank,
        (Level::Table, _) => Keep,
        _ => Blank,
    }
}

#[derive(Default)]
struct Walk {
    boxes: Boxes,
    picture: Picture,
    edits: Edits,
    /// Where the content of the boxes of content is.
    content: Vec<Range<u64>>,
    /// Where the samples of tracks are that are left out.
    hidden: Vec<Range<u64>>,
    in_fragments: bool,
}

/// Walks the boxes. The copy has empty space for what users and programs wrote beside the film, and for
/// tracks that are neither seen nor heard nor read, positions among them.
///
/// No byte moves, so every offset stays right.
pub(in crate::engine::upload) fn mp4<R: Read + Seek>(file: &mut Window<R>) -> Checked<Picture> {
    let size = file.size();
    let brand = file.array::<4>(8)?;
    if !brand.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Reason::Malformed.into());
    }
    let mut walk = Walk::default();
    walk.level(file, 0..size, Level::File)?;
    let Walk {
        mut picture,
        mut edits,
        content,
        hidden,
        in_fragments,
        ..
    } = walk;
    // Samples of fragments are told of there, piece by piece.
    if in_fragments && !hidden.is_empty() {
        return Err(Reason::Unsupported.into());
    }
    for place in hidden {
        // Of a film without its content there is only the head, and nothing more to leave out.
        if place.start >= size {
            continue;
        }
        // In the order of the file, as they were walked.
        let behind = content.partition_point(|whole| whole.start <= place.start);
        let whole = behind.checked_sub(1).and_then(|at| content.get(at));
        if whole.is_none_or(|whole| whole.end < place.end) {
            return Err(Reason::Malformed.into());
        }
        edits.blank(place);
    }
    picture.read_blanked(file, &edits, is_place)?;
    picture.copy = edits.apply(size)?;
    Ok(picture)
}

impl Walk {
    fn level<R: Read + Seek>(
        &mut self,
        file: &mut Window<R>,
        range: Range<u64>,
        level: Level,
    ) -> Checked<()> {
        let mut at = range.start;
        while let Some(found) = self.boxes.next(file, at..range.end, level == Level::File)? {
            at = found.whole.end;
            match act(level, &found.kind) {
                Act::Keep => {}
                Act::Enter(inner) => {
                    self.in_fragments |= inner == Level::Fragment;
                    self.level(file, found.content, inner)?;
                }
                Act::Track => self.track(file, &found)?,
                Act::Content => self.content.push(found.content),
                Act::Blank => self.blank(&found)?,
                Act::Refuse => return Err(Reason::Unsupported.into()),
            }
        }
        Ok(())
    }

    fn track<R: Read + Seek>(&mut self, file: &mut Window<R>, found: &Frame) -> Checked<()> {
        if is_shown(file, &mut self.boxes, found)? {
            return self.level(file, found.content.clone(), Level::Track);
        }
        let places = samples(file, &mut self.boxes, found)?;
        self.hidden.extend(places);
        if self.hidden.len() * 2 >= Delivery::MAX_PIECES {
            return Err(Reason::Unsupported.into());
        }
        self.blank(found)
    }

    /// Makes free space of a box.
    fn blank(&mut self, found: &Frame) -> Checked<()> {
        if found.content.is_empty() {
            return Ok(());
        }
        if self.edits.count() >= Delivery::MAX_PIECES {
            return Err(Reason::Malformed.into());
        }
        self.edits.replace(found.whole.start + 4, b"free".to_vec());
        self.edits.blank(found.content.clone());
        Ok(())
    }
}

/// Marks of positions: of `QuickTime`, 3GPP and XMP, of cameras that write a track of them, and of NMEA 0183.
fn is_place(bytes: &[u8]) -> bool {
    let marks: [&[u8]; 12] = [
        b"\xa9xyz",
        b"ISO6709",
        b"loci",
        b"GPSLatitude",
        b"gpmd",
        b"GPS5",
        b"GPS9",
        b"camm",
        b"freeGPS",
        b"$GPRMC",
        b"$GPGGA",
        b"$GNRMC",
    ];
    marks.into_iter().any(|mark| find(bytes, mark))
}
