//! TIFF ([revision 6.0](https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf), section 2).

use std::collections::BTreeSet;
use std::io::{Read, Seek};
use std::ops::Range;

use crate::upload::delivery::Delivery;
use crate::upload::verdict::{Finding, PictureFacts, Reason};
use crate::upload::window::{Checked, Window};

use super::picture::Picture;

/// Most directories, pages and previews together.
const MAX_DIRECTORIES: usize = 256;
/// Most entries of a directory.
const MAX_ENTRIES: u16 = 4_096;
/// Most strips or tiles that are looked at in all.
const MAX_STRIPS: u32 = 1_000_000;
/// Values of a table that are read together.
const RUN: u32 = 4_096;

/// One entry: its tag, the type and number of its values, and where they are.
#[derive(Clone, Copy)]
struct Entry {
    tag: u16,
    width: u64,
    count: u32,
    place: u64,
}

struct Walk<'w, R> {
    file: &'w mut Window<R>,
    little: bool,
    strips: u32,
    pixels: u64,
    first: Option<(u32, u32)>,
    blank: Vec<Range<u64>>,
}

/// Walks every directory and checks that what it points to is there.
///
/// The copy has zeros for positions; other metadata of a TIFF stays, as its places hang together.
pub(in crate::engine::upload) fn tiff<R: Read + Seek>(file: &mut Window<R>) -> Checked<Picture> {
    let little = file.byte(0)? == b'I';
    let size = file.size();
    let mut walk = Walk {
        file,
        little,
        strips: 0,
        pixels: 0,
        first: None,
        blank: Vec::new(),
    };
    let mut seen = BTreeSet::new();
    let mut waiting = vec![u64::from(walk.long(4)?)];
    while let Some(at) = waiting.pop() {
        if at == 0 {
            continue;
        }
        if !seen.insert(at) || seen.len() > MAX_DIRECTORIES {
            return Err(Reason::Malformed.into());
        }
        walk.directory(at, &mut waiting)?;
    }
    let Some((width, height)) = walk.first else {
        return Err(Reason::Malformed.into());
    };
    // Pages differ in size, so the sum counts, as so many pages of the first.
    let one = u64::from(width).saturating_mul(u64::from(height)).max(1);
    let frames = u32::try_from(walk.pixels.div_ceil(one)).unwrap_or(u32::MAX);
    let mut picture = Picture {
        facts: Some(PictureFacts::new(width, height, frames.max(1))),
        ..Picture::default()
    };
    if !walk.blank.is_empty() {
        picture.note(Finding::Location);
    }
    picture.copy = Delivery::blanked(size, walk.blank);
    Ok(picture)
}

