//! What content looks like, whatever it is called.

use file_format::FileFormat;

/// Bytes of a beginning that are looked at.
pub(super) const PREFIX: usize = 8 * 1024;

/// Names the media type that a beginning looks like; empty for no bytes.
pub(super) fn detect(prefix: &[u8]) -> String {
    let known: &[(&[u8], &'static str)] = &[
        (b"\x7fELF", "application/x-elf"),
        (b"MZ", "application/x-msdownload"),
        (b"\xca\xfe\xba\xbe", "application/java-vm"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"%PDF-", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"PK\x05\x06", "application/zip"),
    ];
    if prefix.is_empty() {
        return String::new();
    }
    if let Some((_, name)) = known.iter().find(|(magic, _)| prefix.starts_with(magic)) {
        return (*name).to_owned();
    }
    if let Some(markup) = markup(prefix) {
        return markup.to_owned();
    }
    match FileFormat::from_bytes(prefix) {
        FileFormat::ArbitraryBinaryData if is_text(prefix) => "text/plain".to_owned(),
        FileFormat::PlainText | FileFormat::Empty => "text/plain".to_owned(),
        other => other.media_type().to_owned(),
    }
}

/// Text that a browser would take for a page or a drawing, after any white space and a byte order mark
/// ([WHATWG MIME Sniffing, 7.1](https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type)).
fn markup(prefix: &[u8]) -> Option<&'static str> {
    let text = prefix.strip_prefix(b"\xef\xbb\xbf").unwrap_or(prefix);
    let text = text.trim_ascii_start();
    let lower = text.get(..text.len().min(1_024))?.to_ascii_lowercase();
    let begins = |tag: &str| lower.starts_with(tag.as_bytes());
    let holds = |tag: &str| find(&lower, tag.as_bytes());
    if !begins("<") {
        return None;
    }
    if begins("<?php") || begins("<?=") {
        return Some("application/x-httpd-php");
    }
    let xml = begins("<?xml") || begins("<!doctype svg") || begins("<!--") || begins("<svg");
    if xml && holds("<svg") {
        return Some("image/svg+xml");
    }
    let tags = [
        "<!doctype html",
        "<html",
        "<head",
        "<body",
        "<script",
        "<iframe",
        "<h1",
        "<div",
        "<font",
        "<table",
        "<a ",
        "<a>",
        "<style",
        "<title",
        "<b>",
        "<br",
        "<p>",
        "<p ",
        "<img",
        "<form",
        "<meta",
        "<link",
        "<object",
        "<embed",
        "<base",
        "<video",
        "<audio",
        "<input",
        "<!--",
    ];
    if tags.into_iter().any(begins) {
        return Some("text/html");
    }
    begins("<?xml").then_some("application/xml")
}

/// Tells whether content begins as a program of some machine.
pub(super) fn is_program(prefix: &[u8]) -> bool {
    let machine: &[&[u8]] = &[
        b"\x7fELF",
        b"\xca\xfe\xba\xbe",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"dex\n",
        b"\0asm",
        b"#!/",
        b"#! /",
    ];
    let windows = prefix.starts_with(b"MZ") && prefix.iter().take(512).any(|byte| *byte < 9);
    windows || machine.iter().any(|magic| prefix.starts_with(magic))
}

/// Tells whether content begins as an archive of some kind.
pub(super) fn is_archive(prefix: &[u8]) -> bool {
    let magic: &[&[u8]] = &[
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"PK\x07\x08",
        b"Rar!\x1a\x07",
        b"7z\xbc\xaf\x27\x1c",
        b"\x1f\x8b\x08",
        b"BZh",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
        b"MSCF",
        b"\x04\x22\x4d\x18",
        b"LZIP",
        b"!<arch>\n",
        b"\x1f\x9d",
        b"\x1f\xa0",
        b"xar!",
        b"ITSF",
    ];
    magic.iter().any(|magic| prefix.starts_with(magic))
        || prefix.get(257..262) == Some(b"ustar".as_slice())
}

/// Tells whether bytes hold markup, a script or the mark of a PHP archive, in any case.
pub(super) fn is_active(bytes: &[u8]) -> bool {
    let first = |byte: &u8| b"<jvo_dae*".contains(&byte.to_ascii_lowercase());
    bytes.iter().enumerate().any(|(at, byte)| {
        first(byte) && {
            let rest = bytes.get(at..).unwrap_or_default();
            ACTIVE.iter().any(|mark| {
                rest.get(..mark.len())
                    .is_some_and(|text| text.eq_ignore_ascii_case(mark))
            })
        }
    })
}

/// As [`is_active`], for content of numbers, where the short marks turn up by chance: a mark counts only
/// among eight bytes in a row that can be read.
pub(super) fn is_active_in_binary(bytes: &[u8]) -> bool {
    let readable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    bytes
        .split(|byte| !readable(byte))
        .any(|words| words.len() >= 8 && is_active(words))
}

/// Longest mark that [`is_active`] looks for, so that pieces can overlap.
pub(super) const LONGEST_MARK: usize = 16;

/// In lower case, each with a first byte that [`is_active`] stops at.
const ACTIVE: &[&[u8]] = &[
    b"<script",
    b"</script",
    b"<html",
    b"<!doctype html",
    b"<!doctype svg",
    b"<body",
    b"<iframe",
    b"<svg",
    b"<object",
    b"<embed",
    b"<?php",
    b"<?=",
    b"<%@",
    b"<img",
    b"<style",
    b"<meta ",
    b"<form",
    b"<link ",
    b"<base ",
    b"<video",
    b"<audio",
    b"alert(",
    b"eval(",
    b"*/=",
    b"javascript:",
    b"vbscript:",
    b"onerror=",
    b"onload=",
    b"__halt_compiler",
    b"<!entity",
    b"<input",
    b"<marquee",
    b"<details",
    b"<math",
    b"<a href",
    b"data:text/html",
];

pub(super) fn find(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|part| part == needle)
}

/// No byte that text does not have.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    !bytes
        .iter()
        .any(|byte| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f))
}
