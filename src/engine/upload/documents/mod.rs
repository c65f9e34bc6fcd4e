//! Documents: read for what they could do, never run.

mod pdf;
mod svg;
mod text;

pub(super) use pdf::pdf;
pub(super) use svg::svg;
pub(super) use text::{Prose, csv, text};
