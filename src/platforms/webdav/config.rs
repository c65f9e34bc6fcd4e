//! How an account is set up.

use std::fmt;
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::connector::kit::{BaseUrl, Credentials, HttpClient, HttpOptions, encode_segment};
use crate::connector::{ChunkRules, FilePath, NameRules, UnicodeForm};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Chance;

use super::account::WebDav;

/// The smallest and the largest chunk of Nextcloud's upload. The server would take 5 GB; here a chunk lies in memory.
const NEXTCLOUD_CHUNK: (u64, u64) = (5 << 20, 64 << 20);

/// What a server can do beyond the standard.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum WebDavProfile {
    /// [RFC 4918](https://www.rfc-editor.org/rfc/rfc4918) and nothing else: Apache, nginx, network drives.
    /// Written times are not kept.
    #[default]
    Plain,
    /// Nextcloud: ids, checksums, times to the second, uploads in chunks that can be resumed, share links.
    Nextcloud,
    /// ownCloud 10: ids, checksums, times to the second.
    OwnCloud,
    /// `rclone serve webdav`: times to the second; takes no conditions.
    Rclone,
    /// `WsgiDAV`: as [`Plain`](Self::Plain), but no `?`, `;`, tab or end of line in names, for it loses them from where a file is
    /// to be moved.
    WsgiDav,
}

impl WebDavProfile {
    pub(super) fn keeps_times(self) -> bool {
        !matches!(self, Self::Plain | Self::WsgiDav)
    }

    /// Whether it has ids and checksums.
    pub(super) fn is_cloud(self) -> bool {
        matches!(self, Self::Nextcloud | Self::OwnCloud)
    }

    /// Whether a condition in `If` is worth sending.
    pub(super) fn takes_conditions(self) -> bool {
        !matches!(self, Self::Rclone)
    }

    fn names(self) -> NameRules {
        match self {
            Self::Plain => NameRules::default(),
            // Source: its file system looks for names in NFC, unless it is told not to (`--no-unicode-normalization`).
            Self::Rclone => NameRules::default().with_unicode(UnicodeForm::Nfc),
            // Source: `_copy_or_move_resource` of WsgiDAV 4.4 decodes the address before it takes it apart.
            Self::WsgiDav => NameRules::default().with_forbidden("?;\t\n\r"),
            // Source: the column `name` of `oc_filecache`, and the file name validator of both servers.
            Self::Nextcloud | Self::OwnCloud => NameRules::default()
                .with_forbidden("\\".chars().chain('\u{1}'..='\u{1f}').collect::<String>())
                .with_max_name(250),
        }
    }
}

/// Sets up a [`WebDav`].
///
/// # Example
///
/// ```
/// use garland::connector::PlatformConnector as _;
/// use garland::connector::kit::BasicLogin;
/// use garland::platforms::WebDav;
///
/// # fn main() -> garland::Result<()> {
/// let login = BasicLogin::new("ada", "an app password");
/// let cloud = WebDav::nextcloud(&"https://cloud.example.org".parse()?, "ada", login)?
///     .folder("Weddings/2026".parse()?)
///     .build()?;
/// assert_eq!(cloud.platform().id, "webdav");
/// assert!(cloud.links().is_some());
/// assert!(!format!("{cloud:?}").contains("password"));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct WebDavBuilder {
    pub(super) base: BaseUrl,
    pub(super) credentials: Arc<dyn Credentials>,
    pub(super) profile: WebDavProfile,
    pub(super) uploads: Option<BaseUrl>,
    pub(super) shares: Option<BaseUrl>,
    pub(super) folder: Option<FilePath>,
    pub(super) names: Option<NameRules>,
    pub(super) keeps_times: Option<bool>,
    pub(super) is_deep: bool,
    pub(super) chunk: Option<u64>,
    pub(super) listings: usize,
    pub(super) client: Option<HttpClient>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) chance: Chance,
}

