//! How uploads are received and kept.

use std::time::Duration;

use crate::upload::UploadPolicy;

/// Most bytes and files of somebody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limit {
    /// Bytes, those in quarantine counted.
    pub bytes: u64,
    /// Files, those in quarantine counted.
    pub files: u64,
}

impl Limit {
    /// Makes a limit.
    #[must_use]
    pub const fn new(bytes: u64, files: u64) -> Self {
        Self { bytes, files }
    }

    /// No limit.
    pub const NONE: Self = Self::new(u64::MAX, u64::MAX);
}

/// How uploads are received and kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UploadsOptions {
    /// What is taken. Default: [`UploadPolicy::default`].
    pub policy: UploadPolicy,
    /// What an organization may keep. Default: 100 GiB, a million files.
    pub organization: Limit,
    /// What one actor may keep. Default: 20 GiB, 100,000 files.
    pub actor: Limit,
    /// Bytes of a part, which is held in memory while it comes in. Default: 4 MiB; at least 1.
    pub part_size: usize,
    /// How long the host's scanner may take for a file. Default: 60 s.
    pub scan_patience: Duration,
    /// The folder on the connector, a [`FilePath`](crate::connector::FilePath). Default: `uploads`.
    pub folder: Box<str>,
}

impl Default for UploadsOptions {
    fn default() -> Self {
        Self {
            policy: UploadPolicy::default(),
            organization: Limit::new(100 << 30, 1_000_000),
            actor: Limit::new(20 << 30, 100_000),
            part_size: 4 << 20,
            scan_patience: Duration::from_secs(60),
            folder: "uploads".into(),
        }
    }
}

impl UploadsOptions {
    /// Sets [`UploadsOptions::policy`].
    #[must_use]
    pub fn with_policy(mut self, policy: UploadPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets [`UploadsOptions::organization`].
    #[must_use]
    pub fn with_organization(mut self, limit: Limit) -> Self {
        self.organization = limit;
        self
    }

    /// Sets [`UploadsOptions::actor`].
    #[must_use]
    pub fn with_actor(mut self, limit: Limit) -> Self {
        self.actor = limit;
        self
    }

    /// Sets [`UploadsOptions::part_size`].
    #[must_use]
    pub fn with_part_size(mut self, bytes: usize) -> Self {
        self.part_size = bytes.max(1);
        self
    }

    /// Sets [`UploadsOptions::scan_patience`].
    #[must_use]
    pub fn with_scan_patience(mut self, patience: Duration) -> Self {
        self.scan_patience = patience;
        self
    }

    /// Sets [`UploadsOptions::folder`].
    #[must_use]
    pub fn with_folder(mut self, folder: impl Into<Box<str>>) -> Self {
        self.folder = folder.into();
        self
    }
}
