//! What a member has arranged for themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use serde_json::Value;

use crate::error::Result;
use crate::storage::{Query, Store, Version};

use super::super::records::{RAW_OVERLAYS, key_prefix};

/// One member's own arrangements, by the sections they are of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Own(Arc<BTreeMap<Box<str>, Arrangement>>);

/// Tells one state of an arrangement from another, also where one that was removed is made anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Arrangement {
    pub(super) version: Version,
    pub(super) content: [u8; 16],
}

impl Own {
    /// Reads them as they are now. One that is none is told of too: whoever reads it learns what is wrong with it.
    pub(super) async fn read(store: &Store, member: &str) -> Result<Self> {
        let Ok(prefix) = key_prefix(member) else {
            // Whoever has a name that is too long for a key of an arrangement has none.
            return Ok(Self::default());
        };
        let query = Query::all(RAW_OVERLAYS.name().clone()).prefix(&prefix);
        let mut found = store.all(&RAW_OVERLAYS, query);
        let mut own = BTreeMap::new();
        while let Some(found) = found.try_next().await? {
            let Some(section) = found.value.get("sectionId").and_then(Value::as_str) else {
                continue;
            };
            let hash = blake3::hash(found.value.to_string().as_bytes());
            let content = hash.as_bytes().first_chunk().copied().unwrap_or_default();
            let version = found.version;
            own.insert(section.into(), Arrangement { version, content });
        }
        Ok(Self(Arc::new(own)))
    }

    pub(super) fn of(&self, section: &str) -> Option<&Arrangement> {
        self.0.get(section)
    }
}
