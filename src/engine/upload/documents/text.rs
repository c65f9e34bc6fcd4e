//! Plain text and tables.

use std::io::{Read, Seek};

use crate::upload::sniff::{LONGEST_MARK, is_active, is_text};
use crate::upload::verdict::Reason;
use crate::upload::window::{Checked, Window};

/// What text turned out to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::engine::upload) enum Prose {
    /// Nothing that a browser or a spreadsheet acts on.
    Plain,
    /// Markup, a formula, or an encoding that hides what it says.
    Armed,
}

/// Reads all of a text.
pub(in crate::engine::upload) fn text<R: Read + Seek>(file: &mut Window<R>) -> Checked<Prose> {
    read(file, |_| false)
}

/// Reads all of a table, looking for cells that a spreadsheet would run.
pub(in crate::engine::upload) fn csv<R: Read + Seek>(file: &mut Window<R>) -> Checked<Prose> {
    let mut cells = Cells::default();
    read(file, |piece| piece.iter().any(|byte| cells.take(*byte)))
}

fn read<R: Read + Seek>(
    file: &mut Window<R>,
    mut armed: impl FnMut(&[u8]) -> bool,
) -> Checked<Prose> {
    let size = file.size();
    let mark = file.some(0, 4)?;
    let little = mark.starts_with(b"\xff\xfe");
    if little || mark.starts_with(b"\xfe\xff") {
        return wide(file, little);
    }
    let (mut prose, mut tail) = (Prose::Plain, Vec::new());
    file.each(0..size, |piece| {
        if !is_text(piece) {
            return Err(Reason::ContentMismatch.into());
        }
        if armed(piece) {
            prose = Prose::Armed;
        }
        if prose == Prose::Plain {
            tail.extend_from_slice(piece.get(..piece.len().min(64)).unwrap_or_default());
            if is_active(piece) || is_active(&tail) {
                prose = Prose::Armed;
            }
            let from = piece.len().saturating_sub(LONGEST_MARK);
            tail = piece.get(from..).unwrap_or_default().to_vec();
        }
        Ok(())
    })?;
    Ok(prose)
}

/// Reads a text of 16-bit units. Markup looks like something else in it, so it is never plain.
fn wide<R: Read + Seek>(file: &mut Window<R>, little: bool) -> Checked<Prose> {
    let size = file.size();
    let mut half = None;
    file.each(2..size, |piece| {
        for byte in piece {
            let Some(first) = half.take() else {
                half = Some(*byte);
                continue;
            };
            let pair = [first, *byte];
            let unit = if little {
                u16::from_le_bytes(pair)
            } else {
                u16::from_be_bytes(pair)
            };
            let text = match u8::try_from(unit) {
                Ok(small) => is_text(&[small]),
                Err(_) => !matches!(unit, 0xfdd0..=0xfdef | 0xfffe | 0xffff),
            };
            if !text {
                return Err(Reason::ContentMismatch.into());
            }
        }
        Ok(())
    })?;
    if half.is_some() {
        return Err(Reason::Truncated.into());
    }
    Ok(Prose::Armed)
}

/// Where a reader of a table is: at the start of a cell, behind a sign there, or inside.
#[derive(Clone, Copy, Debug, Default)]
enum Cells {
    #[default]
    Start,
    /// Behind `+` or `-`, in what may be a number: digits, points and spaces.
    Signed,
    Inside,
}

impl Cells {
    /// Takes the next byte; true for the start of a formula.
    fn take(&mut self, byte: u8) -> bool {
        let (next, armed) = match (*self, byte) {
            (_, b',' | b';' | b'\t' | b'\n' | b'\r') => (Self::Start, false),
            (Self::Start, b'"' | b' ' | b'\'' | 0xef | 0xbb | 0xbf) => (Self::Start, false),
            (Self::Start, b'=' | b'@') => (Self::Inside, true),
            (Self::Start, b'+' | b'-') => (Self::Signed, false),
            (Self::Signed, b'0'..=b'9' | b'.' | b' ' | b'"') => (Self::Signed, false),
            (Self::Signed, _) => (Self::Inside, true),
            (Self::Start | Self::Inside, _) => (Self::Inside, false),
        };
        *self = next;
        armed
    }
}
