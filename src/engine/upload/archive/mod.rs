//! ZIP archives: the directory is read, each entry is unpacked and counted, and no byte is written.

mod directory;
mod docx;
mod entries;
mod inflate;
mod tail;

pub(super) use docx::docx;
pub(super) use entries::zip;
pub(super) use inflate::{Inflated, Wrapping, inflate};
pub(super) use tail::hides_archive;
