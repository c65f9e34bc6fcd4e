//! Merging XMP sidecars, as two people have rated and tagged the same picture (feature `xmp`).
//!
//! The parts: bounds on what is read at all, the reading, the rules, the writing.

mod bounds;
mod dates;
mod merger;
mod packet;
mod read;
mod rules;
mod write;

pub use merger::XmpMerger;
