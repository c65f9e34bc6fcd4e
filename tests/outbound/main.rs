//! Calls to addresses that others have named (S1, S2, S3).
#![cfg(feature = "outbound")]

mod addresses;
#[cfg(feature = "http")]
mod client;
#[cfg(feature = "http")]
mod deliver;
mod names;
#[cfg(feature = "http")]
mod partners;
mod resolving;
#[cfg(feature = "http")]
mod server;
