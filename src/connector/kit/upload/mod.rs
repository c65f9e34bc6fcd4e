//! Uploads in the chunks that a platform wants.

mod protocol;
mod session;
mod token;
mod uploads;

pub use protocol::{Begun, UploadProtocol};
pub use uploads::Uploads;
