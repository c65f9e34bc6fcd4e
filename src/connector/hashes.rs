//! Content hashes as values.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// A way to hash a file's content, strongest first.
///
/// Two files that share the strongest known hash are taken for equal if it is
/// [strong](HashAlgorithm::is_strong); checksums only find accidents.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// BLAKE3, 32 bytes.
    Blake3,
    /// SHA-512, 64 bytes.
    Sha512,
    /// SHA-256, 32 bytes.
    Sha256,
    /// Dropbox's [content hash](https://www.dropbox.com/developers/reference/content-hash):
    /// SHA-256 over the SHA-256 of each 4 MiB block, 32 bytes.
    Dropbox,
    /// SHA-1, 20 bytes. Broken against an attacker, fine against accidents.
    Sha1,
    /// MD5, 16 bytes. Broken against an attacker, fine against accidents.
    Md5,
    /// OneDrive's [quickXorHash](https://learn.microsoft.com/en-us/onedrive/developer/code-snippets/quickxorhash), 20 bytes.
    QuickXor,
    /// CRC-64/NVME, 8 bytes, big-endian.
    Crc64Nvme,
    /// CRC-32C (Castagnoli), 4 bytes, big-endian.
    Crc32c,
}

impl HashAlgorithm {
    /// Every algorithm, strongest first.
    pub const ALL: [Self; 9] = [
        Self::Blake3,
        Self::Sha512,
        Self::Sha256,
        Self::Dropbox,
        Self::Sha1,
        Self::Md5,
        Self::QuickXor,
        Self::Crc64Nvme,
        Self::Crc32c,
    ];

    /// Returns the stable lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blake3 => "blake3",
            Self::Sha512 => "sha512",
            Self::Sha256 => "sha256",
            Self::Dropbox => "dropbox",
            Self::Sha1 => "sha1",
            Self::Md5 => "md5",
            Self::QuickXor => "quickxor",
            Self::Crc64Nvme => "crc64nvme",
            Self::Crc32c => "crc32c",
        }
    }

    /// Tells whether equal digests are taken as proof of equal content (`spec/sync.md` §2).
    #[must_use]
    pub const fn is_strong(self) -> bool {
        !matches!(self, Self::QuickXor | Self::Crc64Nvme | Self::Crc32c)
    }

    fn from_tag(tag: u8) -> Option<Self> {
        Self::ALL.get(usize::from(tag)).copied()
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HashAlgorithm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == text)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidInput,
                    "hash_algorithm.parse",
                    "unknown hash algorithm",
                )
                .with_context("algorithm", text)
            })
    }
}

/// What is known of one content: at most one digest for each algorithm, strongest first.
///
/// # Example
///
/// ```
/// use garland::connector::{HashAlgorithm, Hashes};
///
/// let hashes = Hashes::new().with(HashAlgorithm::Md5, b"\x01\x02");
/// assert_eq!(hashes.get(HashAlgorithm::Md5), Some(&b"\x01\x02"[..]));
/// assert_eq!(hashes.to_string(), "md5:0102");
/// ```
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct Hashes(
    // One allocation, or none: for each hash its tag, its length and its digest, by rising tag.
    // The sync planner keeps millions of these as plain bytes.
    Box<[u8]>,
);

impl Hashes {
    /// Makes an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces one digest. Digests are at most 255 bytes; a longer one is left out.
    #[must_use]
    pub fn with(self, algorithm: HashAlgorithm, digest: &[u8]) -> Self {
        let Ok(length) = u8::try_from(digest.len()) else {
            return self;
        };
        let mut bytes = Vec::with_capacity(self.0.len() + 2 + digest.len());
        let mut push = |algorithm: HashAlgorithm, length: u8, digest: &[u8]| {
            bytes.push(algorithm as u8);
            bytes.push(length);
            bytes.extend_from_slice(digest);
        };
        let old = || self.as_ref().iter();
        for (other, digest) in old().filter(|(other, _)| *other < algorithm) {
            push(other, u8::try_from(digest.len()).unwrap_or(u8::MAX), digest);
        }
        push(algorithm, length, digest);
        for (other, digest) in old().filter(|(other, _)| *other > algorithm) {
            push(other, u8::try_from(digest.len()).unwrap_or(u8::MAX), digest);
        }
        Self(bytes.into())
    }

    /// Returns the digest by `algorithm`.
    #[must_use]
    pub fn get(&self, algorithm: HashAlgorithm) -> Option<&[u8]> {
        self.as_ref().get(algorithm)
    }

    /// Returns the hashes, strongest first.
    pub fn iter(&self) -> impl Iterator<Item = (HashAlgorithm, &[u8])> {
        self.as_ref().iter()
    }

