//! How paths are spelled on the account.

use crate::connector::{FilePath, NameRules};
use crate::error::Result;

use super::base32;
use super::options::SealedNames;
use super::siv::{OVERHEAD, SivKey};

/// What the name of every sealed file ends in.
pub(super) const SUFFIX: &str = ".sealed";

const CONTEXT: &[u8] = b"garland/sealed-name/v1";

/// Spells paths for the account, and reads them back.
pub(super) enum Names {
    Clear,
    Sealed(SivKey),
}

impl Names {
    /// Returns where the object of a file is.
    pub(super) fn object(&self, path: &FilePath) -> Result<FilePath> {
        let spelled = match self {
            Self::Clear => path.as_str().to_owned(),
            Self::Sealed(key) => {
                let mut spelled = String::new();
                for (parent, name) in steps(path) {
                    if !spelled.is_empty() {
                        spelled.push('/');
                    }
                    if parent.is_empty() && path.is_internal() {
                        // The account must know its own folder by its name.
                        spelled.push_str(name);
                        continue;
                    }
                    let sealed = key.seal(&[CONTEXT, parent.as_bytes()], name.as_bytes())?;
                    spelled.push_str(&base32::encode(&sealed));
                }
                spelled
            }
        };
        FilePath::parse(spelled + SUFFIX)
    }

    /// Returns which file an object is; `None` for one that is not named as ours are.
    pub(super) fn file(&self, object: &FilePath) -> Option<FilePath> {
        let path = object.as_str().strip_suffix(SUFFIX)?;
        self.folder(&FilePath::parse(path).ok()?)
    }

    /// Returns which folder a folder of the account is.
    pub(super) fn folder(&self, object: &FilePath) -> Option<FilePath> {
        let Self::Sealed(key) = self else {
            return Some(object.clone());
        };
        let mut plain = String::new();
        for (_, name) in steps(object) {
            let component = if plain.is_empty() && object.is_internal() {
                name.to_owned()
            } else {
                let sealed = base32::decode(name)?;
                let opened = key.open(&[CONTEXT, plain.as_bytes()], &sealed)?;
                String::from_utf8(opened)
                    .ok()
                    .filter(|name| !name.contains('/'))?
            };
            if !plain.is_empty() {
                plain.push('/');
            }
            plain.push_str(&component);
        }
        FilePath::parse(plain).ok()
    }
}

/// Which names are taken where the account takes those of `rules`.
pub(super) fn rules(names: SealedNames, rules: &NameRules) -> NameRules {
    let room = rules.max_name.saturating_sub(SUFFIX.len());
    match names {
        SealedNames::Clear => rules.clone().with_max_name(room),
        SealedNames::Sealed => {
            let room = base32::most_bytes(room).saturating_sub(OVERHEAD);
            NameRules::default().with_max_name(room)
        }
    }
}

/// The components of a path, each with everything before it.
fn steps(path: &FilePath) -> impl Iterator<Item = (&str, &str)> {
    let text = path.as_str();
    let mut start = 0;
    path.components().map(move |name| {
        let parent = text.get(..start.max(1) - 1).unwrap_or_default();
        start += name.len() + 1;
        (parent, name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::crypto::secret::SecretKey;

    fn sealed() -> Names {
        Names::Sealed(SivKey::derive(&SecretKey::new([1; 32]), b"names").unwrap())
    }

    fn path(text: &str) -> FilePath {
        FilePath::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn every_path_comes_back() {
        for names in [Names::Clear, sealed()] {
            for text in [
                "a",
                "a/b/c.jpg",
                "x.sealed",
                ".garland/recovered/run/day/a.jpg",
                ".Garland/x",
                "Zo\u{eb}/\u{1f48d}.jpg",
            ] {
                let object = names.object(&path(text)).unwrap();
                assert!(object.as_str().ends_with(SUFFIX));
                assert_eq!(object.is_internal(), path(text).is_internal());
                assert_eq!(names.file(&object), Some(path(text)));
            }
        }
    }

    #[test]
    fn a_sealed_name_tells_nothing_and_fits_where_it_is() {
        let names = sealed();
        let [a, b] =
            ["day/IMG_1.jpg", "night/IMG_1.jpg"].map(|text| names.object(&path(text)).unwrap());
        assert!(!a.as_str().contains("IMG") && !a.as_str().contains("day"));
        assert_ne!(a.name(), b.name(), "equal names in two folders");
        assert_eq!(a.as_str(), a.as_str().to_lowercase());
        let moved = path(&format!("{}/{}", b.parent().unwrap(), a.name()));
        assert_eq!(names.file(&moved), None, "a name of another folder");
        for foreign in ["a.jpg", "a.jpg.sealed", "aaaa/b.sealed", ".sealed"] {
            assert_eq!(names.file(&path(foreign)), None, "{foreign}");
        }
    }

    #[test]
    fn the_longest_name_fits() {
        let account = NameRules::default();
        for kind in [SealedNames::Clear, SealedNames::Sealed] {
            let longest = path(&"n".repeat(rules(kind, &account).max_name));
            let names = match kind {
                SealedNames::Clear => Names::Clear,
                SealedNames::Sealed => sealed(),
            };
            assert!(
                account.allows_path(&names.object(&longest).unwrap()),
                "{kind:?}"
            );
        }
        assert_eq!(rules(SealedNames::Sealed, &account).max_name, 139);
        let tiny = account.with_max_name(30);
        assert!(!rules(SealedNames::Sealed, &tiny).allows("a"));
    }
}
