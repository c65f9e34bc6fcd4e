//! Pictures: their structure is walked from end to end, and no pixel is decoded.

mod boxes;
mod edits;
mod exif;
mod gif;
mod jpeg;
mod mp4;
mod picture;
mod png;
mod tiff;
mod track;
mod webp;

pub(super) use gif::gif;
pub(super) use jpeg::jpeg;
pub(super) use mp4::mp4;
pub(super) use picture::Picture;
pub(super) use png::png;
pub(super) use tiff::tiff;
pub(super) use webp::webp;
