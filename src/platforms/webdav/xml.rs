//! Reading what a server tells of its files
//! ([RFC 4918 §14](https://www.rfc-editor.org/rfc/rfc4918#section-14)).

use percent_encoding::percent_decode_str;
use roxmltree::{Document, Node, ParsingOptions};

use crate::clock::Timestamp;
use crate::connector::{HashAlgorithm, Hashes, from_hex, http_date};
use crate::error::{Error, ErrorKind, Result};

const DAV: &str = "DAV:";
const OC: &str = "http://owncloud.org/ns";

/// The most nodes of a document: more than a folder of 100,000 files has.
const MOST_NODES: u32 = 4_000_000;

/// One resource of an answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Told {
    /// The segments of its path, decoded.
    pub(super) segments: Vec<Vec<u8>>,
    /// The status of the resource as a whole, where there is one.
    pub(super) status: Option<u16>,
    pub(super) is_folder: bool,
    pub(super) size: Option<u64>,
    pub(super) modified: Option<Timestamp>,
    /// The `ETag` as it stands in conditions.
    pub(super) etag: Option<String>,
    pub(super) id: Option<String>,
    pub(super) hashes: Hashes,
    pub(super) media_type: Option<String>,
    /// How many bytes may still be written, where the server tells.
    pub(super) room: Option<i64>,
}

impl Told {
    /// The mark of the version: the `ETag` without what differs from call to call. A server calls it weak as long as the
    /// file is young.
    pub(super) fn revision(&self) -> Option<&str> {
        self.etag.as_deref().map(revision)
    }
}

/// The opaque part of an `ETag`.
pub(super) fn revision(etag: &str) -> &str {
    etag.trim().trim_start_matches("W/").trim_matches('"')
}

/// Reads a `207 Multi-Status`. The fault tells where, not what.
pub(super) fn multistatus(body: &[u8]) -> Result<Vec<Told>> {
    let text = std::str::from_utf8(body).map_err(|cause| broken().with_source(cause))?;
    let document = parse(text)?;
    let root = document.root_element();
    if !is(root, DAV, "multistatus") {
        return Err(broken());
    }
    let responses = root.children().filter(|node| is(*node, DAV, "response"));
    let mut all = Vec::new();
    for response in responses {
        // A status may hold for several resources at once.
        for href in children(response, DAV, "href") {
            let mut told = told(response);
            told.segments = segments(href.text().unwrap_or_default().trim());
            all.push(told);
        }
    }
    Ok(all)
}

/// Returns the name of the exception in the body of a refusal
/// ([sabre/dav](https://sabre.io/dav/faq/), on which Nextcloud and ownCloud stand).
pub(super) fn exception(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let document = parse(text).ok()?;
    let named = document.descendants().find(|node| {
        node.tag_name().name() == "exception"
            && node.tag_name().namespace() == Some("http://sabredav.org/ns")
    });
    let name = named?.text()?.trim().rsplit('\\').next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// No DTD, and so no entities of its own; a bounded number of nodes.
fn parse(text: &str) -> Result<Document<'_>> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).map_err(|cause| {
        let place = cause.pos();
        broken()
            .with_context("line", place.row)
            .with_context("column", place.col)
    })
}

fn broken() -> Error {
    let message = "the server's answer is not the XML it should be";
    Error::new(ErrorKind::Unavailable, "webdav.read", message)
}

fn is(node: Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.tag_name().name() == name && node.tag_name().namespace() == Some(namespace)
}

fn children<'a, 'd>(
    node: Node<'a, 'd>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'd>> {
    node.children()
        .filter(move |child| is(*child, namespace, name))
}

fn told(response: Node<'_, '_>) -> Told {
    let mut told = Told {
        status: children(response, DAV, "status").next().and_then(status),
        ..Told::default()
    };
    for propstat in children(response, DAV, "propstat") {
        let good = children(propstat, DAV, "status").next().and_then(status);
        if good.is_some_and(|status| !(200..300).contains(&status)) {
            continue;
        }
        let props = children(propstat, DAV, "prop").flat_map(|prop| prop.children());
        for prop in props.filter(Node::is_element) {
            take(&mut told, prop);
        }
    }
    told
}

fn take(told: &mut Told, prop: Node<'_, '_>) {
    let text = prop.text().unwrap_or_default().trim();
    let filled = || (!text.is_empty()).then(|| text.to_owned());
    match (prop.tag_name().namespace(), prop.tag_name().name()) {
        (Some(DAV), "resourcetype") => {
            told.is_folder = children(prop, DAV, "collection").next().is_some();
        }
        (Some(DAV), "getcontentlength") => told.size = text.parse().ok(),
        (Some(DAV), "getlastmodified") => told.modified = http_date(text),
        (Some(DAV), "getetag") => told.etag = filled().map(quoted),
        (Some(DAV), "getcontenttype") => told.media_type = filled(),
        (Some(DAV), "quota-available-bytes") => told.room = text.parse().ok(),
        (Some(OC), "fileid") => told.id = filled(),
        (Some(OC), "checksums") => {
            let sums = children(prop, OC, "checksum").filter_map(|node| node.text());
            told.hashes = sums.fold(Hashes::new(), checksums);
        }
        _ => {}
    }
}

