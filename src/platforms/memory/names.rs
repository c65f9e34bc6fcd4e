//! Which names an account takes for the same (`spec/sync.md` §7).

use unicode_normalization::UnicodeNormalization;

use crate::connector::{FilePath, NameRules, UnicodeForm};
use crate::error::{Error, ErrorKind, Result};

/// The key under which a name is kept: equal for names that are the same here.
pub(super) fn key(rules: &NameRules, name: &str) -> String {
    let name = spelling(rules, name);
    if rules.case_sensitive {
        return name;
    }
    // Each character alone, upper case first, so that `ß` and `ss`, `ς` and `σ` are the same.
    name.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

/// A name as the account writes it.
pub(super) fn spelling(rules: &NameRules, name: &str) -> String {
    match rules.unicode {
        UnicodeForm::Nfc => name.nfc().collect(),
        UnicodeForm::AsWritten => name.to_owned(),
    }
}

/// Refuses a path that the account cannot take.
pub(super) fn check(rules: &NameRules, path: &FilePath) -> Result<()> {
    if path.components().all(|component| rules.allows(component)) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        "memory.check_name",
        "the account cannot take this name",
    )
    .with_context("path", path))
}