impl<R: Read + Seek> Walk<'_, R> {
    fn short(&mut self, at: u64) -> Checked<u16> {
        if self.little {
            self.file.le16(at)
        } else {
            self.file.be16(at)
        }
    }

    fn long(&mut self, at: u64) -> Checked<u32> {
        if self.little {
            self.file.le32(at)
        } else {
            self.file.be32(at)
        }
    }

    fn entries(&mut self, at: u64) -> Checked<(Vec<Entry>, u64)> {
        let count = self.short(at)?;
        if count == 0 || count > MAX_ENTRIES {
            return Err(Reason::Malformed.into());
        }
        let mut entries = Vec::with_capacity(usize::from(count));
        for index in 0..u64::from(count) {
            let entry = at + 2 + index * 12;
            let (tag, kind, count) = (
                self.short(entry)?,
                self.short(entry + 2)?,
                self.long(entry + 4)?,
            );
            let width = match kind {
                1 | 2 | 6 | 7 => 1,
                3 | 8 => 2,
                4 | 9 | 11 | 13 => 4,
                5 | 10 | 12 => 8,
                _ => 0,
            };
            let bytes = width * u64::from(count);
            let place = if bytes <= 4 {
                entry + 8
            } else {
                u64::from(self.long(entry + 8)?)
            };
            if place.saturating_add(bytes) > self.file.size() {
                return Err(Reason::Truncated.into());
            }
            entries.push(Entry {
                tag,
                width,
                count,
                place,
            });
        }
        Ok((entries, at + 2 + u64::from(count) * 12))
    }

    fn value(&mut self, entry: Entry, index: u32) -> Checked<u32> {
        let at = entry.place + entry.width * u64::from(index);
        match entry.width {
            1 => self.file.byte(at).map(u32::from),
            2 => self.short(at).map(u32::from),
            4 => self.long(at),
            _ => Err(Reason::Malformed.into()),
        }
    }

    fn directory(&mut self, at: u64, waiting: &mut Vec<u64>) -> Checked<()> {
        let (entries, next) = self.entries(at)?;
        waiting.push(self.long(next)?.into());
        let find = |tag: u16| entries.iter().copied().find(|entry| entry.tag == tag);
        if let Some(more) = find(0x014a) {
            let count = more
                .count
                .min(u32::try_from(MAX_DIRECTORIES).unwrap_or(u32::MAX));
            for index in 0..count {
                let below = self.value(more, index)?;
                waiting.push(below.into());
            }
        }
        if let Some(gps) = find(0x8825) {
            let place = self.value(gps, 0)?;
            self.position(place.into())?;
        }
        if let (Some(width), Some(height)) = (find(0x0100), find(0x0101)) {
            let (width, height) = (self.value(width, 0)?, self.value(height, 0)?);
            if width == 0 || height == 0 {
                return Err(Reason::Malformed.into());
            }
            let pixels = u64::from(width).saturating_mul(height.into());
            self.pixels = self.pixels.saturating_add(pixels);
            self.first.get_or_insert((width, height));
        }
        let strips = find(0x0111).zip(find(0x0117));
        let tiles = find(0x0144).zip(find(0x0145));
        for (offsets, sizes) in [strips, tiles].into_iter().flatten() {
            self.pieces(offsets, sizes)?;
        }
        Ok(())
    }

    /// Checks that every strip or tile lies within the file.
    fn pieces(&mut self, offsets: Entry, sizes: Entry) -> Checked<()> {
        self.strips = self.strips.saturating_add(offsets.count);
        if offsets.count != sizes.count || self.strips > MAX_STRIPS {
            return Err(Reason::Malformed.into());
        }
        let right = |entry: Entry| matches!(entry.width, 2 | 4);
        if !right(offsets) || !right(sizes) {
            return Err(Reason::Malformed.into());
        }
        // By runs: the tables may lie far apart, and each look from one to the other reads a page.
        let mut from = 0;
        while from < offsets.count {
            let to = from.saturating_add(RUN).min(offsets.count);
            let starts = self.run(offsets, from..to)?;
            for (start, length) in starts.into_iter().zip(self.run(sizes, from..to)?) {
                if u64::from(start) + u64::from(length) > self.file.size() {
                    return Err(Reason::Truncated.into());
                }
            }
            from = to;
        }
        Ok(())
    }

    fn run(&mut self, entry: Entry, range: Range<u32>) -> Checked<Vec<u32>> {
        range.map(|index| self.value(entry, index)).collect()
    }

    /// Blanks a directory of positions and its values.
    fn position(&mut self, at: u64) -> Checked<()> {
        if self.short(at)? == 0 {
            return Ok(());
        }
        let (entries, end) = self.entries(at)?;
        if entries.len() > 64 {
            return Err(Reason::Malformed.into());
        }
        for entry in entries {
            let bytes = entry.width * u64::from(entry.count);
            if bytes > 4 {
                self.blank.push(entry.place..entry.place + bytes);
            }
        }
        self.blank.push(at..end);
        // Each place that is blanked makes two pieces of the copy.
        if self.blank.len() * 2 >= Delivery::MAX_PIECES {
            return Err(Reason::Malformed.into());
        }
        Ok(())
    }
}
