//! Writing: what an [`Expect`] asks for, and that one file results.
//!
//! Drive has no conditional write, and takes any number of files of one name. So what is there is looked at right before
//! a write, and after a new file was made it is looked whether another one was made meanwhile: the older holds the name,
//! which all writers see alike.

use bytes::Bytes;

use crate::connector::kit::{HttpRequest, Multipart, Part, encode_segment};
use crate::connector::{Expect, FileEntry, FilePath, FileVersion, Hashes, UploadRequest};
use crate::error::{Error, ErrorKind, Result};

use super::account::GoogleDrive;
use super::calls::for_all_drives;
use super::model::{FIELDS, Kind, Metadata, OWN_TYPES, Remote, written};

const OPERATION: &str = "google_drive.upload";

/// How often a write begins anew because a folder went away under it.
const ROUNDS: usize = 3;

/// What a try to write came to.
enum Tried {
    Done(Remote),
    /// A folder or a file went away meanwhile; look again.
    Again,
}

impl GoogleDrive {
    /// Writes a small file in one call.
    pub(super) async fn put(
        &self,
        request: &UploadRequest,
        content: Bytes,
        computed: &Hashes,
    ) -> Result<FileEntry> {
        for _ in 0..ROUNDS {
            let there = self.at(OPERATION, &request.path).await?;
            let ours = there
                .as_ref()
                .filter(|file| self.unsure.is(&request.path, &file.id));
            if let Some(ours) = ours.filter(|file| is_content(file, request, computed)) {
                // An earlier call had made it, and its answer was lost.
                self.unsure.take(&request.path);
                return Ok(ours.entry(request.path.clone()));
            }
            check(OPERATION, &request.path, &request.expect, there.as_ref())?;
            let tried = match there {
                Some(file) => self.replace(request, &file, &content, computed).await?,
                None => self.create(request, &content, computed).await?,
            };
            match tried {
                Tried::Done(file) => return Ok(file.entry(request.path.clone())),
                Tried::Again => self.forget_folder_of(&request.path),
            }
        }
        Err(moving(OPERATION, &request.path))
    }

    async fn replace(
        &self,
        request: &UploadRequest,
        there: &Remote,
        content: &Bytes,
        computed: &Hashes,
    ) -> Result<Tried> {
        let url = self.upload_at(Some(&there.id), "multipart");
        let metadata = metadata_of(request, None);
        let call = with_content(HttpRequest::patch(url), request, &metadata, content)?;
        let answer = self.calls.api.json::<Remote>(OPERATION, call).await;
        match answer {
            Ok(file) if file.trashed => Ok(Tried::Again),
            Ok(file) => {
                verify(&request.path, &file, request.size, computed)?;
                Ok(Tried::Done(file))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Tried::Again),
            Err(error) => Err(error),
        }
    }

    async fn create(
        &self,
        request: &UploadRequest,
        content: &Bytes,
        computed: &Hashes,
    ) -> Result<Tried> {
        let path = &request.path;
        let folder = self.folders.find_or_make(path.parent()).await?;
        // An id that may be taken already tells of an earlier call whose answer was lost.
        let id = match self.unsure.take(path) {
            Some(id) => id,
            None => self.calls.fresh_id(OPERATION).await?,
        };
        let claim = self.unsure.claim(path, id.clone());
        let metadata = metadata_of(request, Some((&id, &folder)));
        let call = HttpRequest::post(self.upload_at(None, "multipart"));
        let call = with_content(call, request, &metadata, content)?;
        let answer = self.calls.api.json::<Remote>(OPERATION, call).await;
        let file = match answer {
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let file = self.calls.file(OPERATION, &id).await?;
                claim.settle();
                let is_there = &*file.name == path.name() && self.is_in(&file, &folder).await?;
                if file.trashed || !is_there {
                    // An earlier call had made it, and somebody has taken it away since.
                    return Ok(Tried::Again);
                }
                if !is_content(&file, request, computed) {
                    check(OPERATION, path, &request.expect, Some(&file))?;
                    return self.replace(request, &file, content, computed).await;
                }
                file
            }
            Err(error) => {
                claim.settle();
                let may_look_again = path.parent().is_some();
                return match error.kind() {
                    ErrorKind::NotFound if may_look_again => Ok(Tried::Again),
                    _ => Err(error),
                };
            }
            Ok(file) => {
                claim.settle();
                file
            }
        };
        if file.trashed {
            // Its folder went to the bin meanwhile.
            return Ok(Tried::Again);
        }
        if let Err(wrong) = verify(path, &file, request.size, computed) {
            self.calls.remove_if_there(OPERATION, &file.id).await?;
            return Err(wrong);
        }
        let settled = self.settle(OPERATION, path, &request.expect, &folder, &file);
        settled.await?;
        Ok(Tried::Done(file))
    }

    /// Tells whether a file is in `folder`, which may be written `root`.
    async fn is_in(&self, file: &Remote, folder: &str) -> Result<bool> {
        let folder = match folder == &*self.calls.root {
            true => self.calls.root_id().await?,
            false => folder,
        };
        Ok(file.parent() == Some(folder))
    }

    /// Sees to it that a file which was just made is the one at its path.
    ///
    /// If another was made there in the same moment and is older, `made` goes where nothing was expected, and takes its
    /// place where anything was.
    pub(super) async fn settle(
        &self,
        operation: &'static str,
        path: &FilePath,
        expect: &Expect,
        folder: &str,
        made: &Remote,
    ) -> Result<()> {
        let all = self.calls.named(operation, folder, path.name()).await?;
        let contents = all.iter().filter(|file| file.kind() == Kind::Content);
        let mine = made.rank();
        let older: Vec<&Remote> = contents.filter(|file| file.rank() < mine).collect();
        if older.is_empty() {
            return Ok(());
        }
        if matches!(expect, Expect::Anything) {
            for file in older {
                self.calls.remove_if_there(operation, &file.id).await?;
            }
            return Ok(());
        }
        self.calls.remove_if_there(operation, &made.id).await?;
        Err(taken(operation, path))
    }

    /// The address of an upload, of `kind`, over the file `id` or of a new one.
    pub(super) fn upload_at(&self, id: Option<&str>, kind: &str) -> String {
        let mut path = "/upload/drive/v3/files".to_owned();
        if let Some(id) = id {
            path.push('/');
            path.push_str(&encode_segment(id));
        }
        let request = HttpRequest::get(self.calls.upload_base.at(&path)).query("uploadType", kind);
        for_all_drives(request)
            .query("fields", FIELDS)
            .url()
            .to_owned()
    }
}

