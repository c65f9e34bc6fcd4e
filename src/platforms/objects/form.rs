//! The encoding of forms.

use percent_encoding::percent_decode_str;

/// Undoes the encoding of forms, in which S3 lists keys that XML cannot hold.
pub(in crate::platforms) fn decode_form(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_from_the_encoding_of_forms() {
        assert_eq!(decode_form("a+b%2Bc%2F%01").as_deref(), Some("a b+c/\u{1}"));
        assert_eq!(decode_form("%FF"), None);
    }
}
