//! `security/*.json`: published and own lists of attacks and known answers (`security/README.md`).

mod primitives;
mod tokens;

use super::runner::Check;

/// Every list of `security/` and what checks it.
pub(crate) const LISTS: &[(&str, Check)] = &[
    ("security/hkdf-sha256.json", primitives::hkdf),
    ("security/jws-hs256.json", tokens::jws_hs256),
    ("security/jws-other-algs.json", tokens::jws_other_algs),
    ("security/jwt-claims.json", tokens::jwt_claims),
    ("security/pkce.json", tokens::pkce),
];
