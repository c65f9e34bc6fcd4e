//! The folder as an account.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustix::fs::{CWD, Mode, OFlags, Stat, StatVfsMountFlags, openat};

use crate::clock::Timestamp;
use crate::connector::{
    AuthKind, Category, ChunkRules, Expect, FileFacts, FilePath, FileStore, FileVersion, Health,
    Platform, PlatformConnector,
};
use crate::error::{ErrorKind, Result};

use super::blocking::blocking;
use super::error::{fault, refuse};
use super::options::{Durability, LocalOptions};
use super::stamp::{identity, version};
use super::tree::Tree;
use super::{probe, temp, upload};

static PLATFORM: Platform = Platform::new("local", "Local folder", Category::Local, AuthKind::None);

/// A folder as an account. A clone is the same folder.
///
/// The folder is opened anew for each call, so nothing keeps a card from being taken out. When
/// another folder turns up at its path, as the empty mount point of a card that is gone, every call
/// fails with [`ErrorKind::Unavailable`] until a new `LocalFolder` is opened.
///
/// # Example
///
/// ```
/// use garland::connector::{FileStore, UploadRequest};
/// use garland::platforms::LocalFolder;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let root = tempfile::tempdir()?;
/// let archive = LocalFolder::open(root.path())?;
/// let mut upload = archive.upload(UploadRequest::new("day/IMG_1.jpg".parse()?, 7)).await?;
/// upload.write("picture".into()).await?;
/// let entry = upload.finish(&Default::default()).await?;
/// assert_eq!(entry.version.size, 7);
/// assert_eq!(std::fs::read(root.path().join("day/IMG_1.jpg"))?, b"picture");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct LocalFolder {
    pub(super) shared: Arc<Shared>,
}

/// What every call on the folder needs.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) tree: Tree,
    pub(super) facts: FileFacts,
    pub(super) options: LocalOptions,
}

impl LocalFolder {
    /// Opens a folder that exists.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(root, LocalOptions::default())
    }

    /// Opens a folder that exists. Looks at a few names in it and writes nothing.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: nothing is there.
    /// - [`ErrorKind::InvalidInput`]: it is not a folder.
    /// - [`ErrorKind::Denied`], [`ErrorKind::Unavailable`]: the system says so.
    pub fn open_with(root: impl AsRef<Path>, options: LocalOptions) -> Result<Self> {
        let operation = "local.open";
        let root = root.as_ref();
        let name = root.display();
        let root = std::path::absolute(root).map_err(|cause| {
            refuse(ErrorKind::InvalidInput, operation, &name, "not a path").with_source(cause)
        })?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(CWD, &root, flags, Mode::empty()).map_err(|cause| {
            let error = fault(operation, &name, cause);
            if error.kind() == ErrorKind::AlreadyExists {
                return refuse(ErrorKind::InvalidInput, operation, &name, "not a folder")
                    .with_source(error);
            }
            error
        })?;
        let to_error = |cause| fault(operation, &name, cause);
        let stat = rustix::fs::fstat(&folder).map_err(to_error)?;
        let found = probe::facts(&folder, &root).map_err(to_error)?;
        let names = options.names.clone().unwrap_or(found.names);
        let precision = options.time_precision.unwrap_or(found.time_precision);
        let barrier_per_file = cfg!(not(target_os = "linux"));
        let each_file = match options.durability {
            Durability::EachFile => true,
            Durability::Barrier => barrier_per_file,
            Durability::None => false,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                tree: Tree {
                    root,
                    identity: identity(&stat),
                    has_ids: found.has_ids,
                    follow_links: options.follow_links,
                    sync_folders: each_file,
                },
                // What was read in one piece is written in one, without being copied together.
                facts: FileFacts::default()
                    .with_chunks(ChunkRules::new(1, 1, 64 << 20, options.piece_size as u64))
                    .with_names(names)
                    .with_time_precision(precision)
                    .with_lists_in_order(true)
                    .with_max_file_size(found.max_file_size),
                options,
            }),
        })
    }

    /// Returns the folder's path.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.shared.tree.root
    }

    /// Removes unfinished uploads that nobody has touched since `before`, and returns how many.
    ///
    /// An upload that a living process has open stays. To be called now and then, with a moment
    /// some days ago; a token of a removed upload has expired.
    ///
    /// # Errors
    /// Those of the file system.
    pub async fn clean_uploads(&self, before: Timestamp) -> Result<usize> {
        let shared = Arc::clone(&self.shared);
        blocking("local.clean_uploads", move || {
            upload::clean(&shared.tree, before)
        })
        .await
    }
}

impl Shared {
    /// Whether each file is written through when it is finished.
    pub(super) fn syncs_each_file(&self) -> bool {
        self.tree.sync_folders
    }

    /// Tells whether `stat` is another version than `expected`.
    pub(super) fn is_other(&self, expected: &FileVersion, stat: &Stat) -> bool {
        let precision = self
            .facts
            .time_precision
            .unwrap_or(Duration::from_millis(1));
        let now = self.version(stat);
        expected.as_ref().changed(now.as_ref(), precision)
    }

    /// The version as a listing gives it.
    pub(super) fn version(&self, stat: &Stat) -> FileVersion {
        version(stat, self.tree.has_ids)
    }

    /// Checks a file that is there.
    pub(super) fn check(
        &self,
        path: &FilePath,
        stat: &Stat,
        expect: &Expect,
        operation: &'static str,
    ) -> Result<()> {
        let message = match expect {
            Expect::Anything => return Ok(()),
            Expect::Version(version) if !self.is_other(version, stat) => return Ok(()),
            Expect::Version(_) => "another version is there",
            Expect::Absent => "a file is there",
        };
        Err(refuse(ErrorKind::Conflict, operation, path, message))
    }

    /// Refuses a name that the file system would not take.
    pub(super) fn check_name(&self, path: &FilePath, operation: &'static str) -> Result<()> {
        // What is never listed must not be written either: it would look deleted ever after.
        let is_own = path.components().any(temp::is_beside);
        if self.facts.names.allows_path(path) && !is_own {
            return Ok(());
        }
        let message = "the folder cannot take this name";
        Err(refuse(ErrorKind::InvalidInput, operation, path, message))
    }
}

impl fmt::Debug for LocalFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalFolder")
            .field("root", &self.shared.tree.root)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl PlatformConnector for LocalFolder {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    async fn check(&self) -> Result<Health> {
        let shared = Arc::clone(&self.shared);
        blocking("local.check", move || {
            let root = shared.tree.open_root("local.check")?;
            let name = shared.tree.root.display();
            let mount =
                rustix::fs::fstatvfs(root).map_err(|cause| fault("local.check", name, cause))?;
            if mount.f_flag.contains(StatVfsMountFlags::RDONLY) {
                return Ok(Health::Degraded("the file system is read-only".to_owned()));
            }
            Ok(Health::Healthy)
        })
        .await
    }

    fn files(&self) -> Option<&dyn FileStore> {
        Some(self)
    }
}
