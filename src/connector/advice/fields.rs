//! Lists with parameters, as far as headers about rates use them ([RFC 9651]).
//!
//! [RFC 9651]: https://www.rfc-editor.org/rfc/rfc9651

/// One member of a list: what comes before its parameters, and those.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) bare: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl Member<'_> {
    /// A parameter that is a whole number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        let mut parameters = self.parameters.iter();
        let (_, value) = parameters.find(|(own, _)| own.eq_ignore_ascii_case(name))?;
        value.parse().ok()
    }
}

/// The members of a list, the first of them if there are many.
pub(super) fn members(text: &str) -> impl Iterator<Item = Member<'_>> {
    split(text, ',').take(16).map(|member| {
        let mut parts = split(member, ';');
        let bare = parts.next().unwrap_or_default();
        let pair = |part: &'_ str| -> (usize, usize) {
            let at = part.find('=').unwrap_or(part.len());
            (at, (at + 1).min(part.len()))
        };
        let parameters = parts
            .take(16)
            .map(|part| {
                let (end, start) = pair(part);
                let name = part.get(..end).unwrap_or_default();
                (name.trim(), part.get(start..).unwrap_or_default().trim())
            })
            .collect();
        Member { bare, parameters }
    })
}

/// Splits where the separator stands outside quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |c: char| {
        if is_escaped {
            is_escaped = false;
        } else if is_quoted && c == '\\' {
            is_escaped = true;
        } else if c == '"' {
            is_quoted = !is_quoted;
        }
        !is_quoted && c == separator
    })
    .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_in_quotes_separate_nothing() {
        let text = r#""a,b;q=1\";q=2";q=3; W = 60 , plain"#;
        let members: Vec<Member<'_>> = members(text).collect();
        let [first, second] = members.as_slice() else {
            panic!("{members:?}");
        };
        assert_eq!(first.bare, r#""a,b;q=1\";q=2""#);
        assert_eq!((first.number("q"), first.number("w")), (Some(3), Some(60)));
        assert_eq!((second.bare, second.number("q")), ("plain", None));
    }
}
