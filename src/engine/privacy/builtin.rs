//! What garland's own collections have to do with people. A test reads every `Collection::new` of the
//! crate and fails for one that is not here.

use crate::error::Result;
use crate::storage::{CollectionName, IndexName};

use super::coverage::{Finder, OnErasure, PersonalData};

/// Name, and why it is about nobody.
const ABOUT_NOBODY: &[(&str, &str)] = &[
    (
        "audit_heads",
        "hashes and signatures over the journal, which names people by ids only",
    ),
    (
        "file_keys",
        "wrapped keys of files, by the ids of files; a host that erases a person's sealed files destroys their keys with them",
    ),
    ("key_epochs", "wrapped keys of the organization"),
    ("leases", "which run is at what"),
    ("lease_fences", "which run is at what"),
    ("legal_hold_marks", "a counter"),
    (
        "privacy_erasures",
        "proofs of erasures: counts under a keyed pseudonym",
    ),
    (
        "sync_bases",
        "paths and hashes of files; they go when the files go",
    ),
    (
        "sync_conflicts",
        "paths and hashes of files; they go when the conflict is settled",
    ),
    (
        "sync_operations",
        "paths of files in a step under way; they go when it is done",
    ),
    (
        "sync_recovered",
        "paths of files in the recovery folders; they go when those are pruned",
    ),
    ("sync_under_way", "which run is at what"),
    (
        "transfer_uploads",
        "paths of files on their way; they go when they have arrived",
    ),
];

pub(super) fn collections() -> Result<Vec<PersonalData>> {
    let mut all: Vec<PersonalData> = ABOUT_NOBODY
        .iter()
        .map(|(name, why)| PersonalData::none(CollectionName::new(name), *why))
        .collect();
    all.push(
        PersonalData::found_by(
            CollectionName::new("audit_subjects"),
            Finder::Id,
            "who has sealed side records",
        )
        .with_erasure(OnErasure::Shred)
        .with_time("since".parse()?),
    );
    all.push(
        PersonalData::found_by(
            CollectionName::new("audit_side_records"),
            Finder::Index(IndexName::new("holder")),
            "what is personal about events, sealed",
        )
        .with_erasure(OnErasure::Shred)
        .with_time("at".parse()?),
    );
    all.push(
        PersonalData::found_by(
            CollectionName::new("legal_holds"),
            Finder::Field("scope.subject".parse()?),
            "whose data may not be erased at present",
        )
        // Who is party to a lawsuit is not to learn of it here.
        .not_exported(),
    );
    all.push(PersonalData::found_by(
        CollectionName::new("privacy_restrictions"),
        Finder::Id,
        "whose data may be stored and not used otherwise",
    ));
    Ok(all)
}
