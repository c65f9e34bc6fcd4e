//! Which names an account takes for the same (`spec/sync.md` §7).

use unicode_normalization::UnicodeNormalization as _;

use super::facts::{NameRules, UnicodeForm};
use super::path::FilePath;

impl NameRules {
    /// Returns what stands for a name or a path: equal for those that this account takes for one.
    ///
    /// NFC if the account normalises; then, if it ignores case, each character alone in full upper
    /// case and each of those in full lower case, so that `ß` and `ss`, `ς` and `σ` are one.
    ///
    /// # Example
    ///
    /// ```
    /// use garland::connector::NameRules;
    ///
    /// let card = NameRules::windows();
    /// assert_eq!(card.key("Straße.JPG"), card.key("STRASSE.jpg"));
    /// assert_ne!(NameRules::default().key("a"), NameRules::default().key("A"));
    /// ```
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        let name = self.spell(name);
        if self.case_sensitive {
            return name;
        }
        if name.is_ascii() {
            return name.to_ascii_lowercase();
        }
        name.chars()
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
            .collect()
    }

    /// Returns a name or a path as an account with these rules would write it.
    #[must_use]
    pub fn spell(&self, name: &str) -> String {
        match self.unicode {
            UnicodeForm::Nfc if !name.is_ascii() => name.nfc().collect(),
            _ => name.to_owned(),
        }
    }

    /// Tells whether every component of a path can be written ([`allows`](Self::allows)).
    #[must_use]
    pub fn allows_path(&self, path: &FilePath) -> bool {
        path.components().all(|component| self.allows(component))
    }
}
