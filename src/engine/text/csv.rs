//! Text inside CSV ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)), for spreadsheets that run what they read.

use std::borrow::Cow;

/// Encodes one field.
///
/// One that begins with `=`, `+`, `-`, `@`, a tab, a carriage return or a line feed, or with the
/// full-width forms of the signs, gets a `'` before it, so that no spreadsheet takes it for a formula
/// ([OWASP](https://owasp.org/www-community/attacks/CSV_Injection)); a plain number such as `-1.5`
/// stays. One with a comma, a semicolon, a quote, a line end or such a sign is quoted.
///
/// # Example
///
/// ```
/// use garland::text::csv_field;
///
/// assert_eq!(csv_field("Old Mill, Leeds"), "\"Old Mill, Leeds\"");
/// assert_eq!(csv_field("=1+1"), "\"'=1+1\"");
/// assert_eq!(csv_field("-1.5"), "-1.5");
/// ```
#[must_use]
pub fn csv_field(text: &str) -> Cow<'_, str> {
    // Spreadsheets pass over what cannot be seen before they look for a formula.
    let seen = text.trim_start_matches(|first: char| {
        first == ' ' || first == '\u{a0}' || first == '\u{feff}' || first == '\0'
    });
    let armed = seen.starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]) && !is_number(text);
    let special = text.contains([',', ';', '"', '\r', '\n', '\t', '\0']);
    let padded = text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace);
    if !armed && !special && !padded {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 3);
    out.push('"');
    if armed {
        out.push('\'');
    }
    for character in text.chars() {
        match character {
            '"' => out.push_str("\"\""),
            '\0' => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
    out.push('"');
    Cow::Owned(out)
}

/// Encodes a record, with the line end CRLF.
///
/// # Example
///
/// ```
/// use garland::text::csv_row;
///
/// assert_eq!(csv_row(["Zoë", "+44 20", "ok"]), "Zoë,\"'+44 20\",ok\r\n");
/// ```
#[must_use]
pub fn csv_row<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&csv_field(field));
    }
    out.push_str("\r\n");
    out
}

/// Digits with at most one sign before and one point between them.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, part]
        .iter()
        .all(|run| !run.is_empty() && run.bytes().all(|byte| byte.is_ascii_digit()))
}