    /// Tells whether no hash is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns a borrowed view.
    #[must_use]
    pub fn as_ref(&self) -> HashesRef<'_> {
        HashesRef(&self.0)
    }

    /// Returns both sets together; where both know an algorithm, `self` wins.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        other.iter().fold(self.clone(), |all, (algorithm, digest)| {
            if all.get(algorithm).is_some() {
                all
            } else {
                all.with(algorithm, digest)
            }
        })
    }

    /// Tells whether a shared algorithm disagrees.
    #[must_use]
    pub fn contradict(&self, other: &Self) -> bool {
        self.iter()
            .any(|(algorithm, digest)| other.get(algorithm).is_some_and(|theirs| theirs != digest))
    }
}

/// [`Hashes`] borrowed from elsewhere.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct HashesRef<'a>(&'a [u8]);

impl<'a> HashesRef<'a> {
    /// Returns the hashes, strongest first.
    pub fn iter(self) -> impl Iterator<Item = (HashAlgorithm, &'a [u8])> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (&[tag, length], tail) = rest.split_first_chunk()?;
            let (digest, tail) = tail.split_at_checked(usize::from(length))?;
            rest = tail;
            Some((HashAlgorithm::from_tag(tag)?, digest))
        })
    }

    /// Returns the digest by `algorithm`.
    #[must_use]
    pub fn get(self, algorithm: HashAlgorithm) -> Option<&'a [u8]> {
        self.iter()
            .find(|(other, _)| *other == algorithm)
            .map(|(_, digest)| digest)
    }

    /// Returns the strongest hash that both know: the algorithm and whether the digests agree.
    #[must_use]
    pub fn strongest_shared(self, other: HashesRef<'_>) -> Option<(HashAlgorithm, bool)> {
        self.iter()
            .find_map(|(algorithm, digest)| Some((algorithm, other.get(algorithm)? == digest)))
    }

    /// Copies the set.
    #[must_use]
    pub fn to_hashes(self) -> Hashes {
        Hashes(self.0.into())
    }

    pub(crate) fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Takes back what [`as_bytes`](Self::as_bytes) gave.
    pub(crate) fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Hashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (algorithm, digest)) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{algorithm}:{}", to_hex(digest))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Hashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hashes({self})")
    }
}

impl fmt::Debug for HashesRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_hashes(), f)
    }
}

/// As a map of names to lower-case hexadecimal digests.
impl Serialize for Hashes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (algorithm, digest) in self.iter() {
            map.serialize_entry(algorithm.name(), &to_hex(digest))?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;

        impl<'de> Visitor<'de> for Map {
            type Value = Hashes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of hash names to hexadecimal digests")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hashes, A::Error> {
                let mut hashes = Hashes::new();
                while let Some((name, digest)) = map.next_entry::<String, String>()? {
                    // A name from a newer version is no evidence for this one.
                    let Ok(algorithm) = name.parse() else {
                        continue;
                    };
                    let digest = from_hex(&digest)
                        .ok_or_else(|| serde::de::Error::custom("digest is not hexadecimal"))?;
                    hashes = hashes.with(algorithm, &digest);
                }
                Ok(hashes)
            }
        }

        deserializer.deserialize_map(Map)
    }
}

/// Lower-case hexadecimal.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| {
        DIGITS
            .get(usize::from(nibble))
            .map_or('0', |&d| char::from(d))
    };
    bytes
        .iter()
        .flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The bytes behind hexadecimal of either case.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_stay_sorted_and_unique() {
        let hashes = Hashes::new()
            .with(HashAlgorithm::Crc32c, b"c")
            .with(HashAlgorithm::Blake3, b"a")
            .with(HashAlgorithm::Md5, b"x")
            .with(HashAlgorithm::Md5, b"m");
        let listed: Vec<_> = hashes.iter().collect();
        assert_eq!(
            listed,
            [
                (HashAlgorithm::Blake3, &b"a"[..]),
                (HashAlgorithm::Md5, b"m"),
                (HashAlgorithm::Crc32c, b"c")
            ]
        );
        for (index, algorithm) in HashAlgorithm::ALL.into_iter().enumerate() {
            assert_eq!(algorithm as usize, index);
        }
    }

    #[test]
    fn json_form_round_trips_and_skips_unknown_names() {
        let hashes = Hashes::new().with(HashAlgorithm::Sha1, &[0, 255]);
        let json = serde_json::to_string(&hashes).unwrap();
        assert_eq!(json, r#"{"sha1":"00ff"}"#);
        let read: Hashes = serde_json::from_str(r#"{"new":"zz","sha1":"00FF"}"#).unwrap();
        assert_eq!(read, hashes);
        assert!(serde_json::from_str::<Hashes>(r#"{"sha1":"0"}"#).is_err());
    }

    #[test]
    fn a_contradiction_needs_a_shared_algorithm() {
        let md5 = |digest: &[u8]| Hashes::new().with(HashAlgorithm::Md5, digest);
        assert!(md5(b"a").contradict(&md5(b"b")));
        assert!(!md5(b"a").contradict(&md5(b"a")));
        assert!(!md5(b"a").contradict(&Hashes::new().with(HashAlgorithm::Sha1, b"b")));
    }
}
