//! What the entries of a journal say has become different.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::Value;

use crate::engine::journal::EventKind;
use crate::error::Result;
use crate::permission::rights::Statement;
use crate::permission::{Change, Member, Section, Wedding};
use crate::storage::{Collection, Json, RecordId, Store, Version};
use crate::studio::team::{
    ACCESS_STATEMENTS, MEMBER_CHANGED, MEMBER_REMOVED, STATEMENT_CHANGED, STATEMENT_REMOVED,
    TEAM_MEMBERS, WEDDING_CHANGED, WEDDING_REMOVED, WEDDINGS,
};

use super::super::records::{
    RAW_SECTIONS, SECTION_ARRANGEMENTS_REMOVED, SECTION_CHANGED, SECTION_PERSONALIZED,
    SECTION_REMOVED,
};

/// What tells whose own arrangements have become others.
const ARRANGED: [EventKind; 2] = [SECTION_PERSONALIZED, SECTION_ARRANGEMENTS_REMOVED];

/// How many records are read at once.
const ABREAST: usize = 8;

/// What a record is of.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Part {
    Member,
    Wedding,
    Section,
    Statement,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [Self::Member, Self::Wedding, Self::Section, Self::Statement];

    pub(super) fn collection(self) -> &'static Collection<Value> {
        static MEMBERS: Collection<Value> = TEAM_MEMBERS;
        static OF_WEDDINGS: Collection<Value> = WEDDINGS;
        // As whatever it is: one that is no object is not there.
        static SECTIONS: Collection<Value> = RAW_SECTIONS;
        static STATEMENTS: Collection<Value> = ACCESS_STATEMENTS;
        match self {
            Self::Member => &MEMBERS,
            Self::Wedding => &OF_WEDDINGS,
            Self::Section => &SECTIONS,
            Self::Statement => &STATEMENTS,
        }
    }

    const fn subject(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Wedding => "wedding",
            Self::Section => "section",
            Self::Statement => "statement",
        }
    }

    fn of(kind: &str) -> Option<Self> {
        let kinds = [
            (Self::Member, [MEMBER_CHANGED, MEMBER_REMOVED]),
            (Self::Wedding, [WEDDING_CHANGED, WEDDING_REMOVED]),
            (Self::Section, [SECTION_CHANGED, SECTION_REMOVED]),
            (Self::Statement, [STATEMENT_CHANGED, STATEMENT_REMOVED]),
        ];
        let mut found = kinds.iter();
        let found = found.find(|(_, kinds)| kinds.iter().any(|known| known.as_str() == kind));
        found.map(|(part, _)| *part)
    }

    /// Returns what a record makes of the state. One that is no object is as if it were not there.
    ///
    /// The key of the database is the id, whatever the record says of itself.
    pub(super) fn change(self, id: &RecordId, record: Option<(Version, Value)>) -> Change {
        let key: Arc<str> = id.as_str().into();
        let (version, mut fields) = match record {
            Some((version, Value::Object(fields))) => (version, fields),
            // Without its denial more would be allowed: what says only who it is denies everything.
            Some((version, _)) if self == Self::Statement => (version, serde_json::Map::new()),
            _ => {
                return match self {
                    Self::Member => Change::RemoveMember(key),
                    Self::Wedding => Change::RemoveWedding(key),
                    Self::Section => Change::RemoveSection(key),
                    Self::Statement => Change::RemoveStatement(key),
                };
            }
        };
        fields.insert("id".into(), id.as_str().into());
        let record = Value::Object(fields);
        match self {
            Self::Member => Change::PutMember(Member::read(&record)),
            Self::Wedding => Change::PutWedding(Wedding::read(&record)),
            Self::Statement => Change::PutStatement(Statement::read(&record)),
            Self::Section => {
                let section = Section::read(&record);
                Change::PutSection(section.of_record(version.get(), content(&record)))
            }
        }
    }
}

/// Tells one content of a record from another, also where a record that was removed is made anew and begins again with
/// the first version.
///
/// Who sees it is left out, for a reader of the section is not told that, and could try guesses at it: what of it changes
/// what they see is in the decision, and any change is in the version.
fn content(record: &Value) -> u64 {
    let mut shown = record.clone();
    if let Some(fields) = shown.as_object_mut() {
        fields.retain(|name, _| name != "visibility" && name != "permissions");
    }
    let hash = blake3::hash(shown.to_string().as_bytes());
    let first = hash.as_bytes().first_chunk();
    first.map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// The records that entries of a journal name.
#[derive(Debug, Default)]
pub(super) struct Named {
    records: BTreeSet<(Part, RecordId)>,
    /// Whose own arrangements have become others, and the number of the last entry that says so.
    pub(super) arranged: BTreeMap<Arc<str>, u64>,
}

impl Named {
    /// Takes note of an event. One of another's words names no record of ours.
    pub(super) fn take(&mut self, sequence: u64, event: &Json) {
        #[derive(Deserialize)]
        struct Seen {
            kind: String,
            subject: Option<Subject>,
        }
        #[derive(Deserialize)]
        struct Personal {
            data: Whose,
        }
        #[derive(Deserialize)]
        struct Whose {
            user: Option<String>,
            #[serde(default)]
            users: Vec<String>,
        }
        #[derive(Deserialize)]
        struct Subject {
            kind: String,
            id: String,
        }
        let Ok(Seen { kind, subject }) = event.read() else {
            return;
        };
        if ARRANGED.iter().any(|known| known.as_str() == kind) {
            let whose = event.read().map(|Personal { data }| data);
            let users = whose
                .into_iter()
                .flat_map(|of| of.users.into_iter().chain(of.user));
            self.arranged
                .extend(users.map(|user| (user.into(), sequence)));
            return;
        }
        let (Some(part), Some(subject)) = (Part::of(&kind), subject) else {
            return;
        };
        if let Ok(id) = RecordId::parse(subject.id)
            && subject.kind == part.subject()
        {
            self.records.insert((part, id));
        }
    }

    /// Reads them as they are now.
    pub(super) async fn read(self, store: &Store) -> Result<Vec<Change>> {
        let changes = self.records.into_iter().map(|(part, id)| async move {
            let record = store.get(part.collection(), &id).await?;
            Ok(part.change(&id, record.map(|record| (record.version, record.value))))
        });
        stream::iter(changes).buffered(ABREAST).try_collect().await
    }
}
