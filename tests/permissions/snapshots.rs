//! A snapshot with changes is the one that would be built anew, and what a change would do is what it does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use garland::permission::{Change, Context, EffectiveSection, Member, Section, Snapshot, Wedding};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use crate::worlds::{World, context, member, named, section, wedding, world};

/// A change, as records have it.
#[derive(Clone, Debug)]
enum Edit {
    Member(Index, Option<Value>),
    Wedding(Index, Option<Value>),
    Section(Index, Option<Value>),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = || any::<Index>();
    prop_oneof![
        (at(), prop::option::weighted(0.8, member()))
            .prop_map(|(at, record)| Edit::Member(at, record)),
        (at(), prop::option::weighted(0.8, wedding()))
            .prop_map(|(at, record)| Edit::Wedding(at, record)),
        (at(), prop::option::weighted(0.8, section()))
            .prop_map(|(at, record)| Edit::Section(at, record)),
    ]
}

impl Edit {
    /// Makes it to the records, and returns it as a change. Ids go beyond those that are there.
    fn apply(&self, world: &mut World) -> Change {
        match self {
            Self::Member(at, record) => {
                let id = format!("m{}", at.index(6));
                match put(&mut world.members, &id, record) {
                    Some(record) => Change::PutMember(Member::read(&record)),
                    None => Change::RemoveMember(id.into()),
                }
            }
            Self::Wedding(at, record) => {
                let id = ["w", "x", "y"][at.index(3)];
                match put(&mut world.weddings, id, record) {
                    Some(record) => Change::PutWedding(Wedding::read(&record)),
                    None => Change::RemoveWedding(id.into()),
                }
            }
            Self::Section(at, record) => {
                let id = format!("s{}", at.index(10));
                match put(&mut world.sections, &id, record) {
                    Some(record) => Change::PutSection(Section::read(&record)),
                    None => Change::RemoveSection(id.into()),
                }
            }
        }
    }
}

fn put(records: &mut Vec<Value>, id: &str, record: &Option<Value>) -> Option<Value> {
    records.retain(|own| own["id"] != id);
    let record = named(record.clone()?, id.to_owned());
    records.push(record.clone());
    Some(record)
}

/// All answers of a snapshot.
fn answers(snapshot: &Snapshot, context: &Context) -> impl PartialEq + std::fmt::Debug + use<> {
    let ids: Vec<&str> = snapshot.members().map(|member| member.id()).collect();
    let sections: Vec<Section> = snapshot.sections().cloned().collect();
    let pages: Vec<_> = ids
        .iter()
        .map(|id| snapshot.decide_all(id, context))
        .collect();
    let single: Vec<_> = ids
        .iter()
        .flat_map(|id| {
            sections
                .iter()
                .map(|section| snapshot.decide(id, section.id(), context))
        })
        .collect();
    let members: Vec<Member> = snapshot.members().cloned().collect();
    let weddings: Vec<Wedding> = snapshot.weddings().cloned().collect();
    let matrix = snapshot.matrix(&ids, context);
    (members, weddings, sections, pages, single, matrix)
}

type Page = BTreeMap<String, EffectiveSection>;

/// What one member sees, by section type.
fn page(snapshot: &Snapshot, member: &str, context: &Context) -> Page {
    let sections = snapshot.decide_all(member, context).into_iter();
    sections
        .filter(|section| section.can_view)
        .map(|section| (section.section_type.to_string(), section))
        .collect()
}

/// Gained, lost and changed of one member, by comparing two pages.
fn compared(before: &Page, after: &Page) -> [BTreeSet<String>; 3] {
    // Till when it holds is no difference that anybody sees.
    let seen = |section: &EffectiveSection| {
        let mut section = section.clone();
        section.valid_until = None;
        section
    };
    let names = |page: &Page| page.keys().cloned().collect::<BTreeSet<_>>();
    let (old, new) = (names(before), names(after));
    let changed = old
        .intersection(&new)
        .filter(|name| seen(&before[*name]) != seen(&after[*name]));
    [&new - &old, &old - &new, changed.cloned().collect()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn with_changes_is_as_if_built_anew(
        mut world in world(), context in context(), edits in prop::collection::vec(edit(), 1..6),
    ) {
        let first = world.snapshot(1);
        let untouched = answers(&first, &context);
        let changes: Vec<Change> = edits.iter().map(|edit| edit.apply(&mut world)).collect();
        let all_at_once = first.with(2, changes.clone());
        let one_by_one = changes
            .into_iter()
            .fold(first.clone(), |snapshot, change| snapshot.with(2, [change]));
        let anew = world.snapshot(2);
        prop_assert_eq!(all_at_once.revision(), 2);
        prop_assert!(answers(&all_at_once, &context) == answers(&anew, &context));
        prop_assert!(answers(&one_by_one, &context) == answers(&anew, &context));
        prop_assert_eq!(first.revision(), 1);
        prop_assert!(answers(&first, &context) == untouched, "the first one is as it was");
    }

    #[test]
    fn simulating_is_applying_and_comparing(
        mut world in world(), context in context(), edits in prop::collection::vec(edit(), 0..6),
    ) {
        let before = world.snapshot(1);
        let changes: Vec<Change> = edits.iter().map(|edit| edit.apply(&mut world)).collect();
        let impact = before.simulate(&changes, &context);
        let after = world.snapshot(2);
        prop_assert_eq!(&impact, &before.impact(&after, &context));

        let members = before.members().chain(after.members());
        let ids: BTreeSet<&str> = members.map(|member| member.id()).collect();
        let mut wanted = Vec::new();
        for id in ids {
            let parts = compared(&page(&before, id, &context), &page(&after, id, &context));
            if parts.iter().any(|part| !part.is_empty()) {
                wanted.push((id.to_owned(), parts));
            }
        }
        let told: Vec<_> = impact
            .members
            .iter()
            .map(|member| {
                let parts = [&member.gained, &member.lost, &member.changed];
                let parts = parts.map(|names| names.iter().map(ToString::to_string).collect());
                (Arc::clone(&member.member).to_string(), parts)
            })
            .collect();
        prop_assert_eq!(told, wanted);
        // Nobody stands in it for nothing.
        prop_assert!(before.simulate(&[], &context).members.is_empty());
    }
}
