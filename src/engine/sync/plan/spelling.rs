//! Which spelling stands for a name that a normalising replica lists (`spec/sync.md` §7).

use std::borrow::Cow;
use std::collections::HashMap;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::connector::UnicodeForm;
use crate::engine::sync::inventory::Inventory;

use super::replicas::ReplicaIndex;
use super::view::Moved;
use super::world::Replica;

type Member<'w> = (ReplicaIndex, &'w Replica, &'w Inventory);

/// Finds, for each member, the listed paths that stand for another spelling.
///
/// Those who normalise learn from those who do not. Only spellings that are not in normal form are kept in
/// mind, so a world without them costs one reading.
pub(super) fn respell(members: &[Member<'_>]) -> Vec<Vec<Moved>> {
    let normalises = |member: &&Member<'_>| member.1.names.unicode == UnicodeForm::Nfc;
    if !members.iter().any(|member| normalises(&member)) {
        return Vec::new();
    }
    let teachers = || members.iter().filter(|member| !normalises(member));
    let lesson = [
        Spellings::new(teachers().map(|(_, replica, _)| &replica.listing).collect()),
        Spellings::new(teachers().map(|&(_, _, base)| base).collect()),
    ];
    let moved = |member: &Member<'_>| {
        if normalises(&member) {
            moves(member, &lesson)
        } else {
            Vec::new()
        }
    };
    members.iter().map(moved).collect()
}

fn moves((_, replica, base): &Member<'_>, lesson: &[Spellings<'_>; 2]) -> Vec<Moved> {
    let mut moved = Vec::new();
    let mut cursor = replica.listing.cursor();
    while cursor.advance() {
        let Some(name) = cursor
            .path()
            .and_then(|path| std::str::from_utf8(path).ok())
        else {
            continue;
        };
        let key = normal(name);
        if key == name && lesson.iter().all(|spellings| !spellings.has_others(name)) {
            continue;
        }
        let known = lesson.iter().map(|spellings| spellings.of(&key));
        let known = known.into_iter().find(|known| !known.is_empty());
        let known = known.unwrap_or_default();
        let in_base = known.iter().find(|name| base.get(name).is_some());
        // Nobody has taught a spelling: its own, in its own form.
        let shown = in_base.or(known.first()).map_or(&*key, |shown| shown);
        if *shown != *name {
            moved.push(Moved {
                shown: shown.into(),
                listed: name.into(),
            });
        }
    }
    moved
}

/// The normal form of a name.
pub(super) fn normal(name: &str) -> Cow<'_, str> {
    if name.is_ascii() || is_nfc(name) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.nfc().collect())
    }
}

/// The spellings that some inventories have.
struct Spellings<'w> {
    inventories: Vec<&'w Inventory>,
    /// Those not in normal form, by their normal form.
    others: HashMap<String, Vec<Box<str>>>,
    /// Whether one of them has its normal form within ASCII (the Kelvin sign is K).
    any_ascii: bool,
}

impl<'w> Spellings<'w> {
    fn new(inventories: Vec<&'w Inventory>) -> Self {
        let mut others: HashMap<String, Vec<Box<str>>> = HashMap::new();
        for inventory in &inventories {
            let mut cursor = inventory.cursor();
            while cursor.advance() {
                if let Some(path) = cursor.path()
                    && !path.is_ascii()
                    && let Ok(name) = std::str::from_utf8(path)
                    && !is_nfc(name)
                {
                    others
                        .entry(name.nfc().collect())
                        .or_default()
                        .push(name.into());
                }
            }
        }
        for names in others.values_mut() {
            names.sort_unstable();
            names.dedup();
        }
        Self {
            any_ascii: others.keys().any(|key| key.is_ascii()),
            inventories,
            others,
        }
    }

    /// Tells whether a name in normal form has other spellings.
    fn has_others(&self, name: &str) -> bool {
        (self.any_ascii || !name.is_ascii()) && self.others.contains_key(name)
    }

    /// Returns every spelling with this normal form, by rising bytes.
    fn of<'k>(&'k self, key: &'k str) -> Vec<&'k str> {
        let others = self.others.get(key).into_iter().flatten();
        let mut names: Vec<&str> = others.map(|name| &**name).collect();
        if self
            .inventories
            .iter()
            .any(|inventory| inventory.get(key).is_some())
        {
            names.push(key);
        }
        names.sort_unstable();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::{FilePath, FileVersion, NameRules};

    const COMPOSED: &str = "caf\u{e9}.jpg";
    const DECOMPOSED: &str = "cafe\u{301}.jpg";

    fn inventory(paths: &[&str]) -> Inventory {
        let mut builder = Inventory::builder();
        for path in paths {
            builder.push(
                &FilePath::parse(*path).unwrap(),
                FileVersion::new(1).as_ref(),
            );
        }
        builder.finish().unwrap()
    }

    fn shown(
        listed: &[&str],
        base: &[&str],
        theirs: &[&str],
        theirs_before: &[&str],
    ) -> Vec<String> {
        let mac = Replica::new("mac")
            .with_names(NameRules::default().with_unicode(UnicodeForm::Nfc))
            .with_listing(inventory(listed));
        let nas = Replica::new("nas").with_listing(inventory(theirs));
        let (mac_base, nas_base) = (inventory(base), inventory(theirs_before));
        let index = |n| ReplicaIndex::new(n).unwrap();
        let members = [(index(0), &mac, &mac_base), (index(1), &nas, &nas_base)];
        let moved = respell(&members).swap_remove(0);
        moved.iter().map(|moved| moved.shown.to_string()).collect()
    }

    #[test]
    fn a_name_stands_for_what_the_others_call_it() {
        let none: [String; 0] = [];
        assert_eq!(shown(&[COMPOSED], &[], &[DECOMPOSED], &[]), [DECOMPOSED]);
        assert_eq!(shown(&[DECOMPOSED], &[], &[COMPOSED], &[]), [COMPOSED]);
        assert_eq!(shown(&[COMPOSED], &[], &[], &[DECOMPOSED]), [DECOMPOSED]);
        assert_eq!(shown(&[COMPOSED], &[], &[], &[]), none);
        let both = [COMPOSED, DECOMPOSED];
        assert_eq!(
            shown(&[COMPOSED], &[], &both, &[]),
            [DECOMPOSED],
            "the bytewise first"
        );
        assert_eq!(
            shown(&[COMPOSED], &[COMPOSED], &both, &[]),
            none,
            "the one in its base"
        );
        assert_eq!(
            shown(&["K.jpg"], &[], &["\u{212a}.jpg"], &[]),
            ["\u{212a}.jpg"]
        );
    }
}
