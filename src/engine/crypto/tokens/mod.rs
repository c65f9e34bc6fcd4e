//! Tokens: who acts, where, and what they may, for as long as nobody takes it back.
//!
//! [`TokenService`] makes access and refresh tokens, checks them and takes them back. Nothing but its
//! [`verify`](TokenService::verify) makes a [`Verified`]. Whoever is turned away hears [`Denied`], the
//! same words whatever the reason; the host's logs get a [`DenyReason`].

mod access;
mod claims;
mod denied;
mod grant;
pub(crate) mod jws;
pub(crate) mod key;
mod permission;
mod policy;
mod records;
mod refresh;
mod revocations;
mod service;
mod signout;
mod view;

pub use denied::{Denied, DenyReason};
pub use grant::{Grant, Issued, SessionId, Verified};
pub use key::{KeyId, KeySet, KeyUse, SigningKey};
pub use permission::{KnownPermissions, Permission};
pub(crate) use policy::SKEW;
pub use policy::TokenPolicy;
pub use records::{
    Revocation, RevocationCount, Revoked, Session, TOKEN_REVOCATION_COUNT, TOKEN_REVOCATIONS,
    TOKEN_SESSIONS,
};
pub use service::{TokenKeys, TokenService};
