//! A checkpoint with signatures under it: a [signed note].
//!
//! [signed note]: https://c2sp.org/signed-note

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

use super::checkpoint::Checkpoint;

/// Begins the line of a signature: an em dash and a space.
const MARK: &str = "\u{2014} ";

/// One signature under a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HeadSignature {
    /// Who signed: text without spaces, `+` and control characters.
    pub name: String,
    /// Which key of theirs.
    pub key_id: [u8; 4],
    /// The signature.
    pub bytes: Vec<u8>,
}

impl HeadSignature {
    /// Takes a signature.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: the name or the signature is empty, or the name has a character
    /// that cannot stand there.
    pub fn new(name: impl Into<String>, key_id: [u8; 4], bytes: Vec<u8>) -> Result<Self> {
        let name = name.into();
        if bytes.is_empty() || !is_name(&name) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "head_signature.new",
                "a signature has a name without spaces and at least one byte",
            )
            .with_context("name", name));
        }
        Ok(Self {
            name,
            key_id,
            bytes,
        })
    }

    fn read(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(MARK)?.split_once(' ')?;
        let decoded = STANDARD.decode(encoded).ok()?;
        let (key_id, bytes) = decoded.split_first_chunk()?;
        Self::new(name, *key_id, bytes.to_vec()).ok()
    }
}

fn is_name(name: &str) -> bool {
    let barred = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !name.is_empty() && !name.contains(barred)
}

impl fmt::Display for HeadSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id, self.bytes.as_slice()].concat();
        writeln!(f, "{MARK}{} {}", self.name, STANDARD.encode(bytes))
    }
}

/// The signed end of a journal: what a host keeps elsewhere, and holds against the journal later.
///
/// As text it is a [signed note]: the [`Checkpoint`], an empty line, and a line for each signature.
/// Serializes as that text. A head that was only read is not yet a genuine one: see
/// [`HeadVerifier`](super::HeadVerifier).
///
/// [signed note]: https://c2sp.org/signed-note
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignedHead {
    checkpoint: Checkpoint,
    signatures: Vec<HeadSignature>,
}

impl SignedHead {
    /// Most signatures of one head.
    pub const MAX_SIGNATURES: usize = 16;

    /// Puts signatures under a checkpoint.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: none, or more than [`SignedHead::MAX_SIGNATURES`].
    pub fn new(checkpoint: Checkpoint, signatures: Vec<HeadSignature>) -> Result<Self> {
        if !(1..=Self::MAX_SIGNATURES).contains(&signatures.len()) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "signed_head.new",
                "a head has 1 to 16 signatures",
            )
            .with_context("signatures", signatures.len()));
        }
        Ok(Self {
            checkpoint,
            signatures,
        })
    }

    /// Returns what was signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Returns the signatures.
    #[must_use]
    pub fn signatures(&self) -> &[HeadSignature] {
        &self.signatures
    }

    /// Returns how many entries it covers, which is the number of the last of them.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.size
    }
}

impl fmt::Display for SignedHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.checkpoint)?;
        self.signatures
            .iter()
            .try_for_each(|signature| signature.fmt(f))
    }
}

impl FromStr for SignedHead {
    type Err = Error;

    /// Takes what [`Display`](fmt::Display) gives and nothing else.
    fn from_str(text: &str) -> Result<Self> {
        let refused = |why: &'static str| {
            Error::new(ErrorKind::InvalidInput, "signed_head.parse", why)
                .with_context("length", text.len())
        };
        // A checkpoint has no empty line, so the first one ends it.
        let (body, lines) = text
            .split_once("\n\n")
            .ok_or_else(|| refused("a signed head has an empty line before its signatures"))?;
        let checkpoint = format!("{body}\n").parse()?;
        let lines = lines
            .strip_suffix('\n')
            .ok_or_else(|| refused("a signed head ends with the end of a line"))?;
        let signatures: Option<Vec<_>> = lines
            .split('\n')
            .take(Self::MAX_SIGNATURES + 1)
            .map(HeadSignature::read)
            .collect();
        let signatures = signatures.ok_or_else(|| refused("not a line of a signature"))?;
        let head = Self::new(checkpoint, signatures)?;
        if head.to_string() != text {
            return Err(refused("not written as a signed head is"));
        }
        Ok(head)
    }
}

impl TryFrom<String> for SignedHead {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<SignedHead> for String {
    fn from(head: SignedHead) -> Self {
        head.to_string()
    }
}
