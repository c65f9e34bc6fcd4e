//! Word documents ([ECMA-376](https://ecma-international.org/publications-and-standards/standards/ecma-376/), part 2).

use std::io::{Read, Seek};

use crate::upload::policy::ArchiveLimits;
use crate::upload::sniff::find;
use crate::upload::verdict::Reason;
use crate::upload::window::{Checked, Window};

use super::entries::zip;

/// Reads a document: an archive in order, with the parts of one, without macros, controls, files inside or
/// templates from elsewhere.
pub(in crate::engine::upload) fn docx<R: Read + Seek>(
    file: &mut Window<R>,
    limits: &ArchiveLimits,
) -> Checked<()> {
    let mut marks = Marks::default();
    let names = zip(file, limits, |entry| marks.take(entry.name, entry.content))?;
    let lower: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let holds = |wanted: fn(&str) -> bool| lower.iter().any(|name| wanted(name));
    if !holds(|name| name == "[content_types].xml") || !holds(|name| name.starts_with("word/")) {
        return Err(Reason::ContentMismatch.into());
    }
    let acting = |name: &str| {
        name.contains("vbaproject")
            || name.contains("vbadata")
            || name.contains("/activex")
            || name.contains("/embeddings/")
            || name.ends_with(".bin")
    };
    if holds(acting) {
        return Err(Reason::ActiveContent.into());
    }
    Ok(())
}

/// Looks at the parts as they are unpacked, each piece with the end of the one before.
#[derive(Default)]
struct Marks {
    name: String,
    tail: Vec<u8>,
}

/// Bytes that are carried over, longer than any mark.
const CARRIED: usize = 256;

impl Marks {
    fn take(&mut self, name: &str, content: &[u8]) -> Checked<()> {
        if self.name != name {
            name.clone_into(&mut self.name);
            self.tail.clear();
        }
        let lower = name.to_ascii_lowercase();
        if !lower.ends_with(".xml") && !lower.ends_with(".rels") {
            return Ok(());
        }
        self.tail.extend(content.iter().map(u8::to_ascii_lowercase));
        let text = &self.tail;
        let holds = |mark: &str| find(text, mark.as_bytes());
        if holds("<!doctype") || holds("<!entity") {
            return Err(Reason::Entities.into());
        }
        if lower == "[content_types].xml" && holds("macroenabled") {
            return Err(Reason::ActiveContent.into());
        }
        if lower.ends_with(".rels") && holds("targetmode=\"external\"") {
            let loads = [
                "/attachedtemplate\"",
                "/oleobject\"",
                "/frame\"",
                "/subdocument\"",
                "/image\"",
                "/afchunk\"",
            ];
            // A link that a reader clicks is fine; what is loaded on opening is not.
            if loads.into_iter().any(holds) {
                return Err(Reason::ExternalReference.into());
            }
        }
        // The part of relations is small; it is kept whole, so that its marks are seen together.
        let kept = if lower.ends_with(".rels") {
            1 << 20
        } else {
            CARRIED
        };
        let over = self.tail.len().saturating_sub(kept);
        self.tail.drain(..over);
        Ok(())
    }
}
