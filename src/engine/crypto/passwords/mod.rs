//! Passwords of people, kept as hashes that are slow to guess at.

mod argon2id;
#[cfg(feature = "bcrypt")]
mod bcrypt;
mod keeper;
mod policy;

pub use keeper::{PasswordHash, Passwords, Verdict};
pub use policy::PasswordPolicy;
