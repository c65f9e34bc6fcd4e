//! Headers to give a file out with.

use crate::text::DisplayName;

use super::kind::MediaKind;
use super::verdict::Verdict;

/// The response headers that keep a file from acting as the host's own page.
///
/// `Content-Disposition` is built as in [RFC 6266](https://www.rfc-editor.org/rfc/rfc6266) with the
/// encoding of [RFC 8187](https://www.rfc-editor.org/rfc/rfc8187); no value can hold a line end, whatever the
/// name is. Only pictures of pixels and films are shown in a page; everything else, and everything that is
/// [`Verdict::AcceptAttachment`], is to be saved.
///
/// # Example
///
/// ```
/// use garland::text::DisplayName;
/// use garland::upload::{MediaKind, ServeHeaders, Verdict};
///
/// let name = DisplayName::parse("Zoë & Tom.jpg")?;
/// let headers = ServeHeaders::new(MediaKind::Jpeg, Verdict::Accept, &name);
/// assert_eq!(
///     headers.get("content-disposition"),
///     Some("inline; filename=\"Zo_ & Tom.jpg\"; filename*=UTF-8''Zo%C3%AB%20&%20Tom.jpg"),
/// );
/// assert_eq!(headers.get("x-content-type-options"), Some("nosniff"));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServeHeaders(Vec<(&'static str, String)>);

impl ServeHeaders {
    /// Makes the headers for a file of a kind.
    #[must_use]
    pub fn new(kind: MediaKind, verdict: Verdict, name: &DisplayName) -> Self {
        let inline =
            kind.is_inline() && matches!(verdict, Verdict::Accept | Verdict::AcceptSanitised);
        Self::of(kind, inline, name)
    }

    /// Makes the headers for a file that is to be saved, whatever it is.
    #[must_use]
    pub fn attachment(kind: MediaKind, name: &DisplayName) -> Self {
        Self::of(kind, false, name)
    }

    fn of(kind: MediaKind, inline: bool, name: &DisplayName) -> Self {
        let media_type = match kind {
            MediaKind::Text | MediaKind::Csv => format!("{}; charset=utf-8", kind.media_type()),
            // Nothing a browser would draw or run, even if the rest is lost on the way.
            MediaKind::Svg => "application/octet-stream".to_owned(),
            _ => kind.media_type().to_owned(),
        };
        let disposition = if inline { "inline" } else { "attachment" };
        Self(vec![
            ("content-type", media_type),
            (
                "content-disposition",
                content_disposition(disposition, name),
            ),
            ("x-content-type-options", "nosniff".to_owned()),
            (
                "content-security-policy",
                "default-src 'none'; sandbox".to_owned(),
            ),
            ("cross-origin-resource-policy", "same-origin".to_owned()),
            ("referrer-policy", "no-referrer".to_owned()),
            ("x-frame-options", "DENY".to_owned()),
        ])
    }

    /// Returns every header, its name in lower case.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Returns one header by its name, in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut headers = self.iter();
        headers
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

fn content_disposition(disposition: &str, name: &DisplayName) -> String {
    let plain = |one: char| matches!(one, ' '..='~') && !matches!(one, '"' | '\\' | '%');
    let fallback: String = name
        .as_str()
        .chars()
        .map(|one| if plain(one) { one } else { '_' })
        .collect();
    let mut out = format!("{disposition}; filename=\"{fallback}\"");
    if fallback != name.as_str() || fallback.contains(['\'', ';']) {
        out.push_str("; filename*=UTF-8''");
        for byte in name.as_str().bytes() {
            // `attr-char` of RFC 8187, 3.2.1.
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                for digit in [byte >> 4, byte & 0xf] {
                    let digit = HEX.get(usize::from(digit)).copied().unwrap_or(b'0');
                    out.push(char::from(digit));
                }
            }
        }
    }
    out
}
