//! Tracks of a film, and where their samples are.

use std::io::{Read, Seek};
use std::ops::Range;

use crate::upload::delivery::Delivery;
use crate::upload::verdict::Reason;
use crate::upload::window::{Checked, Window};

use super::boxes::{Boxes, Frame};

/// Handlers of tracks that are seen, heard or read (ISO/IEC 14496-12, 12), captions of `QuickTime` among
/// them. All others tell about the film: `meta`, times (`tmcd`), hints for servers.
const SHOWN: &[&[u8; 4]] = &[
    b"vide", b"auxv", b"pict", b"soun", b"text", b"sbtl", b"subt", b"clcp",
];

/// Most runs of samples of a track that is left out; each may be a piece of the copy.
const MAX_CHUNKS: usize = Delivery::MAX_PIECES / 2;

/// Tells whether a track belongs into the copy. One that says nothing of itself cannot be played.
pub(super) fn is_shown<R: Read + Seek>(
    file: &mut Window<R>,
    boxes: &mut Boxes,
    track: &Frame,
) -> Checked<bool> {
    for media in below(file, boxes, &track.content, b"mdia")? {
        for handler in below(file, boxes, &media, b"hdlr")? {
            // Behind version, flags and a field that QuickTime fills.
            let kind = file.array::<4>(handler.start + 8)?;
            if handler.end - handler.start < 12 || !SHOWN.contains(&&kind) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Finds the samples of a track.
pub(super) fn samples<R: Read + Seek>(
    file: &mut Window<R>,
    boxes: &mut Boxes,
    track: &Frame,
) -> Checked<Vec<Range<u64>>> {
    let mut found = Vec::new();
    for media in below(file, boxes, &track.content, b"mdia")? {
        for information in below(file, boxes, &media, b"minf")? {
            for table in below(file, boxes, &information, b"stbl")? {
                found.extend(Tables::read(file, boxes, &table)?.places(file)?);
            }
        }
    }
    Ok(found)
}

/// The content of the boxes of one type right inside a range.
fn below<R: Read + Seek>(
    file: &mut Window<R>,
    boxes: &mut Boxes,
    range: &Range<u64>,
    kind: &[u8; 4],
) -> Checked<Vec<Range<u64>>> {
    let all = boxes.all(file, range)?;
    let named = all.into_iter().filter(|found| found.kind == *kind);
    Ok(named.map(|found| found.content).collect())
}

/// How large samples are.
#[derive(Clone, Copy, Debug)]
enum Sizes {
    All(u32),
    /// One by one, so many bits each, from an offset on.
    Each(u64, u64),
}

/// Where samples are, by ISO/IEC 14496-12, 8.7: runs of them ("chunks"), and how many are in each.
#[derive(Debug)]
struct Tables {
    chunks: Vec<u64>,
    /// From which chunk on, counted from 1, how many samples are in one.
    runs: Vec<(u32, u32)>,
    sizes: Sizes,
    samples: u32,
}

impl Tables {
    fn read<R: Read + Seek>(
        file: &mut Window<R>,
        boxes: &mut Boxes,
        range: &Range<u64>,
    ) -> Checked<Self> {
        let mut tables = Self {
            chunks: Vec::new(),
            runs: Vec::new(),
            sizes: Sizes::All(0),
            samples: 0,
        };
        for Frame { kind, content, .. } in boxes.all(file, range)? {
            let start = content.start + 8;
            match &kind {
                b"stco" => {
                    for index in 0..listed(file, &content, 4)? {
                        tables.chunks.push(file.be32(start + index * 4)?.into());
                    }
                }
                b"co64" => {
                    for index in 0..listed(file, &content, 8)? {
                        let place = file.array::<8>(start + index * 8)?;
                        tables.chunks.push(u64::from_be_bytes(place));
                    }
                }
                b"stsc" => {
                    for index in 0..listed(file, &content, 12)? {
                        let at = start + index * 12;
                        tables.runs.push((file.be32(at)?, file.be32(at + 4)?));
                    }
                }
                b"stsz" => tables.measure(file, &content, 32)?,
                b"stz2" => {
                    let bits = file.byte(content.start + 7)?;
                    if !matches!(bits, 4 | 8 | 16) {
                        return Err(Reason::Malformed.into());
                    }
                    tables.measure(file, &content, bits.into())?;
                }
                _ => {}
            }
            if tables.chunks.len().max(tables.runs.len()) > MAX_CHUNKS {
                return Err(Reason::Unsupported.into());
            }
        }
        Ok(tables)
    }

    fn measure<R: Read + Seek>(
        &mut self,
        file: &mut Window<R>,
        content: &Range<u64>,
        bits: u64,
    ) -> Checked<()> {
        let (all, start) = (file.be32(content.start + 4)?, content.start + 12);
        self.samples = file.be32(content.start + 8)?;
        if bits == 32 && all > 0 {
            self.sizes = Sizes::All(all);
            return Ok(());
        }
        let bytes = (u64::from(self.samples) * bits).div_ceil(8);
        if start + bytes > content.end {
            return Err(Reason::Malformed.into());
        }
        self.sizes = Sizes::Each(start, bits);
        Ok(())
    }

    fn places<R: Read + Seek>(&self, file: &mut Window<R>) -> Checked<Vec<Range<u64>>> {
        let (mut places, mut sample, mut held) = (Vec::new(), 0u32, 0);
        let mut runs = self.runs.iter().peekable();
        for (number, start) in (1u32..).zip(&self.chunks) {
            while let Some((_, count)) = runs.next_if(|(first, _)| *first <= number) {
                held = *count;
            }
            let next = sample.saturating_add(held).min(self.samples);
            let mut length = 0u64;
            match self.sizes {
                Sizes::All(size) => length = u64::from(size) * u64::from(next - sample),
                Sizes::Each(table, bits) => {
                    for index in sample..next {
                        length += sized(file, table, bits, index.into())?;
                    }
                }
            }
            sample = next;
            let end = start.checked_add(length).ok_or(Reason::Malformed)?;
            if end > *start {
                places.push(*start..end);
            }
        }
        Ok(places)
    }
}

/// The number of entries of a table, which are all there.
fn listed<R: Read + Seek>(file: &mut Window<R>, content: &Range<u64>, width: u64) -> Checked<u64> {
    let count = u64::from(file.be32(content.start + 4)?);
    if count > MAX_CHUNKS as u64 {
        return Err(Reason::Unsupported.into());
    }
    if content.start + 8 + count * width > content.end {
        return Err(Reason::Malformed.into());
    }
    Ok(count)
}

/// The size of one sample.
fn sized<R: Read + Seek>(file: &mut Window<R>, table: u64, bits: u64, index: u64) -> Checked<u64> {
    let at = table + index * bits / 8;
    match bits {
        32 => file.be32(at).map(u64::from),
        16 => file.be16(at).map(u64::from),
        8 => file.byte(at).map(u64::from),
        _ => {
            let two = file.byte(at)?;
            let one = if index.is_multiple_of(2) {
                two >> 4
            } else {
                two & 15
            };
            Ok(one.into())
        }
    }
}
