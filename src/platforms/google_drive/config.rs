//! How an account is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::connector::ChunkRules;
use crate::connector::kit::{BaseUrl, Credentials, HttpClient, HttpOptions};
use crate::error::{Error, ErrorKind, Result};

use super::account::GoogleDrive;

/// Where the API is.
const HOST: &str = "https://www.googleapis.com";

/// Chunks are multiples of this, but the last
/// ([resumable upload](https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable)).
const ALIGNMENT: u64 = 256 << 10;

/// The longest that Drive keeps a channel for changes: a week
/// ([push](https://developers.google.com/workspace/drive/api/guides/push#optional-properties)).
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// What becomes of a deleted file.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum DriveDeletion {
    /// It goes to the bin, from where people can take it back for 30 days. Until then it counts against the quota. In a
    /// shared drive a content manager may do it, while deleting for good is for managers.
    #[default]
    Trash,
    /// It is gone for good at once.
    Permanent,
}

/// Sets up a [`GoogleDrive`].
///
/// # Example
///
/// ```
/// use garland::connector::PlatformConnector as _;
/// use garland::connector::kit::{AccessToken, Bearer};
/// use garland::platforms::GoogleDrive;
///
/// # fn main() -> garland::Result<()> {
/// let token = AccessToken::new("ya29.a0Af");
/// let drive = GoogleDrive::builder(Bearer::new(token))
///     .shared_drive("0AKj8Uk9PVA")
///     .root_folder("1dyUEebJaFn")
///     .build()?;
/// assert_eq!(drive.platform().id, "google-drive");
/// assert!(!format!("{drive:?}").contains("ya29"));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct GoogleDriveBuilder {
    pub(super) credentials: Arc<dyn Credentials>,
    pub(super) client: Option<HttpClient>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) base: Option<BaseUrl>,
    pub(super) upload_base: Option<BaseUrl>,
    pub(super) root: Option<Box<str>>,
    pub(super) shared_drive: Option<Box<str>>,
    pub(super) domain: Option<Box<str>>,
    pub(super) deletion: DriveDeletion,
    pub(super) chunk: u64,
    pub(super) whole_up_to: u64,
    pub(super) channel_lifetime: Duration,
}

impl fmt::Debug for GoogleDriveBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleDriveBuilder")
            .field("root", &self.root)
            .field("shared_drive", &self.shared_drive)
            .finish_non_exhaustive()
    }
}

impl GoogleDriveBuilder {
    pub(super) fn new(credentials: Arc<dyn Credentials>) -> Self {
        Self {
            credentials,
            client: None,
            clock: Arc::new(SystemClock::new()),
            base: None,
            upload_base: None,
            root: None,
            shared_drive: None,
            domain: None,
            deletion: DriveDeletion::default(),
            chunk: 8 << 20,
            whole_up_to: 5 << 20,
            channel_lifetime: WEEK,
        }
    }

    /// Sets the folder that is the top of the account, by its id: the last part of its address in a browser. Default: the
    /// top of the shared drive if there is one, otherwise of My Drive.
    pub fn root_folder(mut self, id: impl Into<Box<str>>) -> Self {
        self.root = Some(id.into());
        self
    }

    /// Sets the shared drive that the account is on, by its id. Default: none, which is My Drive.
    pub fn shared_drive(mut self, id: impl Into<Box<str>>) -> Self {
        self.shared_drive = Some(id.into());
        self
    }

    /// Sets the domain whose members may follow links of
    /// [`LinkScope::Organization`](crate::connector::LinkScope::Organization), such as `studio.example`. Default: none,
    /// and no such links.
    pub fn organization_domain(mut self, domain: impl Into<Box<str>>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets what becomes of a deleted file. Default: [`DriveDeletion::Trash`].
    pub fn deletion(mut self, deletion: DriveDeletion) -> Self {
        self.deletion = deletion;
        self
    }

    /// Sets the size of the chunks of a large file in bytes, made a multiple of 256 KiB from 256 KiB to 64 MiB. Default
    /// 8 MiB.
    pub fn chunk_size(mut self, bytes: u64) -> Self {
        self.chunk = bytes;
        self
    }

    /// Sets up to which size in bytes a file goes in one call, at most 64 MiB. Default 5 MiB, as Google advises.
    pub fn whole_up_to(mut self, bytes: u64) -> Self {
        self.whole_up_to = bytes.min(64 << 20);
        self
    }

    /// Sets how long a channel of webhooks lives until it is renewed, at most a week. Default a week. Drive may give less.
    pub fn channel_lifetime(mut self, time: Duration) -> Self {
        self.channel_lifetime = time.min(WEEK);
        self
    }

    /// Sets where the API begins, without `/drive/v3`. Default `https://www.googleapis.com`.
    pub fn base_url(mut self, base: BaseUrl) -> Self {
        self.base = Some(base);
        self
    }

    /// Sets where uploads begin, without `/upload/drive/v3`. Default: as [`base_url`](Self::base_url).
    pub fn upload_base_url(mut self, base: BaseUrl) -> Self {
        self.upload_base = Some(base);
        self
    }

    /// Sets the client. Default: one of its own with [`HttpOptions::default`].
    pub fn client(mut self, client: HttpClient) -> Self {
        self.client = Some(client);
        self
    }

    /// Sets the clock. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets up the account. No call is made yet.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: an id that is none.
    /// - As [`HttpClient::new`].
    pub fn build(mut self) -> Result<GoogleDrive> {
        for (what, id) in [("root", &self.root), ("shared_drive", &self.shared_drive)] {
            if id.as_deref().is_some_and(|id| !is_id(id)) {
                let message = "this is not an id of Google Drive";
                return Err(
                    Error::new(ErrorKind::InvalidInput, "google_drive.build", message)
                        .with_context("of", what),
                );
            }
        }
        let client = match self.client.take() {
            Some(client) => client,
            None => HttpClient::new(HttpOptions::default())?,
        };
        let base = match self.base.take() {
            Some(base) => base,
            None => HOST.parse()?,
        };
        let upload_base = self.upload_base.take().unwrap_or_else(|| base.clone());
        GoogleDrive::new(self, client, base, upload_base)
    }

    pub(super) fn rules(&self) -> ChunkRules {
        ChunkRules::new(ALIGNMENT, ALIGNMENT, 64 << 20, self.chunk)
    }
}

/// Ids are of the letters of base 64 in addresses.
pub(super) fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=256).contains(&text.len()) && text.bytes().all(is_plain)
}
