//! Files that people hand in: believed in nothing, checked before anybody can read them.
//!
//! - [`inspect()`] is the check itself, a pure function of a policy, what is declared, and the content.
//!   [`UploadCheck`] is the part of it that follows a stream.
//! - [`Delivery`] is the copy that is given out: without positions, comments and what stands behind the end.
//! - [`Uploads`] receives, keeps in quarantine, checks and gives out: nothing can be read before the check
//!   and the host's [`Scanner`] say so.
//! - [`ServeHeaders`] keeps a file from acting as a page of the host's.

mod archive;
mod check;
mod declared;
mod delivery;
mod documents;
mod inspect;
mod kind;
mod pictures;
mod policy;
mod quarantine;
mod serve;
mod sniff;
mod verdict;
mod window;
mod xml;

pub use crate::id::UploadId;
pub use check::UploadCheck;
pub use declared::Declared;
pub use delivery::{Delivery, Piece};
pub use inspect::inspect;
pub use kind::MediaKind;
pub use policy::{ArchiveLimits, UploadPolicy};
pub use quarantine::{
    Copy, Incoming, Limit, ScanResult, ScanTarget, Scanner, Swept, UPLOAD_USAGE, UPLOADS,
    UploadReader, UploadRecord, UploadState, Uploads, UploadsOptions, UsageRecord,
};
pub use serve::ServeHeaders;
pub use verdict::{Finding, Inspection, PictureFacts, Reason, Verdict};
