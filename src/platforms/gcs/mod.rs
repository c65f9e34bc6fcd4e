//! Google Cloud Storage: a bucket, or all below a folder of it.
//!
//! **Credentials.** A [service account](https://cloud.google.com/iam/docs/service-accounts-create) with the role
//! `Storage Object User` on the bucket, by its key in JSON; the service account of a machine at Google; or a user's consent
//! to the scope `https://www.googleapis.com/auth/devstorage.read_write`, by whatever
//! [`Credentials`](crate::connector::kit::Credentials) the host has for it.
//!
//! **What is promised.** A file appears whole and at once. [`Expect`](crate::connector::Expect) is a condition of every call
//! that writes a whole file, copies or removes, by the [generation][conditions] of the file, and kept by the server. An upload
//! in chunks has the condition from its beginning, and is looked at once more before its last chunk. A rename is a copy and a
//! delete: cut off in between, the file is there twice. A version is told by its generation.
//!
//! **Sizes.** Files up to [`chunk_size`](GcsOptions::chunk_size) go in one call, others by a resumable upload, which lasts
//! [a week](https://cloud.google.com/storage/docs/resumable-uploads). A file is at most
//! [5 TiB](https://cloud.google.com/storage/quotas#objects). One path takes about one write a second.
//!
//! **Hashes.** Every file has a CRC-32C, and an MD5 but for those that others have composed of several. The server checks the
//! CRC-32C of a small file, and its MD5 where garland has computed one; what it tells of any file is held against what was
//! sent.
//!
//! **Times.** The modified time of the source is kept in the metadata `mtime`, as rclone keeps it, and told by every listing
//! to the millisecond. A file that others have made without it is told with the time of its upload.
//!
//! **Names.** A name is at most 1,024 bytes ([rules](https://cloud.google.com/storage/docs/objects#naming)); control
//! characters are not taken.
//!
//! **Links** are signed by the service account, for 7 days at most, and only there. They are neither listed nor taken back.
//!
//! **Not supported**: older generations, holds and retention beyond what the server refuses, keys of customers, requester
//! pays, hierarchical namespaces as such, a feed of changes.
//!
//! [conditions]: https://cloud.google.com/storage/docs/request-preconditions

mod account;
mod bucket;
mod config;
mod credentials;
mod error;
mod model;
mod resumable;

pub use account::Gcs;
pub use config::GcsOptions;
pub use credentials::ServiceAccount;
