//! Identifiers: newtypes, so that one is never taken for another.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};

/// Names one organization (a studio, a planner's firm): the border no data crosses.
///
/// 1 to 64 characters of `A–Z a–z 0–9 - _ .`, so that it can stand in keys and paths of any backend.
///
/// # Example
///
/// ```
/// use garland::OrganizationId;
///
/// let studio: OrganizationId = "studio-7".parse()?;
/// assert_eq!(studio.as_str(), "studio-7");
/// assert!("a/b".parse::<OrganizationId>().is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrganizationId(Arc<str>);

impl OrganizationId {
    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for OrganizationId {
    /// The organization of a host that has only one: `default`.
    fn default() -> Self {
        Self("default".into())
    }
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OrganizationId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.into()));
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "organization_id.parse",
            "an organization id has 1 to 64 characters of A–Z, a–z, 0–9, `-`, `_`, `.`",
        )
        .with_context("id", text))
    }
}

impl TryFrom<String> for OrganizationId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<OrganizationId> for String {
    fn from(id: OrganizationId) -> Self {
        id.0.as_ref().into()
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes the next id.
            #[must_use]
            pub fn generate(ids: &Ids) -> Self {
                Self(ids.next())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Uuid::parse_str(text).map(Self).map_err(|cause| {
                    Error::new(ErrorKind::InvalidInput, "id.parse", "not a UUID")
                        .with_context("id", text)
                        .with_source(cause)
                })
            }
        }
    };
}

uuid_id! {
    /// Names one run of a sync, a transfer or another long piece of work (UUID version 7: ordered by time).
    RunId
}

#[cfg(feature = "upload")]
uuid_id! {
    /// Names one file that somebody handed in, and where its bytes lie (UUID version 7: ordered by time).
    UploadId
}

/// Makes new ids from a clock and a source of chance ([RFC 9562] version 7).
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::{Chance, Ids, RunId, SystemClock};
///
/// let ids = Ids::new(Arc::new(SystemClock::new()), Chance::seeded(7));
/// assert_ne!(RunId::generate(&ids), RunId::generate(&ids));
/// ```
///
/// [RFC 9562]: https://www.rfc-editor.org/rfc/rfc9562
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Arc<dyn Clock>,
    chance: Chance,
}

impl Ids {
    /// Takes time from `clock` and the rest from `chance`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, chance: Chance) -> Self {
        Self { clock, chance }
    }

    fn next(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().as_millis()).unwrap_or(0);
        let [high, low] = [self.chance.word(), self.chance.word()].map(u64::to_le_bytes);
        let mut random = [0; 10];
        random
            .iter_mut()
            .zip(high.into_iter().chain(low))
            .for_each(|(to, from)| *to = from);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// A source of chance for ids and jitter. Not for keys: secrets have their own.
///
/// Clones draw from one source.
#[derive(Clone, Debug)]
pub struct Chance(Arc<Mutex<Source>>);

#[derive(Debug)]
enum Source {
    System,
    Seeded(u64),
}

impl Chance {
    /// Draws from the operating system.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Mutex::new(Source::System)))
    }

    /// Draws from `seed`: the same seed gives the same draws. For tests and replays.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Source::Seeded(seed))))
    }

    /// Draws 64 bits.
    #[must_use]
    pub fn word(&self) -> u64 {
        let mut source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seed = match &mut *source {
            Source::Seeded(state) => return split_mix(state),
            Source::System => match getrandom::u64() {
                Ok(word) => return word,
                // Names and waits need difference, not secrecy, so a counter of this process will do.
                Err(_) => u64::from(std::process::id()),
            },
        };
        *source = Source::Seeded(seed);
        drop(source);
        self.word()
    }

    /// Draws a number from 0 up to but not including 1.
    #[must_use]
    pub fn unit(&self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "53 bits are what an f64 holds exactly"
        )]
        let numerator = (self.word() >> 11) as f64;
        numerator / 9_007_199_254_740_992.0
    }
}

/// `SplitMix64`, <https://prng.di.unimi.it/splitmix64.c>.
pub(crate) fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_published_series() {
        let chance = Chance::seeded(1_234_567);
        assert_eq!(chance.word(), 6_457_827_717_110_365_317);
        assert_eq!(chance.word(), 3_203_168_211_198_807_973);
        assert!((0.0..1.0).contains(&chance.unit()));
    }
}
