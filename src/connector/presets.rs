//! Develop and export jobs: looks laid on pictures by a photo tool.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Result};

use super::ids::{IdempotencyKey, Page, PageCursor, opaque};
use super::path::FilePath;

opaque! {
    /// A platform's name for a preset or an editing profile.
    PresetId;
    /// A platform's name for a job that develops pictures.
    DevelopJobId;
}

/// A look that the account can lay on pictures.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Preset {
    /// The platform's name for it.
    pub id: PresetId,
    /// What people call it.
    pub name: String,
}

impl Preset {
    /// Makes the record of a preset.
    #[must_use]
    pub fn new(id: PresetId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
        }
    }
}

/// What a job makes of each picture.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DevelopOutput {
    /// Settings beside the picture, as XMP.
    #[default]
    Sidecar,
    /// A JPEG.
    Jpeg,
    /// A TIFF.
    Tiff,
    /// A DNG with the settings inside.
    Dng,
}

/// What a job shall do.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DevelopRequest {
    /// Which files, of those of [`files`](super::PlatformConnector::files).
    pub files: Vec<FilePath>,
    /// Which look; by default the account's own choice for each picture.
    pub preset: Option<PresetId>,
    /// What comes out. By default settings only.
    pub output: DevelopOutput,
}

impl DevelopRequest {
    /// Takes the files.
    #[must_use]
    pub fn new(files: Vec<FilePath>) -> Self {
        Self {
            files,
            preset: None,
            output: DevelopOutput::default(),
        }
    }

    /// Sets [`DevelopRequest::preset`].
    #[must_use]
    pub fn with_preset(mut self, preset: impl Into<Option<PresetId>>) -> Self {
        self.preset = preset.into();
        self
    }

    /// Sets [`DevelopRequest::output`].
    #[must_use]
    pub fn with_output(mut self, output: DevelopOutput) -> Self {
        self.output = output;
        self
    }
}

/// How far a job is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DevelopStatus {
    /// It waits its turn.
    Queued,
    /// It works; so many files of all are done.
    Running {
        /// How many files are done.
        done: u64,
        /// Of how many.
        total: u64,
    },
    /// It has come to its end, with one outcome for each file of the request, in its order.
    Finished(Vec<DevelopOutcome>),
    /// Nothing came of it.
    Failed {
        /// What can be done about it.
        kind: ErrorKind,
        /// Why, for people.
        message: String,
    },
    /// It was cancelled.
    Cancelled,
}

/// What came of one file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DevelopOutcome {
    /// The file of the request.
    pub file: FilePath,
    /// What came of it.
    pub result: DevelopResult,
}

impl DevelopOutcome {
    /// Makes an outcome.
    #[must_use]
    pub fn new(file: FilePath, result: DevelopResult) -> Self {
        Self { file, result }
    }
}

/// Where the result of one file is.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum DevelopResult {
    /// Among the account's files.
    File(FilePath),
    /// At an address for some time. Whoever has it may have the file, so it is not printed.
    Url(String),
    /// There is none.
    Failed {
        /// What can be done about it.
        kind: ErrorKind,
        /// Why, for people.
        message: String,
    },
}

impl fmt::Debug for DevelopResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Url(_) => f.write_str("Url(…)"),
            Self::Failed { kind, message } => f
                .debug_struct("Failed")
                .field("kind", kind)
                .field("message", message)
                .finish(),
        }
    }
}

/// The photo tool behind one account.
///
/// It works on the account's own files; an account that offers presets therefore offers files.
#[async_trait]
pub trait PresetProcessor: fmt::Debug + Send + Sync {
    /// Returns the presets, page by page.
    ///
    /// # Errors
    /// Those of the platform.
    async fn presets(&self, after: Option<&PageCursor>) -> Result<Page<Preset>>;

    /// Hands in a job. The same key and the same request again return the job handed in before.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: a file or the preset is not there.
    /// - [`ErrorKind::InvalidInput`]: no files, or kinds of files that cannot be in one job.
    /// - [`ErrorKind::Unsupported`]: the account cannot make this output.
    /// - [`ErrorKind::Conflict`]: the key was used with another request.
    ///
    /// # Cancel safety
    /// Safe to drop; ask again with the same key.
    async fn develop(&self, key: &IdempotencyKey, request: &DevelopRequest)
    -> Result<DevelopJobId>;

    /// Asks how far a job is. [`DevelopStatus::Finished`], [`DevelopStatus::Failed`] and
    /// [`DevelopStatus::Cancelled`] do not change any more.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no such job, or the platform has forgotten it.
    async fn develop_status(&self, job: &DevelopJobId) -> Result<DevelopStatus>;

    /// Stops a job. One that has been stopped already is no error.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no such job.
    /// - [`ErrorKind::Conflict`]: it has come to its end.
    async fn cancel_develop(&self, job: &DevelopJobId) -> Result<()>;
}
