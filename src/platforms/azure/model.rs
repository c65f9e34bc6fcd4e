//! What the server answers, read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::fmt::rfc2822;
use roxmltree::Node;

use crate::clock::Timestamp;
use crate::connector::kit::HttpAnswer;
use crate::connector::{FileVersion, HashAlgorithm, Hashes};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{Listed, Object, text_of};

/// What is told of a blob, by headers or by a listing.
#[derive(Debug, Default)]
struct Told<'a> {
    size: u64,
    etag: &'a str,
    md5: Option<&'a str>,
    media_type: Option<&'a str>,
    /// The metadata `mtime`.
    mtime: Option<&'a str>,
    last_modified: Option<&'a str>,
}

impl Told<'_> {
    fn object(&self) -> Object {
        let mut version = FileVersion::new(self.size).with_revision(self.etag.trim_matches('"'));
        version.modified = self.mtime.and_then(source_time).or_else(|| {
            let date = rfc2822::parse(self.last_modified?).ok()?;
            Some(Timestamp::from_millis(date.timestamp().as_millisecond()))
        });
        let md5 = self.md5.filter(|text| !text.is_empty());
        if let Some(md5) = md5.and_then(|text| STANDARD.decode(text).ok()) {
            version.hashes = Hashes::new().with(HashAlgorithm::Md5, &md5);
        }
        let mut object = Object::new(version);
        object.media_type = self
            .media_type
            .filter(|text| !text.is_empty())
            .map(Into::into);
        object
    }
}

/// Reads the headers of a look or a read; `size` is that of the whole blob.
pub(super) fn told(answer: &HttpAnswer, size: u64) -> Result<Object> {
    // Of a part, `Content-MD5` is that of the part.
    let md5 = answer.header("x-ms-blob-content-md5").or_else(|| {
        answer
            .header("content-md5")
            .filter(|_| answer.status() == 200)
    });
    let told = Told {
        size,
        etag: answer.header("etag").ok_or_else(|| lacks("ETag"))?,
        md5,
        media_type: answer.header("content-type"),
        mtime: answer.header("x-ms-meta-mtime"),
        last_modified: answer.header("last-modified"),
    };
    Ok(told.object())
}

/// Reads a page of a listing with its metadata.
pub(super) fn listed(root: Node<'_, '_>) -> Option<Listed> {
    // A page for people would otherwise be a container with nothing in it.
    if root.tag_name().name() != "EnumerationResults" {
        return None;
    }
    let blobs = child(root, "Blobs")?;
    let mut listed = Listed::default();
    for blob in blobs
        .children()
        .filter(|node| node.tag_name().name() == "Blob")
    {
        let facts = child(blob, "Properties")?;
        // A hierarchical namespace lists its folders too.
        if text_of(facts, "ResourceType") == Some("directory") {
            continue;
        }
        let metadata = child(blob, "Metadata");
        let told = Told {
            size: text_of(facts, "Content-Length")?.parse().ok()?,
            etag: text_of(facts, "Etag")?,
            md5: text_of(facts, "Content-MD5"),
            media_type: text_of(facts, "Content-Type"),
            mtime: metadata.and_then(|node| text_of(node, "mtime")),
            last_modified: text_of(facts, "Last-Modified"),
        };
        listed
            .objects
            .push((text_of(blob, "Name")?.to_owned(), told.object()));
    }
    let next = text_of(root, "NextMarker").filter(|next| !next.is_empty());
    listed.next = next.map(str::to_owned);
    Some(listed)
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    let mut children = node.children();
    children.find(|child| child.tag_name().name() == name)
}

/// A time of a source, as rclone keeps it
/// ([RFC 3339](https://rclone.org/azureblob/#modification-times-and-hashes)).
fn source_time(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

/// Something that every answer of the kind has is not there.
pub(super) fn lacks(what: &str) -> Error {
    let message = "the platform answered in another form than documented";
    Error::new(ErrorKind::Unexpected, "azure.read", message).with_context("lacks", what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::objects::read_xml;

    #[test]
    fn a_listing_tells_the_time_of_the_source_and_the_md5() {
        let page = "\u{feff}<EnumerationResults><Blobs><Blob><Name>a&amp;b</Name><Properties>\
            <Last-Modified>Fri, 01 May 2026 10:00:00 GMT</Last-Modified><Etag>0x8D</Etag>\
            <Content-Length>3</Content-Length><Content-Type>image/jpeg</Content-Type>\
            <Content-MD5>kAFQmDzST7DWlj99KOF/cg==</Content-MD5></Properties>\
            <Metadata><mtime>2026-04-30T08:00:00.25Z</mtime></Metadata></Blob></Blobs>\
            <NextMarker>next</NextMarker></EnumerationResults>";
        let listed = read_xml(page.as_bytes(), listed).unwrap();
        assert_eq!(listed.next.as_deref(), Some("next"));
        let (name, object) = listed.objects.first().unwrap();
        assert_eq!(name, "a&b");
        assert_eq!(object.media_type.as_deref(), Some("image/jpeg"));
        let version = &object.version;
        assert_eq!(
            version.modified.unwrap().to_string(),
            "2026-04-30T08:00:00.250Z"
        );
        assert_eq!(
            version.hashes.to_string(),
            "md5:900150983cd24fb0d6963f7d28e17f72"
        );
    }

    #[test]
    fn a_page_for_people_is_no_listing() {
        let error = read_xml(b"<html/>", listed).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected);
    }
}
