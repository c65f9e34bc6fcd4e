//! What a walk through a picture gives.

use std::io::{Read, Seek};
use std::ops::Range;

use crate::upload::delivery::Delivery;
use crate::upload::sniff::{LONGEST_MARK, is_active, is_active_in_binary, is_archive, is_program};
use crate::upload::verdict::{Finding, PictureFacts, Reason};
use crate::upload::window::{Checked, Window};

use super::edits::Edits;

/// What a walk through a picture gives.
#[derive(Debug, Default)]
pub(in crate::engine::upload) struct Picture {
    pub(in crate::engine::upload) facts: Option<PictureFacts>,
    pub(in crate::engine::upload) findings: Vec<Finding>,
    pub(in crate::engine::upload) copy: Delivery,
}

impl Picture {
    /// Takes a range over into the copy.
    pub(super) fn keep(&mut self, range: Range<u64>) -> Checked<()> {
        if self.copy.is_full() {
            return Err(Reason::Malformed.into());
        }
        self.copy.keep(range);
        Ok(())
    }

    /// Puts other bytes into the copy.
    pub(super) fn insert(&mut self, bytes: Vec<u8>) -> Checked<()> {
        if self.copy.is_full() {
            return Err(Reason::Malformed.into());
        }
        self.copy.insert(bytes);
        Ok(())
    }

    pub(super) fn note(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Looks for markup and scripts in a range that the copy leaves out.
    pub(super) fn read_text<R: Read + Seek>(
        &mut self,
        file: &mut Window<R>,
        range: Range<u64>,
    ) -> Checked<()> {
        let mut words = Scan::new(is_active);
        file.each(range, |piece| {
            words.take(piece);
            Ok(())
        })?;
        if words.found() {
            self.note(Finding::ActiveText);
        }
        Ok(())
    }

    /// Looks for markup, scripts and the marks of positions that `is_place` knows in what is blanked. Each byte is
    /// looked at once, however often it is pointed to.
    pub(super) fn read_blanked<R: Read + Seek>(
        &mut self,
        file: &mut Window<R>,
        edits: &Edits,
        is_place: fn(&[u8]) -> bool,
    ) -> Checked<()> {
        let (mut words, mut places) = (Scan::new(is_active), Scan::new(is_place));
        for place in edits.blanked() {
            file.each(place, |piece| {
                words.take(piece);
                places.take(piece);
                Ok(())
            })?;
        }
        if words.found() {
            self.note(Finding::ActiveText);
        }
        if places.found() {
            self.note(Finding::Location);
        }
        Ok(())
    }

    /// Judges what stands behind the end of a picture, which the copy leaves out.
    pub(super) fn trailer<R: Read + Seek>(
        &mut self,
        file: &mut Window<R>,
        from: u64,
    ) -> Checked<()> {
        let size = file.size();
        if from >= size {
            return Ok(());
        }
        let blank = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
        let start = file.some(from, 4 * 1024)?;
        let skip = start.iter().take_while(|byte| blank(byte)).count();
        let start = start.get(skip..).unwrap_or_default();
        let document = [b"%PDF-".as_slice(), b"\xd0\xcf\x11\xe0", b"{\\rtf"];
        let other = document.iter().any(|magic| start.starts_with(magic));
        if other || is_archive(start) || is_program(start) {
            return Err(Reason::Polyglot.into());
        }
        self.note(Finding::Trailer);
        self.read_text(file, from..size)
    }
}

/// Tells whether numbers that the copy would keep hold markup or a script.
pub(super) fn is_armed<R: Read + Seek>(file: &mut Window<R>, range: Range<u64>) -> Checked<bool> {
    let mut words = Scan::new(is_active_in_binary);
    file.each(range, |piece| {
        words.take(piece);
        Ok(())
    })?;
    Ok(words.found())
}

/// Looks for marks in content that comes in pieces, across their edges too.
#[derive(Debug)]
pub(super) struct Scan {
    test: fn(&[u8]) -> bool,
    tail: Vec<u8>,
    found: bool,
}

impl Scan {
    /// Looks for what `test` finds, which is at most [`LONGEST_MARK`] long.
    pub(super) fn new(test: fn(&[u8]) -> bool) -> Self {
        Self {
            test,
            tail: Vec::new(),
            found: false,
        }
    }

    /// Takes the next piece.
    pub(super) fn take(&mut self, piece: &[u8]) {
        if self.found {
            return;
        }
        let edge = piece.get(..piece.len().min(64)).unwrap_or_default();
        self.tail.extend_from_slice(edge);
        self.found = (self.test)(&self.tail) || (self.test)(piece);
        if piece.len() >= LONGEST_MARK {
            self.tail.clear();
            let end = piece.get(piece.len() - LONGEST_MARK..);
            self.tail.extend_from_slice(end.unwrap_or_default());
        }
        let over = self.tail.len().saturating_sub(LONGEST_MARK);
        self.tail.drain(..over);
    }

    pub(super) fn found(&self) -> bool {
        self.found
    }
}
