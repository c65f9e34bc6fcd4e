//! What connectors over HTTP are made of, for garland's own and for a host's.
//!
//! - [`HttpClient`] sends an [`HttpRequest`]: no redirect followed, no cookie, no proxy of the environment, nothing retried,
//!   and no wait without an end. One client serves all accounts of a platform.
//! - [`Api`] is an account's way to its platform: it adds the [`Credentials`], asks for newer ones when the platform refuses
//!   them, and turns every answer that is not a good one into an [`Error`](crate::Error) of the right kind.
//! - [`pages`] makes a stream of a listing that comes in pages, and stops at one that goes in a circle.
//! - [`Uploads`] drives an [`UploadProtocol`] as [`UploadSession`](super::UploadSession)s: chunks as the platform wants them,
//!   tokens that survive a restart, the platform asked how far it is.
//! - [`FolderIds`] finds folders by path where a platform knows them by id, and makes them once.
//!
//! Addresses are data ([`BaseUrl`]), so that any of them can be a test's.

mod answer;
mod api;
mod base_url;
mod body;
mod client;
mod credentials;
mod folder_ids;
mod multipart;
mod options;
mod paging;
mod refusal;
mod request;
mod streamed;
mod upload;

pub use answer::HttpAnswer;
pub use api::Api;
pub use base_url::{BaseUrl, encode_path, encode_segment};
pub use client::HttpClient;
pub use credentials::{AccessToken, Anonymous, BasicLogin, Bearer, Credentials, HeaderKey};
pub use folder_ids::{FolderIds, Folders};
pub use multipart::{Multipart, Part};
pub use options::HttpOptions;
pub use paging::pages;
pub use refusal::{Judge, Refusal, Verdict};
pub use request::HttpRequest;
pub use streamed::BodySender;
pub use upload::{Begun, UploadProtocol, Uploads};
