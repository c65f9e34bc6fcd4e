//! How an account is set up.

use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::connector::kit::{BaseUrl, HttpClient, HttpOptions};
use crate::connector::{ChunkRules, FileFacts, FilePath, HashAlgorithm, NameRules, UnicodeForm};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::Acts;

/// The smallest and the largest part, and how many there may be
/// ([limits](https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)).
const PARTS: (u64, u64, u64) = (5 << 20, 5 << 30, 10_000);

/// The size of a part where nothing else is asked.
const PREFERRED: u64 = 8 << 20;

/// A checksum that goes along with each body, and that the server keeps.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum S3Checksum {
    /// None besides the SHA-256 of each body in its signature, which the server checks and does not keep. Amazon adds a
    /// CRC-64/NVME of its own.
    #[default]
    Signature,
    /// SHA-256, of a file in parts for each part.
    Sha256,
    /// CRC-64/NVME, also of a whole file in parts.
    Crc64Nvme,
}

impl S3Checksum {
    /// The algorithm, as `x-amz-checksum-…` has it and as garland computes it.
    pub(super) fn algorithm(self) -> Option<(&'static str, HashAlgorithm)> {
        match self {
            Self::Signature => None,
            Self::Sha256 => Some(("sha256", HashAlgorithm::Sha256)),
            Self::Crc64Nvme => Some(("crc64nvme", HashAlgorithm::Crc64Nvme)),
        }
    }
}

/// How a copy is told what may be at its target.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum CopyCondition {
    /// It cannot be told.
    None,
    /// By the headers that R2 has for it.
    R2Headers,
    /// As an upload of one part that is copied, whose end takes conditions.
    OnePart,
}

/// Which account, and how to go about it.
///
/// # Example
///
/// ```
/// use garland::platforms::S3Options;
///
/// let options = S3Options::aws("studio-archive", "eu-central-1")
///     .with_prefix("weddings/2026".parse()?)
///     .with_chunk_size(16 << 20);
/// assert_eq!(options.chunk_size(), 16 << 20);
/// assert!(format!("{options:?}").contains("weddings/2026"));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct S3Options {
    pub(super) bucket: String,
    pub(super) region: String,
    pub(super) prefix: Option<FilePath>,
    /// Where the bucket is: an address of its own, or of a server that has it as a folder.
    endpoint: Endpoint,
    chunk: u64,
    max_file_size: u64,
    pub(super) names: NameRules,
    pub(super) checksum: S3Checksum,
    pub(super) acts: Acts,
    pub(super) copy_condition: CopyCondition,
    pub(super) has_md5_etags: bool,
    pub(super) tells_upload_times: bool,
    pub(super) encodes_listings: bool,
    client: Option<HttpClient>,
    pub(super) clock: Arc<dyn Clock>,
}

#[derive(Clone, Debug)]
enum Endpoint {
    /// The bucket is a part of the host's name.
    Host(String),
    /// The bucket is the first part of the path.
    Path(String),
    Given(BaseUrl),
}

