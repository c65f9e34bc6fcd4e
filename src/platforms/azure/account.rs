//! An account.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::azure::MicrosoftAzureBuilder;

use crate::connector::kit::Api;
use crate::connector::{
    AuthKind, Category, FileStore, Health, LinkSharing, Platform, PlatformConnector,
};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{BucketFiles, Carrier, Keys, SignedLinks, no_retries};

use super::config::AzureOptions;
use super::container::Container;
use super::credentials::{AzureCredentials, Proof};
use super::error::judge;

/// What Azure Blob Storage is. A storage account takes
/// [20,000 requests a second](https://learn.microsoft.com/en-us/azure/storage/common/scalability-targets-standard-account),
/// more than one process sends.
static PLATFORM: Platform = Platform::new(
    "azure",
    "Azure Blob Storage",
    Category::Cloud,
    AuthKind::SignedRequest,
)
.with_concurrency(8);

/// A container of a storage account, or all below a folder of it.
///
/// # Example
///
/// ```
/// use garland::connector::{HashAlgorithm, PlatformConnector as _};
/// use garland::platforms::{AzureBlob, AzureCredentials, AzureOptions};
///
/// let key = AzureCredentials::key("c2VjcmV0")?;
/// let archive = AzureBlob::new(AzureOptions::new("studioaccount", "weddings"), key)?;
/// let facts = archive.files().map(|files| files.facts().clone());
/// assert!(facts.is_some_and(|facts| facts.hashes == [HashAlgorithm::Md5]));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone)]
pub struct AzureBlob {
    container: Arc<Container>,
    files: Arc<BucketFiles<Container>>,
    links: Option<Arc<SignedLinks<Container>>>,
    keys: Keys,
}

impl fmt::Debug for AzureBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureBlob")
            .field("container", &self.container.url)
            .field("prefix", &self.keys.prefix())
            .finish_non_exhaustive()
    }
}

impl AzureBlob {
    /// Opens an account. Nothing is called yet.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: a name or an address that cannot be.
    /// - As [`HttpClient::new`](crate::connector::kit::HttpClient::new).
    pub fn new(options: AzureOptions, credentials: AzureCredentials) -> Result<Self> {
        let endpoint = options.endpoint()?;
        let client = options.client()?;
        let signer = MicrosoftAzureBuilder::new()
            .with_account(&options.account)
            .with_container_name(&options.container)
            .with_endpoint(endpoint.as_str().to_owned())
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .with_credentials(credentials.provider())
            .with_retry(no_retries())
            .with_http_connector(Carrier::new(client.clone()))
            .build()
            .map_err(|cause| {
                let message = "the account cannot be set up";
                Error::new(ErrorKind::InvalidInput, "azure.new", message).with_source(cause)
            })?;
        let clock = Arc::clone(&options.clock);
        let signs_links = credentials.signs_links();
        let proof = Proof {
            credentials,
            account: options.account.clone(),
        };
        let api = Api::new(PLATFORM.id, client)
            .with_credentials(proof)
            .with_judge(judge)
            .with_clock(Arc::clone(&clock));
        let keys = Keys::new(options.prefix.as_ref());
        let container = Arc::new(Container {
            api,
            url: endpoint.at(&format!("/{}", options.container)),
            facts: options.facts(),
            chance: options.chance,
        });
        let files = Arc::new(BucketFiles::new(Arc::clone(&container), keys.clone()));
        let links = SignedLinks::new(Arc::clone(&files), Box::new(signer), clock).for_plain_names();
        Ok(Self {
            container,
            files,
            links: signs_links.then(|| Arc::new(links)),
            keys,
        })
    }
}

#[async_trait]
impl PlatformConnector for AzureBlob {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    async fn check(&self) -> Result<Health> {
        let call = self.container.listing(self.keys.prefix(), 1);
        self.container.api.call("azure.check", call).await?;
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
