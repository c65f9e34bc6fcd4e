//! What each replica last held: the memory between two runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::clock::Timestamp;
use crate::connector::{ConnectorName, FilePath, FileVersion, Hashes};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, Collection, Precondition, Query, RecordId, Store};

use super::inventory::{Inventory, InventoryBuilder};
use super::plan::Relation;

/// The collection of agreements, one record for each path of each sync.
pub const SYNC_BASES: Collection<BaseRecord> = Collection::new("sync_bases");

/// How many records are read at a time.
const PAGE: usize = 5_000;

/// What the replicas of a sync last agreed on for one path.
///
/// They all hold the same content, so size and hashes stand once; a replica that counts as agreed
/// with another content (the result of a merge) has its own.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[non_exhaustive]
pub struct BaseRecord {
    /// The path, where the record's id is too short for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<FilePath>,
    /// The common size in bytes.
    pub size: u64,
    /// The common hashes.
    #[serde(default, skip_serializing_if = "Hashes::is_empty")]
    pub hashes: Hashes,
    /// What each replica holds.
    pub held: BTreeMap<ConnectorName, HeldVersion>,
}

/// What one replica holds of an agreed file, besides what is common.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[non_exhaustive]
pub struct HeldVersion {
    /// Its own spelling of the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<FilePath>,
    /// Its own size, if not the common one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its own hashes, if not the common ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashes: Option<Hashes>,
    /// As [`FileVersion::modified`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    /// As [`FileVersion::revision`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Box<str>>,
    /// As [`FileVersion::id`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Box<str>>,
}

impl BaseRecord {
    /// Makes the record of what replicas hold: each with its own spelling if it has one.
    pub(super) fn new(
        held: impl IntoIterator<Item = (ConnectorName, Option<FilePath>, FileVersion)>,
    ) -> Self {
        let mut record = Self::default();
        for (replica, name, version) in held {
            if record.held.is_empty() {
                (record.size, record.hashes) = (version.size, version.hashes.clone());
            }
            let own = HeldVersion {
                name,
                size: (version.size != record.size).then_some(version.size),
                hashes: (version.hashes != record.hashes).then_some(version.hashes),
                modified: version.modified,
                revision: version.revision,
                id: version.id,
            };
            record.held.insert(replica, own);
        }
        record
    }

    fn version(&self, held: &HeldVersion) -> FileVersion {
        let mut version = FileVersion::new(held.size.unwrap_or(self.size))
            .with_modified(held.modified)
            .with_hashes(held.hashes.as_ref().unwrap_or(&self.hashes).clone());
        version.revision.clone_from(&held.revision);
        version.id.clone_from(&held.id);
        version
    }
}

/// What one agreement is remembered under: one for all peers, one for each target of a mirror or backup.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Agreement {
    prefix: String,
}

impl Agreement {
    /// Names the agreement of peers, or of a source (first) and a target.
    ///
    /// The names of the places are part of it: a base says what *these* places had in common, and
    /// a delete must never follow from what others had.
    pub(crate) fn new(relation: Relation, name: Option<&str>, places: &[&ConnectorName]) -> Self {
        let (kind, joined) = match relation {
            Relation::Peers => {
                let mut names: Vec<_> = places.iter().map(|name| name.as_str()).collect();
                names.sort_unstable();
                ("peers", names.join("+"))
            }
            _ => {
                let names: Vec<_> = places.iter().map(|name| name.as_str()).collect();
                ("from", names.join(">"))
            }
        };
        let id = match (relation, name) {
            (Relation::Peers, Some(name)) => format!("{kind}:{name}"),
            (_, Some(name)) => format!("{kind}:{name}:{joined}"),
            (_, None) => format!("{kind}:{joined}"),
        };
        let id = id.replace('/', "_");
        Self {
            prefix: format!("{}/", short(&id, 200)),
        }
    }

    /// Returns the name as text.
    pub(crate) fn as_str(&self) -> &str {
        self.prefix.trim_end_matches('/')
    }

    fn id(&self, path: &FilePath) -> Result<(RecordId, bool)> {
        let room = RecordId::MAX.saturating_sub(self.prefix.len());
        let name = short(path.as_str(), room);
        let cut = name.len() != path.as_str().len() || name != path.as_str();
        Ok((RecordId::parse(format!("{}{name}", self.prefix))?, cut))
    }

    /// Adds to `batch` what is now agreed for `path`; nothing held means that it is forgotten.
    pub(crate) fn record(
        &self,
        batch: &mut Batch,
        path: &FilePath,
        mut record: BaseRecord,
    ) -> Result<()> {
        let (id, cut) = self.id(path)?;
        if record.held.is_empty() {
            batch.delete(&SYNC_BASES, id, Precondition::Any);
        } else {
            record.path = cut.then(|| path.clone());
            batch.put(&SYNC_BASES, id, &record)?;
        }
        Ok(())
    }

