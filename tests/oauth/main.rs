//! Accounts connected by OAuth 2.0: against a provider of the tests' own that can have bad days, and against a certified one.

#[path = "../common/between.rs"]
mod between;
#[path = "../common/clock.rs"]
mod clock;
mod code;
mod crashes;
mod device;
mod fake;
mod loopback;
mod oidc;
mod own_name;
mod reconnects;
mod refreshes;
#[path = "../common/root.rs"]
mod root;
mod secrets;
mod tenants;
mod world;
