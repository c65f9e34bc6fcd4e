//! `security/*.json`: published and own lists of attacks and known answers (`security/README.md`).

mod html;
mod keys;
mod primitives;
mod sealed;
mod text;
mod tokens;
mod uploads;
mod urls;
mod webhooks;

use super::runner::Check;

/// Every list of `security/` and what checks it.
pub(crate) const LISTS: &[(&str, Check)] = &[
    ("security/aes-256-gcm.json", primitives::aes_256_gcm),
    ("security/filenames.json", text::filenames),
    ("security/hkdf-sha256.json", primitives::hkdf),
    ("security/hmac-sha256.json", primitives::hmac_sha256),
    ("security/jws-hs256.json", tokens::jws_hs256),
    ("security/jws-other-algs.json", tokens::jws_other_algs),
    ("security/jwt-claims.json", tokens::jwt_claims),
    ("security/path-traversal.json", text::traversal),
    ("security/pbkdf2-hmac-sha256.json", keys::pbkdf2),
    ("security/pkce.json", tokens::pkce),
    ("security/sealed-file.json", sealed::sealed_file),
    ("security/ssrf-urls.json", urls::ssrf),
    ("security/uploads.json", uploads::uploads),
    ("security/webhooks.json", webhooks::webhooks),
    ("security/xss.json", text::xss),
];
