//! Permissions by a host's own policies of [Cedar](https://docs.cedarpolicy.com).
//!
//! A [`CedarResolver`] holds, for each organization, [`CedarPolicies`]: a policy set and entities at one revision. What is
//! asked becomes a request of Cedar:
//!
//! | asked | request |
//! | --- | --- |
//! | [`Actor::User`](super::Actor), `Service`, `Host` | principal `User::"id"`, `Service::"id"`, `Host::"host"` |
//! | [`Action`](super::Action) | action `Action::"area.verb"` |
//! | [`Resource`](super::Resource) | resource `kind::"id"` |
//! | organization and instant | `context.organization` (text) and `context.now` (a `datetime`) |
//! | what the host adds | [`CedarPolicies::with_context`] |
//!
//! # Policies that cannot be evaluated
//!
//! Cedar [skips a policy](https://docs.cedarpolicy.com/auth/authorization.html) whose evaluation fails, as one that reads an
//! attribute which is not there. A `permit` that is skipped gives nothing, but a `forbid` that is skipped forbids nothing: what
//! it was to keep shut stands open. Here any failure denies the resource it happened for, whatever the other policies say,
//! with the reason `cedar_error` and the names of the policies. A policy that may meet a missing attribute says so with `has`.
//!
//! # Order of JSON objects
//!
//! Cedar turns on the feature `preserve_order` of `serde_json`, and a feature is on for the whole program: with `cedar`, the
//! keys of every [`serde_json::Map`] stand in the order in which they were put in, and no longer sorted. No decision
//! depends on either order; a host that hashes, signs or compares JSON as text has to sort the keys itself.

mod policies;
mod resolver;

pub use cedar_policy;
pub use policies::CedarPolicies;
pub use resolver::CedarResolver;
