//! What a journal was at one moment, in the words of a [tlog checkpoint].
//!
//! [tlog checkpoint]: https://c2sp.org/tlog-checkpoint

use std::fmt::{self, Write as _};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::{ChainHash, JournalHead, JournalName};

use super::tree::{Frontier, TreeHash};

/// Names a journal among all there are: `garland/<organization>/<journal>`.
///
/// Bytes of the journal's name other than letters, digits and `-_.` stand as `%` and two hexadecimal
/// digits, so that it is one word on one line.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Origin(Box<str>);

impl Origin {
    /// Names a journal of an organization.
    #[must_use]
    pub fn new(organization: &OrganizationId, journal: &JournalName) -> Self {
        Self(format!("garland/{organization}/{}", escaped(journal)).into())
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a journal as one word without `/`.
pub(super) fn escaped(journal: &JournalName) -> String {
    let mut text = String::with_capacity(journal.as_str().len());
    for byte in journal.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02x}");
        }
    }
    text
}

/// What a journal was at one moment: how long, and two hashes over all of it.
///
/// As text, one line each: the origin, the size, the root in base64, `chain` and the chain's hash in
/// hexadecimal, `time` and the milliseconds since 1970 in UTC. The first three are those of a [tlog
/// checkpoint], the others its extension lines.
///
/// # Example
///
/// ```
/// use garland::audit::{Checkpoint, Frontier, Origin};
/// use garland::storage::{ChainHash, JournalName};
/// use garland::{OrganizationId, Timestamp};
///
/// let origin = Origin::new(&OrganizationId::default(), &JournalName::main());
/// let at = Timestamp::from_millis(0);
/// let empty = Checkpoint::new(origin, &Frontier::default(), ChainHash::START, at);
/// assert!(empty.to_string().starts_with("garland/default/main\n0\n47DEQpj8"));
/// assert_eq!(empty.to_string().parse::<Checkpoint>()?, empty);
/// # Ok::<(), garland::Error>(())
/// ```
///
/// [tlog checkpoint]: https://c2sp.org/tlog-checkpoint
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Which journal.
    pub origin: Origin,
    /// How many entries it had, which is the number of the last.
    pub size: u64,
    /// The root of the tree over its entries.
    pub root: TreeHash,
    /// The hash of its last entry.
    pub chain: ChainHash,
    /// When it was looked at, by the clock of whoever did.
    pub at: Timestamp,
}

impl Checkpoint {
    /// Says what a journal is.
    #[must_use]
    pub fn new(origin: Origin, frontier: &Frontier, chain: ChainHash, at: Timestamp) -> Self {
        Self {
            origin,
            size: frontier.size(),
            root: frontier.root(),
            chain,
            at,
        }
    }

    /// Returns the end of the journal that it speaks of.
    #[must_use]
    pub fn end(&self) -> JournalHead {
        JournalHead::new(self.size, self.chain)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = STANDARD.encode(self.root.as_bytes());
        let (origin, size, chain) = (&self.origin, self.size, self.chain);
        let time = self.at.as_millis();
        write!(f, "{origin}\n{size}\n{root}\nchain {chain}\ntime {time}\n")
    }
}

impl FromStr for Checkpoint {
    type Err = Error;

    /// Takes what [`Display`](fmt::Display) gives and nothing else: no other number of lines, no
    /// leading zeros, no other digits for the same value.
    fn from_str(text: &str) -> Result<Self> {
        read(text)
            .filter(|checkpoint| checkpoint.to_string() == text)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidInput,
                    "checkpoint.parse",
                    "not the checkpoint of a journal",
                )
            })
    }
}

fn read(text: &str) -> Option<Checkpoint> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    let checkpoint = Checkpoint {
        origin: read_origin(lines.next()?)?,
        size: lines.next()?.parse().ok()?,
        root: TreeHash::new(STANDARD.decode(lines.next()?).ok()?.try_into().ok()?),
        chain: lines.next()?.strip_prefix("chain ")?.parse().ok()?,
        at: Timestamp::from_millis(lines.next()?.strip_prefix("time ")?.parse().ok()?),
    };
    lines.next().is_none().then_some(checkpoint)
}

fn read_origin(text: &str) -> Option<Origin> {
    let (organization, journal) = text.strip_prefix("garland/")?.split_once('/')?;
    let organization: OrganizationId = organization.parse().ok()?;
    let mut bytes = Vec::with_capacity(journal.len());
    let mut rest = journal.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?].map(char::from);
            let [high, low] = digits.map(|digit| digit.to_digit(16));
            bytes.push(u8::try_from(high? << 4 | low?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let journal = JournalName::parse(String::from_utf8(bytes).ok()?).ok()?;
    // Only one spelling of a name is taken.
    Some(Origin::new(&organization, &journal)).filter(|origin| origin.as_str() == text)
}
