//! An account with a layer around each of its calls.

use std::sync::Arc;

use async_trait::async_trait;

use crate::connector::{
    ChangeCursor, ChangeFeed, ChangePage, ContactBook, FileFacts, FilePath, FileStore, GalleryHost,
    Health, LinkOptions, LinkSharing, Platform, PlatformConnector, PresetProcessor, Publisher,
    ShareLink, WebhookSource,
};
use crate::error::{Error, ErrorKind, Result};

use super::around::Around;
use super::call;

/// An account whose calls all go through an [`Around`], with whatever facets the account has.
///
/// Pages of a listing, pieces of a file that is read and every call of an upload are calls of their
/// own. Only [`verify`](WebhookSource::verify) and what is constant go by: they ask nobody.
#[derive(Clone, Debug)]
pub struct Wrapped<A> {
    pub(super) inner: Arc<dyn PlatformConnector>,
    pub(super) around: A,
    pub(super) facts: FileFacts,
}

impl<A: Around> Wrapped<A> {
    /// Wraps an account.
    #[must_use]
    pub fn new(inner: Arc<dyn PlatformConnector>, around: A) -> Self {
        let facts = inner.files().map(|files| files.facts().clone());
        Self {
            facts: facts.unwrap_or_default(),
            inner,
            around,
        }
    }

    /// Returns the account inside.
    #[must_use]
    pub fn inner(&self) -> &Arc<dyn PlatformConnector> {
        &self.inner
    }
}

/// Facets are constant, so the one that led here is there; an account that breaks this is told so.
pub(super) fn held<T>(facet: Option<T>) -> Result<T> {
    facet.ok_or_else(|| {
        Error::new(
            ErrorKind::Unexpected,
            "resilience.facet",
            "the account inside has lost a facet",
        )
    })
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<A: Around> PlatformConnector for Wrapped<A> {
    fn platform(&self) -> &'static Platform {
        self.inner.platform()
    }

    async fn check(&self) -> Result<Health> {
        self.around
            .around(&call::CHECK, || self.inner.check())
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
impl<A: Around> ChangeFeed for Wrapped<A> {
    async fn start(&self) -> Result<ChangeCursor> {
        let inner = held(self.inner.changes())?;
        let make = || inner.start();
        self.around.around(&call::CHANGES_START, make).await
    }

    async fn changes(&self, cursor: &ChangeCursor) -> Result<ChangePage> {
        let inner = held(self.inner.changes())?;
        let make = || inner.changes(cursor);
        self.around.around(&call::CHANGES_NEXT, make).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<A: Around> LinkSharing for Wrapped<A> {
    async fn create_link(&self, path: &FilePath, options: &LinkOptions) -> Result<ShareLink> {
        let inner = held(self.inner.links())?;
        let make = || inner.create_link(path, options);
        self.around.around(&call::LINKS_CREATE, make).await
    }

    async fn links(&self, path: &FilePath) -> Result<Vec<ShareLink>> {
        let inner = held(self.inner.links())?;
        let make = || inner.links(path);
        self.around.around(&call::LINKS_LIST, make).await
    }

    async fn revoke_link(&self, id: &str) -> Result<()> {
        let inner = held(self.inner.links())?;
        let make = || inner.revoke_link(id);
        self.around.around(&call::LINKS_REVOKE, make).await
    }
}
