//! The account.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::connector::kit::{Api, BaseUrl, Credentials, HttpClient, Uploads, encode_path};
use crate::connector::{
    AuthKind, Category, FileFacts, FileStore, Health, LinkSharing, Platform, PlatformConnector,
};
use crate::error::{Error, ErrorKind, Result};

use super::calls::Dav;
use super::chunked::Chunked;
use super::config::{WebDavBuilder, WebDavProfile};
use super::error::judge;

static PLATFORM: Platform =
    Platform::new("webdav", "WebDAV", Category::Cloud, AuthKind::Password).with_concurrency(4);

/// An account on a WebDAV server: a folder and all below it.
///
/// What it promises is on the page of [the module](crate::platforms::webdav). Cheap to clone; clones share what they know of folders.
#[derive(Clone)]
pub struct WebDav {
    pub(super) dav: Arc<Dav>,
    pub(super) facts: Arc<FileFacts>,
    /// How Nextcloud takes files.
    pub(super) uploads: Option<Uploads<Chunked>>,
}

impl WebDav {
    /// Sets up an account at an address, such as `https://dav.example.org/studio`, on a server of which no more is known
    /// than that it speaks WebDAV.
    pub fn builder(base: BaseUrl, credentials: impl Credentials) -> WebDavBuilder {
        WebDavBuilder::new(base, Arc::new(credentials))
    }

    /// Sets up an account of `user` on a Nextcloud, by the address of the server as people open it. The name of the user
    /// is the one that Nextcloud shows in the settings of its WebDAV, which may differ from the one at login.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: a name that no user has.
    pub fn nextcloud(
        server: &BaseUrl,
        user: &str,
        credentials: impl Credentials,
    ) -> Result<WebDavBuilder> {
        let credentials = Arc::new(credentials);
        WebDavBuilder::cloud(server, user, credentials, WebDavProfile::Nextcloud)
    }

    /// Sets up an account of `user` on an ownCloud 10, by the address of the server as people open it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: a name that no user has.
    pub fn owncloud(
        server: &BaseUrl,
        user: &str,
        credentials: impl Credentials,
    ) -> Result<WebDavBuilder> {
        let credentials = Arc::new(credentials);
        WebDavBuilder::cloud(server, user, credentials, WebDavProfile::OwnCloud)
    }

    pub(super) fn new(builder: WebDavBuilder, client: HttpClient) -> Result<Self> {
        let keeps_times = builder.keeps_times;
        let keeps_times = keeps_times.unwrap_or(builder.profile.keeps_times());
        let rules = builder.chunk_rules();
        let facts = FileFacts::default()
            .with_names(builder.name_rules())
            .with_time_precision(keeps_times.then_some(Duration::from_secs(1)))
            .with_chunks(rules);
        let api = Api::new(PLATFORM.id, client)
            .with_shared_credentials(builder.credentials)
            .with_judge(judge)
            .with_clock(builder.clock);
        let base = match &builder.folder {
            Some(folder) => builder
                .base
                .at(&format!("/{}", encode_path(folder)))
                .parse()?,
            None => builder.base,
        };
        let dav = Dav::new(
            api,
            base,
            builder.profile,
            builder.is_deep,
            builder.listings,
            builder.chance,
        )
        .with_shares(builder.shares, builder.folder);
        let dav = Arc::new(dav);
        let is_next = builder.profile == WebDavProfile::Nextcloud;
        let uploads = builder.uploads.filter(|_| is_next);
        let uploads = uploads.map(|at| Uploads::new(Chunked::new(Arc::clone(&dav), at, rules)));
        Ok(Self {
            dav,
            facts: Arc::new(facts),
            uploads,
        })
    }
}

impl fmt::Debug for WebDav {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebDav")
            .field("base", &self.dav.base)
            .field("profile", &self.dav.profile)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl PlatformConnector for WebDav {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    async fn check(&self) -> Result<Health> {
        let top = self.dav.top("webdav.check").await?;
        let Some(top) = top.filter(|top| top.is_folder) else {
            let message = "the top of the account is no folder";
            return Err(Error::new(ErrorKind::NotFound, "webdav.check", message));
        };
        // Negative numbers say that the quota is not known, or that there is none.
        if top.room == Some(0) {
            return Ok(Health::Degraded("no room is left".to_owned()));
        }
        Ok(Health::Healthy)
    }

    fn files(&self) -> Option<&dyn FileStore> {
        Some(self)
    }

    fn links(&self) -> Option<&dyn LinkSharing> {
        self.dav
            .shares
            .is_some()
            .then_some(self as &dyn LinkSharing)
    }
}
