//! Accounts on platforms, connected by OAuth 2.0 and kept connected.
//!
//! An [`OAuth`] holds the accounts of one organization. It connects them ([`begin`](OAuth::begin) and
//! [`finish`](OAuth::finish) through a browser, [`begin_device`](OAuth::begin_device) without one), keeps their tokens sealed
//! in the database, and gives each out as an [`OAuthAccount`], which is the
//! [`Credentials`](crate::connector::kit::Credentials) of a connector. A program in its own name has [`ClientCredentials`] or,
//! at Google, a [`ServiceAccount`]. Desktop programs take the browser's answer with a [`Loopback`].
//!
//! # What it holds to
//!
//! - Authorization code with PKCE, S256 and nothing else; state and nonce are random, good once, for ten minutes, and only in
//!   the session that began. What an answer is held against lies sealed in the database, not in the browser. The issuer of
//!   the answer is compared where the provider sends it. [RFC 9700](https://www.rfc-editor.org/rfc/rfc9700) is the measure.
//! - Tokens are never in the clear: not in the database, in events, errors or `Debug`. The key of each account is one of the
//!   organization's [`KeyRing`](crate::crypto::KeyRing), is rotated with the others, and is destroyed when the account is
//!   disconnected.
//! - One process at a time refreshes an account, and the others use what it got. A new refresh token is stored before the old
//!   one is forgotten. A refresh goes on when whoever wanted it has gone away.
//! - What cannot be promised: that an account outlives a crash between the provider's answer and the commit, with a provider
//!   that forgets the old refresh token at once. Then the account says that it needs somebody, and works again after that.
//!
//! # The journal
//!
//! | event | about | data |
//! |---|---|---|
//! | `oauth.connected` | `account` | `provider`, `scopes` |
//! | `oauth.refreshed` | `account` | `provider`, `generation`, `rotated` |
//! | `oauth.needs_reconnect` | `account` | `provider`, `reason` (`ending`, `refused`, `no_refresh_token`), `until` |
//! | `oauth.disconnected` | `account` | `provider`, `revoked` |
//!
//! `oauth.needs_reconnect` with the reason `ending` comes days before an account stops, if the provider says when its
//! refresh token ends; it is found by [`OAuth::tend`], and by the account itself while it is used.
//!
//! # Example
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::time::Duration;
//! use garland::backends::Sqlite;
//! use garland::connector::kit::{HttpClient, HttpOptions};
//! use garland::crypto::{KeyFile, KeyRing, SystemEntropy};
//! use garland::oauth::{AuthorizationRequest, Loopback, OAuth, OAuthOptions, OAuthParts, Provider};
//! use garland::{Chance, OrganizationId, SystemClock, storage::Store};
//!
//! # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
//! let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy::new()));
//! let database = Arc::new(Sqlite::open("studio.db").await?);
//! let store = Store::new(database, OrganizationId::default());
//! let root = Arc::new(KeyFile::open("studio.key", entropy.clone()).await?);
//! let parts = OAuthParts {
//!     keys: KeyRing::new(store.clone(), root, clock.clone(), entropy.clone()),
//!     store,
//!     client: HttpClient::new(HttpOptions::default())?,
//!     clock,
//!     entropy,
//!     chance: Chance::system(),
//! };
//! let oauth = OAuth::new(parts, [Provider::dropbox("app-key")], OAuthOptions::default())?;
//!
//! let loopback = Loopback::bind().await?;
//! let redirect = loopback.redirect();
//! let request = AuthorizationRequest::new("archive".parse()?, "dropbox", redirect, "this desk");
//! let started = oauth.begin(request).await?;
//! println!("Please open {}", started.url());
//! let callback = loopback.answer(started.state(), Duration::from_secs(300)).await?;
//! let account = oauth.finish("this desk", &callback).await?;
//! // `account` goes to a connector as its credentials.
//! # let _ = account;
//! # Ok(()) }
//! ```

mod account;
mod answer;
mod authorize;
mod callback;
mod client_credentials;
mod connection;
mod device;
mod endpoint;
mod events;
mod id_token;
mod loopback;
mod minted;
mod options;
mod pending;
mod presets;
mod provider;
mod records;
mod refresh;
mod revoke;
mod save;
mod secret;
mod service;
mod service_account;
mod tasks;
mod tend;

pub use account::OAuthAccount;
pub use authorize::{AuthorizationRequest, StartedAuthorization};
pub use callback::Callback;
pub use client_credentials::ClientCredentials;
pub use device::DeviceAuthorization;
pub use loopback::Loopback;
pub use options::OAuthOptions;
pub use pending::{OAUTH_AUTHORIZATIONS, PendingAuthorization};
pub use provider::{ClientAuthentication, Provider};
pub use records::{AccountRecord, AccountState, OAUTH_ACCOUNTS, ReconnectReason};
pub use service::{OAuth, OAuthParts};
pub use service_account::{ServiceAccount, ServiceAccountKey};
pub use tend::Tended;
