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
    let mut names = Names {
        unpacked: true,
        ..Names::default()
    };
    let mut out = 0u64;
    let unpacked = inflate(file, range, left, Wrapping::Zlib, |piece| {
        for byte in piece {
            out += 1;
            names.take(*byte, out)?;
        }
        Ok(())
    })?;
    match unpacked {
        Inflated::Whole { .. } => {
            // Its last name may have nothing behind it.
            names.take(b' ', out)?;
            Ok(left.saturating_sub(out))
        }
        Inflated::TooLarge => Err(Reason::ArchiveSize.into()),
        // Packed in another way, or not at all, which nobody does.
        Inflated::Broken if out == 0 => Err(Reason::Unsupported.into()),
        Inflated::Broken => Err(Reason::Malformed.into()),
    }
}

/// Where a reader of objects is, as far as that matters for words that are no names.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Place {
    #[default]
    Objects,
    Comment,
    /// So many brackets deep, the last byte having been a backslash or not.
    Text(u32, bool),
    Stream,
}

/// How far the start of a stream is known.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Start {
    #[default]
    None,
    /// Behind the word, before the end of its line.
    Line,
    /// Behind a carriage return.
    Return,
}

/// Reads names as they come by.
///
/// Names are judged in text, comments and streams too, and a stream of objects is looked for behind each word
/// that may begin one. Only what makes the check milder goes by the place: short names in pixels, and the
/// end of an object.
#[derive(Debug, Default)]
struct Names {
    /// The name at hand, without its slash, `#xx` undone.
    name: Option<Vec<u8>>,
    escape: Option<Vec<u8>>,
    /// The last bytes, to see `stream` and its end.
    last: [u8; 12],
    place: Place,
    /// Bytes of the word at hand, which are the end of `last`.
    word: usize,
    /// A dictionary has just ended.
    dictionary: bool,
    start: Start,
    /// The object at hand is a stream of objects.
    holds_objects: bool,
    packed: Vec<u64>,
    /// These are the objects of such a stream, among which there is no stream.
    unpacked: bool,
}

impl Names {
    /// Takes the byte before offset `next`.
    fn take(&mut self, byte: u8, next: u64) -> Checked<()> {
        if self.name.is_some() {
            self.go_on(byte)?;
        }
        if byte == b'/' {
            self.name = Some(Vec::new());
            self.escape = None;
        }
        self.find_start(byte, next)?;
        self.follow(byte);
        self.last.rotate_left(1);
        if let Some(last) = self.last.last_mut() {
            *last = byte;
        }
        Ok(())
    }

    /// Notes where packed objects may begin: on the line behind the word.
    fn find_start(&mut self, byte: u8, next: u64) -> Checked<()> {
        let word = self.last.ends_with(b"stream") && !self.last.ends_with(b"endstream");
        if self.start == Start::None && word && self.holds_objects && is_end(byte) {
            self.start = Start::Line;
        }
        let start = match (self.start, byte) {
            (Start::None, _) => return Ok(()),
            (Start::Line | Start::Return, b'\n') => next,
            (Start::Line, b'\r') => {
                self.start = Start::Return;
                return Ok(());
            }
            (Start::Line, _) => return Ok(()),
            (Start::Return, _) => next.saturating_sub(1),
        };
        self.start = Start::None;
        if self.packed.len() >= MAX_PACKED {
            return Err(Reason::Malformed.into());
        }
        self.packed.push(start);
        Ok(())
    }

    /// Follows comments, text and streams; `last` ends before this byte.
    fn follow(&mut self, byte: u8) {
        let ends = |word: &[u8]| self.last.ends_with(word);
        self.place = match (self.place, byte) {
            (Place::Comment, b'\r' | b'\n') => Place::Objects,
            (Place::Text(depth, true), _) => Place::Text(depth, false),
            (Place::Text(depth, false), b'\\') => Place::Text(depth, true),
            (Place::Text(depth, false), b'(') => Place::Text(depth.saturating_add(1), false),
            (Place::Text(0 | 1, false), b')') => Place::Objects,
            (Place::Text(depth, false), b')') => Place::Text(depth - 1, false),
            (Place::Stream, _) if ends(b"endstream") || ends(b"endobj") => {
                self.word = 0;
                self.dictionary = false;
                self.in_objects(byte)
            }
            (Place::Objects, _) => self.in_objects(byte),
            (place, _) => place,
        };
    }

    fn in_objects(&mut self, byte: u8) -> Place {
        if !is_end(byte) {
            self.word += 1;
            return Place::Objects;
        }
        let word = self
            .last
            .len()
            .saturating_sub(std::mem::take(&mut self.word));
        let word = self.last.get(word..).unwrap_or_default();
        if word == b"stream" && self.dictionary && !self.unpacked {
            self.dictionary = false;
            return Place::Stream;
        }
        if word == b"endobj" {
            self.holds_objects = false;
        }
        self.dictionary &= word.is_empty();
        match byte {
            b'%' => return Place::Comment,
            b'(' => {
                self.dictionary = false;
                return Place::Text(1, false);
            }
            b'>' => self.dictionary = self.last.ends_with(b">"),
            b' ' | b'\t' | b'\r' | b'\n' | 0x0c | 0 => {}
            _ => self.dictionary = false,
        }
        Place::Objects
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
        if is_end(byte) {
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
            b"JS" | b"XFA" if self.place != Place::Stream => reject(Reason::ActiveContent),
            b"Encrypt" => reject(Reason::Encrypted),
            // The second is in the dictionary of every such stream, and in no other stream's: readers find
            // one by the table, whatever it says it is.
            b"ObjStm" | b"First" => {
                self.holds_objects = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Tells whether a byte ends a word or a name (ISO 32000-2, 7.2.3).
fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0 || b"()<>[]{}/%".contains(&byte)
}
