//! What a service is told of a section is what single decisions say: in the context of its wedding, or in that of the
//! organization and of every wedding.

use garland::Timestamp;
use garland::permission::{
    Action, Actor, Context, Decision, Grant, PermissionSnapshot, Resource, Section,
    SectionDecision, Snapshot,
};
use proptest::prelude::*;

use crate::worlds::{World, named, now, wedding, world};

/// More weddings than there are ways for them to differ, before and behind those that members are let into.
fn many_weddings() -> impl Strategy<Value = World> {
    (world(), prop::collection::vec(wedding(), 0..12)).prop_map(|(mut world, more)| {
        for (n, record) in more.iter().enumerate() {
            let id = if n % 2 == 0 {
                format!("a{n}")
            } else {
                format!("z{n}")
            };
            world.weddings.push(named(record.clone(), &id));
        }
        world
    })
}

type Wanted = fn(&SectionDecision) -> bool;

/// Whether it is given, the reason, and till when that holds.
type Told = (bool, String, Option<Timestamp>);

fn told(decision: &Decision) -> Told {
    let code = decision.reasons[0].code.to_string();
    (decision.allow, code, decision.valid_until)
}

fn by_single_decisions(
    snapshot: &Snapshot,
    member: &str,
    section: &Section,
    now: Timestamp,
    wanted: Wanted,
) -> Told {
    let contexts = match section.wedding() {
        Some(wedding) => vec![Context::wedding(wedding, now)],
        None => {
            let weddings = snapshot.weddings();
            let weddings = weddings.map(|wedding| Context::wedding(wedding.id(), now));
            std::iter::once(Context::organization(now))
                .chain(weddings)
                .collect()
        }
    };
    let found: Vec<_> = contexts
        .iter()
        .map(|context| snapshot.decide(member, section.id(), context))
        .collect();
    match found.iter().find(|found| wanted(found)) {
        Some(yes) => {
            let grant = yes.grant.map(Grant::as_str).unwrap().to_owned();
            (true, grant, yes.valid_until)
        }
        None => {
            let denial = found[0]
                .denials
                .iter()
                .next()
                .map(|denial| denial.to_string());
            let unknown = "not_in_can_edit_list".to_owned();
            let until = found.iter().filter_map(|found| found.valid_until).min();
            (false, denial.unwrap_or(unknown), until)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_a_service_is_told_is_its_single_decisions(world in many_weddings(), now in now()) {
        let snapshot = world.snapshot(1);
        let state = snapshot.as_of(now);
        let resources: Vec<Resource> =
            snapshot.sections().map(|section| Resource::new("section", section.id())).collect();
        let acts: [(&str, Wanted); 2] =
            [("section.read", |found| found.can_view), ("section.edit", |found| found.can_edit)];
        for member in snapshot.members() {
            let actor = Actor::User(member.id().into());
            let known = member.holder().is_some_and(|holder| holder.organization() == "o");
            for (act, wanted) in acts {
                // All at once, where what is known of the weddings is shared, and each by itself.
                let action = Action::new(act);
                let all = state.decide(&actor, &action, &resources);
                for (at, section) in snapshot.sections().enumerate() {
                    let one = state.decide(&actor, &action, &resources[at..=at]);
                    prop_assert_eq!(&one[0], &all[at]);
                    if known {
                        let wanted = by_single_decisions(&snapshot, member.id(), section, now, wanted);
                        prop_assert_eq!(told(&one[0]), wanted, "{} {} {}", member.id(), act, section.id());
                    } else {
                        prop_assert!(!one[0].allow);
                    }
                }
            }
        }
    }
}
