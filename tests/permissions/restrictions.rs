//! A restriction more never gives anybody more.

use garland::permission::{Context, Member, Section, SectionDecision, Snapshot};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::worlds::{access, condition, context, phases, roles, world};

/// What makes a section or a member stricter.
#[derive(Clone, Debug)]
enum Restriction {
    Condition(String, Value),
    Phases(Value),
    CanView(Value),
    /// Takes a name out of one of the lists.
    Without(&'static [&'static str], Index),
    /// Writes one more level for a wedding that the member has an entry of.
    WeakerAccess(Value),
    /// Takes the member's own field away.
    NoFields,
}

const LISTS: [&[&str]; 5] = [
    &["visibility", "roles"],
    &["visibility", "weddingPhase"],
    &["permissions", "canView"],
    &["permissions", "canEdit"],
    &["permissions", "canHide"],
];

fn restriction() -> impl Strategy<Value = Restriction> {
    prop_oneof![
        3 => condition().prop_map(|(key, value)| Restriction::Condition(key, value)),
        1 => phases().prop_map(Restriction::Phases),
        1 => roles().prop_map(Restriction::CanView),
        3 => (select(LISTS.to_vec()), any::<Index>()).prop_map(|(list, name)| Restriction::Without(list, name)),
        1 => access().prop_map(Restriction::WeakerAccess),
        1 => Just(Restriction::NoFields),
    ]
}

impl Restriction {
    /// Makes the records stricter; not if it would replace a restriction that is there, or what cannot be read.
    fn apply(&self, member: &mut Value, section: &mut Value) -> Option<()> {
        match self {
            Self::Condition(key, value) => {
                let visibility = group(section, "visibility")?;
                let conditions = group(visibility, "conditions")?.as_object_mut()?;
                if conditions.contains_key(key) {
                    return None;
                }
                conditions.insert(key.clone(), value.clone());
            }
            Self::Phases(phases) => add(section, "visibility", "weddingPhase", phases)?,
            Self::CanView(roles) => add(section, "permissions", "canView", roles)?,
            Self::Without(path, name) => {
                let list = path
                    .iter()
                    .try_fold(section, |value, key| value.get_mut(key))?;
                let list = list.as_array_mut().filter(|list| !list.is_empty())?;
                let at = name.index(list.len());
                // What is no name makes the list malformed, and must stay.
                if !list[at].is_string() {
                    return None;
                }
                list.remove(at);
            }
            Self::WeakerAccess(entry) => {
                let list = member.get_mut("weddingAccess")?.as_array_mut()?;
                let wedding = entry.get("weddingId");
                if wedding.is_none() || list.iter().all(|own| own.get("weddingId") != wedding) {
                    return None;
                }
                list.push(entry.clone());
            }
            Self::NoFields => {
                let fields = member.get_mut("customFields")?;
                if !fields.is_object() {
                    return None;
                }
                *fields = json!({});
            }
        }
        Some(())
    }
}

/// The object under `key`, an empty one if there is none.
fn group<'a>(record: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    let place = record.as_object_mut()?.entry(key).or_insert(Value::Null);
    if place.is_null() {
        *place = json!({});
    }
    place.is_object().then_some(place)
}

/// Writes a list where there is none; a list that is `null` is none.
fn add(section: &mut Value, at: &str, key: &str, list: &Value) -> Option<()> {
    let group = group(section, at)?.as_object_mut()?;
    if group.get(key).is_some_and(|list| !list.is_null()) || list.is_null() {
        return None;
    }
    group.insert(key.to_owned(), list.clone());
    Some(())
}

fn decide(
    snapshot: &Snapshot,
    member: &Value,
    section: &Value,
    context: &Context,
) -> SectionDecision {
    snapshot
        .at(context)
        .decide(&Member::read(member), &Section::read(section))
}

#[track_caller]
fn no_more(after: &SectionDecision, before: &SectionDecision) {
    assert!(
        before.can_view || !after.can_view,
        "view: {before:?} {after:?}"
    );
    assert!(
        before.can_edit || !after.can_edit,
        "edit: {before:?} {after:?}"
    );
    assert!(
        before.can_hide || !after.can_hide,
        "hide: {before:?} {after:?}"
    );
    for capability in after.capabilities.iter() {
        assert!(
            before.capabilities.contains(capability),
            "{capability:?}: {before:?} {after:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_restriction_never_gives_more(
        world in world(), context in context(), who in any::<Index>(), what in any::<Index>(),
        restrictions in prop::collection::vec(restriction(), 1..5),
    ) {
        let snapshot = world.snapshot(1);
        let (mut member, mut section) = (world.member(who).clone(), world.section(what).clone());
        let mut before = decide(&snapshot, &member, &section, &context);
        for restriction in restrictions {
            if restriction.apply(&mut member, &mut section).is_none() {
                continue;
            }
            let after = decide(&snapshot, &member, &section, &context);
            no_more(&after, &before);
            before = after;
        }
    }

    /// For the page of a member too: one section stricter, and no type of sections has more.
    #[test]
    fn a_stricter_section_never_opens_a_page(
        mut world in world(), context in context(), what in any::<Index>(), restriction in restriction(),
    ) {
        let before = world.snapshot(1);
        let at = what.index(world.sections.len());
        let mut nobody = json!({});
        if restriction.apply(&mut nobody, &mut world.sections[at]).is_some() {
            let after = world.snapshot(2);
            for member in before.members() {
                let seen = before.visible(member.id(), &context);
                for section_type in after.visible(member.id(), &context) {
                    prop_assert!(seen.contains(&section_type), "{section_type}");
                }
            }
        }
    }
}

/// The laws would hold of a calculation that denies everything: this one gives about as often as it denies.
#[test]
fn the_worlds_are_neither_all_open_nor_all_shut() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut seen, mut all, mut edited, mut hidden) = (0, 0, 0, 0);
    for _ in 0..400 {
        let (world, context) = (world(), context())
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let snapshot = world.snapshot(1);
        for member in snapshot.members() {
            for section in snapshot.sections() {
                let found = snapshot.decide(member.id(), section.id(), &context);
                all += 1;
                seen += u32::from(found.can_view);
                edited += u32::from(found.can_edit);
                hidden += u32::from(found.can_hide);
            }
        }
    }
    println!("{seen} of {all} seen, {edited} edited, {hidden} hidden");
    assert!(seen * 20 > all && seen * 2 < all, "{seen} of {all}");
    assert!(
        edited * 50 > all && hidden * 100 > all,
        "{edited} and {hidden} of {all}"
    );
}