impl S3Options {
    fn new(bucket: String, region: String, endpoint: Endpoint) -> Self {
        let control = ('\u{1}'..='\u{1f}').chain(['\u{7f}']);
        Self {
            bucket,
            region,
            prefix: None,
            endpoint,
            chunk: PREFERRED,
            max_file_size: 5 << 40,
            names: NameRules::default().with_forbidden(control.collect::<String>()),
            checksum: S3Checksum::default(),
            acts: Acts {
                put: false,
                complete: false,
                copy: false,
                delete: false,
            },
            copy_condition: CopyCondition::None,
            has_md5_etags: false,
            tells_upload_times: false,
            encodes_listings: true,
            client: None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// A bucket at Amazon, in a region such as `eu-central-1`. Conditions are kept by the server, for
    /// [writing](https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html) and for
    /// [removing](https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html).
    #[must_use]
    pub fn aws(bucket: impl Into<String>, region: impl Into<String>) -> Self {
        let (bucket, region) = (bucket.into(), region.into());
        let host = format!("s3.{region}.amazonaws.com");
        // A name with dots does not fit the certificate.
        let endpoint = if bucket.contains('.') {
            Endpoint::Path(host)
        } else {
            Endpoint::Host(host)
        };
        let mut options = Self::new(bucket, region, endpoint).with_conditions(true);
        options.acts.delete = true;
        options.max_file_size = PARTS.1.saturating_mul(PARTS.2);
        options
    }

    /// A bucket at Cloudflare R2, by the id of the account. Conditions are kept by the server
    /// ([which](https://developers.cloudflare.com/r2/api/s3/conditional-operations/)) but for a delete. Two spellings of
    /// a name are [one name](https://developers.cloudflare.com/r2/reference/unicode-interoperability/).
    #[must_use]
    pub fn r2(bucket: impl Into<String>, account: &str) -> Self {
        let host = Endpoint::Path(format!("{account}.r2.cloudflarestorage.com"));
        let mut options = Self::new(bucket.into(), "auto".into(), host).with_conditions(true);
        options.copy_condition = CopyCondition::R2Headers;
        options.names = options.names.with_unicode(UnicodeForm::Nfc);
        // Just under 5 TiB (https://developers.cloudflare.com/r2/platform/limits/).
        options.max_file_size = 4995 << 30;
        options
    }

    /// A bucket of a `MinIO` server. Conditions are kept by the server but for a delete.
    #[must_use]
    pub fn minio(endpoint: BaseUrl, bucket: impl Into<String>) -> Self {
        Self::compatible(endpoint, bucket, "us-east-1").with_conditions(true)
    }

    /// A bucket at Backblaze B2, in a region such as `eu-central-003`. The server takes no conditions: what is expected of
    /// a path is looked at just before the call.
    #[must_use]
    pub fn b2(bucket: impl Into<String>, region: impl Into<String>) -> Self {
        let region = region.into();
        let host = Endpoint::Path(format!("s3.{region}.backblazeb2.com"));
        let mut options = Self::new(bucket.into(), region, host);
        // 10 TB (https://www.backblaze.com/docs/cloud-storage-large-files).
        options.max_file_size = 10_000_000_000_000;
        options
    }

    /// A bucket at Wasabi, in a region such as `eu-central-1`. The server takes no conditions, as with [`b2`](Self::b2).
    #[must_use]
    pub fn wasabi(bucket: impl Into<String>, region: impl Into<String>) -> Self {
        let region = region.into();
        let host = Endpoint::Path(format!("s3.{region}.wasabisys.com"));
        Self::new(bucket.into(), region, host)
    }

    /// A bucket of any other server that speaks S3. It is taken to keep no conditions until
    /// [`with_conditions`](Self::with_conditions) says that it does.
    #[must_use]
    pub fn compatible(
        endpoint: BaseUrl,
        bucket: impl Into<String>,
        region: impl Into<String>,
    ) -> Self {
        Self::new(bucket.into(), region.into(), Endpoint::Given(endpoint))
    }

    /// Makes the account all below a folder of the bucket.
    #[must_use]
    pub fn with_prefix(mut self, prefix: FilePath) -> Self {
        self.prefix = Some(prefix);
        self
    }

    /// Sets where the server is, in place of the vendor's own address; the bucket is the first part of its paths.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: BaseUrl) -> Self {
        self.endpoint = Endpoint::Given(endpoint);
        self
    }

    /// Sets the size of a part in bytes, and with it up to which size a file goes in one call. Default 8 MiB, from 5 MiB
    /// to 5 GiB; larger where a file would otherwise have more than 10,000 parts. A part is held in memory.
    #[must_use]
    pub fn with_chunk_size(mut self, bytes: u64) -> Self {
        self.chunk = bytes.clamp(PARTS.0, PARTS.1);
        self
    }

    /// Returns the size of a part in bytes.
    #[must_use]
    pub fn chunk_size(&self) -> u64 {
        self.chunk
    }

    /// Sets the longest name of a file or folder in bytes; default 255, as on most disks. Servers that keep keys as files
    /// may take less. At most 1,000.
    #[must_use]
    pub fn with_max_name(mut self, bytes: usize) -> Self {
        self.names = self.names.with_max_name(bytes.min(1_000));
        self
    }

    /// Sets the checksum that goes along with each body.
    #[must_use]
    pub fn with_checksum(mut self, checksum: S3Checksum) -> Self {
        self.checksum = checksum;
        self
    }

    /// Says whether the server keeps `If-Match` and `If-None-Match` for whole files and at the end of an upload in parts.
    /// A server that takes the headers and does not keep them must not be said to.
    #[must_use]
    pub fn with_conditions(mut self, kept: bool) -> Self {
        self.acts = Acts {
            put: kept,
            complete: kept,
            copy: kept,
            delete: self.acts.delete && kept,
        };
        self.copy_condition = if kept {
            CopyCondition::OnePart
        } else {
            CopyCondition::None
        };
        self
    }

    /// Says whether the `ETag` of a file that was sent in one call is its MD5: true of buckets where nothing is encrypted
    /// with KMS or with a customer's own keys, and not of directory buckets. Default false, since a listing does not tell.
    ///
    /// Then such files are listed with their MD5. A file that was sent in parts has an `ETag` that is no hash of it.
    #[must_use]
    pub fn with_md5_etags(mut self, are_md5: bool) -> Self {
        self.has_md5_etags = are_md5;
        self
    }

    /// Says whether a file is told with the moment of its upload as its modified time. Default false: the platform does
    /// not keep the time of the source where a listing tells it. It costs another call for every upload.
    #[must_use]
    pub fn with_upload_times(mut self, told: bool) -> Self {
        self.tells_upload_times = told;
        self
    }

    /// Says whether the server encodes the keys of its listings when asked to, which S3 does so that any key can be in
    /// them. Default true.
    #[must_use]
    pub fn with_encoded_listings(mut self, encoded: bool) -> Self {
        self.encodes_listings = encoded;
        self
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

    /// Where the keys of the bucket begin, without a slash at its end.
    pub(super) fn bucket_url(&self) -> Result<String> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if self.bucket.is_empty() || !self.bucket.bytes().all(is_name) {
            let message = "this is not the name of a bucket";
            return Err(Error::new(ErrorKind::InvalidInput, "s3.new", message)
                .with_context("bucket", &self.bucket));
        }
        let bucket = &self.bucket;
        let url = match &self.endpoint {
            Endpoint::Host(host) => format!("https://{bucket}.{host}"),
            Endpoint::Path(host) => format!("https://{host}/{bucket}"),
            Endpoint::Given(base) => base.at(&format!("/{bucket}")),
        };
        let base: BaseUrl = url.parse()?;
        Ok(base.as_str().to_owned())
    }

    pub(super) fn facts(&self) -> FileFacts {
        let (least, most, count) = PARTS;
        FileFacts::default()
            .with_names(self.names.clone())
            .with_time_precision(None)
            .with_chunks(ChunkRules::new(1, least, most, self.chunk).with_max_count(count))
            .with_lists_in_order(true)
            .with_max_file_size(self.max_file_size)
    }
}
