//! Rust source as the few tokens the architecture test looks at: no comments, no text of literals.

/// One token and the line it stands on, counted from 1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) line: usize,
}

/// What a token is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// An identifier or keyword.
    Word(String),
    /// One punctuation character.
    Mark(char),
    /// A literal or a lifetime; what it says is never code.
    Literal,
}

impl Token {
    /// Whether this is the identifier or keyword `word`.
    pub(crate) fn is(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(own) if own == word)
    }

    /// Whether this is the punctuation character `mark`.
    pub(crate) fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }

    /// The identifier or keyword, if it is one.
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }
}

/// Splits `source` into tokens.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    Lexer {
        rest: source,
        line: 1,
        out: Vec::new(),
    }
    .run()
}

/// The tokens that are part of the product: without items under `#[cfg(test)]` or `#[test]`.
pub(crate) fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match test_attribute(tokens, at) {
            Some(after) => at = end_of_item(tokens, after),
            None => {
                out.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    out
}

/// Where the group that opens at `open` ends: the index after its closing bracket.
pub(crate) fn end_of_group(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Mark('(' | '[' | '{') => depth += 1,
            Kind::Mark(')' | ']' | '}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

/// The index after an outer attribute at `at` that keeps its item out of every build but tests.
fn test_attribute(tokens: &[Token], at: usize) -> Option<usize> {
    let (hash, open) = (tokens.get(at)?, tokens.get(at + 1)?);
    if !(hash.is_mark('#') && open.is_mark('[')) {
        return None;
    }
    let end = end_of_group(tokens, at + 1);
    let inside = &tokens[at + 2..end - 1];
    let first = inside.first()?;
    let under_test = match inside {
        [cfg, paren, test, ..] if cfg.is("cfg") && paren.is_mark('(') => {
            // `cfg(test)` and `cfg(all(test, …))`, but not `cfg(any(test, …))` or `cfg(not(test))`.
            test.is("test")
                || (test.is("all")
                    && inside.iter().any(|token| token.is("test"))
                    && !inside
                        .iter()
                        .any(|token| token.is("not") || token.is("any")))
        }
        _ => first.is("test"),
    };
    under_test.then_some(end)
}

/// The index after the item that begins at `at`, with the attributes before it.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() {
        match tokens[at].kind {
            Kind::Mark(';' | ',') => return at + 1,
            Kind::Mark('{') => return end_of_group(tokens, at),
            Kind::Mark('(' | '[') => at = end_of_group(tokens, at),
            // The end of what the item stands in: it was its last member.
            Kind::Mark('}' | ')' | ']') => return at,
            _ => at += 1,
        }
    }
    at
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    out: Vec<Token>,
}

impl Lexer<'_> {
    fn run(mut self) -> Vec<Token> {
        while let Some(next) = self.rest.chars().next() {
            if self.rest.starts_with("//") {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.skip(end);
            } else if self.rest.starts_with("/*") {
                let end = block_comment(self.rest);
                self.skip(end);
            } else if let Some(end) = string(self.rest).or_else(|| quoted(self.rest)) {
                self.push(Kind::Literal, end);
            } else if next.is_alphabetic() || next == '_' {
                let end = word(self.rest);
                self.push(Kind::Word(self.rest[..end].to_owned()), end);
            } else if next.is_ascii_digit() {
                // A suffix belongs to it (`1u8`); a range or a method call after it does not.
                let end = word(self.rest);
                self.push(Kind::Literal, end);
            } else if next.is_whitespace() {
                self.skip(next.len_utf8());
            } else {
                self.push(Kind::Mark(next), next.len_utf8());
            }
        }
        self.out
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.out.push(Token {
            kind,
            line: self.line,
        });
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        let (gone, rest) = self.rest.split_at(length);
        self.line += gone.matches('\n').count();
        self.rest = rest;
    }
}

/// The length of the identifier at the start.
fn word(rest: &str) -> usize {
    rest.find(|next: char| !(next.is_alphanumeric() || next == '_'))
        .unwrap_or(rest.len())
}

/// The length of the block comment at the start; they nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The length of the string literal at the start, if there is one: plain, byte, C or raw.
fn string(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        rest.strip_prefix(prefix)
            .is_some_and(|after| after.starts_with(['"', '#']))
    })?;
    let after = &rest[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        // `r#type` is an identifier.
        let body = after[hashes..].strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        let length = body
            .find(&close)
            .map_or(body.len(), |end| end + close.len());
        return Some(prefix.len() + hashes + 1 + length);
    }
    let body = after.strip_prefix('"')?;
    Some(prefix.len() + 1 + until_unescaped(body, '"'))
}

/// The length of the character literal or lifetime at the start, if there is one.
fn quoted(rest: &str) -> Option<usize> {
    let prefix = usize::from(rest.starts_with("b'"));
    let body = rest[prefix..].strip_prefix('\'')?;
    let first = body.chars().next()?;
    let one = first.len_utf8();
    if first == '\\' || body[one..].starts_with('\'') {
        return Some(prefix + 1 + until_unescaped(body, '\''));
    }
    Some(prefix + 1 + word(body))
}

/// The length up to and with the first `close` that no backslash stands before.
fn until_unescaped(body: &str, close: char) -> usize {
    let mut escaped = false;
    for (at, next) in body.char_indices() {
        match next {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if next == close => return at + close.len_utf8(),
            _ => {}
        }
    }
    body.len()
}
