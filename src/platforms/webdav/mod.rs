//! WebDAV servers, Nextcloud and ownCloud (feature `webdav`).
//!
//! One [`WebDav`] is one folder on a server and all below it. [`WebDav::nextcloud`] and [`WebDav::owncloud`] know where
//! their files are; [`WebDav::builder`] takes any address, and [`WebDavProfile`] says what its server can do beyond the
//! standard ([RFC 4918](https://www.rfc-editor.org/rfc/rfc4918)).
//!
//! # What it promises
//! - A file appears whole: it is written under `.garland/uploads/` and moved to its place. Nextcloud does that by itself:
//!   there a small file is written in place, and a large one is put together from its chunks.
//! - Nothing but a file is ever replaced; a folder in the way is [`AlreadyExists`](crate::ErrorKind::AlreadyExists).
//! - [`Expect::Absent`](crate::connector::Expect::Absent) is `Overwrite: F`, and for a small file on Nextcloud
//!   `If-None-Match: *`. Whether a server looks and moves in one step is its own matter: several writers that use one
//!   [`WebDav`] wait for each other here, others may meet between its look and its move.
//! - [`Expect::Version`](crate::connector::Expect::Version) is looked at right before the call, and its `ETag` goes along as
//!   a condition (`If` with a tagged list, `If-Match` for deletes), so that servers that honour it check once more. Apache,
//!   Nextcloud and ownCloud do. `WsgiDAV` does for deletes alone. rclone does for none, so that with it the moment between
//!   look and call is open. A server that refuses a condition though nothing has changed is asked again without it.
//! - A rename is one step, and replaces nothing. A copy goes through `.garland/uploads/` too, for servers show a copy while it
//!   grows; rclone makes none, since its copies lose their time.
//! - If the answer to the last call of an upload is lost, it is looked whether the file is there, and one file results.
//! - The `ETag` is the revision, without its mark of weakness, which servers change with the age of a file.
//! - A listing asks for each folder by itself, [some at a time](WebDavBuilder::concurrent_listings), or for
//!   [all at once](WebDavBuilder::depth_infinity). Pages come in no order.
//! - What a server tells is read with care: no DTD and so no entities, paths that lead outside are errors or are skipped, and
//!   no address of a listing is ever called.
//!
//! # Times and hashes
//! Times are kept to the second by Nextcloud, ownCloud and rclone, by the header `X-OC-Mtime`; it is sent to all, and
//! [`keeps_times`](WebDavBuilder::keeps_times) says that another server keeps it too. Nextcloud and ownCloud tell the
//! checksums that came with a file, which for files of garland is SHA-1 of small ones, and of large ones on Nextcloud where
//! it was computed on the way. None is promised for every file, and Nextcloud believes what it is told.
//!
//! # Uploads
//! - Nextcloud takes large files in chunks of 5 MiB to 64 MiB ([chunked upload, version 2][chunks]), 10,000 at most, which
//!   can be gone on with by a token for 24 hours after the last one. A file up to a chunk goes in one call.
//! - WebDAV has no chunks: `PUT` with `Content-Range` is forbidden ([RFC 9110 §14.5][range]). To all other servers a large
//!   file goes in one call that is written while it is read, a chunk in memory. It cannot be gone on with: an upload that
//!   breaks begins anew. What a crash leaves in `.garland/uploads/` stays there until somebody deletes it; nothing in it is
//!   needed when no upload is under way.
//!
//! # Names
//! Nextcloud and ownCloud take no `\`, no control characters and 250 bytes at most; their administrators may forbid more,
//! which is [`InvalidInput`](crate::ErrorKind::InvalidInput) or [`Denied`](crate::ErrorKind::Denied) when a file is written.
//! Other servers have the rules of their disk; the default is that of Unix, and [`names`](WebDavBuilder::names) sets another,
//! such as [`NameRules::windows`](crate::connector::NameRules::windows). To change nothing but the case of a name is refused
//! by servers that ignore case.
//!
//! # Links
//! Nextcloud and ownCloud make links for anyone ([OCS Share API][ocs]), with a password and an end. A link ends at midnight
//! where its owner is; as the server does not say where that is, it ends up to two days before the time asked for,
//! never after it. Links for an organization are [`Unsupported`](crate::ErrorKind::Unsupported).
//!
//! # Credentials
//! A name and a password ([`BasicLogin`](crate::connector::kit::BasicLogin)), or a bearer token
//! ([`Bearer`](crate::connector::kit::Bearer)). On Nextcloud make an app password (Settings, Security): with two factors the
//! own password is not taken. Digest and Negotiate are not spoken.
//!
//! # Limits
//! Servers publish none; proxies before them limit the size of a request and the time it takes. An answer to a listing is
//! read up to 32 MiB, about 40,000 files in one folder.
//!
//! # Not supported
//! A feed of changes: the standard has none, and a cursor of the `ETag`s of all folders, by which Nextcloud could be walked,
//! would be as long as the account is deep. Locks (`LOCK`), versions and the bin of Nextcloud, ownCloud's own chunks,
//! Nextcloud's end-to-end encryption.
//!
//! # Example
//!
//! ```no_run
//! use futures_util::TryStreamExt as _;
//! use garland::connector::PlatformConnector as _;
//! use garland::connector::kit::BasicLogin;
//! use garland::platforms::WebDav;
//!
//! # async fn run(app_password: &str) -> garland::Result<()> {
//! let login = BasicLogin::new("ada", app_password);
//! let cloud = WebDav::nextcloud(&"https://cloud.example.org".parse()?, "ada", login)?.build()?;
//! if let Some(files) = cloud.files() {
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
//!
//! [chunks]: https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/chunking.html
//! [ocs]: https://docs.nextcloud.com/server/latest/developer_manual/client_apis/OCS/ocs-share-api.html
//! [range]: https://www.rfc-editor.org/rfc/rfc9110#section-14.5

mod account;
mod calls;
mod chunked;
mod config;
mod error;
mod files;
mod links;
mod list;
mod place;
mod read;
mod session;
mod xml;

pub use account::WebDav;
pub use config::{WebDavBuilder, WebDavProfile};
