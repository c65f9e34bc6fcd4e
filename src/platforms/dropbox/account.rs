//! The account.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::connector::kit::{Api, Credentials, HttpClient};
use crate::connector::{
    AuthKind, Category, ChangeFeed, FileFacts, FilePath, FileStore, HashAlgorithm, Health,
    LinkSharing, NameRules, Platform, PlatformConnector, UnicodeForm, WebhookSecret, WebhookSource,
};
use crate::error::{ErrorKind, Result};

use super::calls::Calls;
use super::config::{Bases, DropboxBuilder};
use super::error::judge;
use super::model::{Metadata, PathArg};
use super::unsure::Unsure;

static PLATFORM: Platform = Platform::new("dropbox", "Dropbox", Category::Cloud, AuthKind::OAuth2);

/// The largest file in bytes
/// ([upload sessions](https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-start)).
const LARGEST: u64 = (1 << 41) - (1 << 22);

/// A folder of a Dropbox account and all below it; see the [module](super). Cheap to clone.
#[derive(Clone)]
pub struct Dropbox {
    pub(super) calls: Calls,
    pub(super) facts: Arc<FileFacts>,
    pub(super) top: Arc<Top>,
    pub(super) whole_up_to: u64,
    pub(super) app_secret: Option<WebhookSecret>,
    pub(super) unsure: Arc<Unsure>,
    pub(super) identity: Arc<OnceCell<Box<str>>>,
}

/// Where the account begins.
#[derive(Debug)]
pub(super) struct Top {
    /// As Dropbox writes it: empty, or with a `/` before each component.
    pub(super) path: Box<str>,
    /// How many components it has.
    pub(super) depth: usize,
    pub(super) namespace: Option<Box<str>>,
    pub(super) account_id: Option<Box<str>>,
}

/// Who the account is.
#[derive(Debug, Deserialize)]
struct CurrentAccount {
    account_id: Box<str>,
    #[serde(default)]
    disabled: bool,
}

impl Dropbox {
    /// Begins to set up an account, with an access token for its user.
    pub fn builder(credentials: impl Credentials) -> DropboxBuilder {
        DropboxBuilder::new(Arc::new(credentials))
    }

    /// As [`builder`](Self::builder), with credentials that others use too.
    pub fn builder_with(credentials: Arc<dyn Credentials>) -> DropboxBuilder {
        DropboxBuilder::new(credentials)
    }

    pub(super) fn new(
        builder: DropboxBuilder,
        client: HttpClient,
        waiting: HttpClient,
        bases: Bases,
        root: Option<&FilePath>,
    ) -> Self {
        let names = NameRules::default()
            .with_case_sensitive(false)
            .with_unicode(UnicodeForm::Nfc)
            .with_forbidden("\\\u{7f}");
        let names = NameRules {
            no_trailing_dot_or_space: true,
            ..names
        };
        let top = Top {
            path: root
                .map_or_else(String::new, |root| {
                    format!("/{}", names.spell(root.as_str()))
                })
                .into(),
            depth: root.map_or(0, |root| root.components().count()),
            namespace: builder.namespace.clone(),
            account_id: builder.account_id.clone(),
        };
        let facts = FileFacts::default()
            .with_names(names)
            .with_time_precision(Duration::from_secs(1))
            .with_hashes(&[HashAlgorithm::Dropbox])
            .with_chunks(builder.rules())
            .with_lists_in_order(true)
            .with_max_file_size(LARGEST);
        let api = |client: HttpClient| {
            Api::new(PLATFORM.id, client)
                .with_judge(judge)
                .with_clock(Arc::clone(&builder.clock))
        };
        let signed = api(client).with_shared_credentials(Arc::clone(&builder.credentials));
        Self {
            calls: Calls::new(signed, api(waiting), bases, builder.namespace.as_deref()),
            facts: Arc::new(facts),
            top: Arc::new(top),
            whole_up_to: builder.whole_up_to,
            app_secret: builder.app_secret,
            unsure: Arc::default(),
            identity: Arc::default(),
        }
    }

    /// Returns the id of the account; it is asked for once.
    pub(super) async fn identity(&self, operation: &'static str) -> Result<&str> {
        if let Some(id) = &self.top.account_id {
            return Ok(id);
        }
        let ask = async || -> Result<Box<str>> {
            let account: CurrentAccount = self
                .calls
                .look(operation, "users/get_current_account")
                .await?;
            Ok(account.account_id)
        };
        let id = self.identity.get_or_try_init(ask).await?;
        Ok(id)
    }
}

impl fmt::Debug for Dropbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dropbox")
            .field("root", &self.top.path)
            .field("namespace", &self.top.namespace)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl PlatformConnector for Dropbox {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    async fn check(&self) -> Result<Health> {
        let operation = "dropbox.check";
        if self.top.path.is_empty() {
            let route = "users/get_current_account";
            let account: CurrentAccount = self.calls.look(operation, route).await?;
            return Ok(match account.disabled {
                false => Health::Healthy,
                true => Health::Degraded("the account is disabled".to_owned()),
            });
        }
        let arg = PathArg {
            path: &self.top.path,
        };
        let found = self
            .calls
            .ask(operation, "files/get_metadata", &arg)
            .await?;
        let missing = || Health::Degraded("the top folder is not there".to_owned());
        match found {
            Ok(Metadata::Folder(_)) => Ok(Health::Healthy),
            Ok(_) => Ok(missing()),
            Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(missing()),
            Err(fault) => Err(fault.into_error(operation)),
        }
    }

    fn files(&self) -> Option<&dyn FileStore> {
        Some(self)
    }

    fn changes(&self) -> Option<&dyn ChangeFeed> {
        Some(self)
    }

    fn links(&self) -> Option<&dyn LinkSharing> {
        Some(self)
    }

    fn webhooks(&self) -> Option<&dyn WebhookSource> {
        self.app_secret.is_some().then_some(self as _)
    }
}
