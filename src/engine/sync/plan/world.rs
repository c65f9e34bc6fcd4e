//! What a plan is made from.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserializer, Error as _};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::connector::{NameRules, UnicodeForm, from_hex, to_hex};
use crate::engine::sync::inventory::Inventory;
use crate::error::{Error, ErrorKind, Result};

use super::replicas::ReplicaIndex;

/// One place that holds the files: what it lists, what it held before, and what it can hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Replica {
    /// How it is called in plans and conflict names. Not empty, without `/` and NUL, unique in its world.
    pub name: Box<str>,
    /// What it lists now, its recovery folder left out.
    pub listing: Inventory,
    /// What it held when the replicas last agreed.
    pub base: Inventory,
    /// One-way only, on each target: what the *source* held when it and this target last agreed.
    pub source_base: Inventory,
    /// Which names it takes.
    pub names: NameRules,
    /// How finely it keeps times. Default: 1 ms.
    pub precision: Duration,
    /// Whether the listing broke off: what is not listed may be there all the same.
    pub incomplete: bool,
}

impl Replica {
    /// Makes a replica that lists nothing, has no base, and takes any name.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            listing: Inventory::default(),
            base: Inventory::default(),
            source_base: Inventory::default(),
            names: NameRules::default(),
            precision: Duration::from_millis(1),
            incomplete: false,
        }
    }

    /// Sets [`Replica::listing`].
    #[must_use]
    pub fn with_listing(mut self, listing: Inventory) -> Self {
        self.listing = listing;
        self
    }

    /// Sets [`Replica::base`].
    #[must_use]
    pub fn with_base(mut self, base: Inventory) -> Self {
        self.base = base;
        self
    }

    /// Sets [`Replica::source_base`].
    #[must_use]
    pub fn with_source_base(mut self, base: Inventory) -> Self {
        self.source_base = base;
        self
    }

    /// Sets [`Replica::names`].
    #[must_use]
    pub fn with_names(mut self, names: NameRules) -> Self {
        self.names = names;
        self
    }

    /// Sets [`Replica::precision`].
    #[must_use]
    pub fn with_precision(mut self, precision: Duration) -> Self {
        self.precision = precision;
        self
    }

    /// Sets [`Replica::incomplete`].
    #[must_use]
    pub fn with_incomplete(mut self, incomplete: bool) -> Self {
        self.incomplete = incomplete;
        self
    }

    fn digest(&self, hasher: &mut blake3::Hasher) {
        let NameRules {
            case_sensitive,
            unicode,
            forbidden,
            max_name,
            no_trailing_dot_or_space,
            reserved,
        } = &self.names;
        let mut text = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        text(&self.name);
        text(forbidden);
        reserved.iter().for_each(|reserved| text(reserved));
        hasher.update(&(reserved.len() as u64).to_le_bytes());
        hasher.update(&(*max_name as u64).to_le_bytes());
        hasher.update(&self.precision.as_nanos().to_le_bytes());
        hasher.update(&[
            u8::from(*case_sensitive),
            u8::from(*unicode == UnicodeForm::Nfc),
            u8::from(*no_trailing_dot_or_space),
            u8::from(self.incomplete),
        ]);
        for inventory in [&self.listing, &self.base, &self.source_base] {
            hasher.update(inventory.digest().as_bytes());
        }
    }
}

/// Every replica of a sync, in order. In a mirror or a backup the first is the source.
#[derive(Clone, Debug)]
pub struct World {
    replicas: Vec<Replica>,
}

impl World {
    /// Puts the replicas together.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: no replica or more than [`ReplicaIndex::MAX_REPLICAS`], or a name that is
    /// empty, has a `/` or NUL, or is used twice.
    pub fn new(replicas: Vec<Replica>) -> Result<Self> {
        let fault = |message: &str| Error::new(ErrorKind::InvalidInput, "world.new", message);
        if replicas.is_empty() || replicas.len() > ReplicaIndex::MAX_REPLICAS {
            return Err(
                fault("a world has 1 to 64 replicas").with_context("replicas", replicas.len())
            );
        }
        let mut names: Vec<&str> = replicas.iter().map(|replica| &*replica.name).collect();
        names.sort_unstable();
        if let Some(name) = names
            .iter()
            .find(|name| name.is_empty() || name.contains(['/', '\0']))
        {
            return Err(fault("a replica's name cannot be empty or hold `/` or NUL")
                .with_context("name", name));
        }
        let mut pairs = names.iter().zip(names.iter().skip(1));
        if let Some((name, _)) = pairs.find(|(a, b)| a == b) {
            return Err(fault("two replicas have one name").with_context("name", name));
        }
        Ok(Self { replicas })
    }

    /// Returns the replicas in order.
    #[must_use]
    pub fn replicas(&self) -> &[Replica] {
        &self.replicas
    }

    /// Returns a replica, or `None` where the index belongs to another world.
    #[must_use]
    pub fn replica(&self, index: ReplicaIndex) -> Option<&Replica> {
        self.replicas.get(index.get())
    }

    /// Returns a digest of all of it, by which a plan tells whether it was made from this world.
    #[must_use]
    pub fn digest(&self) -> WorldDigest {
        let mut hasher = blake3::Hasher::new();
        for replica in &self.replicas {
            replica.digest(&mut hasher);
        }
        WorldDigest(*hasher.finalize().as_bytes())
    }

    pub(super) fn indexed(&self) -> impl Iterator<Item = (ReplicaIndex, &Replica)> {
        let indexes = (0..).map_while(ReplicaIndex::new);
        indexes.zip(&self.replicas)
    }
}

/// A digest of everything that a plan depends on besides its options: equal world, equal digest.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct WorldDigest([u8; 32]);

impl fmt::Display for WorldDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for WorldDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for WorldDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WorldDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Box<str>>::deserialize(deserializer)?;
        from_hex(&text)
            .and_then(|bytes| bytes.try_into().ok().map(Self))
            .ok_or_else(|| D::Error::custom("a world's digest is 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::{FilePath, FileVersion};

    #[test]
    fn names_are_not_empty_and_not_used_twice() {
        for names in [&[][..], &[""], &["a", "b", "a"], &["a/b"], &["a\0"]] {
            let replicas = names.iter().map(|name| Replica::new(*name)).collect();
            assert!(World::new(replicas).is_err(), "{names:?}");
        }
        let many = |count: usize| (0..count).map(|n| Replica::new(n.to_string())).collect();
        assert!(World::new(many(64)).is_ok());
        assert!(World::new(many(65)).is_err());
    }

    #[test]
    fn every_part_of_a_world_changes_its_digest() {
        let mut files = Inventory::builder();
        files.push(&FilePath::parse("p").unwrap(), FileVersion::new(1).as_ref());
        let files = files.finish().unwrap();
        let plain = || Replica::new("a");
        let replicas = [
            plain(),
            Replica::new("b"),
            plain().with_listing(files.clone()),
            plain().with_base(files.clone()),
            plain().with_source_base(files),
            plain().with_precision(Duration::from_secs(2)),
            plain().with_incomplete(true),
            plain().with_names(NameRules::default().with_case_sensitive(false)),
            plain().with_names(NameRules::default().with_forbidden("a")),
            plain().with_names(NameRules::default().with_max_name(9)),
            plain().with_names(NameRules::windows()),
        ];
        let digest = |replica: &Replica| World::new(vec![replica.clone()]).unwrap().digest();
        let digests: std::collections::HashSet<_> = replicas.iter().map(digest).collect();
        assert_eq!(digests.len(), replicas.len());
        assert_eq!(digest(&plain()), digest(&plain()));
    }
}
