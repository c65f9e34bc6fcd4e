//! New names for versions that lose their path (`spec/sync.md` §4).

use std::collections::HashSet;

use crate::clock::Timestamp;

use super::names::{Folding, each_name};
use super::scope::Scope;

/// What every conflict name contains, so that only listed names with it can be in the way.
const MARK: &str = "(conflict ";

/// Gives out conflict names, never one that is taken.
pub(super) struct ConflictNames<'s, 'w> {
    scope: &'s Scope<'w>,
    /// The keys of listed names that look like conflict names, and of those given out. Read when first needed.
    taken: Option<HashSet<String>>,
}

/// A version that needs a name.
pub(super) struct Loser<'a> {
    pub(super) path: &'a str,
    /// The name of its first holder.
    pub(super) replica: &'a str,
    pub(super) time: Option<Timestamp>,
    /// The bytes a component may have, so that all can hold it.
    pub(super) max_name: usize,
}

impl<'s, 'w> ConflictNames<'s, 'w> {
    pub(super) fn new(scope: &'s Scope<'w>) -> Self {
        Self { scope, taken: None }
    }

    /// Finds a free name. `None` if there is none, or if it does not fit.
    pub(super) fn find(
        &mut self,
        loser: &Loser<'_>,
        fits: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let scope = self.scope;
        let taken = self.taken.get_or_insert_with(|| listed(scope));
        (1u64..)
            .map_while(|number| candidate(loser, number))
            .find(|path| !taken.contains(&Folding::FULL.key(path)))
            .filter(|path| fits(path))
    }

    /// Marks a name as given out.
    pub(super) fn give(&mut self, path: &str) {
        if let Some(taken) = &mut self.taken {
            taken.insert(Folding::FULL.key(path));
        }
    }

    /// Takes a name back that was given out.
    pub(super) fn take_back(&mut self, path: &str) {
        if let Some(taken) = &mut self.taken {
            taken.remove(&Folding::FULL.key(path));
        }
    }
}

fn listed(scope: &Scope<'_>) -> HashSet<String> {
    let mut taken = HashSet::new();
    each_name(scope, |name| {
        if name.contains('(') {
            let key = Folding::FULL.key(name);
            if key.contains(MARK) {
                taken.insert(key);
            }
        }
    });
    taken
}

/// Makes the `number`th name, counted from 1. `None` if nothing would be left of the stem.
fn candidate(loser: &Loser<'_>, number: u64) -> Option<String> {
    let (folder, name) = match loser.path.rfind('/') {
        Some(slash) => loser.path.split_at_checked(slash + 1)?,
        None => ("", loser.path),
    };
    let (stem, extension) = split_extension(name);
    let stamp = loser.time.and_then(Timestamp::to_compact);
    let stamp = stamp.as_deref().unwrap_or("undated");
    let mut tail = format!(" {MARK}{} {stamp})", loser.replica);
    if number > 1 {
        tail.push_str(&format!(" {number}"));
    }
    if let Some(extension) = extension {
        tail.push('.');
        tail.push_str(extension);
    }
    let room = loser.max_name.checked_sub(tail.len())?;
    let stem = stem.get(..stem.floor_char_boundary(room))?;
    (!stem.is_empty()).then(|| format!("{folder}{stem}{tail}"))
}

/// Splits a name at its last dot, unless that is its first or last character.
pub(super) fn split_extension(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !extension.is_empty() => {
            (stem, Some(extension))
        }
        _ => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(path: &str, max_name: usize, number: u64) -> Option<String> {
        let loser = Loser {
            path,
            replica: "card",
            time: Some(Timestamp::from_millis(5_000)),
            max_name,
        };
        candidate(&loser, number)
    }

    #[test]
    fn the_name_tells_whose_version_it_is_and_when_it_was_made() {
        let first = name("x/p.tar.gz", 255, 1);
        assert_eq!(
            first.as_deref(),
            Some("x/p.tar (conflict card 19700101T000005Z).gz")
        );
        let second = name("x/p.jpg", 255, 2);
        assert_eq!(
            second.as_deref(),
            Some("x/p (conflict card 19700101T000005Z) 2.jpg")
        );
    }

    #[test]
    fn the_stem_is_cut_between_characters_and_never_away() {
        let tail = " (conflict card 19700101T000005Z).jpg".len();
        assert!(name("éé.jpg", tail + 3, 1).unwrap().starts_with("é ("));
        assert_eq!(name("éé.jpg", tail + 1, 1), None);
        assert_eq!(name("éé.jpg", 3, 1), None);
    }

    #[test]
    fn a_dot_at_either_end_starts_no_extension() {
        assert_eq!(split_extension(".hidden"), (".hidden", None));
        assert_eq!(split_extension("dot."), ("dot.", None));
        assert_eq!(split_extension(".a.b"), (".a", Some("b")));
    }
}
