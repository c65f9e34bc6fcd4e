//! `security/*.json`: published and own lists of attacks and known answers (`security/README.md`).

mod primitives;
mod urls;
mod webhooks;

use super::runner::Check;

/// Every list of `security/` and what checks it.
pub(crate) const LISTS: &[(&str, Check)] = &[
    ("security/hkdf-sha256.json", primitives::hkdf),
    ("security/ssrf-urls.json", urls::ssrf),
    ("security/webhooks.json", webhooks::webhooks),
];
