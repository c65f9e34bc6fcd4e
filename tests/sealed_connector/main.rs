//! Accounts that keep sealed files only: as good as any other, and on their worst days.
#![cfg(all(feature = "crypto", feature = "testing"))]

mod conformance;
mod world;
