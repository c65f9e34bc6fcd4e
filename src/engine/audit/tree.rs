//! The Merkle tree over the entries of a journal, as [RFC 6962] has it. Pure.
//!
//! [RFC 6962]: https://www.rfc-editor.org/rfc/rfc6962#section-2.1

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::connector::hash_type;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::JournalEntry;

hash_type! {
    /// The hash of a node: SHA-256 over `0x00 ‖ data` for a leaf, over `0x01 ‖ left ‖ right` above.
    TreeHash, "tree_hash.parse", "a hash has 64 hexadecimal digits"
}

impl TreeHash {
    /// Returns the root of a tree without leaves: SHA-256 of nothing.
    #[must_use]
    pub fn of_nothing() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// Returns the hash of a leaf.
    #[must_use]
    pub fn leaf(data: &[u8]) -> Self {
        Self::over(&[&[0], data])
    }

    /// Returns the hash of the leaf that is an entry of a journal.
    ///
    /// Its data are the sequence and the time in milliseconds as 8 big-endian bytes each, then the
    /// event's JSON as stored. The hash that ties the entry to those before it is not among them:
    /// whoever is shown one entry can check it without the others.
    #[must_use]
    pub fn of_entry(entry: &JournalEntry) -> Self {
        Self::over(&[
            &[0],
            &entry.sequence.to_be_bytes(),
            &entry.at.as_millis().to_be_bytes(),
            entry.event.as_str().as_bytes(),
        ])
    }

    /// Returns the hash of the node above two others.
    #[must_use]
    pub fn node(left: &Self, right: &Self) -> Self {
        Self::over(&[&[1], &left.0, &right.0])
    }

    fn over(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        parts.iter().for_each(|part| hasher.update(part));
        Self(hasher.finalize().into())
    }
}

/// The right edge of a growing tree: the roots of its whole subtrees, at most 64, from which its root
/// follows and to which leaves can be added.
///
/// # Example
///
/// ```
/// use garland::audit::{Frontier, TreeHash};
///
/// let (one, two) = (TreeHash::leaf(b"made"), TreeHash::leaf(b"paid"));
/// let mut frontier = Frontier::default();
/// frontier.push(one);
/// frontier.push(two);
/// assert_eq!(frontier.size(), 2);
/// assert_eq!(frontier.root(), TreeHash::node(&one, &two));
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Frontier {
    size: u64,
    /// From the largest to the smallest, one for each 1 in the binary form of `size`.
    peaks: Vec<TreeHash>,
}

/// As it stands in JSON.
#[derive(Deserialize, Serialize)]
struct Stored {
    size: u64,
    peaks: Vec<TreeHash>,
}

impl Frontier {
    /// Returns the number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: TreeHash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = TreeHash::node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// Returns the root of the tree.
    #[must_use]
    pub fn root(&self) -> TreeHash {
        let peaks = self.peaks.iter().rev().copied();
        peaks
            .reduce(|right, left| TreeHash::node(&left, &right))
            .unwrap_or_else(TreeHash::of_nothing)
    }
}

impl TryFrom<Stored> for Frontier {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        let Stored { size, peaks } = stored;
        if peaks.len() != size.count_ones() as usize {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "frontier.read",
                "the subtrees do not fit the size of the tree",
            )
            .with_context("size", size));
        }
        Ok(Self { size, peaks })
    }
}

impl From<Frontier> for Stored {
    fn from(Frontier { size, peaks }: Frontier) -> Self {
        Self { size, peaks }
    }
}

#[cfg(test)]
mod tests {
    use crate::connector::from_hex;

    use super::*;

    /// The leaves and roots of the reference tests of Certificate Transparency
    /// (`merkletree/merkle_tree_test.cc`).
    const LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn l2_roots_are_those_of_the_reference() {
        let mut frontier = Frontier::default();
        assert_eq!(frontier.root().to_string(), ROOTS[0]);
        for (leaf, root) in LEAVES.iter().zip(&ROOTS[1..]) {
            frontier.push(TreeHash::leaf(&from_hex(leaf).unwrap()));
            assert_eq!(
                frontier.root().to_string(),
                *root,
                "{} leaves",
                frontier.size()
            );
        }
    }

    #[test]
    fn a_frontier_comes_back_as_it_was_or_not_at_all() {
        let mut frontier = Frontier::default();
        for number in 0..13_u8 {
            frontier.push(TreeHash::leaf(&[number]));
        }
        let text = serde_json::to_string(&frontier).unwrap();
        assert_eq!(serde_json::from_str::<Frontier>(&text).unwrap(), frontier);
        let other = text.replace("\"size\":13", "\"size\":12");
        assert_ne!(other, text);
        assert!(serde_json::from_str::<Frontier>(&other).is_err());
    }
}
