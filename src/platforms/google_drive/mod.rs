//! Google Drive, by version 3 of its API (feature `google-drive`).
//!
//! One [`GoogleDrive`] is one folder and all below it: the top of My Drive, of a shared drive, or any folder in one of
//! them ([`root_folder`](GoogleDriveBuilder::root_folder), [`shared_drive`](GoogleDriveBuilder::shared_drive)).
//!
//! # Names
//! Drive knows files by their ids; names need not be unique, and may hold anything. Here a path is made of the names of a
//! file and of its folders, and:
//! - Of several files of one name in a folder the oldest, by creation and then by id, holds it. The others are listed as
//!   skipped ([`DuplicateName`](crate::connector::SkipReason::DuplicateName)), and are neither read nor written nor deleted.
//!   When the one that holds the name goes, the next one shows. Of folders likewise, with all that is below them.
//! - A file and a folder of one name do not meet.
//! - Documents of Google's editors are skipped as
//!   [`NoContent`](crate::connector::SkipReason::NoContent), and [exported](GoogleDrive::export) one by one; shortcuts as
//!   [`SymbolicLink`](crate::connector::SkipReason::SymbolicLink); names that cannot be part of a path, such as one with a
//!   `/`, as [`InvalidName`](crate::connector::SkipReason::InvalidName), with all below.
//! - Upper and lower case are two names. Names up to 1,024 bytes are written; Google publishes no bound.
//!
//! # What it promises
//! - A file appears whole or not at all, and its content is replaced in one step. A rename is one step.
//! - Drive has no conditional write. An [`Expect`](crate::connector::Expect) is checked right before the last call, and
//!   after a file was created it is checked that no older one has come meanwhile: of several writers that expect nothing one
//!   wins, the one whose file is older, wherever they run. That somebody replaces a file between the check of its version
//!   and the call that replaces it is not noticed; Drive keeps the content that was lost as a revision for 30 days.
//! - A file is created under an id that Drive has made beforehand. If the answer is lost, creating it again is noticed, and
//!   one file results.
//! - Written content is checked by Drive's MD5, SHA-1 or SHA-256. All of those that Drive has are told; only MD5 is promised,
//!   for a few old files lack the others. Content that is read whole is checked by MD5 at its end; of a part it is checked
//!   after the answer began that the file is still the version that was looked at.
//! - Modified times are kept to the millisecond.
//! - Deleted files go to the bin ([`DriveDeletion::Trash`]), from where people take them back for 30 days.
//! - A listing costs a call for every 1,000 files and folders that the account can see, in My Drive or in the shared drive,
//!   however deep the folders are.
//! - The feed of changes tells what left the top folder and what came in, and all files below a folder that was moved or
//!   renamed. It keeps all folders in memory, and asks for them again when a cursor is not the one it gave last. Two things it
//!   cannot tell then: that a folder was deleted for good, if Drive does not tell of each file in it; and that a file shows
//!   which was hidden behind another of its name, if that one was deleted for good and no listing was made before.
//! - A folder is believed to be where it was for five minutes, unless the feed says otherwise.
//!
//! # Links
//! A link is a permission to read for anyone, or for the members of
//! [`organization_domain`](GoogleDriveBuilder::organization_domain). There is one of each kind for a file: asking again
//! gives the same link, and revoking it ends it for all who have it. Drive ends only what is shared with a person or a group,
//! and asks for no password, so that links which expire or have a password are
//! [`Unsupported`](crate::ErrorKind::Unsupported).
//!
//! # Webhooks
//! A channel on the changes of the account, for a week at most. Drive signs nothing: it sends the secret of the subscription
//! along, so that the address has to be https. A channel cannot be put off, so that renewing makes a new one, with another
//! [`SubscriptionId`](crate::connector::SubscriptionId), and stops the old one. The secret of the subscription holds the
//! address too, as the new channel needs it. Asking again with the same key and request gives the same channel; with
//! another address or secret it makes another one.
//!
//! # Credentials
//! OAuth 2.0 with the scope `https://www.googleapis.com/auth/drive`, or `drive.file` for the files alone that the app has
//! made or that people have opened with it (others are then not seen). A project in the Google Cloud console with the Drive
//! API enabled gives client id and secret; `https://oauth2.googleapis.com/token` gives tokens. A service account has no
//! room of its own: give it a shared drive, or let it act for a user.
//! [How to](https://developers.google.com/workspace/drive/api/guides/about-auth).
//!
//! # Limits
//! - Files up to 5 TiB; 750 GB a day are written for a user; 500,000 items in a shared drive
//!   ([limits](https://support.google.com/a/answer/7338880)).
//! - [Quotas](https://developers.google.com/workspace/drive/api/guides/limits) are counted in units that differ by call, so
//!   that no number of requests is stated here. Drive says 403 `userRateLimitExceeded` or 429 when it is too much, and that is
//!   [`RateLimited`](crate::ErrorKind::RateLimited).
//!
//! # Not supported
//! Writing documents of Google's editors, following shortcuts, files shared with the account that lie in no folder of it,
//! revisions, and turning a file into a document: a media type of Google's own is left out when a file is written.
//!
//! # Example
//!
//! ```no_run
//! use futures_util::TryStreamExt as _;
//! use garland::connector::PlatformConnector as _;
//! use garland::connector::kit::{AccessToken, Bearer};
//! use garland::platforms::GoogleDrive;
//!
//! # async fn run(token: &str) -> garland::Result<()> {
//! let drive = GoogleDrive::builder(Bearer::new(AccessToken::new(token))).build()?;
//! if let Some(files) = drive.files() {
//!     let mut pages = files.list();
//!     while let Some(page) = pages.try_next().await? {
//!         for entry in page.entries {
//!             println!("{} ({} bytes)", entry.path, entry.version.size);
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod account;
mod calls;
mod config;
mod error;
mod feed;
mod files;
mod folders;
mod links;
mod list;
mod model;
mod news;
mod read;
mod tree;
mod unsure;
mod upload;
mod webhooks;
mod write;

pub use account::GoogleDrive;
pub use config::{DriveDeletion, GoogleDriveBuilder};
