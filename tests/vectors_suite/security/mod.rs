//! `security/*.json`: published and own lists of attacks and known answers (`security/README.md`).

mod keys;
mod primitives;

use super::runner::Check;

/// Every list of `security/` and what checks it.
pub(crate) const LISTS: &[(&str, Check)] = &[
    ("security/hkdf-sha256.json", primitives::hkdf),
    ("security/pbkdf2-hmac-sha256.json", keys::pbkdf2),
    ("security/sealed-file.json", keys::wrap_record),
];
