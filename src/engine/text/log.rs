//! Text inside a log.

use std::fmt;

/// Shows outside text as one line of a log: no control character, line end, direction mark or
/// quote of it reaches the terminal, and no more than [`LogValue::MAX`] characters.
///
/// # Example
///
/// ```
/// use garland::text::LogValue;
///
/// let name = "a.jpg\n2026-05-01 admin logged in";
/// assert_eq!(LogValue(name).to_string(), r#""a.jpg\n2026-05-01 admin logged in""#);
/// ```
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "it wraps one text, and always will"
)]
pub struct LogValue<'a>(pub &'a str);

impl LogValue<'_> {
    /// Most characters of the text that are shown; `…` stands for the rest.
    pub const MAX: usize = 1_000;
}

impl fmt::Display for LogValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        let mut characters = self.0.chars();
        for character in characters.by_ref().take(Self::MAX) {
            let shown = matches!(character, ' '..='~') && !matches!(character, '"' | '\\')
                || character.is_alphanumeric();
            match character {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                _ if shown => write!(f, "{character}")?,
                _ => write!(f, "\\u{{{:x}}}", u32::from(character))?,
            }
        }
        if characters.next().is_some() {
            f.write_str("…")?;
        }
        f.write_str("\"")
    }
}