    /// Reads what `places` last held, in their order.
    pub(crate) async fn load(
        &self,
        store: &Store,
        places: &[&ConnectorName],
        includes: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Vec<Inventory>> {
        let mut builders: Vec<InventoryBuilder> =
            places.iter().map(|_| Inventory::builder()).collect();
        let mut query = Query::all(SYNC_BASES.name().clone())
            .prefix(&self.prefix)
            .with_limit(PAGE);
        loop {
            let page = store.query(&query).await?;
            for stored in &page.records {
                let record: BaseRecord = stored.value.read().map_err(|error| {
                    error
                        .with_context("collection", SYNC_BASES.name())
                        .with_context("id", &stored.id)
                })?;
                let path = match &record.path {
                    Some(path) => path.clone(),
                    None => {
                        let id = stored.id.as_str();
                        FilePath::parse(id.strip_prefix(&self.prefix).unwrap_or(id))
                            .map_err(unreadable)?
                    }
                };
                if !includes(path.as_str()) {
                    continue;
                }
                for (place, builder) in places.iter().zip(&mut builders) {
                    let Some(held) = record.held.get(*place) else {
                        continue;
                    };
                    // A plan knows other spellings of one text by that of the agreement (`spec/sync.md` §7).
                    let other = held.name.as_ref().filter(|name| !is_one_text(name, &path));
                    builder.push(other.unwrap_or(&path), record.version(held).as_ref());
                }
            }
            match page.next {
                Some(cursor) => query = query.with_after(cursor),
                None => break,
            }
        }
        builders
            .into_iter()
            .map(|builder| builder.finish().map_err(unreadable))
            .collect()
    }
}

fn is_one_text(one: &FilePath, other: &FilePath) -> bool {
    one.as_str().nfc().eq(other.as_str().nfc())
}

fn unreadable(cause: Error) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "sync.load",
        "the record of the last sync cannot be used",
    )
    .with_source(cause)
}

/// Cuts a text to at most `room` bytes, a digest of the whole in place of what is cut off.
fn short(text: &str, room: usize) -> String {
    if text.len() <= room {
        return text.to_owned();
    }
    let digest = blake3::hash(text.as_bytes()).to_hex();
    let keep = text.floor_char_boundary(room.saturating_sub(digest.len() + 1));
    format!("{}~{digest}", text.get(..keep).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::HashAlgorithm;

    fn names(names: &[&str]) -> Vec<ConnectorName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn agreements_of_different_places_are_apart() {
        let all = names(&["b", "a"]);
        let refs: Vec<_> = all.iter().collect();
        let swapped: Vec<_> = all.iter().rev().collect();
        let agreement = |relation, places: &[&ConnectorName]| {
            Agreement::new(relation, None, places).as_str().to_owned()
        };
        assert_eq!(agreement(Relation::Peers, &refs), "peers:a+b");
        assert_eq!(agreement(Relation::Peers, &swapped), "peers:a+b");
        assert_eq!(agreement(Relation::Mirror, &refs), "from:b>a");
        assert_eq!(agreement(Relation::Backup, &swapped), "from:a>b");
    }

    #[test]
    fn a_record_holds_what_is_common_once() {
        let hashes = Hashes::new().with(HashAlgorithm::Md5, b"m");
        let version = FileVersion::new(4).with_hashes(hashes);
        let held = names(&["a", "b"])
            .into_iter()
            .map(|name| (name, None, version.clone()));
        let record = BaseRecord::new(held);
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(
            json,
            r#"{"size":4,"hashes":{"md5":"6d"},"held":{"a":{},"b":{}}}"#
        );
        let read: BaseRecord = serde_json::from_str(&json).unwrap();
        assert!(read.held.values().all(|held| read.version(held) == version));
    }

    #[test]
    fn a_long_path_gets_a_short_id_of_its_own() {
        let all = names(&["a"]);
        let agreement = Agreement::new(Relation::Peers, None, &[&all[0]]);
        let long = |end: &str| FilePath::parse(format!("{}{end}", "ä/".repeat(600))).unwrap();
        let (first, cut) = agreement.id(&long("x")).unwrap();
        assert!(cut && first.as_str().len() <= RecordId::MAX);
        assert_ne!(first, agreement.id(&long("y")).unwrap().0);
        assert!(!agreement.id(&"short".parse().unwrap()).unwrap().1);
    }
}
