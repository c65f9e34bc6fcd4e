//! An account that fails on purpose.

use std::sync::Arc;

use async_trait::async_trait;

use crate::connector::{
    ChangeCursor, ChangeFeed, ChangePage, ContactBook, FileFacts, FilePath, FileStore, GalleryHost,
    Health, LinkOptions, LinkSharing, Platform, PlatformConnector, PresetProcessor, Publisher,
    ShareLink, WebhookSource,
};
use crate::error::{Error, ErrorKind, Result};

use super::handle::Faults;
use super::kind::Operation;
use super::perform::Gate;

/// Wraps an account with all its facets; each call goes through [`Faults`].
///
/// Pages of a listing and pieces of a read count as calls of their own.
#[derive(Clone, Debug)]
pub struct FaultyConnector {
    pub(super) inner: Arc<dyn PlatformConnector>,
    pub(super) gate: Gate,
    pub(super) facts: FileFacts,
}

impl FaultyConnector {
    /// Wraps an account; `label` names it in [`Faults::injected`] and in rules.
    #[must_use]
    pub fn new(
        label: impl Into<Box<str>>,
        inner: Arc<dyn PlatformConnector>,
        faults: Faults,
    ) -> Self {
        let facts = inner.files().map(|files| files.facts().clone());
        Self {
            gate: Gate::new(faults, label),
            facts: facts.unwrap_or_default(),
            inner,
        }
    }

    /// Returns the account inside.
    #[must_use]
    pub fn inner(&self) -> &Arc<dyn PlatformConnector> {
        &self.inner
    }

    pub(super) fn inner_files(&self) -> Result<&dyn FileStore> {
        self.inner.files().ok_or_else(no_facet)
    }

    fn inner_changes(&self) -> Result<&dyn ChangeFeed> {
        self.inner.changes().ok_or_else(no_facet)
    }

    fn inner_links(&self) -> Result<&dyn LinkSharing> {
        self.inner.links().ok_or_else(no_facet)
    }
}

/// Cannot happen while facets are constant.
pub(super) fn no_facet() -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "faults.facet",
        "the account inside has lost a facet",
    )
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl PlatformConnector for FaultyConnector {
    fn platform(&self) -> &'static Platform {
        self.inner.platform()
    }

    async fn check(&self) -> Result<Health> {
        self.gate
            .call(Operation::Check, "", self.inner.check())
            .await
    }

    fn files(&self) -> Option<&dyn FileStore> {
        self.inner.files().map(|_| self as &dyn FileStore)
    }

    fn changes(&self) -> Option<&dyn ChangeFeed> {
        self.inner.changes().map(|_| self as &dyn ChangeFeed)
    }

    fn links(&self) -> Option<&dyn LinkSharing> {
        self.inner.links().map(|_| self as &dyn LinkSharing)
    }

    fn galleries(&self) -> Option<&dyn GalleryHost> {
        self.inner.galleries().map(|_| self as &dyn GalleryHost)
    }

    fn presets(&self) -> Option<&dyn PresetProcessor> {
        self.inner.presets().map(|_| self as &dyn PresetProcessor)
    }

    fn publisher(&self) -> Option<&dyn Publisher> {
        self.inner.publisher().map(|_| self as &dyn Publisher)
    }

    fn contacts(&self) -> Option<&dyn ContactBook> {
        self.inner.contacts().map(|_| self as &dyn ContactBook)
    }

    fn webhooks(&self) -> Option<&dyn WebhookSource> {
        self.inner.webhooks().map(|_| self as &dyn WebhookSource)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChangeFeed for FaultyConnector {
    async fn start(&self) -> Result<ChangeCursor> {
        let effect = self.inner_changes()?.start();
        self.gate.call(Operation::StartChanges, "", effect).await
    }

    async fn changes(&self, cursor: &ChangeCursor) -> Result<ChangePage> {
        let effect = self.inner_changes()?.changes(cursor);
        self.gate.call(Operation::Changes, "", effect).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LinkSharing for FaultyConnector {
    async fn create_link(&self, path: &FilePath, options: &LinkOptions) -> Result<ShareLink> {
        let effect = self.inner_links()?.create_link(path, options);
        self.gate
            .call(Operation::CreateLink, path.as_str(), effect)
            .await
    }

    async fn links(&self, path: &FilePath) -> Result<Vec<ShareLink>> {
        let effect = self.inner_links()?.links(path);
        self.gate
            .call(Operation::Links, path.as_str(), effect)
            .await
    }

    async fn revoke_link(&self, id: &str) -> Result<()> {
        let effect = self.inner_links()?.revoke_link(id);
        self.gate.call(Operation::RevokeLink, id, effect).await
    }
}
