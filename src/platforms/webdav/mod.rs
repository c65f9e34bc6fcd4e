//! WebDAV servers, Nextcloud and ownCloud (feature `webdav`).

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
