//! XML of strangers: no document type, and neither deep nor long enough to harm a reader.

use roxmltree::{Document, ParsingOptions};

use super::sniff::find;
use super::verdict::Reason;
use super::window::Checked;

const MAX_NODES: u32 = 200_000;
const MAX_DEPTH: u32 = 256;

/// Reads a document that is held in memory.
pub(super) fn parse(text: &str) -> Checked<Document<'_>> {
    let lower = text.as_bytes().to_ascii_lowercase();
    // No document type at all: entities, and with them every expansion, begin there.
    if find(&lower, b"<!doctype") || find(&lower, b"<!entity") {
        return Err(Reason::Entities.into());
    }
    if deep(text) {
        return Err(Reason::Malformed.into());
    }
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).map_err(|_| Reason::Malformed.into())
}

/// Whether elements are nested so deep that a reader that calls itself runs out of stack. One pass; what
/// is not closed is refused by the reader itself.
fn deep(text: &str) -> bool {
    let (mut depth, mut rest) = (0u32, text);
    while let Some((_, after)) = rest.split_once('<') {
        let passed = if let Some(comment) = after.strip_prefix("!--") {
            comment.split_once("-->")
        } else if let Some(plain) = after.strip_prefix("![CDATA[") {
            plain.split_once("]]>")
        } else if let Some(instruction) = after.strip_prefix('?') {
            instruction.split_once("?>")
        } else {
            let tag = tag(after);
            match tag {
                Some((own, _)) if own.starts_with('/') => depth = depth.saturating_sub(1),
                Some((own, _)) if own.ends_with('/') => {}
                _ => depth += 1,
            }
            tag
        };
        if depth > MAX_DEPTH {
            return true;
        }
        let Some((_, next)) = passed else {
            return false;
        };
        rest = next;
    }
    false
}

/// Splits at the end of a tag, which does not stand in quotes.
fn tag(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let end = text.find(|one: char| match quote {
        Some(open) => {
            if one == open {
                quote = None;
            }
            false
        }
        None => {
            if matches!(one, '"' | '\'') {
                quote = Some(one);
            }
            one == '>'
        }
    })?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}
