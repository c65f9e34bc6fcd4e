//! What the server answers, read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::fmt::rfc2822;
use roxmltree::Node;

use crate::clock::Timestamp;
use crate::connector::kit::HttpAnswer;
use crate::connector::{FileVersion, HashAlgorithm, Hashes};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{Listed, Object, decode_form, text_of};

use super::config::S3Options;

/// What a server tells of an object, as far as every answer and every listing tells the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Telling {
    has_md5_etags: bool,
    tells_upload_times: bool,
}

impl Telling {
    pub(super) fn new(options: &S3Options) -> Self {
        Self {
            has_md5_etags: options.has_md5_etags,
            tells_upload_times: options.tells_upload_times,
        }
    }

    pub(super) fn object(self, size: u64, etag: &str, modified: Option<Timestamp>) -> Object {
        let etag = etag.trim_matches('"');
        let mut version = FileVersion::new(size);
        // Some servers list without.
        version.revision = (!etag.is_empty()).then(|| etag.into());
        if self.tells_upload_times {
            // A listing has milliseconds, an answer to a look has none.
            let seconds = |time: Timestamp| time.as_millis().div_euclid(1000).saturating_mul(1000);
            version.modified = modified.map(|time| Timestamp::from_millis(seconds(time)));
        }
        if let Some(md5) = self.has_md5_etags.then(|| md5_of(etag)).flatten() {
            version.hashes = Hashes::new().with(HashAlgorithm::Md5, &md5);
        }
        Object::new(version)
    }

    /// Reads the headers of a look or of a read; `size` is that of the whole object.
    pub(super) fn told(self, answer: &HttpAnswer, size: u64) -> Result<Object> {
        let etag = answer.header("etag").ok_or_else(|| lacks("ETag"))?;
        let date = answer.header("last-modified");
        let modified = date.and_then(|date| rfc2822::parse(date).ok());
        let modified =
            modified.map(|date| Timestamp::from_millis(date.timestamp().as_millisecond()));
        Ok(self.object(size, etag, modified))
    }

    pub(super) fn listed(self, root: Node<'_, '_>, is_encoded: bool) -> Option<Listed> {
        // A page for people would otherwise be a bucket with nothing in it.
        if root.tag_name().name() != "ListBucketResult" {
            return None;
        }
        let mut listed = Listed::default();
        let contents = |node: &Node<'_, '_>| node.tag_name().name() == "Contents";
        for node in root.children().filter(contents) {
            let key = text_of(node, "Key")?;
            let key = if is_encoded {
                decode_form(key)?
            } else {
                key.to_owned()
            };
            let modified: Option<jiff::Timestamp> =
                text_of(node, "LastModified").and_then(|text| text.parse().ok());
            let object = self.object(
                text_of(node, "Size")?.parse().ok()?,
                text_of(node, "ETag").unwrap_or_default(),
                modified.map(|time| Timestamp::from_millis(time.as_millisecond())),
            );
            listed.objects.push((key, object));
        }
        if text_of(root, "IsTruncated") == Some("true") {
            listed.next = Some(text_of(root, "NextContinuationToken")?.to_owned());
        }
        Some(listed)
    }
}

/// Something that every answer of the kind has is not there.
pub(super) fn lacks(what: &str) -> Error {
    let message = "the platform answered in another form than documented";
    Error::new(ErrorKind::Unexpected, "s3.read", message).with_context("lacks", what)
}

/// The MD5 that an `ETag` is, if it has the form of one; that of an upload in parts has the number of its parts behind it.
fn md5_of(etag: &str) -> Option<Vec<u8>> {
    let is_md5 = etag.len() == 32;
    crate::connector::from_hex(etag).filter(|_| is_md5)
}

/// The checksums of a whole object in an answer; those that are made of the parts' are passed over.
pub(super) fn proof<'a>(told: impl Fn(&str) -> Option<&'a str>, is_composite: bool) -> Hashes {
    let kinds = [
        ("sha256", HashAlgorithm::Sha256),
        ("crc64nvme", HashAlgorithm::Crc64Nvme),
    ];
    let mut hashes = Hashes::new();
    for (name, algorithm) in kinds {
        // One that is made of the parts' has their number behind it.
        let digest = told(name).filter(|text| !is_composite && !text.contains('-'));
        if let Some(digest) = digest.and_then(|text| STANDARD.decode(text).ok()) {
            hashes = hashes.with(algorithm, &digest);
        }
    }
    hashes
}

/// A part of an upload, as a server lists it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ListedPart {
    pub(super) number: u64,
    pub(super) size: u64,
    /// Not every server tells it.
    pub(super) etag: Option<String>,
}

/// Some parts, and after which number the others come.
pub(super) fn parts(root: Node<'_, '_>) -> Option<(Vec<ListedPart>, Option<String>)> {
    if root.tag_name().name() != "ListPartsResult" {
        return None;
    }
    let mut parts = Vec::new();
    for node in root
        .children()
        .filter(|node| node.tag_name().name() == "Part")
    {
        parts.push(ListedPart {
            number: text_of(node, "PartNumber")?.parse().ok()?,
            size: text_of(node, "Size")?.parse().ok()?,
            etag: text_of(node, "ETag").map(|etag| etag.trim_matches('"').to_owned()),
        });
    }
    let more = text_of(root, "IsTruncated") == Some("true");
    let next = more.then(|| text_of(root, "NextPartNumberMarker").map(str::to_owned));
    Some((parts, next.flatten()))
}

/// A text inside XML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::objects::read_xml;

    const TELLING: Telling = Telling {
        has_md5_etags: true,
        tells_upload_times: true,
    };

    #[test]
    fn only_an_etag_of_one_part_is_an_md5() {
        let hashes = |etag: &str| TELLING.object(1, etag, None).version.hashes.to_string();
        assert_eq!(
            hashes("\"900150983cd24fb0d6963f7d28e17f72\""),
            "md5:900150983cd24fb0d6963f7d28e17f72"
        );
        assert_eq!(hashes("\"900150983cd24fb0d6963f7d28e17f72-2\""), "");
        assert_eq!(hashes("\"opaque\""), "");
        let silent = Telling {
            has_md5_etags: false,
            ..TELLING
        };
        let object = silent.object(1, "900150983cd24fb0d6963f7d28e17f72", None);
        assert!(object.version.hashes.is_empty());
    }

    #[test]
    fn a_listing_is_read_with_keys_that_xml_cannot_hold() {
        let page = "<ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>\
            <IsTruncated>true</IsTruncated><NextContinuationToken>t=</NextContinuationToken>\
            <Contents><Key>a+b%01</Key><Size>3</Size><ETag>&quot;e&quot;</ETag>\
            <LastModified>2026-05-01T10:00:00.999Z</LastModified></Contents></ListBucketResult>";
        let listed = read_xml(page.as_bytes(), |root| TELLING.listed(root, true)).unwrap();
        assert_eq!(listed.next.as_deref(), Some("t="));
        let (key, object) = listed.objects.first().unwrap();
        assert_eq!(key, "a b\u{1}");
        let time = object.version.modified.unwrap().to_string();
        assert_eq!(time, "2026-05-01T10:00:00.000Z");
    }

    #[test]
    fn a_checksum_of_checksums_proves_nothing() {
        let told = |name: &str| (name == "crc64nvme").then_some("AAAAAAAAAAA=");
        assert!(!proof(told, false).is_empty());
        assert!(proof(told, true).is_empty());
        let parts = |name: &str| (name == "sha256").then_some("AAAAAAAAAAA=-2");
        assert!(proof(parts, false).is_empty());
    }
}
