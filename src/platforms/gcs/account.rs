//! An account.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::connector::kit::{Api, BaseUrl, Credentials, HttpClient};
use crate::connector::{
    AuthKind, Category, FileStore, Health, LinkSharing, Platform, PlatformConnector,
};
use crate::error::Result;
use crate::platforms::objects::{BucketFiles, Keys, SignedLinks};

use super::bucket::GcsBucket;
use super::config::GcsOptions;
use super::credentials::ServiceAccount;
use super::error::judge;

/// What Google Cloud Storage is. What a bucket bears
/// [grows with its use](https://cloud.google.com/storage/docs/request-rate); no limit is published.
static PLATFORM: Platform = Platform::new(
    "gcs",
    "Google Cloud Storage",
    Category::Cloud,
    AuthKind::OAuth2,
)
.with_concurrency(8);

/// A bucket, or all below a folder of it.
///
/// # Example
///
/// ```
/// use garland::connector::PlatformConnector as _;
/// use garland::connector::kit::{AccessToken, Bearer};
/// use garland::platforms::{Gcs, GcsOptions};
///
/// let token = Bearer::new(AccessToken::new("secret"));
/// let archive = Gcs::new(GcsOptions::new("studio-archive"), token)?;
/// assert_eq!(archive.platform().id, "gcs");
/// assert!(archive.links().is_none(), "only the key of a service account signs links");
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone)]
pub struct Gcs {
    bucket: Arc<GcsBucket>,
    files: Arc<BucketFiles<GcsBucket>>,
    links: Option<Arc<SignedLinks<GcsBucket>>>,
    keys: Keys,
}

impl fmt::Debug for Gcs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gcs")
            .field("bucket", &self.bucket.name)
            .field("prefix", &self.keys.prefix())
            .finish_non_exhaustive()
    }
}

impl Gcs {
    /// Opens an account by any credentials, such as a user's consent. Nothing is called yet.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): a name that cannot be.
    /// - As [`HttpClient::new`].
    pub fn new(options: GcsOptions, credentials: impl Credentials) -> Result<Self> {
        let (base, client) = (options.endpoint()?, options.client()?);
        Ok(Self::of(options, base, client, credentials))
    }

    /// Opens an account by a service account; one that is known by its key signs links too.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn by_service_account(options: GcsOptions, account: ServiceAccount) -> Result<Self> {
        let (base, client) = (options.endpoint()?, options.client()?);
        let signer = account.signer(&options.bucket, base.as_str(), &client);
        let clock = Arc::clone(&options.clock);
        let opened = Self::of(options, base, client, account);
        let links = signer.map(|signer| {
            let files = Arc::clone(&opened.files);
            Arc::new(SignedLinks::new(files, signer, clock))
        });
        Ok(Self { links, ..opened })
    }

    fn of(
        options: GcsOptions,
        base: BaseUrl,
        client: HttpClient,
        credentials: impl Credentials,
    ) -> Self {
        let api = Api::new(PLATFORM.id, client)
            .with_credentials(credentials)
            .with_judge(judge)
            .with_clock(Arc::clone(&options.clock));
        let keys = Keys::new(options.prefix.as_ref());
        let bucket = Arc::new(GcsBucket {
            api,
            base,
            facts: options.facts(),
            name: options.bucket,
        });
        Self {
            files: Arc::new(BucketFiles::new(Arc::clone(&bucket), keys.clone())),
            bucket,
            links: None,
            keys,
        }
    }
}

#[async_trait]
impl PlatformConnector for Gcs {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    async fn check(&self) -> Result<Health> {
        let call = self.bucket.listing(self.keys.prefix(), 1);
        self.bucket.api.call("gcs.check", call).await?;
        Ok(Health::Healthy)
    }

    fn files(&self) -> Option<&dyn FileStore> {
        Some(&*self.files)
    }

    fn links(&self) -> Option<&dyn LinkSharing> {
        let links = self.links.as_deref()?;
        Some(links)
    }
}