/// Some servers leave out the quotes that belong to an `ETag`.
fn quoted(etag: String) -> String {
    if etag.ends_with('"') {
        etag
    } else {
        format!("\"{etag}\"")
    }
}

/// Reads `SHA1:… MD5:… ADLER32:…`. What does not fit is no evidence.
pub(super) fn checksums(known: Hashes, text: &str) -> Hashes {
    text.split_whitespace().fold(known, |known, sum| {
        let Some((name, digest)) = sum.split_once(':') else {
            return known;
        };
        let (algorithm, length) = match name.to_ascii_uppercase().as_str() {
            "SHA256" => (HashAlgorithm::Sha256, 32),
            "SHA1" => (HashAlgorithm::Sha1, 20),
            "MD5" => (HashAlgorithm::Md5, 16),
            _ => return known,
        };
        match from_hex(digest).filter(|digest| digest.len() == length) {
            Some(digest) => known.with(algorithm, &digest),
            None => known,
        }
    })
}

/// Reads `HTTP/1.1 200 OK`.
fn status(node: Node<'_, '_>) -> Option<u16> {
    node.text()?.split_whitespace().nth(1)?.parse().ok()
}

/// The segments of the path of an address, decoded. The host is of no matter: nothing that a server names is called.
fn segments(href: &str) -> Vec<Vec<u8>> {
    let path = match href.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => {
            rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("")
        }
        _ => href,
    };
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments
        .map(|segment| percent_decode_str(segment).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(xml: &str) -> Told {
        let body = format!(
            r#"<?xml version="1.0"?><x:multistatus xmlns:x="DAV:" xmlns:oc="{OC}">{xml}</x:multistatus>"#
        );
        let mut told = multistatus(body.as_bytes()).unwrap();
        assert_eq!(told.len(), 1);
        told.remove(0)
    }

    #[test]
    fn a_file_is_told_by_the_properties_that_were_found() {
        let told = one(
            "<x:response><x:href>https://host:1/dav/a%20b/%C3%A9%2F.jpg?x#y</x:href>\
             <x:propstat><x:prop><x:resourcetype/><x:getcontentlength> 7 </x:getcontentlength>\
             <x:getetag>W/&quot;abc&quot;</x:getetag><oc:fileid>42</oc:fileid>\
             <x:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</x:getlastmodified>\
             <oc:checksums><oc:checksum>SHA1:00ff MD5:000102030405060708090a0b0c0d0e0f</oc:checksum></oc:checksums>\
             </x:prop><x:status>HTTP/1.1 200 OK</x:status></x:propstat>\
             <x:propstat><x:prop><x:getcontenttype/></x:prop><x:status>HTTP/1.1 404 Not Found</x:status></x:propstat>\
             </x:response>",
        );
        let names: Vec<_> = told
            .segments
            .iter()
            .map(|s| String::from_utf8_lossy(s))
            .collect();
        assert_eq!(names, ["dav", "a b", "é/.jpg"]);
        assert_eq!((told.size, told.revision()), (Some(7), Some("abc")));
        assert_eq!(told.etag.as_deref(), Some("W/\"abc\""));
        assert_eq!(told.modified, Some(Timestamp::from_millis(784_111_777_000)));
        assert_eq!(told.id.as_deref(), Some("42"));
        assert_eq!(
            told.hashes.iter().count(),
            1,
            "a digest that is cut is none"
        );
        assert!(!told.is_folder && told.media_type.is_none());
    }

    #[test]
    fn an_etag_without_its_quotes_gets_them() {
        let told = one(
            "<x:response><x:href>/a</x:href><x:propstat><x:prop><x:getetag>1-2</x:getetag>\
             <x:resourcetype><x:collection/></x:resourcetype></x:prop></x:propstat></x:response>",
        );
        assert_eq!(told.etag.as_deref(), Some("\"1-2\""));
        assert!(told.is_folder);
    }

    #[test]
    fn what_is_not_such_a_document_is_refused() {
        let bomb = r#"<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>
            <d:multistatus xmlns:d="DAV:"><d:response><d:href>&b;</d:href></d:response></d:multistatus>"#;
        let outside = r#"<!DOCTYPE x SYSTEM "file:///etc/passwd"><d:multistatus xmlns:d="DAV:"/>"#;
        for text in [
            "",
            "<html><body>Sign in</body></html>",
            "<multistatus/>",
            r#"<d:multistatus xmlns:d="DAV:"><d:response>"#,
            bomb,
            outside,
        ] {
            let error = multistatus(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{text}");
        }
        assert!(multistatus(b"\xff\xfe").is_err());
    }

    #[test]
    fn the_reason_of_a_refusal_is_the_name_of_its_exception() {
        let body = r#"<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">
            <s:exception>OCA\DAV\Connector\Sabre\Exception\FileLocked</s:exception><s:message>x</s:message></d:error>"#;
        assert_eq!(exception(body.as_bytes()).as_deref(), Some("FileLocked"));
        assert_eq!(exception(b"<html/>"), None);
    }
}
