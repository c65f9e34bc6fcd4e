//! Moving files: one read feeds all hashes and every destination.
//!
//! [`Mover::run`] reads a source once and gives each piece to the hasher and to one lane for each
//! destination. Lanes go at their own pace within a common memory budget; nothing appears anywhere
//! before the whole source was read and has the hashes its platform reports, and what a destination
//! says it stored is held against what was read. Calls that may pass are tried again; large uploads
//! are written down and go on after a restart.

mod backlog;
mod budget;
mod calls;
mod hashing;
mod job;
mod lane;
mod meter;
mod mover;
mod options;
mod source;
mod throttle;
mod uploads;
mod verify;

pub(crate) use calls::{Calls, cancelled};
pub use job::{Destination, Moved, TransferJob};
pub use meter::Meter;
pub use mover::Mover;
pub use options::{RetryPolicy, TransferOptions, Verify};
pub use uploads::{TRANSFER_UPLOADS, UploadRecord};
