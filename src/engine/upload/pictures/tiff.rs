//! TIFF ([revision 6.0](https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf), section 2).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};
use std::ops::Range;

use crate::upload::sniff::find;
use crate::upload::verdict::{Finding, PictureFacts, Reason};
use crate::upload::window::{Checked, Window};

use super::edits::Edits;
use super::picture::{Picture, is_armed};

/// Most directories, pages and previews together, and as many of metadata.
const MAX_DIRECTORIES: usize = 256;
/// Most entries of a directory.
const MAX_ENTRIES: u16 = 4_096;
/// Most entries of all directories.
const MAX_ALL_ENTRIES: usize = 16_384;
/// Most strips or tiles that are looked at in all.
const MAX_STRIPS: u32 = 1_000_000;
/// Values of a table that are read together.
const RUN: u32 = 4_096;

const SUB_DIRECTORIES: u16 = 0x014a;
const PROFILE: u16 = 0x8773;
const EXIF: u16 = 0x8769;
const POSITIONS: u16 = 0x8825;
const INTEROPERABILITY: u16 = 0xa005;

/// Tags that the copy keeps: what decodes the pixels, how large and which way up they are shown, and
/// their colours (TIFF 6.0, its supplements 1 and 2, and the profile of the ICC).
const KEPT: &[u16] = &[
    254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 282,
    283, 284, 286, 287, 290, 291, 292, 293, 296, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324,
    325, 326, 327, 328, 330, 332, 334, 336, 338, 339, 340, 341, 342, 347, 512, 513, 514, 515, 517,
    518, 519, 520, 521, 529, 530, 531, 532, 559, 32_995, 32_996, 32_997, 32_998, PROFILE,
];

/// Tags that place a picture on a map ([GeoTIFF](https://docs.ogc.org/is/19-008r4/19-008r4.html), annex A).
const MAPS: &[u16] = &[33_550, 33_922, 34_264, 34_735, 34_736, 34_737];

/// One entry: its tag, the type and number of its values, and where they are.
#[derive(Clone, Copy)]
struct Entry {
    tag: u16,
    width: u64,
    count: u32,
    place: u64,
}

impl Entry {
    /// Where its values are, if not in the entry itself.
    fn outside(self) -> Option<Range<u64>> {
        let bytes = self.width * u64::from(self.count);
        (bytes > 4).then(|| self.place..self.place + bytes)
    }
}

struct Walk<'w, R> {
    file: &'w mut Window<R>,
    little: bool,
    strips: u32,
    entries: usize,
    pixels: u64,
    first: Option<(u32, u32)>,
    picture: Picture,
    edits: Edits,
    /// Directories of metadata that are known; pages may share them.
    cleared: BTreeSet<u64>,
    /// Which profiles hold no script, and their bytes in all.
    profiles: BTreeMap<(u64, u64), bool>,
    profiled: u64,
}

