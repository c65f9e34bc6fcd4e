//! Bcrypt hashes of an older system: only ever verified.

use bcrypt::{BcryptError, HashParts};

use crate::error::{Error, ErrorKind, Result};

/// Bcrypt looks at no more bytes than these.
const LONGEST: usize = 72;
/// What is cheaper to guess at is refused.
const LEAST_COST: u32 = 10;
/// What takes minutes is refused.
const MOST_COST: u32 = 16;

/// Tells whether a stored hash is one of bcrypt's.
pub(super) fn is_one(stored: &str) -> bool {
    stored.starts_with("$2")
}

/// A hash that may be verified.
pub(super) struct Parsed(String);

/// Reads a hash and checks what it asks for, before anything is spent on it.
pub(super) fn parse(stored: &str) -> Result<Parsed> {
    let fault = |kind, message: &str| Error::new(kind, "passwords.verify", message);
    // `2x` marks the hashes of a version that mangled some characters.
    let known = ["$2a$", "$2b$", "$2y$"];
    if !known.iter().any(|prefix| stored.starts_with(prefix)) {
        return Err(fault(
            ErrorKind::Unsupported,
            "this version of bcrypt is not taken over: ask for a new password",
        ));
    }
    let parts: HashParts = stored.parse().map_err(|cause: BcryptError| {
        // Its words quote nothing of the hash.
        fault(ErrorKind::Corrupt, "the stored hash cannot be read").with_source(cause.to_string())
    })?;
    let cost = parts.get_cost();
    if cost < LEAST_COST {
        return Err(fault(
            ErrorKind::Refused,
            "this bcrypt hash is too cheap to guess at: ask for a new password",
        )
        .with_context("cost", cost)
        .with_context("least", LEAST_COST));
    }
    if cost > MOST_COST {
        return Err(
            fault(ErrorKind::LimitExceeded, "this bcrypt hash takes too long")
                .with_context("cost", cost)
                .with_context("most", MOST_COST),
        );
    }
    Ok(Parsed(stored.to_owned()))
}

/// Checks that bcrypt would look at all of a password.
pub(super) fn check(password: &[u8]) -> Result<()> {
    let fault = |message: &str| Error::new(ErrorKind::InvalidInput, "passwords.verify", message);
    if password.len() > LONGEST {
        return Err(fault(
            "bcrypt looks at 72 bytes only, and a password is never cut",
        ));
    }
    if password.contains(&0) {
        return Err(fault("bcrypt ends a password at a zero byte"));
    }
    Ok(())
}

impl Parsed {
    /// Tells whether the password is the one. To be called off the runtime.
    pub(super) fn verify(&self, password: &[u8]) -> Result<bool> {
        bcrypt::verify(password, &self.0).map_err(|cause| {
            Error::new(
                ErrorKind::Corrupt,
                "passwords.verify",
                "the stored hash cannot be read",
            )
            .with_source(cause.to_string())
        })
    }
}
