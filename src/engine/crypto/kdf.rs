//! From something a person remembers to a key.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

/// How a key is made from a passphrase, with its cost.
///
/// # Example
///
/// ```
/// use garland::crypto::Kdf;
///
/// assert_eq!(Kdf::default(), Kdf::Argon2id { memory: 19 << 10, passes: 2, lanes: 1 });
/// assert!(Kdf::Pbkdf2HmacSha256 { iterations: 600_000 }.check().is_ok());
/// assert!(Kdf::Pbkdf2HmacSha256 { iterations: 599_999 }.check().is_err());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Kdf {
    /// Argon2id, version 1.3 ([RFC 9106](https://www.rfc-editor.org/rfc/rfc9106)).
    Argon2id {
        /// Memory in KiB: at least 19,456 (19 MiB), at most 1,048,576 (1 GiB).
        memory: u32,
        /// Passes over the memory: at least 2, at most 32.
        passes: u32,
        /// Lanes: 1 to 16. They are worked through one after the other.
        lanes: u32,
    },
    /// PBKDF2 with HMAC-SHA-256 ([RFC 8018](https://www.rfc-editor.org/rfc/rfc8018#section-5.2)), for
    /// those who must.
    Pbkdf2HmacSha256 {
        /// At least 600,000, at most 10,000,000.
        iterations: u32,
    },
}

impl Default for Kdf {
    /// Argon2id with 19 MiB, 2 passes, 1 lane: the first choice of the
    /// [OWASP cheat sheet](https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html).
    fn default() -> Self {
        Self::Argon2id {
            memory: ARGON2_FLOOR.memory,
            passes: ARGON2_FLOOR.passes,
            lanes: ARGON2_FLOOR.lanes,
        }
    }
}

const ARGON2_FLOOR: Cost = Cost {
    memory: 19 << 10,
    passes: 2,
    lanes: 1,
};
const ARGON2_CEILING: Cost = Cost {
    memory: 1 << 20,
    passes: 32,
    lanes: 16,
};
const PBKDF2_FLOOR: u32 = 600_000;
const PBKDF2_CEILING: u32 = 10_000_000;

impl Kdf {
    /// Checks that a new secret may be kept with this.
    ///
    /// # Errors
    /// - [`ErrorKind::Refused`]: it is too weak.
    /// - [`ErrorKind::LimitExceeded`]: it takes so much that opening it is a danger in itself.
    pub fn check(&self) -> Result<()> {
        if self.is_weak() {
            return Err(Error::new(
                ErrorKind::Refused,
                "kdf.check",
                "these parameters are too weak for a new secret",
            )
            .with_context("parameters", self));
        }
        self.check_bounds()
    }

    /// Whether it is below what new secrets need; old ones still open.
    pub(super) fn is_weak(&self) -> bool {
        match *self {
            Self::Argon2id { memory, passes, .. } => {
                memory < ARGON2_FLOOR.memory || passes < ARGON2_FLOOR.passes
            }
            Self::Pbkdf2HmacSha256 { iterations } => iterations < PBKDF2_FLOOR,
        }
    }

    /// What takes its place where `wanted` is asked for: `None` if it is strong enough. It never costs
    /// less than either, except that a weak one of another function is given up.
    pub(super) fn strengthened(self, wanted: Self) -> Option<Self> {
        let stronger = match (self, wanted) {
            (
                Self::Argon2id { memory, passes, .. },
                Self::Argon2id {
                    memory: more_memory,
                    passes: more_passes,
                    lanes,
                },
            ) if more_memory > memory || more_passes > passes => Self::Argon2id {
                memory: memory.max(more_memory),
                passes: passes.max(more_passes),
                lanes,
            },
            (
                Self::Pbkdf2HmacSha256 { iterations },
                Self::Pbkdf2HmacSha256 { iterations: more },
            ) if more > iterations => wanted,
            // What two functions cost cannot be compared.
            (Self::Argon2id { .. }, Self::Pbkdf2HmacSha256 { .. })
            | (Self::Pbkdf2HmacSha256 { .. }, Self::Argon2id { .. })
                if self.is_weak() =>
            {
                wanted
            }
            _ => return None,
        };
        Some(stronger)
    }

    /// Checks that it can be carried out at all, before any work or memory is spent on it.
    pub(super) fn check_bounds(&self) -> Result<()> {
        match *self {
            Self::Argon2id {
                memory,
                passes,
                lanes,
            } => Cost {
                memory,
                passes,
                lanes,
            }
            .check(),
            Self::Pbkdf2HmacSha256 { iterations } => {
                within("iterations", iterations, 1, PBKDF2_CEILING)
            }
        }
    }

