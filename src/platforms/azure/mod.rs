//! Azure Blob Storage: a container, or all below a folder of it, as block blobs.
//!
//! **Credentials.** An account key, a shared access signature with the permissions `rwdlc` on the container
//! ([how](https://learn.microsoft.com/en-us/azure/storage/common/storage-sas-overview)), or an application or a machine that
//! Entra ID knows, with the role `Storage Blob Data Contributor`
//! ([roles](https://learn.microsoft.com/en-us/azure/storage/blobs/assign-azure-role-data-access)).
//!
//! **What is promised.** A file appears whole and at once. [`Expect`](crate::connector::Expect) is a condition of every call
//! that writes, copies or removes ([conditional headers][conditions]), and kept by the server. A rename is a copy and a
//! delete: cut off in between, the file is there twice. A version is told by its `ETag`. Accounts with a hierarchical
//! namespace are used as any other.
//!
//! **Sizes.** Files up to [`chunk_size`](AzureOptions::chunk_size) go in one call, others in blocks, at most 50,000 of up to
//! 4,000 MiB ([limits](https://learn.microsoft.com/en-us/azure/storage/blobs/scalability-targets)). Blocks that nobody commits
//! are gone after a week; there is no call that removes them.
//!
//! **Hashes.** The MD5 of a file is kept with it where garland or another client has computed one, and is then part of every
//! listing. A file that was sent in one call without one gets one from the server. The server checks the MD5 of every body
//! that garland sends.
//!
//! **Times.** The modified time of the source is kept in the metadata `mtime`, as rclone keeps it, and told by every listing
//! to the millisecond. A blob that others have made without it is told with the time of its upload, to the second.
//!
//! **Names.** A name has at most 1,024 characters; control characters are not taken, nor names that end in a dot, which
//! libraries of the vendor cut off.
//!
//! **Links** are shared access signatures by the account key, or by a key that Entra ID lends, for 7 days at most. They are
//! neither listed nor taken back. Names with other characters than letters of ASCII, digits and `-._~` have none: the signature
//! is made over the encoded name, where the server takes the plain one.
//!
//! **Not supported**: append and page blobs are read and not written, snapshots and older versions, leases, keys of customers,
//! a feed of changes.
//!
//! [conditions]: https://learn.microsoft.com/en-us/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations

mod account;
mod blocks;
mod config;
mod container;
mod copy;
mod credentials;
mod error;
mod model;

pub use account::AzureBlob;
pub use config::AzureOptions;
pub use credentials::AzureCredentials;
