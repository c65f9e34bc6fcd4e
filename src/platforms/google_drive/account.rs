//! The account.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::connector::kit::{Api, BaseUrl, Credentials, FolderIds, HttpClient, HttpRequest};
use crate::connector::{
    AuthKind, Category, ChangeFeed, FileFacts, FileStore, HashAlgorithm, Health, LinkSharing,
    NameRules, Platform, PlatformConnector, WebhookSource,
};
use crate::error::Result;

use super::calls::{Calls, for_all_drives};
use super::config::GoogleDriveBuilder;
use super::error::judge;
use super::feed::Known;
use super::folders::DriveFolders;
use super::unsure::Unsure;

static PLATFORM: Platform = Platform::new(
    "google-drive",
    "Google Drive",
    Category::Cloud,
    AuthKind::OAuth2,
);

/// The largest file: 5 TiB, as the description of the API has it.
const LARGEST: u64 = 5 << 40;

/// The longest name that is written, in bytes. Google publishes no bound.
const LONGEST_NAME: usize = 1_024;

/// An account on Google Drive: a folder of My Drive or of a shared drive, and all below it.
///
/// What it promises is on the page of [its module](crate::platforms::google_drive). Cheap to clone; clones share what they know of folders.
#[derive(Clone)]
pub struct GoogleDrive {
    pub(super) calls: Arc<Calls>,
    pub(super) folders: FolderIds<DriveFolders>,
    pub(super) facts: Arc<FileFacts>,
    pub(super) settings: Arc<Settings>,
    pub(super) unsure: Arc<Unsure>,
    pub(super) known: Arc<Mutex<Known>>,
}

/// What is not about calls.
pub(super) struct Settings {
    pub(super) domain: Option<Box<str>>,
    pub(super) whole_up_to: u64,
    pub(super) channel_lifetime: Duration,
}

impl GoogleDrive {
    /// Sets up an account with these credentials: OAuth 2.0 in the user's name, or a service account.
    pub fn builder(credentials: impl Credentials) -> GoogleDriveBuilder {
        GoogleDriveBuilder::new(Arc::new(credentials))
    }

    pub(super) fn new(
        builder: GoogleDriveBuilder,
        client: HttpClient,
        base: BaseUrl,
        upload_base: BaseUrl,
    ) -> Result<Self> {
        let rules = builder.rules();
        let clock = builder.clock;
        let api = Api::new(PLATFORM.id, client)
            .with_shared_credentials(builder.credentials)
            .with_judge(judge)
            .with_clock(Arc::clone(&clock));
        // The top folder of a shared drive has the id of the drive.
        let root = builder.root.or_else(|| builder.shared_drive.clone());
        let root = root.unwrap_or_else(|| "root".into());
        let calls = Arc::new(Calls {
            api,
            base,
            upload_base,
            shared_drive: builder.shared_drive,
            deletion: builder.deletion,
            root: root.clone(),
            root_id: OnceCell::new(),
            spare_ids: Mutex::default(),
        });
        let folders = DriveFolders(Arc::clone(&calls));
        let folders = FolderIds::new(folders, root, clock)?;
        let facts = FileFacts::default()
            .with_names(NameRules::default().with_max_name(LONGEST_NAME))
            .with_time_precision(Duration::from_millis(1))
            .with_hashes(&[HashAlgorithm::Md5])
            .with_chunks(rules)
            .with_lists_in_order(true)
            .with_max_file_size(LARGEST);
        Ok(Self {
            calls,
            folders,
            facts: Arc::new(facts),
            settings: Arc::new(Settings {
                domain: builder.domain,
                whole_up_to: builder.whole_up_to,
                channel_lifetime: builder.channel_lifetime,
            }),
            unsure: Arc::default(),
            known: Arc::default(),
        })
    }
}

impl fmt::Debug for GoogleDrive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleDrive")
            .field("root", &self.calls.root)
            .field("shared_drive", &self.calls.shared_drive)
            .finish_non_exhaustive()
    }
}

/// How the top folder is doing.
#[derive(Debug, Deserialize)]
struct Top {
    #[serde(default)]
    trashed: bool,
    #[serde(default)]
    capabilities: Capabilities,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Capabilities {
    can_add_children: Option<bool>,
}

#[async_trait]
impl PlatformConnector for GoogleDrive {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    async fn check(&self) -> Result<Health> {
        let request = HttpRequest::get(self.calls.file_at(&self.calls.root, ""));
        let request =
            for_all_drives(request).query("fields", "trashed,capabilities/canAddChildren");
        let top: Top = self.calls.api.json("google_drive.check", request).await?;
        if top.trashed {
            return Ok(Health::Degraded("the top folder is in the bin".to_owned()));
        }
        if top.capabilities.can_add_children == Some(false) {
            let text = "nothing can be written into the top folder";
            return Ok(Health::Degraded(text.to_owned()));
        }
        Ok(Health::Healthy)
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
        Some(self)
    }
}
