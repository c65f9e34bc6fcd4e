//! How an account is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::connector::kit::{BaseUrl, Credentials, HttpClient, HttpOptions};
use crate::connector::{ChunkRules, FilePath, WebhookSecret};
use crate::error::{Error, ErrorKind, Result};

use super::account::Dropbox;

/// Where calls go, but those that carry content and those that wait.
const API: &str = "https://api.dropboxapi.com";

/// Where calls go that carry content.
const CONTENT: &str = "https://content.dropboxapi.com";

/// Where calls go that wait for changes.
const NOTIFY: &str = "https://notify.dropboxapi.com";

/// The largest chunk in bytes, and the largest file in one call; Dropbox takes up to 150 MiB in a call.
const MOST: u64 = 64 << 20;

/// How long nothing may move on a call that waits: 480 s at most, up to 90 s that Dropbox adds by chance, and some.
const LONGEST_WAIT: Duration = Duration::from_secs(480 + 90 + 30);

/// Sets up a [`Dropbox`].
///
/// # Example
///
/// ```
/// use garland::connector::PlatformConnector as _;
/// use garland::connector::kit::{AccessToken, Bearer};
/// use garland::platforms::Dropbox;
///
/// # fn main() -> garland::Result<()> {
/// let token = AccessToken::new("sl.u.AbX9y6Fe3A");
/// let dropbox = Dropbox::builder(Bearer::new(token))
///     .root_folder("Weddings/2026")
///     .build()?;
/// assert_eq!(dropbox.platform().id, "dropbox");
/// assert!(!format!("{dropbox:?}").contains("sl.u"));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct DropboxBuilder {
    pub(super) credentials: Arc<dyn Credentials>,
    pub(super) client: Option<HttpClient>,
    pub(super) waiting_client: Option<HttpClient>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) base: Option<BaseUrl>,
    pub(super) content_base: Option<BaseUrl>,
    pub(super) notify_base: Option<BaseUrl>,
    pub(super) root: Option<Box<str>>,
    pub(super) namespace: Option<Box<str>>,
    pub(super) account_id: Option<Box<str>>,
    pub(super) app_secret: Option<WebhookSecret>,
    pub(super) chunk: u64,
    pub(super) whole_up_to: u64,
}

impl fmt::Debug for DropboxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DropboxBuilder")
            .field("root", &self.root)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl DropboxBuilder {
    pub(super) fn new(credentials: Arc<dyn Credentials>) -> Self {
        Self {
            credentials,
            client: None,
            waiting_client: None,
            clock: Arc::new(SystemClock::new()),
            base: None,
            content_base: None,
            notify_base: None,
            root: None,
            namespace: None,
            account_id: None,
            app_secret: None,
            chunk: 8 << 20,
            whole_up_to: 8 << 20,
        }
    }

    /// Sets the folder that is the top of the account, such as `Weddings/2026`. It has to be there. Default: all that the
    /// app sees, which for an app with a folder of its own is that folder.
    pub fn root_folder(mut self, path: impl Into<Box<str>>) -> Self {
        self.root = Some(path.into());
        self
    }

    /// Sets the namespace that paths begin in, by its number, such as that of a team space
    /// ([how to](https://developers.dropbox.com/dbx-team-files-guide)). Default: the home folder of the user.
    pub fn namespace(mut self, number: impl Into<Box<str>>) -> Self {
        self.namespace = Some(number.into());
        self
    }

    /// Sets the id of the account (`dbid:…`). With it a webhook about other accounts has no hints, and no call is made to
    /// learn the id, which cursors of changes hold in hashed form. Default: Dropbox is asked for it when it is needed.
    pub fn account_id(mut self, id: impl Into<Box<str>>) -> Self {
        self.account_id = Some(id.into());
        self
    }

    /// Sets the secret of the app, by which its webhooks are signed. Default: none, and no webhooks.
    pub fn app_secret(mut self, secret: WebhookSecret) -> Self {
        self.app_secret = Some(secret);
        self
    }

    /// Sets the size of the chunks of a large file, from 1 byte to 64 MiB. Default 8 MiB. Multiples of 4 MiB are the
    /// fastest for Dropbox.
    pub fn chunk_size(mut self, bytes: u64) -> Self {
        self.chunk = bytes;
        self
    }

    /// Sets up to which size in bytes a file goes in one call, at most 64 MiB. Default 8 MiB.
    pub fn whole_up_to(mut self, bytes: u64) -> Self {
        self.whole_up_to = bytes.min(MOST);
        self
    }

    /// Sets where calls go that carry no content, without `/2`. Default `https://api.dropboxapi.com`.
    pub fn base_url(mut self, base: BaseUrl) -> Self {
        self.base = Some(base);
        self
    }

    /// Sets where calls go that carry content, without `/2`. Default `https://content.dropboxapi.com`.
    pub fn content_base_url(mut self, base: BaseUrl) -> Self {
        self.content_base = Some(base);
        self
    }

    /// Sets where calls go that wait for changes, without `/2`. Default `https://notify.dropboxapi.com`.
    pub fn notify_base_url(mut self, base: BaseUrl) -> Self {
        self.notify_base = Some(base);
        self
    }

    /// Sets the client. Default: one of its own with [`HttpOptions::default`].
    pub fn client(mut self, client: HttpClient) -> Self {
        self.client = Some(client);
        self
    }

    /// Sets the client for [`Dropbox::wait_for_changes`], whose [`HttpOptions::idle`] has to be longer than the longest
    /// wait and 90 s. Default: one of its own with ten minutes.
    pub fn waiting_client(mut self, client: HttpClient) -> Self {
        self.waiting_client = Some(client);
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
    /// - [`ErrorKind::InvalidInput`]: a folder, a namespace or an id that is none.
    /// - As [`HttpClient::new`].
    pub fn build(mut self) -> Result<Dropbox> {
        let invalid = |message: &str| Error::new(ErrorKind::InvalidInput, "dropbox.build", message);
        let root = match self.root.take() {
            None => None,
            Some(text) => {
                let path = FilePath::parse(text.trim_matches('/'));
                Some(path.map_err(|cause| invalid("this is not a folder").with_source(cause))?)
            }
        };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if self
            .namespace
            .as_deref()
            .is_some_and(|text| !is_number(text))
        {
            return Err(invalid("a namespace is a number"));
        }
        if self
            .account_id
            .as_deref()
            .is_some_and(|text| !text.starts_with("dbid:"))
        {
            return Err(invalid("the id of an account begins with `dbid:`"));
        }
        let bases = Bases {
            api: or_else(self.base.take(), API)?,
            content: or_else(self.content_base.take(), CONTENT)?,
            notify: or_else(self.notify_base.take(), NOTIFY)?,
        };
        let client = match self.client.take() {
            Some(client) => client,
            None => HttpClient::new(HttpOptions::default())?,
        };
        let waiting = match self.waiting_client.take() {
            Some(client) => client,
            None => HttpClient::new(HttpOptions::default().with_idle(LONGEST_WAIT))?,
        };
        Ok(Dropbox::new(self, client, waiting, bases, root.as_ref()))
    }

    pub(super) fn rules(&self) -> ChunkRules {
        ChunkRules::new(1, 1, MOST, self.chunk)
    }
}

/// The three hosts.
#[derive(Clone, Debug)]
pub(super) struct Bases {
    pub(super) api: BaseUrl,
    pub(super) content: BaseUrl,
    pub(super) notify: BaseUrl,
}

fn or_else(given: Option<BaseUrl>, usual: &str) -> Result<BaseUrl> {
    given.map_or_else(|| usual.parse(), Ok)
}
