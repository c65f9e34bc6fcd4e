//! WebP ([RFC 9649](https://www.rfc-editor.org/rfc/rfc9649)).

use std::io::{Read, Seek};
use std::ops::Range;

use crate::upload::delivery::Delivery;
use crate::upload::sniff::find;
use crate::upload::verdict::{Finding, PictureFacts, Reason};
use crate::upload::window::{Checked, Window};

use super::exif;
use super::picture::{Picture, is_armed};

const PROFILE_FLAG: u8 = 0x20;
const EXIF_FLAG: u8 = 0x08;
const XMP_FLAG: u8 = 0x04;

/// What the walk has seen so far.
#[derive(Default)]
struct Walk {
    picture: Picture,
    body: Delivery,
    /// Where the extended header's flags are, and what they say.
    extended: Option<u8>,
    canvas: Option<(u32, u32)>,
    still: bool,
    frames: u32,
    orientation: Option<Vec<u8>>,
    /// A colour profile is left out.
    muted: bool,
}

/// Walks every chunk. The copy leaves out Exif, XMP, chunks that nobody knows, and a
/// colour profile with a script in it.
pub(in crate::engine::upload) fn webp<R: Read + Seek>(file: &mut Window<R>) -> Checked<Picture> {
    let length = u64::from(file.le32(4)?);
    let end = 8 + length;
    if end > file.size() {
        return Err(Reason::Truncated.into());
    }
    if length % 2 != 0 || length < 12 {
        return Err(Reason::Malformed.into());
    }
    let mut walk = Walk::default();
    let mut at = 12;
    while at < end {
        let kind = file.array::<4>(at)?;
        let content = at + 8..at + 8 + u64::from(file.le32(at + 4)?);
        let next = content.end + content.end % 2;
        if next > end {
            return Err(Reason::Malformed.into());
        }
        chunk(file, &mut walk, &kind, at..next, content)?;
        at = next;
    }
    let Walk {
        mut picture,
        body,
        extended,
        canvas,
        still,
        frames,
        orientation,
        muted,
    } = walk;
    let (Some((width, height)), true) = (canvas, still || frames > 0) else {
        return Err(Reason::Malformed.into());
    };
    picture.facts = Some(PictureFacts::new(width, height, frames.max(1)));
    picture.trailer(file, end)?;
    let extended = extended.map(|flags| {
        let oriented = if orientation.is_some() { EXIF_FLAG } else { 0 };
        let profile = if muted { PROFILE_FLAG } else { 0 };
        (flags & !(EXIF_FLAG | XMP_FLAG | profile)) | oriented
    });
    assemble(&mut picture, &body, extended, orientation)?;
    Ok(picture)
}

fn chunk<R: Read + Seek>(
    file: &mut Window<R>,
    walk: &mut Walk,
    kind: &[u8; 4],
    whole: Range<u64>,
    content: Range<u64>,
) -> Checked<()> {
    let first = whole.start == 12;
    let length = content.end - content.start;
    match kind {
        b"VP8X" => {
            if !first || length != 10 {
                return Err(Reason::Malformed.into());
            }
            let [flags, _, _, _, w0, w1, w2, h0, h1, h2] = file.array::<10>(content.start)?;
            walk.extended = Some(flags);
            let side = |low, middle, high| u32::from_le_bytes([low, middle, high, 0]) + 1;
            walk.canvas = Some((side(w0, w1, w2), side(h0, h1, h2)));
            // All of the chunk but its flags, which are written anew.
            walk.body.keep(content.start + 1..whole.end);
            return Ok(());
        }
        b"VP8 " => {
            let [a, _, _, s0, s1, s2, w0, w1, h0, h1] = file.array::<10>(content.start)?;
            if a & 1 != 0 || [s0, s1, s2] != [0x9d, 0x01, 0x2a] || length < 10 {
                return Err(Reason::Malformed.into());
            }
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            still(walk, side(w0, w1), side(h0, h1))?;
        }
        b"VP8L" => {
            let [mark, b0, b1, b2, b3] = file.array::<5>(content.start)?;
            if mark != 0x2f || length < 5 {
                return Err(Reason::Malformed.into());
            }
            let bits = u32::from_le_bytes([b0, b1, b2, b3]);
            still(walk, (bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1)?;
        }
        b"ANMF" => walk.frames = walk.frames.saturating_add(1),
        b"ICCP" => {
            if is_armed(file, content)? {
                walk.muted = true;
                walk.picture.note(Finding::ActiveText);
                return Ok(());
            }
        }
        b"ALPH" | b"ANIM" => {}
        _ => {
            let head = file.some(content.start, 64 * 1024)?;
            let kept = usize::try_from(length).unwrap_or(usize::MAX);
            let head = head.get(..kept.min(head.len())).unwrap_or_default();
            let exif = exif::read(head.strip_prefix(b"Exif\0\0").unwrap_or(head));
            if find(head, b"GPSLatitude") || (kind == b"EXIF" && exif.location) {
                walk.picture.note(Finding::Location);
            }
            if kind == b"EXIF" {
                walk.orientation = exif::upright(exif.orientation);
            }
            return walk.picture.read_text(file, content);
        }
    }
    if first && walk.extended.is_none() && !matches!(kind, b"VP8 " | b"VP8L") {
        return Err(Reason::Malformed.into());
    }
    if walk.body.is_full() {
        return Err(Reason::Malformed.into());
    }
    walk.body.keep(whole);
    Ok(())
}

fn still(walk: &mut Walk, width: u32, height: u32) -> Checked<()> {
    if walk.still || width == 0 || height == 0 {
        return Err(Reason::Malformed.into());
    }
    walk.still = true;
    let (w, h) = walk.canvas.unwrap_or((0, 0));
    walk.canvas = Some((w.max(width), h.max(height)));
    Ok(())
}

/// Puts a new header before the chunks that are kept, as the size of the whole stands in it.
fn assemble(
    picture: &mut Picture,
    body: &Delivery,
    extended: Option<u8>,
    orientation: Option<Vec<u8>>,
) -> Checked<()> {
    // A plain file has no place for an orientation, and would have had none in the first place.
    let orientation = orientation.filter(|_| extended.is_some());
    let mut last = Vec::new();
    if let Some(block) = orientation {
        last.extend_from_slice(b"EXIF");
        last.extend_from_slice(&u32::try_from(block.len()).unwrap_or_default().to_le_bytes());
        last.extend_from_slice(&block);
    }
    let mut start = b"WEBP".to_vec();
    if let Some(flags) = extended {
        start.extend_from_slice(b"VP8X\x0a\0\0\0");
        start.push(flags);
    }
    let size = body.size() + (start.len() + last.len()) as u64;
    let size = u32::try_from(size).map_err(|_| Reason::Malformed)?;
    let mut head = b"RIFF".to_vec();
    head.extend_from_slice(&size.to_le_bytes());
    head.extend_from_slice(&start);
    picture.insert(head)?;
    for piece in body.pieces() {
        if let crate::upload::delivery::Piece::Keep(range) = piece {
            picture.keep(range.clone())?;
        }
    }
    if !last.is_empty() {
        picture.insert(last)?;
    }
    Ok(())
}
