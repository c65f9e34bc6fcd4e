//! Dropbox, by version 2 of its API (feature `dropbox`).
//!
//! One [`Dropbox`] is all that an app sees of an account, or a folder of it and all below
//! ([`root_folder`](DropboxBuilder::root_folder)), in the user's home or in another
//! [`namespace`](DropboxBuilder::namespace), such as a team space.
//!
//! # Names
//! - Upper and lower case are one name, and so are all spellings of a character; Dropbox keeps the case and composes the
//!   characters (NFC). A file is told as Dropbox shows it, so that an upload to `day/b.jpg` may appear as `Day/b.jpg`. Dropbox
//!   promises the case of the last name alone: that of folders may differ from one answer to the next.
//! - A name has up to 255 bytes here (Dropbox counts 255 characters), no `\` and no DEL, and no space at its end. Dots at the
//!   end are refused too, though Dropbox would take them. What else Dropbox ignores, such as `desktop.ini` or `Thumbs.db`, it
//!   refuses itself, as [`InvalidInput`](crate::ErrorKind::InvalidInput)
//!   ([names](https://help.dropbox.com/organize/file-names)).
//! - A file and a folder cannot have one name.
//! - Documents of Dropbox's editors and others that cannot be downloaded are skipped as
//!   [`NoContent`](crate::connector::SkipReason::NoContent), links of a file system as
//!   [`SymbolicLink`](crate::connector::SkipReason::SymbolicLink).
//!
//! # What it promises
//! - A file appears whole or not at all, and is replaced in one step.
//! - [`Expect::Absent`](crate::connector::Expect) and `Expect::Version` are checked by Dropbox itself at the moment a file is
//!   written, and so is the version of a delete: of several writers one wins, wherever they run. A version whose revision is
//!   another but whose content is the same counts as that version; it is found by looking after the refusal.
//! - A rename checks the version right before and right after: what was written to in between goes back. It never replaces a
//!   file. Dropbox gives a file its name in another case only by way of another name; a rename that stops half the way leaves
//!   it beside as `renaming-…`, and the same rename again finishes it.
//! - A copy is of the version asked for: another is removed again. Dropbox does not copy over a file, so that such a copy is
//!   `None`.
//! - An answer that was lost leaves one file: writing the same again is noticed, also where nothing was expected, as long as
//!   the connector lives and the content hash was computed or the file goes in one call.
//! - Content is checked by Dropbox's own content hash: what goes in one call before it appears, if the hash was computed; what
//!   goes in chunks after it has appeared; and what is read whole at its end. A part that is read comes with the revision it
//!   is of, in the same answer.
//! - Modified times are kept to the second, rounded down.
//! - Deleted and replaced files are kept by Dropbox for 30 days or longer, by plan.
//! - A listing costs a call for every 2,000 files and folders, however deep they are, and is ordered.
//!
//! # Changes
//! The feed tells files, deletions of files and of whole folders, and all files of a folder that came or changed itself, for
//! which the topmost such folder is listed. A cursor of another account or folder has expired; to know the account, Dropbox is asked for
//! its id once, unless it is [configured](DropboxBuilder::account_id). That only the case of a name changed is not told.
//! [`wait_for_changes`](Dropbox::wait_for_changes) waits until there is something to tell.
//!
//! # Links
//! A link to read for anyone or, on a team, for its members, with an end and a password where the plan has them. Dropbox has
//! one link to read for each file: asking again returns it if it reaches those who were asked for, ends no later and has no
//! password; otherwise it is [`Unsupported`](crate::ErrorKind::Unsupported) until that link is revoked. So is what the plan or
//! the team does not allow; a wider link is revoked again at once.
//!
//! # Webhooks
//! The address is entered by hand in the app console, once for the app, and is called for all its accounts: hand each
//! delivery to all connectors of the app. With [`app_secret`](DropboxBuilder::app_secret) they are checked (HMAC-SHA256 over
//! the body). A delivery names accounts and says no more. The answer to the handshake is to be sent with
//! `X-Content-Type-Options: nosniff`. Deliveries carry neither time nor number, so that a repetition cannot be told; it costs
//! a look at the feed.
//!
//! # Credentials
//! OAuth 2.0 with PKCE and `token_access_type=offline`, an app of the [app console](https://www.dropbox.com/developers/apps)
//! with the scopes `account_info.read`, `files.metadata.read`, `files.content.read`, `files.content.write`, and for links
//! `sharing.read` and `sharing.write` ([guide](https://developers.dropbox.com/oauth-guide)). `https://api.dropboxapi.com/oauth2/token`
//! gives tokens; they live for four hours.
//!
//! # Limits
//! - Files up to 2 TiB less 4 MiB. An upload session is forgotten after seven days.
//! - Dropbox publishes no numbers of requests. It says 429, or `too_many_write_operations` when much is written into one
//!   namespace at a time, and that is [`RateLimited`](crate::ErrorKind::RateLimited)
//!   ([performance guide](https://developers.dropbox.com/dbx-performance-guide)).
//!
//! # Not supported
//! Concurrent upload sessions and batches, exports of documents, team tokens that act for a member, file requests, properties.
//!
//! # Example
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use garland::connector::PlatformConnector as _;
//! use garland::connector::kit::{AccessToken, Bearer};
//! use garland::platforms::Dropbox;
//!
//! # async fn run(token: &str) -> garland::Result<()> {
//! let dropbox = Dropbox::builder(Bearer::new(AccessToken::new(token))).build()?;
//! if let Some(feed) = dropbox.changes() {
//!     let cursor = feed.start().await?;
//!     let news = dropbox.wait_for_changes(&cursor, Duration::from_secs(60)).await?;
//!     if news.changed {
//!         let page = feed.changes(&cursor).await?;
//!         println!("{} changes", page.changes.len());
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod account;
mod calls;
mod config;
mod error;
mod expect;
mod feed;
mod files;
mod links;
mod list;
mod model;
mod place;
mod read;
mod unsure;
mod upload;
mod webhooks;
mod write;

pub use account::Dropbox;
pub use config::DropboxBuilder;
pub use feed::DropboxNews;
