//! Bounds on a sidecar, checked in one cheap pass before anything is built from it.

use crate::engine::sync::merge::MERGE_LIMIT;
use crate::error::{Error, ErrorKind, Result};

/// How deep elements may lie in each other. What photo tools write is less than 20 deep.
const MOST_DEPTH: usize = 64;
/// How many attributes a tag may have. Lightroom writes some hundreds.
const MOST_ATTRIBUTES: usize = 1024;
/// How many namespaces may be declared in all.
const MOST_NAMESPACES: usize = 4096;

/// Refuses what would cost too much to read, and every DTD.
///
/// What is not well formed may pass here; the reader refuses it.
pub(super) fn check(text: &str) -> Result<()> {
    if text.len() as u64 > MERGE_LIMIT {
        return Err(exceeded("the sidecar is too large", text.len()));
    }
    let namespaces = text.matches("xmlns").count();
    if namespaces > MOST_NAMESPACES {
        return Err(exceeded("the sidecar has too many namespaces", namespaces));
    }
    let mut rest = text;
    let mut depth = 0_usize;
    while let Some((_, tag)) = rest.split_once('<') {
        rest = if let Some(comment) = tag.strip_prefix("!--") {
            after(comment, "-->")
        } else if let Some(characters) = tag.strip_prefix("![CDATA[") {
            after(characters, "]]>")
        } else if let Some(instruction) = tag.strip_prefix('?') {
            after(instruction, "?>")
        } else if tag.starts_with('!') {
            let message = "a sidecar has no document type";
            return Err(Error::new(ErrorKind::InvalidInput, "xmp.read", message));
        } else if let Some(end) = tag.strip_prefix('/') {
            depth = depth.saturating_sub(1);
            after(end, ">")
        } else {
            let (attributes, is_empty, after) = start_tag(tag);
            if attributes > MOST_ATTRIBUTES {
                return Err(exceeded("a tag has too many attributes", attributes));
            }
            depth += usize::from(!is_empty);
            if depth > MOST_DEPTH {
                return Err(exceeded("the elements lie too deep in each other", depth));
            }
            after
        };
    }
    Ok(())
}

fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    text.split_once(mark).map_or("", |(_, after)| after)
}

/// How many attributes a start tag has, whether it is its own end, and what follows it.
fn start_tag(tag: &str) -> (usize, bool, &str) {
    let (mut attributes, mut quote, mut last) = (0, None, ' ');
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '=') => attributes += 1,
            (None, '>') => {
                let rest = tag.get(at..).and_then(|rest| rest.strip_prefix('>'));
                return (attributes, last == '/', rest.unwrap_or(""));
            }
            (None, _) => {}
        }
        last = c;
    }
    (attributes, false, "")
}

fn exceeded(message: &'static str, count: usize) -> Error {
    Error::new(ErrorKind::LimitExceeded, "xmp.read", message).with_context("count", count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_too_much_is_refused() {
        let deep = "<a>".repeat(65);
        let wide = format!("<a {}/>", "b='' ".repeat(1025));
        let spaces = "<a xmlns=''/>".repeat(4097);
        let large = " ".repeat(4 << 20) + " ";
        for text in [deep, wide, spaces, large] {
            let kind = check(&text).map_err(|error| error.kind());
            assert_eq!(kind, Err(ErrorKind::LimitExceeded));
        }
    }

    #[test]
    fn what_only_looks_like_tags_is_not_counted() {
        let comment = format!("<!--{}-->", "<a>".repeat(100));
        let characters = format!("<a><![CDATA[{}]]></a>", "<a>".repeat(100));
        let quoted = format!("<a b='{}'/>", ">=<".repeat(2000));
        let flat = "<a b='/'/><c></c>".repeat(100);
        for text in [comment, characters, quoted, flat] {
            check(&text).unwrap();
        }
    }

    #[test]
    fn a_document_type_is_refused() {
        for text in ["<!DOCTYPE a>", "<?x?><!ENTITY b 'c'>"] {
            let kind = check(text).map_err(|error| error.kind());
            assert_eq!(kind, Err(ErrorKind::InvalidInput));
        }
    }
}
