//! An answer holds until just before the instant it names.

use garland::Timestamp;
use garland::permission::{Context, Snapshot};
use proptest::prelude::*;

use crate::worlds::{context, now, world};

/// Instants from `now` until before `until`: the first, the last, and those of `tried` that lie between.
fn within(now: Timestamp, until: Option<Timestamp>, tried: &[Timestamp]) -> Vec<Timestamp> {
    let far = Timestamp::from_millis(i64::MAX / 4);
    let last = until.map_or(far, |until| Timestamp::from_millis(until.as_millis() - 1));
    let mut within: Vec<_> = tried
        .iter()
        .copied()
        .chain([now, last])
        .filter(|at| (now..=last).contains(at))
        .collect();
    // The middle, so that there is one more than edges.
    within.push(Timestamp::from_millis(
        now.as_millis() / 2 + last.as_millis() / 2,
    ));
    within.retain(|at| (now..=last).contains(at));
    within
}

fn ids(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.members().map(|member| member.id()).collect()
}

fn at(context: &Context, now: Timestamp) -> Context {
    context.clone().at(now)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_answer_holds_until_it_says(
        world in world(), context in context(), tried in prop::collection::vec(now(), 12),
    ) {
        let snapshot = world.snapshot(1);
        let now = context.now;
        for member in snapshot.members() {
            for section in snapshot.sections() {
                let found = snapshot.decide(member.id(), section.id(), &context);
                prop_assert!(found.valid_until.is_none_or(|until| until > now));
                for then in within(now, found.valid_until, &tried) {
                    let later = snapshot.decide(member.id(), section.id(), &at(&context, then));
                    prop_assert_eq!(&later, &found, "at {}", then);
                }
            }
            for found in snapshot.decide_all(member.id(), &context) {
                for then in within(now, found.valid_until, &tried) {
                    let view = at(&context, then);
                    let later = snapshot.at(&view).section(member.id(), &found.section_type);
                    prop_assert_eq!(later.as_ref(), Some(&found), "at {}", then);
                }
            }
        }
        let matrix = snapshot.matrix(&ids(&snapshot), &context);
        prop_assert!(matrix.valid_until().is_none_or(|until| until > now));
        for then in within(now, matrix.valid_until(), &tried) {
            let later = snapshot.matrix(&ids(&snapshot), &at(&context, then));
            prop_assert_eq!(&later, &matrix, "at {}", then);
        }
    }

    #[test]
    fn what_a_change_would_do_holds_until_it_says(
        world in world(), other in world(), context in context(), tried in prop::collection::vec(now(), 6),
    ) {
        let (before, after) = (world.snapshot(1), other.snapshot(2));
        let impact = before.impact(&after, &context);
        for then in within(context.now, impact.valid_until, &tried) {
            let later = before.impact(&after, &at(&context, then));
            prop_assert_eq!(&later.members, &impact.members, "at {}", then);
        }
    }
}
