//! The order in which lists and objects are written decides nothing.

use garland::permission::{Member, Section, Snapshot, Wedding};
use garland::wedding::Grace;
use proptest::prelude::*;
use serde_json::Value;

use crate::worlds::{World, context, world, zones};

/// Writes a record with the keys of every object, and the names of every list, in the order that `dice` gives. Objects of
/// `serde_json` may be sorted, so it is the text that is shuffled.
fn shuffled(value: &Value, dice: &mut impl FnMut(usize) -> usize, out: &mut String) {
    match value {
        Value::Object(map) => {
            let entries = order(map.iter().collect(), dice);
            joined(out, '{', '}', entries, |(key, value), out| {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                shuffled(value, dice, out);
            });
        }
        Value::Array(items) => {
            let items = order(items.iter().collect(), dice);
            joined(out, '[', ']', items, |item, out| shuffled(item, dice, out));
        }
        other => out.push_str(&other.to_string()),
    }
}

fn joined<T>(
    out: &mut String,
    open: char,
    close: char,
    items: Vec<T>,
    mut write: impl FnMut(T, &mut String),
) {
    out.push(open);
    for (n, item) in items.into_iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}

fn order<T>(mut items: Vec<T>, dice: &mut impl FnMut(usize) -> usize) -> Vec<T> {
    for last in (1..items.len()).rev() {
        items.swap(last, dice(last + 1));
    }
    items
}

/// Numbers below what is asked, from a seed (xorshift).
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    }
}

fn read<T>(
    records: &[Value],
    dice: &mut impl FnMut(usize) -> usize,
    read: fn(&Value) -> T,
) -> Vec<T> {
    let records = order(records.iter().collect(), dice).into_iter();
    records
        .map(|record| {
            let mut text = String::new();
            shuffled(record, dice, &mut text);
            read(&serde_json::from_str(&text).unwrap())
        })
        .collect()
}

fn shuffled_world(world: &World, seed: u64) -> Snapshot {
    let mut dice = dice(seed);
    Snapshot::builder("o".parse().unwrap())
        .zones(zones())
        .grace(Grace::minutes(world.grace).unwrap())
        .members(read(&world.members, &mut dice, Member::read))
        .weddings(read(&world.weddings, &mut dice, Wedding::read))
        .sections(read(&world.sections, &mut dice, Section::read))
        .build(1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn order_decides_nothing(world in world(), context in context(), seed in any::<u64>()) {
        let (one, other) = (world.snapshot(1), shuffled_world(&world, seed));
        for member in one.members() {
            for section in one.sections() {
                let (member, section) = (member.id(), section.id());
                prop_assert_eq!(
                    one.decide(member, section, &context),
                    other.decide(member, section, &context)
                );
                prop_assert_eq!(
                    one.explain(member, section, &context),
                    other.explain(member, section, &context)
                );
            }
            prop_assert_eq!(
                one.decide_all(member.id(), &context),
                other.decide_all(member.id(), &context)
            );
        }
    }
}