impl fmt::Debug for WebDavBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebDavBuilder")
            .field("base", &self.base)
            .field("profile", &self.profile)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl WebDavBuilder {
    pub(super) fn new(base: BaseUrl, credentials: Arc<dyn Credentials>) -> Self {
        Self {
            base,
            credentials,
            profile: WebDavProfile::Plain,
            uploads: None,
            shares: None,
            folder: None,
            names: None,
            keeps_times: None,
            is_deep: false,
            chunk: None,
            listings: 4,
            client: None,
            clock: Arc::new(SystemClock::new()),
            chance: Chance::system(),
        }
    }

    /// Fills in the addresses of Nextcloud or ownCloud, which has the same.
    pub(super) fn cloud(
        server: &BaseUrl,
        user: &str,
        credentials: Arc<dyn Credentials>,
        profile: WebDavProfile,
    ) -> Result<Self> {
        if user.is_empty() || matches!(user, "." | "..") || user.contains('/') {
            let message = "this is not the name of a user";
            return Err(Error::new(ErrorKind::InvalidInput, "webdav.build", message));
        }
        let user = encode_segment(user);
        let at = |path: String| server.at(&path).parse::<BaseUrl>();
        let mut builder = Self::new(at(format!("/remote.php/dav/files/{user}"))?, credentials);
        builder.profile = profile;
        builder.uploads = Some(at(format!("/remote.php/dav/uploads/{user}"))?);
        builder.shares = Some(at(
            "/ocs/v2.php/apps/files_sharing/api/v1/shares".to_owned()
        )?);
        Ok(builder)
    }

    /// Sets what the server can do beyond the standard. Default [`WebDavProfile::Plain`]; for Nextcloud and ownCloud begin
    /// with [`WebDav::nextcloud`] and [`WebDav::owncloud`], which know the addresses too.
    pub fn profile(mut self, profile: WebDavProfile) -> Self {
        self.profile = profile;
        self
    }

    /// Sets the folder that is the top of the account. It has to be there. Default: where the address leads.
    pub fn folder(mut self, folder: FilePath) -> Self {
        self.folder = Some(folder);
        self
    }

    /// Sets which names the server takes. Default: for Nextcloud and ownCloud no `\` and no control character, up to 250
    /// bytes; otherwise any up to 255 bytes, upper and lower case told apart, as behind most servers on Unix.
    pub fn names(mut self, rules: NameRules) -> Self {
        self.names = Some(rules);
        self
    }

    /// Sets whether the server keeps the modified time of `X-OC-Mtime`, which is sent to all. Default: not where the
    /// profile is [`WebDavProfile::Plain`].
    pub fn keeps_times(mut self, keeps: bool) -> Self {
        self.keeps_times = Some(keeps);
        self
    }

    /// Sets whether listings ask for everything below at once (`Depth: infinity`). Few servers allow it, and those that do
    /// answer with at most 32 MiB here, about 40,000 files; where it fails the folders are asked one by one. Default false.
    pub fn depth_infinity(mut self, asked: bool) -> Self {
        self.is_deep = asked;
        self
    }

    /// Sets the size of the chunks of a large file in bytes, at most 64 MiB, for Nextcloud at least 5 MiB. Default 4 MiB,
    /// for Nextcloud 10 MiB. A file up to this size goes in one call.
    pub fn chunk_size(mut self, bytes: u64) -> Self {
        self.chunk = Some(bytes);
        self
    }

    /// Sets how many folders a listing asks for at the same time, from 1 to 32. Default 4.
    pub fn concurrent_listings(mut self, folders: usize) -> Self {
        self.listings = folders.clamp(1, 32);
        self
    }

    /// Sets where Nextcloud takes uploads in chunks. Default: `/remote.php/dav/uploads/` and the user.
    pub fn uploads_url(mut self, base: BaseUrl) -> Self {
        self.uploads = Some(base);
        self
    }

    /// Sets where Nextcloud's shares are. Default: `/ocs/v2.php/apps/files_sharing/api/v1/shares`.
    pub fn shares_url(mut self, base: BaseUrl) -> Self {
        self.shares = Some(base);
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

    /// Sets where the names of unfinished uploads come from. Default: the operating system.
    pub fn chance(mut self, chance: Chance) -> Self {
        self.chance = chance;
        self
    }

    /// Sets up the account. No call is made yet.
    ///
    /// # Errors
    /// As [`HttpClient::new`].
    pub fn build(mut self) -> Result<WebDav> {
        let client = match self.client.take() {
            Some(client) => client,
            None => HttpClient::new(HttpOptions::default())?,
        };
        WebDav::new(self, client)
    }

    pub(super) fn name_rules(&self) -> NameRules {
        self.names.clone().unwrap_or_else(|| self.profile.names())
    }

    pub(super) fn chunk_rules(&self) -> ChunkRules {
        if self.profile == WebDavProfile::Nextcloud {
            let (least, most) = NEXTCLOUD_CHUNK;
            let preferred = self.chunk.unwrap_or(10 << 20);
            return ChunkRules::new(1, least, most, preferred).with_max_count(10_000);
        }
        ChunkRules::new(1, 1, 64 << 20, self.chunk.unwrap_or(4 << 20))
    }
}
