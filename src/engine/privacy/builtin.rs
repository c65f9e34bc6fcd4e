//! What garland's own collections have to do with people. A test reads every `Collection::new` of the
//! crate and fails for one that is not here.

use std::borrow::Cow;

use crate::error::Result;
use crate::permission::Actor;
use crate::storage::{CollectionName, IndexName};

use super::coverage::{Finder, OnErasure, PersonalData, Redaction};

/// Name, and why it is about nobody.
const ABOUT_NOBODY: &[(&str, &str)] = &[
    (
        "audit_heads",
        "hashes and signatures over the journal, which names people by ids only",
    ),
    (
        "authorization_states",
        "digests of authorizations under way; they go after minutes",
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
        "proofs of erasures: counts, whose and by whom under keyed pseudonyms",
    ),
    ("presigned_uses", "digests of grants that were used"),
    (
        "sealed_files",
        "paths of files, in clear: a name in one is the host's to know; a record goes when the file is deleted through its account, or was missing there for long and the account is tidied",
    ),
    (
        "sealed_places",
        "how names are sealed, and a check value of a key",
    ),
    (
        "section_configurations",
        "how sections look and which roles see them; a name in a title is for the host to know",
    ),
    (
        "section_partner_places",
        "how far an external system has been told, within an entry by the ids of a member and a wedding; they go when the entry is told",
    ),
    (
        "section_partners",
        "addresses of external systems and names of their secrets",
    ),
    ("section_results", "a counter"),
    ("section_slots", "which section is the one of its type"),
    (
        "section_syncs",
        "how far bulk work is, by the id of a member; it goes when the work is done",
    ),
    (
        "section_templates",
        "patterns of sections; a name in a title is for the host to know",
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
    (
        "sync_snapshots",
        "paths and hashes of files as a place last listed them; they go when the files go",
    ),
    ("sync_under_way", "which run is at what"),
    ("token_revocation_count", "a counter"),
    (
        "transfer_uploads",
        "paths of files on their way; they go when they have arrived",
    ),
    (
        "weddings",
        "when and where weddings are, by ids of the host; who marries stands with the members, and fields of the host's own are its to cover",
    ),
    (
        "webhook_deliveries",
        "digests of deliveries that came before; they go after days",
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
        .with_erasure(OnErasure::Shred),
    );
    all.push(
        PersonalData::found_by(
            CollectionName::new("audit_side_records"),
            Finder::Index(IndexName::new("holder")),
            "what is personal about events, sealed",
        )
        .with_erasure(OnErasure::Shred),
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
    all.push(
        PersonalData::found_by(
            CollectionName::new("section_history"),
            Finder::Field("by.*.id".parse()?),
            "who has changed which section",
        )
        .with_erasure(OnErasure::Redact(Redaction::new(vec!["by.*.id".parse()?])))
        .with_time("at".parse()?),
    );
    all.push(PersonalData::found_by(
        CollectionName::new("section_overlays"),
        Finder::Field("userId".parse()?),
        "how a person has arranged sections for themselves",
    ));
    all.push(
        PersonalData::found_by(
            CollectionName::new("section_permissions"),
            Finder::Field("userId".parse()?),
            "which sections a person sees",
        )
        .with_time("computedAt".parse()?),
    );
    all.push(
        PersonalData::found_by(
            CollectionName::new("access_statements"),
            Finder::Field("subject.member".parse()?),
            "what the organization allows or forbids a person by name",
        )
        .with_erasure(OnErasure::Elsewhere(Cow::Borrowed(
            "remove the statement through the directory, so that all that decides hears of it",
        ))),
    );
    all.push(
        PersonalData::found_by(
            CollectionName::new("team_members"),
            Finder::Id,
            "what a person is in the organization and at its weddings, with fields of the host's own",
        )
        .with_erasure(OnErasure::Elsewhere(Cow::Borrowed(
            "remove the member through the directory, so that all that decides hears of it",
        ))),
    );
    all.push(PersonalData::found_by(
        CollectionName::new("privacy_restrictions"),
        Finder::Id,
        "whose data may be stored and not used otherwise",
    ));
    all.push(
        PersonalData::found_by(
            CollectionName::new("token_sessions"),
            Finder::Field("actor.user".parse()?),
            "who is signed in, since when and through which program",
        )
        .with_time("end".parse()?),
    );
    all.push(
        PersonalData::found_by(
            CollectionName::new("token_revocations"),
            Finder::Field("what.actor.user".parse()?),
            "whose tokens were taken back",
        )
        .with_erasure(OnErasure::Keep(Cow::Borrowed(
            "without it tokens that were taken back would be good again; it goes when they have run out",
        )))
        .with_time("until".parse()?),
    );
    all.push(
        PersonalData::found_by(
            CollectionName::new("uploads"),
            Finder::Field("by.user".parse()?),
            "who handed in which file",
        )
        .with_erasure(OnErasure::Elsewhere(Cow::Borrowed(
            "a record goes with its file: remove the person's uploads",
        ))),
    );
    all.push(PersonalData::found_by(
        CollectionName::new("upload_usage"),
        Finder::IdFrom(usage),
        "how much a person has handed in",
    ));
    Ok(all)
}

/// Usage is counted under a digest of who acts.
fn usage(id: &str) -> String {
    let actor = Actor::User(id.to_owned()).to_string();
    format!("actor/{}", blake3::hash(actor.as_bytes()).to_hex())
}
