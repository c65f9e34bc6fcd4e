//! `security/*.json`: published and own lists of attacks and known answers (`security/README.md`).

mod html;
mod primitives;
mod text;
mod uploads;

use super::runner::Check;

/// Every list of `security/` and what checks it.
pub(crate) const LISTS: &[(&str, Check)] = &[
    ("security/hkdf-sha256.json", primitives::hkdf),
    ("security/filenames.json", text::filenames),
    ("security/path-traversal.json", text::traversal),
    ("security/xss.json", text::xss),
    ("security/uploads.json", uploads::uploads),
];
