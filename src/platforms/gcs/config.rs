//! How an account is set up.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::connector::kit::{BaseUrl, HttpClient, HttpOptions};
use crate::connector::{ChunkRules, FileFacts, FilePath, HashAlgorithm, NameRules};
use crate::error::{Error, ErrorKind, Result};

/// Each chunk but the last is a multiple of this
/// ([resumable uploads](https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload)).
const ALIGNMENT: u64 = 256 << 10;

/// The largest chunk that is sent; the platform has no bound.
const LARGEST: u64 = 1 << 30;

const PREFERRED: u64 = 8 << 20;

/// Which bucket, and how to go about it.
///
/// # Example
///
/// ```
/// use garland::platforms::GcsOptions;
///
/// let options = GcsOptions::new("studio-archive").with_chunk_size(1_000_000);
/// assert_eq!(options.chunk_size(), 786_432);
/// ```
#[derive(Clone, Debug)]
pub struct GcsOptions {
    pub(super) bucket: String,
    pub(super) prefix: Option<FilePath>,
    endpoint: Option<BaseUrl>,
    chunk: u64,
    client: Option<HttpClient>,
    pub(super) clock: Arc<dyn Clock>,
}

impl GcsOptions {
    /// A bucket.
    #[must_use]
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: None,
            endpoint: None,
            chunk: PREFERRED,
            client: None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Makes the account all below a folder of the bucket.
    #[must_use]
    pub fn with_prefix(mut self, prefix: FilePath) -> Self {
        self.prefix = Some(prefix);
        self
    }

    /// Sets where the API is, in place of `https://storage.googleapis.com`.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: BaseUrl) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Sets the size of a chunk in bytes, and with it up to which size a file goes in one call: a multiple of 256 KiB, from
    /// 256 KiB to 1 GiB, cut down to one. Default 8 MiB. A chunk is held in memory, twice at most.
    #[must_use]
    pub fn with_chunk_size(mut self, bytes: u64) -> Self {
        self.chunk = (bytes / ALIGNMENT * ALIGNMENT).clamp(ALIGNMENT, LARGEST);
        self
    }

    /// Returns the size of a chunk in bytes.
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

    pub(super) fn client(&self) -> Result<HttpClient> {
        match &self.client {
            Some(client) => Ok(client.clone()),
            None => HttpClient::new(HttpOptions::default().with_http2(false)),
        }
    }

    pub(super) fn endpoint(&self) -> Result<BaseUrl> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if self.bucket.is_empty() || !self.bucket.bytes().all(is_name) {
            let message = "this is not the name of a bucket";
            return Err(Error::new(ErrorKind::InvalidInput, "gcs.new", message)
                .with_context("bucket", &self.bucket));
        }
        match &self.endpoint {
            Some(endpoint) => Ok(endpoint.clone()),
            None => "https://storage.googleapis.com".parse(),
        }
    }

    pub(super) fn facts(&self) -> FileFacts {
        let control = ('\u{1}'..='\u{1f}').chain(['\u{7f}']);
        FileFacts::default()
            .with_names(NameRules::default().with_forbidden(control.collect::<String>()))
            .with_time_precision(Duration::from_millis(1))
            .with_hashes(&[HashAlgorithm::Md5, HashAlgorithm::Crc32c])
            .with_chunks(ChunkRules::new(ALIGNMENT, ALIGNMENT, LARGEST, self.chunk))
            .with_lists_in_order(true)
            .with_max_file_size(5 << 40)
    }
}
