//! What Dropbox says and is told, as JSON
//! ([reference](https://www.dropbox.com/developers/documentation/http/documentation)).

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{
    FileEntry, FilePath, FileVersion, HashAlgorithm, Hashes, SkipReason, from_hex,
};

/// A place.
#[derive(Debug, Serialize)]
pub(super) struct PathArg<'a> {
    pub(super) path: &'a str,
}

/// What is or was at a place.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub(super) enum Metadata {
    File(Remote),
    Folder(Place),
    Deleted(Place),
    #[serde(other)]
    Other,
}

/// A folder, or what was deleted.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Place {
    #[serde(default)]
    pub(super) path_display: Option<Box<str>>,
}

/// A file.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Remote {
    pub(super) id: Box<str>,
    pub(super) rev: Box<str>,
    pub(super) size: u64,
    #[serde(default)]
    pub(super) path_display: Option<Box<str>>,
    #[serde(default)]
    client_modified: Option<Box<str>>,
    #[serde(default)]
    content_hash: Option<Box<str>>,
    #[serde(default)]
    is_downloadable: Option<bool>,
    #[serde(default)]
    symlink_info: Option<IgnoredAny>,
}

impl Remote {
    pub(super) fn version(&self) -> FileVersion {
        let modified = self.client_modified.as_deref().and_then(moment);
        FileVersion::new(self.size)
            .with_modified(modified)
            .with_hashes(self.hashes())
            .with_revision(self.rev.clone())
            .with_id(self.id.clone())
    }

    pub(super) fn hashes(&self) -> Hashes {
        let digest = self.content_hash.as_deref().and_then(from_hex);
        match digest.filter(|digest| digest.len() == 32) {
            Some(digest) => Hashes::new().with(HashAlgorithm::Dropbox, &digest),
            None => Hashes::new(),
        }
    }

    pub(super) fn entry(&self, path: FilePath) -> FileEntry {
        FileEntry::new(path, self.version())
    }

    /// Why it is not handed out, if it is not.
    pub(super) fn skip(&self) -> Option<SkipReason> {
        if self.symlink_info.is_some() {
            return Some(SkipReason::SymbolicLink);
        }
        (self.is_downloadable == Some(false)).then_some(SkipReason::NoContent)
    }
}

/// The outcome of a copy, a move or a delete.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    pub(super) metadata: Metadata,
}

/// What a listing covers; the same for its beginning and for its end.
#[derive(Debug, Serialize)]
pub(super) struct ListArg<'a> {
    pub(super) path: &'a str,
    pub(super) recursive: bool,
    pub(super) include_mounted_folders: bool,
    pub(super) include_non_downloadable_files: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<u32>,
}

impl<'a> ListArg<'a> {
    pub(super) fn below(path: &'a str) -> Self {
        Self {
            path,
            recursive: true,
            include_mounted_folders: true,
            include_non_downloadable_files: true,
            limit: None,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct CursorArg<'a> {
    pub(super) cursor: &'a str,
}

#[derive(Debug, Deserialize)]
pub(super) struct Cursor {
    pub(super) cursor: Box<str>,
}

/// A part of a listing, or of what changed since.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) entries: Vec<Metadata>,
    pub(super) cursor: Box<str>,
    pub(super) has_more: bool,
}

/// What may be replaced.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub(super) enum Mode {
    Add,
    Overwrite,
    Update { update: Box<str> },
}

/// How a file appears.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Commit {
    pub(super) path: String,
    pub(super) mode: Mode,
    pub(super) autorename: bool,
    pub(super) strict_conflict: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_modified: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct UploadArg<'a> {
    #[serde(flatten)]
    pub(super) commit: &'a Commit,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_hash: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Relocation<'a> {
    pub(super) from_path: &'a str,
    pub(super) to_path: &'a str,
    pub(super) autorename: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct DeleteArg<'a> {
    pub(super) path: &'a str,
    pub(super) parent_rev: &'a str,
}

/// Reads a time.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

/// Writes a time, rounded down to the second, where there is a form for it: the years 0 to 9999.
pub(super) fn written(moment: Timestamp) -> Option<String> {
    let second = moment.as_millis().div_euclid(1_000).saturating_mul(1_000);
    let moment = Timestamp::from_millis(second);
    moment.to_compact()?;
    let text = moment.to_string();
    text.strip_suffix(".000Z").map(|text| format!("{text}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dropbox_tells_of_a_file_becomes_its_version() {
        let file: Metadata = serde_json::from_str(
            r#"{".tag": "file", "name": "a.jpg", "id": "id:abc", "rev": "0123456789abcdef", "size": 5,
                "path_lower": "/day/a.jpg", "path_display": "/Day/a.jpg",
                "client_modified": "2025-06-15T15:06:40Z", "server_modified": "2025-06-16T00:00:00Z",
                "content_hash": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}"#,
        )
        .unwrap();
        let Metadata::File(file) = file else {
            unreachable!("it is a file")
        };
        let version = file.version();
        assert_eq!(version.size, 5);
        assert_eq!(version.modified.unwrap().as_millis(), 1_750_000_000_000);
        assert_eq!(version.revision.as_deref(), Some("0123456789abcdef"));
        assert!(version.hashes.to_string().starts_with("dropbox:e3b0"));
        assert_eq!(file.skip(), None);
    }

    #[test]
    fn times_are_written_to_the_second_rounded_down() {
        let written = |millis| written(Timestamp::from_millis(millis));
        assert_eq!(written(1_750_000_000_999).unwrap(), "2025-06-15T15:06:40Z");
        assert_eq!(written(-1).unwrap(), "1969-12-31T23:59:59Z");
        assert_eq!(written(i64::MAX), None);
        assert_eq!(written(i64::MIN), None);
    }
}
