//! How far somebody is let into one wedding.

use super::word::words;

words! {
    /// How far a person is let into one wedding, weakest first.
    AccessLevel, "access level":
    /// Not at all.
    None = "none",
    /// In part.
    Limited = "limited",
    /// As far as their role allows, and to what is shown to no role by name.
    Full = "full",
}

impl AccessLevel {
    /// Reads a level as a record has it: what is not known is [`AccessLevel::None`].
    #[must_use]
    pub fn lenient(text: &str) -> Self {
        text.parse().unwrap_or(Self::None)
    }
}
