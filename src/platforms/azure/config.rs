//! How an account is set up.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::connector::kit::{BaseUrl, HttpClient, HttpOptions};
use crate::connector::{ChunkRules, FileFacts, FilePath, HashAlgorithm, NameRules};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Chance;

/// The largest block and how many there may be
/// ([limits](https://learn.microsoft.com/en-us/azure/storage/blobs/scalability-targets)).
const BLOCKS: (u64, u64) = (4_000 << 20, 50_000);

/// The modified time of a source is kept as text.
const PRECISION: Duration = Duration::from_millis(1);

const PREFERRED: u64 = 8 << 20;

/// Which container, and how to go about it.
///
/// # Example
///
/// ```
/// use garland::platforms::AzureOptions;
///
/// let options = AzureOptions::new("studioaccount", "weddings").with_chunk_size(16 << 20);
/// assert_eq!(options.chunk_size(), 16 << 20);
/// ```
#[derive(Clone, Debug)]
pub struct AzureOptions {
    pub(super) account: String,
    pub(super) container: String,
    pub(super) prefix: Option<FilePath>,
    endpoint: Option<BaseUrl>,
    chunk: u64,
    client: Option<HttpClient>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) chance: Chance,
}

impl AzureOptions {
    /// A container of a storage account in the public cloud.
    #[must_use]
    pub fn new(account: impl Into<String>, container: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            container: container.into(),
            prefix: None,
            endpoint: None,
            chunk: PREFERRED,
            client: None,
            clock: Arc::new(SystemClock::new()),
            chance: Chance::system(),
        }
    }

    /// Makes the account all below a folder of the container.
    #[must_use]
    pub fn with_prefix(mut self, prefix: FilePath) -> Self {
        self.prefix = Some(prefix);
        self
    }

    /// Sets where the storage account is, in place of `https://<account>.blob.core.windows.net`: another cloud, or an
    /// emulator, whose address ends in the name of the account.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: BaseUrl) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Sets the size of a block in bytes, and with it up to which size a file goes in one call. Default 8 MiB, from 256 KiB
    /// to 4,000 MiB; larger where a file would otherwise have more than 50,000 blocks. A block is held in memory.
    #[must_use]
    pub fn with_chunk_size(mut self, bytes: u64) -> Self {
        self.chunk = bytes.clamp(256 << 10, BLOCKS.0);
        self
    }

    /// Returns the size of a block in bytes.
    #[must_use]
    pub fn chunk_size(&self) -> u64 {
        self.chunk
    }

    /// Sets the client to call with. By default one of its own, over HTTP/1.1.
    #[must_use]
    pub fn with_client(mut self, client: HttpClient) -> Self {
        self.client = Some(client);
        self
    }

    /// Sets the clock by which answers are judged and links end. Signatures go by the clock of the machine.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the randomness by which blocks of two uploads to one path are told apart.
    #[must_use]
    pub fn with_chance(mut self, chance: Chance) -> Self {
        self.chance = chance;
        self
    }

    pub(super) fn client(&self) -> Result<HttpClient> {
        match &self.client {
            Some(client) => Ok(client.clone()),
            None => HttpClient::new(HttpOptions::default().with_http2(false)),
        }
    }

    /// Where the storage account is.
    pub(super) fn endpoint(&self) -> Result<BaseUrl> {
        let is_name = |text: &str, also: &[u8]| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || also.contains(&byte);
            !text.is_empty() && text.bytes().all(fits)
        };
        if !is_name(&self.account, b"") || !is_name(&self.container, b"-$") {
            let message = "this is not the name of a storage account and of a container";
            return Err(Error::new(ErrorKind::InvalidInput, "azure.new", message)
                .with_context("account", &self.account)
                .with_context("container", &self.container));
        }
        match &self.endpoint {
            Some(endpoint) => Ok(endpoint.clone()),
            None => format!("https://{}.blob.core.windows.net", self.account).parse(),
        }
    }

    pub(super) fn facts(&self) -> FileFacts {
        let control = ('\u{1}'..='\u{1f}').chain(['\u{7f}', '\\']);
        let mut names = NameRules::default().with_forbidden(control.collect::<String>());
        names.no_trailing_dot_or_space = true;
        let (most, count) = BLOCKS;
        FileFacts::default()
            .with_names(names)
            .with_time_precision(PRECISION)
            .with_hashes(&[HashAlgorithm::Md5])
            .with_chunks(ChunkRules::new(1, 1, most, self.chunk).with_max_count(count))
            .with_max_file_size(most.saturating_mul(count))
    }
}
