//! What the server answers, read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::connector::{FileVersion, HashAlgorithm, Hashes, UploadRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{Listed, Object};

/// What is asked to be told of an object.
pub(super) const FIELDS: &str =
    "name,size,generation,md5Hash,crc32c,contentType,metadata/mtime,updated";

/// An object, as the server tells of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    name: String,
    /// Numbers of 64 bits are text in JSON.
    size: String,
    pub(super) generation: String,
    md5_hash: Option<String>,
    crc32c: Option<String>,
    content_type: Option<Box<str>>,
    metadata: Option<Kept>,
    updated: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Kept {
    mtime: Option<String>,
}

impl Told {
    pub(super) fn into_object(self) -> Result<Object> {
        let size = self.size.parse().map_err(|cause| {
            let message = "the platform answered in another form than documented";
            Error::new(ErrorKind::Unexpected, "gcs.read", message).with_source(cause)
        })?;
        let mut version = FileVersion::new(size).with_revision(self.generation);
        let mtime = self.metadata.and_then(|kept| kept.mtime);
        version.modified = mtime.as_deref().and_then(time).or_else(|| {
            // Without a time of its source, that of its upload.
            time(self.updated.as_deref()?)
        });
        let hashes = [
            (HashAlgorithm::Md5, self.md5_hash),
            (HashAlgorithm::Crc32c, self.crc32c),
        ];
        for (algorithm, text) in hashes {
            if let Some(digest) = text.and_then(|text| STANDARD.decode(text).ok()) {
                version.hashes = version.hashes.with(algorithm, &digest);
            }
        }
        let mut object = Object::new(version);
        object.media_type = self.content_type;
        Ok(object)
    }
}

/// A page of a listing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    /// Always there: what has none is no listing.
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(default)]
    items: Vec<Told>,
    next_page_token: Option<String>,
}

impl Page {
    pub(super) fn into_listed(self) -> Result<Listed> {
        let mut listed = Listed {
            objects: Vec::with_capacity(self.items.len()),
            next: self.next_page_token,
        };
        for told in self.items {
            let name = told.name.clone();
            listed.objects.push((name, told.into_object()?));
        }
        Ok(listed)
    }
}

/// A step of a copy.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rewritten {
    pub(super) rewrite_token: Option<String>,
    pub(super) resource: Option<Told>,
}

/// What a file is to be kept with. One without a time has that of its upload, which a copy then keeps too.
pub(super) fn describe(
    key: &str,
    request: &UploadRequest,
    now: Timestamp,
    hashes: &Hashes,
) -> Value {
    let mut told = Map::new();
    told.insert("name".into(), key.into());
    let media_type = request.media_type.as_deref();
    told.insert("contentType".into(), media_type.unwrap_or(ANY).into());
    let modified = request.modified.unwrap_or(now);
    told.insert("metadata".into(), json!({ "mtime": modified.to_string() }));
    for (algorithm, name) in [
        (HashAlgorithm::Md5, "md5Hash"),
        (HashAlgorithm::Crc32c, "crc32c"),
    ] {
        if let Some(digest) = hashes.get(algorithm) {
            told.insert(name.into(), STANDARD.encode(digest).into());
        }
    }
    told.into()
}

/// The media type of a file of which none is known.
pub(super) const ANY: &str = "application/octet-stream";

fn time(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_and_what_is_none_is_refused() {
        let page = r#"{"kind":"storage#objects","nextPageToken":"n","items":[{"name":"a","size":"3",
            "generation":"17","md5Hash":"kAFQmDzST7DWlj99KOF/cg==","crc32c":"NksNfg==",
            "updated":"2026-05-01T10:00:00.123Z","metadata":{"mtime":"2026-04-30T08:00:00.25Z"}}]}"#;
        let page: Page = serde_json::from_str(page).unwrap();
        let listed = page.into_listed().unwrap();
        assert_eq!(listed.next.as_deref(), Some("n"));
        let (name, object) = listed.objects.first().unwrap();
        assert_eq!(name, "a");
        let version = &object.version;
        assert_eq!(
            version.modified.unwrap().to_string(),
            "2026-04-30T08:00:00.250Z"
        );
        assert_eq!(
            version.hashes.to_string(),
            "md5:900150983cd24fb0d6963f7d28e17f72 crc32c:364b0d7e"
        );
        assert!(serde_json::from_str::<Page>("{}").is_err());
    }
}
