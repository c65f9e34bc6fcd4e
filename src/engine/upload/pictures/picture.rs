//! What a walk through a picture gives.

use std::io::{Read, Seek};
use std::ops::Range;

use crate::upload::delivery::Delivery;
use crate::upload::sniff::{is_active, is_archive, is_program};
use crate::upload::verdict::{Finding, PictureFacts, Reason};
use crate::upload::window::{Checked, Window};

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
        let mut tail = Vec::new();
        let mut active = false;
        file.each(range, |piece| {
            if !active {
                tail.extend_from_slice(piece.get(..piece.len().min(64)).unwrap_or_default());
                active = is_active(&tail) || is_active(piece);
                tail.clear();
                let from = piece
                    .len()
                    .saturating_sub(crate::upload::sniff::LONGEST_MARK);
                tail.extend_from_slice(piece.get(from..).unwrap_or_default());
            }
            Ok(())
        })?;
        if active {
            self.note(Finding::ActiveText);
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
