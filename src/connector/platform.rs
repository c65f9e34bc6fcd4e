//! The trait of a configured account.

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;

use super::changes::ChangeFeed;
use super::contacts::ContactBook;
use super::facts::Platform;
use super::files::FileStore;
use super::galleries::GalleryHost;
use super::links::LinkSharing;
use super::presets::PresetProcessor;
use super::publisher::Publisher;
use super::webhooks::WebhookSource;

/// How an account is doing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Health {
    /// It answered.
    Healthy,
    /// It answered, but not all is well; for people.
    Degraded(String),
}

/// One configured account on one platform.
///
/// What an account can do beyond existing is a facet: an `Option` of a trait to hold. A facet that
/// is not there cannot be called, so no method exists only to answer that it is not supported.
///
/// # For implementors
/// Facets are constant for the life of the value. Implement only what the platform really does; the
/// rest stays `None`. Run `garland::testing::connector` on it.
#[async_trait]
pub trait PlatformConnector: fmt::Debug + Send + Sync + 'static {
    /// Returns the fixed facts of the platform.
    fn platform(&self) -> &'static Platform;

    /// Makes one cheap authenticated call.
    ///
    /// # Errors
    /// - [`ErrorKind::Unauthenticated`](crate::ErrorKind::Unauthenticated): connect the account again.
    /// - Otherwise why no answer came.
    async fn check(&self) -> Result<Health>;

    /// Files: list, read, upload, copy, rename, delete.
    fn files(&self) -> Option<&dyn FileStore> {
        None
    }

    /// What changed since last time.
    fn changes(&self) -> Option<&dyn ChangeFeed> {
        None
    }

    /// Share links.
    fn links(&self) -> Option<&dyn LinkSharing> {
        None
    }

    /// Galleries that the couple and their guests look at.
    fn galleries(&self) -> Option<&dyn GalleryHost> {
        None
    }

    /// Presets laid on pictures by a photo tool.
    fn presets(&self) -> Option<&dyn PresetProcessor> {
        None
    }

    /// Posts on a social network.
    fn publisher(&self) -> Option<&dyn Publisher> {
        None
    }

    /// Clients, jobs and dates.
    fn contacts(&self) -> Option<&dyn ContactBook> {
        None
    }

    /// Word that something has changed, sent by the platform.
    fn webhooks(&self) -> Option<&dyn WebhookSource> {
        None
    }
}
