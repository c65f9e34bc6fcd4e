//! What Drive answers ([files resource](https://developers.google.com/workspace/drive/api/reference/rest/v3/files)).

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{FileEntry, FilePath, FileVersion, HashAlgorithm, Hashes, from_hex};

/// The fields of a file that are asked for; Drive answers with few of its own accord.
pub(super) const FIELDS: &str = "id,name,mimeType,parents,createdTime,modifiedTime,size,md5Checksum,\
     sha1Checksum,sha256Checksum,headRevisionId,trashed";

/// What Drive's own types of files begin with: folders, shortcuts, documents.
pub(super) const OWN_TYPES: &str = "application/vnd.google-apps";

pub(super) const FOLDER: &str = "application/vnd.google-apps.folder";

const SHORTCUT: &str = "application/vnd.google-apps.shortcut";

/// A file, a folder or whatever else has an id in Drive.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Remote {
    pub(super) id: Box<str>,
    #[serde(default)]
    pub(super) name: Box<str>,
    #[serde(default)]
    pub(super) mime_type: Box<str>,
    #[serde(default)]
    pub(super) parents: Vec<Box<str>>,
    #[serde(default)]
    created_time: Option<Box<str>>,
    #[serde(default)]
    modified_time: Option<Box<str>>,
    #[serde(default)]
    size: Option<Box<str>>,
    #[serde(default)]
    md5_checksum: Option<Box<str>>,
    #[serde(default)]
    sha1_checksum: Option<Box<str>>,
    #[serde(default)]
    sha256_checksum: Option<Box<str>>,
    #[serde(default)]
    head_revision_id: Option<Box<str>>,
    #[serde(default)]
    pub(super) trashed: bool,
}

/// What a [`Remote`] is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A file with bytes.
    Content,
    Folder,
    Shortcut,
    /// A document that lives in Google's editors, or an entry of an app: no bytes to read.
    Native,
}

/// By which of two files of one name is told who holds it: the moment of creation, then the id.
pub(super) type Rank = (i64, Box<str>);

impl Remote {
    pub(super) fn kind(&self) -> Kind {
        match &*self.mime_type {
            FOLDER => Kind::Folder,
            SHORTCUT => Kind::Shortcut,
            own if own.starts_with(OWN_TYPES) => Kind::Native,
            _ if self.size.is_none() => Kind::Native,
            _ => Kind::Content,
        }
    }

    /// The folder it is in. Since 2020 Drive gives one at most.
    pub(super) fn parent(&self) -> Option<&str> {
        self.parents.first().map(|parent| &**parent)
    }

    pub(super) fn rank(&self) -> Rank {
        let created = self.created_time.as_deref().and_then(moment);
        let created = created.map_or(i64::MAX, Timestamp::as_millis);
        (created, self.id.clone())
    }

    pub(super) fn version(&self) -> FileVersion {
        let size = self.size.as_deref().and_then(|size| size.parse().ok());
        let modified = self.modified_time.as_deref().and_then(moment);
        let mut version = FileVersion::new(size.unwrap_or(0))
            .with_modified(modified)
            .with_hashes(self.hashes())
            .with_id(self.id.clone());
        version.revision.clone_from(&self.head_revision_id);
        version
    }

    pub(super) fn hashes(&self) -> Hashes {
        let reported = [
            (HashAlgorithm::Sha256, &self.sha256_checksum),
            (HashAlgorithm::Sha1, &self.sha1_checksum),
            (HashAlgorithm::Md5, &self.md5_checksum),
        ];
        let mut hashes = Hashes::new();
        for (algorithm, text) in reported {
            if let Some(digest) = text.as_deref().and_then(from_hex) {
                hashes = hashes.with(algorithm, &digest);
            }
        }
        hashes
    }

    pub(super) fn entry(&self, path: FilePath) -> FileEntry {
        let entry = FileEntry::new(path, self.version());
        if self.mime_type.is_empty() {
            return entry;
        }
        entry.with_media_type(self.mime_type.clone())
    }
}

/// What an answer says that it is. One that says something else is of somebody in between, and is no empty listing.
#[derive(Debug, Deserialize)]
enum FileList {
    #[serde(rename = "drive#fileList")]
    Kind,
}

#[derive(Debug, Deserialize)]
enum ChangeList {
    #[serde(rename = "drive#changeList")]
    Kind,
}

/// A page of `files.list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FilePage {
    #[serde(rename = "kind")]
    _kind: FileList,
    #[serde(default)]
    pub(super) files: Vec<Remote>,
    #[serde(default)]
    pub(super) next_page_token: Option<Box<str>>,
    /// Whether Drive has left some out.
    #[serde(default)]
    pub(super) incomplete_search: bool,
}

/// A page of `changes.list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeedPage {
    #[serde(rename = "kind")]
    _kind: ChangeList,
    #[serde(default)]
    pub(super) changes: Vec<FeedItem>,
    #[serde(default)]
    pub(super) next_page_token: Option<Box<str>>,
    #[serde(default)]
    pub(super) new_start_page_token: Option<Box<str>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeedItem {
    /// Not there for a change of a shared drive itself.
    #[serde(default)]
    pub(super) file_id: Option<Box<str>>,
    #[serde(default)]
    pub(super) removed: bool,
    #[serde(default)]
    pub(super) file: Option<Remote>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StartToken {
    pub(super) start_page_token: Box<str>,
}

#[derive(Debug, Deserialize)]
pub(super) struct GeneratedIds {
    pub(super) ids: Vec<Box<str>>,
}

/// What is written of a file besides its bytes. Absent fields stay as they are.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parents: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) modified_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trashed: Option<bool>,
}

/// Reads RFC 3339.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

/// Writes RFC 3339, where there is a form for it: the years 0 to 9999.
pub(super) fn written(moment: Timestamp) -> Option<String> {
    moment.to_compact().map(|_| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(json: &str) -> Remote {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_drive_tells_of_a_file_becomes_its_version() {
        let file = remote(
            r#"{"id": "1", "name": "a.jpg", "mimeType": "image/jpeg", "size": "5", "md5Checksum": "00ff",
                "createdTime": "2025-06-15T15:06:40.123Z", "modifiedTime": "2025-06-15T15:06:40.456Z",
                "headRevisionId": "r1"}"#,
        );
        let version = file.version();
        assert_eq!((version.size, file.kind()), (5, Kind::Content));
        assert_eq!(
            version.modified.unwrap().to_string(),
            "2025-06-15T15:06:40.456Z"
        );
        assert_eq!(version.hashes.to_string(), "md5:00ff");
        assert_eq!(version.revision.as_deref(), Some("r1"));
        assert_eq!(file.rank(), (1_750_000_000_123, "1".into()));
    }

    #[test]
    fn what_has_no_bytes_is_no_content() {
        let kind = |text: &str| remote(&format!(r#"{{"id": "1", "mimeType": "{text}"}}"#)).kind();
        assert_eq!(kind(FOLDER), Kind::Folder);
        assert_eq!(kind(SHORTCUT), Kind::Shortcut);
        assert_eq!(kind("application/vnd.google-apps.document"), Kind::Native);
        assert_eq!(kind("image/jpeg"), Kind::Native);
    }

    #[test]
    fn only_years_with_four_digits_are_written() {
        let day = 86_400_000;
        assert!(written(Timestamp::from_millis(-719_528 * day)).is_some());
        assert_eq!(written(Timestamp::from_millis(i64::MAX)), None);
    }
}