/// Walks every directory and checks that what it points to is there.
///
/// The copy has shorter directories, and zeros where the metadata was that they pointed to: XMP, Exif,
/// positions, what programs and cameras wrote. Everything else stays where it is.
pub(in crate::engine::upload) fn tiff<R: Read + Seek>(file: &mut Window<R>) -> Checked<Picture> {
    let little = file.byte(0)? == b'I';
    let size = file.size();
    let mut walk = Walk {
        file,
        little,
        strips: 0,
        entries: 0,
        pixels: 0,
        first: None,
        picture: Picture::default(),
        edits: Edits::default(),
        cleared: BTreeSet::new(),
        profiles: BTreeMap::new(),
        profiled: 0,
    };
    walk.edits.hold(0..8);
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
    let Walk {
        mut picture,
        edits,
        pixels,
        first,
        ..
    } = walk;
    let Some((width, height)) = first else {
        return Err(Reason::Malformed.into());
    };
    // Pages differ in size, so the sum counts, as so many pages of the first.
    let one = u64::from(width).saturating_mul(u64::from(height)).max(1);
    let frames = u32::try_from(pixels.div_ceil(one)).unwrap_or(u32::MAX);
    picture.facts = Some(PictureFacts::new(width, height, frames.max(1)));
    picture.read_blanked(file, &edits, |bytes| find(bytes, b"GPSLatitude"))?;
    picture.copy = edits.apply(size)?;
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
        self.entries += usize::from(count);
        if count == 0 || count > MAX_ENTRIES || self.entries > MAX_ALL_ENTRIES {
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
        let entries = self.clean(at, next, entries)?;
        let find = |tag: u16| entries.iter().copied().find(|entry| entry.tag == tag);
        if let Some(more) = find(SUB_DIRECTORIES) {
            self.pointers(more, waiting)?;
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

    /// Adds the places that an entry points to.
    fn pointers(&mut self, entry: Entry, places: &mut Vec<u64>) -> Checked<()> {
        if usize::try_from(entry.count).is_ok_and(|count| count <= MAX_DIRECTORIES) {
            for index in 0..entry.count {
                let place = self.value(entry, index)?;
                places.push(place.into());
            }
            return Ok(());
        }
        Err(Reason::Malformed.into())
    }

    /// Leaves metadata out of a directory, and returns the entries that stay. What follows them moves up.
    fn clean(&mut self, at: u64, next: u64, entries: Vec<Entry>) -> Checked<Vec<Entry>> {
        let (mut kept, mut lines) = (Vec::with_capacity(entries.len()), Vec::new());
        let all = entries.len();
        for (index, entry) in (0u64..).zip(entries) {
            let quiet = match entry.outside() {
                Some(place) if entry.tag == PROFILE => self.is_quiet(place)?,
                _ => true,
            };
            if quiet && KEPT.contains(&entry.tag) {
                lines.extend(self.file.array::<12>(at + 2 + index * 12)?);
                self.edits.hold(entry.outside().unwrap_or_default());
                kept.push(entry);
            } else {
                self.clear(entry)?;
            }
        }
        if kept.len() == all {
            self.edits.hold(at..next + 4);
            return Ok(kept);
        }
        // A directory without entries is none.
        let count = u16::try_from(kept.len()).unwrap_or_default();
        if count == 0 {
            return Err(Reason::Malformed.into());
        }
        let count = if self.little {
            count.to_le_bytes()
        } else {
            count.to_be_bytes()
        };
        let following = self.file.array::<4>(next)?;
        let mut bytes = [&count[..], &lines, &following].concat();
        bytes.resize(usize::try_from(next + 4 - at).unwrap_or_default(), 0);
        self.edits.replace(at, bytes);
        Ok(kept)
    }

    /// Tells whether there is no script in a profile. Pages may share one.
    fn is_quiet(&mut self, place: Range<u64>) -> Checked<bool> {
        let known = (place.start, place.end);
        if let Some(quiet) = self.profiles.get(&known) {
            return Ok(*quiet);
        }
        // Profiles that are apart have room in the file; the time is bounded by its size.
        self.profiled = self.profiled.saturating_add(place.end - place.start);
        if self.profiled > self.file.size() {
            return Err(Reason::Malformed.into());
        }
        let quiet = !is_armed(self.file, place)?;
        self.profiles.insert(known, quiet);
        Ok(quiet)
    }

    /// Blanks the values of an entry, and the directories that it points to.
    fn clear(&mut self, entry: Entry) -> Checked<()> {
        if MAPS.contains(&entry.tag) {
            self.picture.note(Finding::Location);
        }
        if let Some(place) = entry.outside() {
            self.edits.blank(place);
        }
        let mut places = Vec::new();
        if matches!(entry.tag, EXIF | POSITIONS | INTEROPERABILITY) {
            self.pointers(entry, &mut places)?;
        }
        for at in places {
            if at == 0 || !self.cleared.insert(at) || self.short(at)? == 0 {
                continue;
            }
            if entry.tag == POSITIONS {
                self.picture.note(Finding::Location);
            }
            if self.cleared.len() > MAX_DIRECTORIES {
                return Err(Reason::Malformed.into());
            }
            let (entries, end) = self.entries(at)?;
            self.edits.blank(at..end);
            for entry in entries {
                self.clear(entry)?;
            }
        }
        Ok(())
    }
}
