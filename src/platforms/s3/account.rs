//! An account.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::aws::AmazonS3Builder;

use crate::connector::kit::Api;
use crate::connector::{
    AuthKind, Category, FileStore, Health, LinkSharing, Platform, PlatformConnector,
};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{BucketFiles, Carrier, Keys, SignedLinks, no_retries};

use super::bucket::S3Bucket;
use super::config::S3Options;
use super::error::judge;
use super::keys::{S3Keys, Signature};

/// What S3 is. No limit on requests is published that an account could keep to: what a bucket bears
/// [grows with its use](https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html).
static PLATFORM: Platform = Platform::new(
    "s3",
    "Amazon S3 and compatible",
    Category::Cloud,
    AuthKind::SignedRequest,
)
.with_concurrency(8);

/// A bucket on a server that speaks S3, or all below a folder of it.
///
/// # Example
///
/// ```
/// use garland::connector::PlatformConnector as _;
/// use garland::platforms::{S3, S3Keys, S3Options};
///
/// let keys = S3Keys::new("AKIAEXAMPLE", "secret")?;
/// let archive = S3::new(S3Options::aws("studio-archive", "eu-central-1"), keys)?;
/// let files = archive.files().map(|files| files.facts().clone());
/// assert!(files.is_some_and(|facts| facts.lists_in_order && facts.time_precision.is_none()));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone)]
pub struct S3 {
    bucket: Arc<S3Bucket>,
    files: Arc<BucketFiles<S3Bucket>>,
    links: Arc<SignedLinks<S3Bucket>>,
    keys: Keys,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3")
            .field("bucket", &self.bucket.url)
            .field("prefix", &self.keys.prefix())
            .finish_non_exhaustive()
    }
}

impl S3 {
    /// Opens an account. Nothing is called yet.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: a name or an address that cannot be.
    /// - As [`HttpClient::new`](crate::connector::kit::HttpClient::new).
    pub fn new(options: S3Options, keys: S3Keys) -> Result<Self> {
        let url = options.bucket_url()?;
        let client = options.client()?;
        let signer = AmazonS3Builder::new()
            .with_bucket_name(&options.bucket)
            .with_region(&options.region)
            // An address that has the bucket in it already is what this style stands for.
            .with_virtual_hosted_style_request(true)
            .with_endpoint(&url)
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .with_credentials(keys.provider())
            .with_retry(no_retries())
            .with_http_connector(Carrier::new(client.clone()))
            .build()
            .map_err(|cause| {
                let message = "the account cannot be set up";
                Error::new(ErrorKind::InvalidInput, "s3.new", message).with_source(cause)
            })?;
        let clock = Arc::clone(&options.clock);
        let signature = Signature {
            keys,
            region: options.region.clone(),
        };
        let api = Api::new(PLATFORM.id, client)
            .with_credentials(signature)
            .with_judge(judge)
            .with_clock(Arc::clone(&clock));
        let names = Keys::new(options.prefix.as_ref());
        let bucket = Arc::new(S3Bucket::new(api, url, options));
        let files = Arc::new(BucketFiles::new(Arc::clone(&bucket), names.clone()));
        let links = SignedLinks::new(Arc::clone(&files), Box::new(signer), clock);
        Ok(Self {
            bucket,
            files,
            links: Arc::new(links),
            keys: names,
        })
    }
}

#[async_trait]
impl PlatformConnector for S3 {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    async fn check(&self) -> Result<Health> {
        let call = self.bucket.listing(self.keys.prefix(), 1);
        self.bucket.api.call("s3.check", call).await?;
        Ok(Health::Healthy)
    }

    fn files(&self) -> Option<&dyn FileStore> {
        Some(&*self.files)
    }

    fn links(&self) -> Option<&dyn LinkSharing> {
        Some(&*self.links)
    }
}
