//! `security/*.json`: published and own lists of attacks and known answers (`security/README.md`).

mod primitives;
mod sealed;

use super::runner::Check;

/// Every list of `security/` and what checks it.
pub(crate) const LISTS: &[(&str, Check)] = &[
    ("security/aes-256-gcm.json", primitives::aes_256_gcm),
    ("security/hkdf-sha256.json", primitives::hkdf),
    ("security/hmac-sha256.json", primitives::hmac_sha256),
    ("security/sealed-file.json", sealed::sealed_file),
];
