//! Files between the moment somebody sends them and the moment somebody may read them.
//!
//! The bytes lie in parts under the upload's id on a connector of the host's choice; what is known about
//! them is one record. A record is written before its bytes and deleted after them, and every commit
//! carries the exact usage, so that a crash at any step leaves something that
//! [`Uploads::sweep`] takes away, or a file in quarantine that can be checked again.

mod incoming;
mod options;
mod parts;
mod reader;
mod records;
mod remote;
mod scanner;
mod service;
mod settle;
mod sweep;
mod usage;

pub use incoming::Incoming;
pub use options::{Limit, UploadsOptions};
pub use reader::{Copy, UploadReader};
pub use records::{UPLOADS, UploadRecord, UploadState};
pub use scanner::{ScanResult, ScanTarget, Scanner};
pub use service::Uploads;
pub use sweep::Swept;
pub use usage::{UPLOAD_USAGE, UsageRecord};
