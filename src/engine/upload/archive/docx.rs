//! Word documents ([ECMA-376](https://ecma-international.org/publications-and-standards/standards/ecma-376/), part 2).

use std::io::{Read, Seek};

use roxmltree::Node;

use crate::upload::policy::ArchiveLimits;
use crate::upload::sniff::find;
use crate::upload::verdict::Reason;
use crate::upload::window::{Checked, Window};
use crate::upload::xml;

use super::entries::zip;

/// Reads a document: an archive in order, with the parts of one, without macros, controls, files inside or
/// templates from elsewhere.
pub(in crate::engine::upload) fn docx<R: Read + Seek>(
    file: &mut Window<R>,
    limits: &ArchiveLimits,
) -> Checked<()> {
    let mut marks = Marks::default();
    let names = zip(file, limits, |entry| marks.take(entry.name, entry.content))?;
    marks.end()?;
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

/// Looks at the parts as they are unpacked, each piece with the end of the one before; a part of relations
/// as a whole, at its end.
#[derive(Default)]
struct Marks {
    name: String,
    begun: bool,
    tail: Vec<u8>,
    relations: Vec<u8>,
}

/// Bytes that are carried over, longer than any mark.
const CARRIED: usize = 256;
/// Largest part of relations in bytes: it is held in memory.
const MAX_RELATIONS: usize = 1 << 20;

impl Marks {
    fn take(&mut self, name: &str, content: &[u8]) -> Checked<()> {
        if self.name != name {
            self.end()?;
            name.clone_into(&mut self.name);
        }
        let lower = name.to_ascii_lowercase();
        let relations = lower.ends_with(".rels");
        if !relations && !lower.ends_with(".xml") {
            return Ok(());
        }
        self.tail.extend(content.iter().map(u8::to_ascii_lowercase));
        let text = &self.tail;
        // In units of 16 bits every mark looks like something else.
        if !std::mem::replace(&mut self.begun, true) && is_wide(text) {
            return Err(Reason::Unsupported.into());
        }
        let holds = |mark: &str| find(text, mark.as_bytes());
        if holds("<!doctype") || holds("<!entity") {
            return Err(Reason::Entities.into());
        }
        // A reference to a character can spell the word.
        if lower == "[content_types].xml" && (holds("macroenabled") || holds("&#")) {
            return Err(Reason::ActiveContent.into());
        }
        let over = self.tail.len().saturating_sub(CARRIED);
        self.tail.drain(..over);
        if relations {
            if self.relations.len() + content.len() > MAX_RELATIONS {
                return Err(Reason::TooLarge.into());
            }
            self.relations.extend_from_slice(content);
        }
        Ok(())
    }

    /// Ends the part at hand.
    fn end(&mut self) -> Checked<()> {
        self.tail.clear();
        self.begun = false;
        let relations = std::mem::take(&mut self.relations);
        if relations.is_empty() {
            return Ok(());
        }
        let text = std::str::from_utf8(&relations).map_err(|_| Reason::Malformed)?;
        let parsed = xml::parse(text.strip_prefix('\u{feff}').unwrap_or(text))?;
        for node in parsed.descendants() {
            relation(node)?;
        }
        Ok(())
    }
}

/// A link that a reader clicks may lead outside; whatever else does is loaded on opening.
fn relation(node: Node<'_, '_>) -> Checked<()> {
    let value = |name: &str| {
        let mut own = node.attributes();
        let own = own.find(|own| own.name().eq_ignore_ascii_case(name));
        own.map_or("", |own| own.value()).trim()
    };
    let target = value("Target");
    let outside = value("TargetMode").eq_ignore_ascii_case("external")
        || target.contains("://")
        || target.starts_with("//")
        || target.contains('\\');
    let kind = value("Type").rsplit('/').next().unwrap_or_default();
    if outside && !kind.eq_ignore_ascii_case("hyperlink") {
        return Err(Reason::ExternalReference.into());
    }
    Ok(())
}

/// Tells whether XML begins as one of 16 or 32 bits.
fn is_wide(start: &[u8]) -> bool {
    let start = start.get(..start.len().min(4)).unwrap_or_default();
    start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") || start.contains(&0)
}
