//! Argon2 in PHC strings: made as argon2id, read in all its variants.

use argon2::password_hash::phc;
use argon2::{ARGON2ID_IDENT, Algorithm, Params, Version};
use zeroize::Zeroizing;

use crate::engine::crypto::kdf::Cost;
use crate::engine::crypto::secret::same;
use crate::error::{Error, ErrorKind, Result};

/// The length of what is made in bytes.
const LENGTH: usize = 32;

/// A hash, read.
pub(super) struct Parsed {
    algorithm: Algorithm,
    version: Version,
    cost: Cost,
    salt: phc::Salt,
    output: phc::Output,
}

/// Makes a hash. To be called off the runtime.
pub(super) fn hash(cost: Cost, password: &[u8], salt: [u8; 16]) -> Result<String> {
    let mut output = Zeroizing::new([0; LENGTH]);
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    cost.argon2(algorithm, version, password, &salt, output.as_mut_slice())?;
    let unwritten = |cause: phc::Error| {
        Error::new(
            ErrorKind::Unexpected,
            "passwords.hash",
            "the hash cannot be written",
        )
        .with_source(cause)
    };
    let mut params = phc::ParamsString::new();
    let costs = [("m", cost.memory), ("t", cost.passes), ("p", cost.lanes)];
    for (name, value) in costs {
        params.add_decimal(name, value).map_err(unwritten)?;
    }
    let hash = phc::PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(version.into()),
        params,
        salt: Some(phc::Salt::new(&salt).map_err(unwritten)?),
        hash: Some(phc::Output::new(output.as_slice()).map_err(unwritten)?),
    };
    Ok(hash.to_string())
}

/// Reads a hash and checks what it asks for, before anything is spent on it.
pub(super) fn parse(stored: &str) -> Result<Parsed> {
    let unreadable = || {
        Error::new(
            ErrorKind::Corrupt,
            "passwords.verify",
            "the stored hash cannot be read",
        )
    };
    // The parser names what is wrong without quoting it.
    let hash = phc::PasswordHash::new(stored).map_err(|cause| unreadable().with_source(cause))?;
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| unreadable())?;
    let version = match hash.version {
        Some(version) => Version::try_from(version).map_err(|_| unreadable())?,
        None => Version::V0x10,
    };
    // A key id or associated data are secrets that we do not have.
    let known = ["m", "t", "p"];
    if hash
        .params
        .iter()
        .any(|(name, _)| !known.contains(&name.as_str()))
    {
        return Err(unreadable());
    }
    let params = Params::try_from(&hash.params).map_err(|_| unreadable())?;
    let cost = Cost {
        memory: params.m_cost(),
        passes: params.t_cost(),
        lanes: params.p_cost(),
    };
    cost.check()?;
    let (Some(salt), Some(output)) = (hash.salt, hash.hash) else {
        return Err(unreadable());
    };
    Ok(Parsed {
        algorithm,
        version,
        cost,
        salt,
        output,
    })
}

impl Parsed {
    /// Tells whether the password is the one. To be called off the runtime.
    pub(super) fn verify(&self, password: &[u8]) -> Result<bool> {
        let mut output = Zeroizing::new(vec![0; self.output.len()]);
        self.cost.argon2(
            self.algorithm,
            self.version,
            password,
            &self.salt,
            &mut output,
        )?;
        Ok(same(&output, self.output.as_bytes()))
    }

    /// Tells whether it is weaker in anything than what is made now.
    pub(super) fn is_old(&self, cost: Cost) -> bool {
        self.algorithm != Algorithm::Argon2id
            || self.version != Version::V0x13
            || self.cost.memory < cost.memory
            || self.cost.passes < cost.passes
            || self.output.len() < LENGTH
            || self.salt.len() < 16
    }
}