/// What is written of a file besides its bytes; with id and folder for a new one.
pub(super) fn metadata_of<'a>(
    request: &'a UploadRequest,
    new: Option<(&'a str, &'a str)>,
) -> Metadata<'a> {
    Metadata {
        id: new.map(|(id, _)| id),
        name: new.map(|_| request.path.name()),
        parents: new.map(|(_, folder)| [folder]),
        mime_type: media_type(request),
        modified_time: request.modified.and_then(written),
        trashed: None,
    }
}

/// The media type, but one of Drive's own: that would ask to turn the file into a document.
pub(super) fn media_type(request: &UploadRequest) -> Option<&str> {
    let given = request.media_type.as_deref();
    given.filter(|text| !text.is_empty() && !text.to_ascii_lowercase().starts_with(OWN_TYPES))
}

fn with_content(
    call: HttpRequest,
    request: &UploadRequest,
    metadata: &Metadata<'_>,
    content: &Bytes,
) -> Result<HttpRequest> {
    let about = serde_json::to_vec(metadata).map_err(|cause| {
        let message = "what is known of the file cannot be written";
        Error::new(ErrorKind::Unexpected, OPERATION, message).with_source(cause)
    })?;
    let kind = media_type(request).unwrap_or("application/octet-stream");
    Ok(call.multipart(Multipart::related([
        Part::new("application/json; charset=UTF-8", about),
        Part::new(kind, content.clone()),
    ])))
}

/// Tells whether a file is what the request asks to write.
fn is_content(file: &Remote, request: &UploadRequest, computed: &Hashes) -> bool {
    let version = file.version();
    let same = computed.as_ref().strongest_shared(version.hashes.as_ref());
    version.size == request.size && (request.size == 0 || same.is_some_and(|(_, same)| same))
}

/// Checks what Drive says it has against what was sent.
pub(super) fn verify(path: &FilePath, file: &Remote, size: u64, computed: &Hashes) -> Result<()> {
    let version = file.version();
    if version.size == size && !version.hashes.contradict(computed) {
        return Ok(());
    }
    let message = "the platform has other bytes than were sent";
    Err(Error::new(ErrorKind::Corrupt, OPERATION, message)
        .with_context("path", path)
        .with_context("size", size)
        .with_context("there", version.size))
}

/// Checks what is at the target of a write.
pub(super) fn check(
    operation: &'static str,
    path: &FilePath,
    expect: &Expect,
    there: Option<&Remote>,
) -> Result<()> {
    match (expect, there) {
        (Expect::Absent, Some(_)) => Err(taken(operation, path)),
        (Expect::Version(_), None) => Err(conflict(operation, path)),
        (Expect::Version(version), Some(file)) if is_other(version, file) => {
            Err(conflict(operation, path))
        }
        _ => Ok(()),
    }
}

/// Checks what is at the source of a rename or a delete, and returns it.
pub(super) fn check_there(
    operation: &'static str,
    path: &FilePath,
    expect: &Expect,
    there: Option<Remote>,
) -> Result<Remote> {
    let file = there.ok_or_else(|| missing(operation, path))?;
    if matches!(expect, Expect::Absent) {
        return Err(conflict(operation, path));
    }
    check(operation, path, expect, Some(&file))?;
    Ok(file)
}

/// Tells whether a file is not the version that is expected.
pub(super) fn is_other(expected: &FileVersion, there: &Remote) -> bool {
    let precision = std::time::Duration::from_millis(1);
    expected
        .as_ref()
        .changed(there.version().as_ref(), precision)
}

pub(super) fn taken(operation: &'static str, path: &FilePath) -> Error {
    Error::new(ErrorKind::AlreadyExists, operation, "a file is there").with_context("path", path)
}

pub(super) fn conflict(operation: &'static str, path: &FilePath) -> Error {
    let message = "another version than expected is there";
    Error::new(ErrorKind::Conflict, operation, message).with_context("path", path)
}

pub(super) fn missing(operation: &'static str, path: &FilePath) -> Error {
    Error::new(ErrorKind::NotFound, operation, "no such file").with_context("path", path)
}

/// The place keeps moving.
pub(super) fn moving(operation: &'static str, path: &FilePath) -> Error {
    let message = "folders or files on the way are being moved";
    Error::new(ErrorKind::Unavailable, operation, message).with_context("path", path)
}
