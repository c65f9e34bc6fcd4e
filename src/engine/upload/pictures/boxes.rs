//! Boxes of a film, one behind the other.

use std::io::{Read, Seek};
use std::ops::Range;

use crate::upload::verdict::Reason;
use crate::upload::window::{Checked, Window};

/// A box: its type, all of it, and what is inside.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: [u8; 4],
    pub(super) whole: Range<u64>,
    pub(super) content: Range<u64>,
}

/// Reads boxes, and counts them.
#[derive(Debug, Default)]
pub(super) struct Boxes {
    count: usize,
}

impl Boxes {
    /// Most boxes that are looked at.
    const MOST: usize = 100_000;

    /// Reads the box at the start of a range, or `None` at its end. The last one of a file (`outer`) may have an open
    /// end, and padding may stand behind it.
    pub(super) fn next<R: Read + Seek>(
        &mut self,
        file: &mut Window<R>,
        range: Range<u64>,
        outer: bool,
    ) -> Checked<Option<Frame>> {
        if range.is_empty() {
            return Ok(None);
        }
        self.count += 1;
        if self.count > Self::MOST {
            return Err(Reason::Malformed.into());
        }
        if outer && is_padding(file, range.start)? {
            return Ok(None);
        }
        frame(file, range.start, range.end, outer).map(Some)
    }

    /// Reads every box of a range.
    pub(super) fn all<R: Read + Seek>(
        &mut self,
        file: &mut Window<R>,
        range: &Range<u64>,
    ) -> Checked<Vec<Frame>> {
        let (mut found, mut at) = (Vec::new(), range.start);
        while let Some(next) = self.next(file, at..range.end, false)? {
            at = next.whole.end;
            found.push(next);
        }
        Ok(found)
    }
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
