//! The name of a file as people see it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use crate::error::{Error, ErrorKind, Result};

use super::hazards::{
    Hazard, is_program, is_program_name, is_reserved, is_served_program, of_character,
};

/// The name that a person gave a file: kept for people to read, never used as a path.
///
/// In NFC, 1 to [`DisplayName::MAX`] bytes, without separators, control characters, characters that
/// nobody sees, and whatever else a shell, a header, a template or an operating system would give a
/// meaning to ([`Hazard`]). What is stored lies under an id of garland's own.
///
/// # Example
///
/// ```
/// use garland::text::DisplayName;
///
/// let name: DisplayName = "first dance [final] v2.mov".parse()?;
/// assert_eq!(name.as_str(), "first dance [final] v2.mov");
/// assert_eq!(name.extension(), Some("mov"));
///
/// assert!("../../etc/passwd".parse::<DisplayName>().is_err());
/// assert_eq!(DisplayName::neutralise("photo.php.jpg").as_str(), "photo_php.jpg");
/// assert_eq!(DisplayName::neutralise("cafe\u{301}.jpg").key(), DisplayName::neutralise("CAFÉ.JPG").key());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DisplayName(Box<str>);

impl DisplayName {
    /// Longest name in bytes of UTF-8, as most file systems have it.
    pub const MAX: usize = 255;

    /// Takes a name as it is written, in NFC.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it has a [`Hazard`]; [`DisplayName::neutralise`] takes it all the same.
    pub fn parse(text: &str) -> Result<Self> {
        let name: String = text.nfc().collect();
        match hazard(&name) {
            None => Ok(Self(name.into())),
            Some(hazard) => {
                let error = Error::new(
                    ErrorKind::InvalidInput,
                    "display_name.parse",
                    hazard.message(),
                );
                Err(error.with_context("bytes", text.len()))
            }
        }
    }

    /// Takes any text: each hazard is replaced by `_`, cut off, or, where nothing is left, the name is `unnamed`.
    ///
    /// A name that [`DisplayName::parse`] takes comes out the same.
    #[must_use]
    pub fn neutralise(text: &str) -> Self {
        // More than this can never be kept, and what comes in has no bound.
        let bounded = text.chars().take(4 * Self::MAX);
        let mut name: String = bounded.nfc().collect();
        // Taking one hazard away can bring out another: `a.jpg. .`, or a cut behind `.php`.
        for _ in 0..8 {
            if hazard(&name).is_none() {
                return Self(name.into());
            }
            name = repaired(&name);
        }
        Self("unnamed".into())
    }

    /// Tells what is wrong with a name as it is written, the worst that is found first; `None` if it can be taken.
    #[must_use]
    pub fn hazard(text: &str) -> Option<Hazard> {
        hazard(&text.nfc().collect::<String>())
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what follows the last dot, if there is a dot that is not the first character.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        match self.0.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() && !extension.is_empty() => Some(extension),
            _ => None,
        }
    }

    /// Returns what stands for the name in a lookup: equal for names that differ only in case or in
    /// how Unicode spells them.
    #[must_use]
    pub fn key(&self) -> String {
        let folded = self
            .0
            .chars()
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase);
        folded.nfc().collect()
    }
}

fn hazard(name: &str) -> Option<Hazard> {
    if name.trim().is_empty() {
        return Some(Hazard::Empty);
    }
    let characters = name.char_indices().filter_map(|(at, character)| {
        let rest = name.get(at + character.len_utf8()..).unwrap_or_default();
        of_character(character, rest.chars().next())
    });
    if let Some(worst) = characters.min() {
        return Some(worst);
    }
    if is_program_name(name) {
        return Some(Hazard::Program);
    }
    if name.len() > DisplayName::MAX {
        return Some(Hazard::TooLong);
    }
    if is_reserved(name) {
        return Some(Hazard::Reserved);
    }
    let begins = name.starts_with(['.', '-', '~']);
    let ends = name.ends_with(|last: char| last == '.' || last.is_whitespace());
    (begins || ends).then_some(Hazard::Edge)
}

fn repaired(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let hazard = of_character(character, characters.peek().copied());
        out.push(if hazard.is_some() { '_' } else { character });
    }
    let out = without_programs(&out);
    let out = shortened(&out);
    let out = out.trim_end_matches(|last: char| last == '.' || last.is_whitespace());
    if out.is_empty() {
        return "unnamed".into();
    }
    if is_reserved(out) {
        return format!("_{out}");
    }
    match out.strip_prefix(['.', '-', '~']) {
        Some(rest) => format!("_{rest}"),
        None => out.to_owned(),
    }
}

/// Puts `_` for the dot before each extension of a program.
fn without_programs(name: &str) -> String {
    let mut parts = name.split('.').peekable();
    let mut out = parts.next().unwrap_or_default().to_owned();
    while let Some(part) = parts.next() {
        let runs = match parts.peek() {
            Some(_) => is_served_program(part),
            None => is_program(part),
        };
        out.push(if runs { '_' } else { '.' });
        out.push_str(part);
    }
    out
}

/// Cuts the stem, so that a short extension stays.
fn shortened(name: &str) -> String {
    if name.len() <= DisplayName::MAX {
        return name.to_owned();
    }
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if name.len() - dot <= 16 => name.split_at(dot),
        _ => (name, ""),
    };
    let mut end = (DisplayName::MAX - extension.len()).min(stem.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", stem.get(..end).unwrap_or_default())
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for DisplayName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<String> for DisplayName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<DisplayName> for String {
    fn from(name: DisplayName) -> Self {
        name.0.into()
    }
}
