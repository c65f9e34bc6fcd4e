//! Text inside HTML.

/// Encodes text for the content of an HTML or XML element.
///
/// # Example
///
/// ```
/// use garland::text::escape_html;
///
/// assert_eq!(escape_html("<b>Zoë & Tom</b>"), "&lt;b&gt;Zoë &amp; Tom&lt;/b&gt;");
/// ```
#[must_use]
pub fn escape_html(text: &str) -> String {
    escaped(text, |character| match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    })
}

/// Encodes text for the value of an attribute, even one without quotes: white space, `=`, `` ` `` and
/// `/` too.
///
/// It is not enough for an attribute whose value is a URL, a style or a script.
///
/// # Example
///
/// ```
/// use garland::text::escape_attribute;
///
/// assert_eq!(escape_attribute("x onload=go()"), "x&#32;onload&#61;go()");
/// ```
#[must_use]
pub fn escape_attribute(text: &str) -> String {
    escaped(text, |character| match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        '=' => Some("&#61;"),
        '`' => Some("&#96;"),
        '/' => Some("&#47;"),
        ' ' => Some("&#32;"),
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        '\r' => Some("&#13;"),
        '\u{c}' => Some("&#12;"),
        _ => None,
    })
}

/// A NUL cannot stand in HTML in any form, so it becomes the replacement character, as parsers do.
fn escaped(text: &str, entity: fn(char) -> Option<&'static str>) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match entity(character) {
            Some(entity) => out.push_str(entity),
            None if character == '\0' => out.push(char::REPLACEMENT_CHARACTER),
            None => out.push(character),
        }
    }
    out
}