    /// Fills `out`. To be called off the runtime.
    pub(crate) fn derive(&self, secret: &[u8], salt: &[u8], out: &mut [u8]) -> Result<()> {
        self.check_bounds()?;
        match *self {
            Self::Argon2id {
                memory,
                passes,
                lanes,
            } => Cost {
                memory,
                passes,
                lanes,
            }
            .argon2(Algorithm::Argon2id, Version::V0x13, secret, salt, out),
            Self::Pbkdf2HmacSha256 { iterations } => {
                pbkdf2::pbkdf2_hmac::<Sha256>(secret, salt, iterations, out);
                Ok(())
            }
        }
    }
}

impl std::fmt::Display for Kdf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Argon2id {
                memory,
                passes,
                lanes,
            } => write!(f, "argon2id, {memory} KiB, {passes} passes, {lanes} lanes"),
            Self::Pbkdf2HmacSha256 { iterations } => {
                write!(f, "PBKDF2-HMAC-SHA256, {iterations} iterations")
            }
        }
    }
}

/// What an argon2 hash takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cost {
    /// In KiB.
    pub(super) memory: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

impl Cost {
    pub(super) fn check(self) -> Result<()> {
        let least = Params::MIN_M_COST.saturating_mul(self.lanes);
        within("lanes", self.lanes, 1, ARGON2_CEILING.lanes)?;
        within("memory", self.memory, least, ARGON2_CEILING.memory)?;
        within("passes", self.passes, 1, ARGON2_CEILING.passes)
    }

    /// Fills `out`, and wipes the memory it took.
    pub(super) fn argon2(
        self,
        algorithm: Algorithm,
        version: Version,
        secret: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<()> {
        self.check()?;
        let failed = |cause: argon2::Error| {
            Error::new(
                ErrorKind::InvalidInput,
                "kdf.argon2",
                "argon2 does not take these parameters",
            )
            .with_source(cause.to_string())
        };
        let params =
            Params::new(self.memory, self.passes, self.lanes, Some(out.len())).map_err(failed)?;
        let count = params.block_count();
        let mut blocks = Zeroizing::new(Vec::new());
        blocks.try_reserve_exact(count).map_err(|cause| {
            Error::new(
                ErrorKind::Unavailable,
                "kdf.argon2",
                "there is not enough memory for this hash",
            )
            .with_context("memory_kib", self.memory)
            .with_source(cause)
        })?;
        blocks.resize(count, Block::default());
        Argon2::new(algorithm, version, params)
            .hash_password_into_with_memory(secret, salt, out, blocks.as_mut_slice())
            .map_err(failed)
    }
}

fn within(name: &'static str, value: u32, least: u32, most: u32) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::LimitExceeded,
        "kdf.check",
        "a parameter is out of bounds",
    )
    .with_context("parameter", name)
    .with_context("value", value)
    .with_context("least", least)
    .with_context("most", most))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;

    use super::*;

    fn argon2(memory: u32, passes: u32, lanes: u32) -> Kdf {
        Kdf::Argon2id {
            memory,
            passes,
            lanes,
        }
    }

    fn pbkdf2(iterations: u32) -> Kdf {
        Kdf::Pbkdf2HmacSha256 { iterations }
    }

    #[test]
    fn c4_weak_parameters_are_refused_for_new_secrets() {
        for kdf in [
            pbkdf2(599_999),
            pbkdf2(0),
            argon2(19 << 10, 1, 1),
            argon2((19 << 10) - 1, 2, 1),
        ] {
            assert_eq!(kdf.check().unwrap_err().kind(), ErrorKind::Refused, "{kdf}");
        }
        for kdf in [Kdf::default(), pbkdf2(600_000), pbkdf2(10_000_000)] {
            kdf.check().unwrap();
        }
    }

    #[test]
    fn c4_absurd_parameters_are_refused_before_any_work() {
        for kdf in [
            pbkdf2(10_000_001),
            pbkdf2(u32::MAX),
            pbkdf2(0),
            argon2(u32::MAX, 2, 1),
            argon2((1 << 20) + 1, 2, 1),
            argon2(19 << 10, u32::MAX, 1),
            argon2(19 << 10, 0, 1),
            argon2(19 << 10, 2, 0),
            argon2(19 << 10, 2, u32::MAX),
            argon2(8, 2, 2),
        ] {
            let error = kdf.derive(b"secret", &[0; 32], &mut [0; 32]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{kdf}");
        }
    }

    /// From the tests of the reference implementation (`phc-winner-argon2`, `src/test.c`).
    #[test]
    fn argon2id_is_what_others_compute() {
        for (lanes, expected) in [
            (1, "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
            (2, "bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"),
        ] {
            let mut key = [0; 32];
            argon2(256, 2, lanes)
                .derive(b"password", b"somesalt", &mut key)
                .unwrap();
            assert_eq!(STANDARD_NO_PAD.encode(key), expected);
        }
    }
}
