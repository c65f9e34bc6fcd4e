//! PDF ([ISO 32000-2](https://www.pdfa.org/resource/iso-32000-2/)): its names are read, in whatever way they are spelled.

use std::io::{Read, Seek};
use std::ops::Range;

use crate::upload::archive::{Inflated, Wrapping, inflate};
use crate::upload::verdict::Reason;
use crate::upload::window::{Checked, Fault, Window};

/// Most object streams that are unpacked.
const MAX_PACKED: usize = 10_000;
/// Longest name that matters.
const LONGEST: usize = 32;

/// Reads a document. Scripts, actions that start or send something, files inside and encryption are
/// reasons to refuse it; most objects of a modern document are packed, and are unpacked for it,
/// `max_unpacked` bytes at most in all.
///
/// The file is read as bytes, not as a tree: a name that acts is found wherever it stands.
pub(in crate::engine::upload) fn pdf<R: Read + Seek>(
    file: &mut Window<R>,
    max_unpacked: u64,
) -> Checked<()> {
    let size = file.size();
    let tail = size.saturating_sub(2 * 1024);
    let mut end = false;
    file.each(tail..size, |piece| {
        end |= crate::upload::sniff::find(piece, b"%%EOF");
        Ok(())
    })?;
    let mut names = Names::default();
    let mut at = 0u64;
    file.each(0..size, |piece| {
        for byte in piece {
            at += 1;
            names.take(*byte, at)?;
        }
        Ok(())
    })?;
    // A document that was cut off has no end; an incremental save may leave a mark in the middle.
    if !end {
        return Err(Reason::Truncated.into());
    }
    let mut left = max_unpacked;
    // One ends before the next begins, so that all of them together are read once.
    let ends = names.packed.iter().skip(1).copied().chain([size]);
    for (start, end) in names.packed.iter().copied().zip(ends) {
        left = unpack(file, start..end, left)?;
    }
    Ok(())
}

/// Reads the names of one object stream.
fn unpack<R: Read + Seek>(file: &mut Window<R>, range: Range<u64>, left: u64) -> Checked<u64> {
    let mut names = Names::default();
    let mut out = 0u64;
    let unpacked = inflate(file, range, left, Wrapping::Zlib, |piece| {
        for byte in piece {
            out += 1;
            names.take(*byte, out)?;
        }
        Ok(())
    })?;
    match unpacked {
        Inflated::Whole { .. } => Ok(left.saturating_sub(out)),
        Inflated::TooLarge => Err(Reason::ArchiveSize.into()),
        // Not packed this way: what stands there was read with the rest, unless another packing hides it.
        Inflated::Broken if out == 0 => Ok(left),
        Inflated::Broken => Err(Reason::Malformed.into()),
    }
}

/// Reads names as they come by.
#[derive(Debug, Default)]
struct Names {
    /// The name at hand, without its slash, `#xx` undone.
    name: Option<Vec<u8>>,
    escape: Option<Vec<u8>>,
    /// The last bytes, to see `stream` and its end.
    last: [u8; 12],
    in_stream: bool,
    /// The object at hand is a stream of objects.
    holds_objects: bool,
    packed: Vec<u64>,
}

impl Names {
    /// Takes the byte before offset `next`.
    fn take(&mut self, byte: u8, next: u64) -> Checked<()> {
        self.last.rotate_left(1);
        if let Some(last) = self.last.last_mut() {
            *last = byte;
        }
        if self.name.is_some() {
            self.go_on(byte)?;
        }
        if byte == b'/' {
            self.name = Some(Vec::new());
            self.escape = None;
        }
        let begins = |line_end: &[u8]| {
            let word = self.last.strip_suffix(line_end).unwrap_or_default();
            word.ends_with(b"stream") && !word.ends_with(b"endstream")
        };
        if begins(b"\r\n") || begins(b"\n") {
            self.begin(next)?;
        } else if self.last.ends_with(b"endstream") {
            self.in_stream = false;
            self.holds_objects = false;
        } else if self.last.ends_with(b"endobj") && !self.in_stream {
            self.holds_objects = false;
        }
        Ok(())
    }

    fn begin(&mut self, start: u64) -> Checked<()> {
        self.in_stream = true;
        if std::mem::take(&mut self.holds_objects) {
            if self.packed.len() >= MAX_PACKED {
                return Err(Reason::Malformed.into());
            }
            self.packed.push(start);
        }
        Ok(())
    }

    fn go_on(&mut self, byte: u8) -> Checked<()> {
        if let Some(digits) = &mut self.escape {
            digits.push(byte);
            if digits.len() < 2 {
                return Ok(());
            }
            let text = std::str::from_utf8(digits).unwrap_or_default();
            let code = u8::from_str_radix(text, 16);
            self.escape = None;
            if let (Ok(code), Some(name)) = (code, &mut self.name) {
                name.push(code);
            }
            return Ok(());
        }
        let ends = byte.is_ascii_whitespace() || byte == 0 || b"()<>[]{}/%".contains(&byte);
        if ends {
            let name = self.name.take().unwrap_or_default();
            return self.judge(&name);
        }
        if byte == b'#' {
            self.escape = Some(Vec::new());
        } else if let Some(name) = &mut self.name {
            if name.len() > LONGEST {
                self.name = None;
            } else {
                name.push(byte);
            }
        }
        Ok(())
    }

    fn judge(&mut self, name: &[u8]) -> Checked<()> {
        let reject = |reason| Err(Fault::Reject(reason));
        match name {
            b"JavaScript" | b"Launch" | b"EmbeddedFile" | b"EmbeddedFiles" | b"RichMedia"
            | b"ImportData" | b"SubmitForm" | b"Rendition" | b"GoToE" => {
                reject(Reason::ActiveContent)
            }
            // So short that the pixels of a picture may spell them by chance.
            b"JS" | b"XFA" if !self.in_stream => reject(Reason::ActiveContent),
            b"Encrypt" if !self.in_stream => reject(Reason::Encrypted),
            b"ObjStm" => {
                self.holds_objects = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
