//! The query language of `files.list`
//! ([terms](https://developers.google.com/workspace/drive/api/guides/ref-search-terms)), as far as it is used.

use super::call::Reply;
use super::world::{Item, World};

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Text(String),
    Plain(String),
}

#[derive(Debug)]
pub(super) enum Query {
    And(Vec<Self>),
    Or(Vec<Self>),
    Parent(String),
    Name(String),
    Mime(String, bool),
    Trashed(bool),
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, Reply> {
        let wrong = || Reply::at(400, "invalid", "q");
        let words = words(text).ok_or_else(wrong)?;
        let mut rest = &*words;
        let query = any(&mut rest).ok_or_else(wrong)?;
        if rest.is_empty() {
            Ok(query)
        } else {
            Err(wrong())
        }
    }

    pub(super) fn fits(&self, world: &World, item: &Item) -> bool {
        match self {
            Self::And(all) => all.iter().all(|query| query.fits(world, item)),
            Self::Or(any) => any.iter().any(|query| query.fits(world, item)),
            Self::Parent(id) => item.parent.as_deref() == Some(world.alias(id)),
            // Observed by many: `=` on names does not look at case.
            Self::Name(name) => item.name.to_lowercase() == name.to_lowercase(),
            Self::Mime(mime, is) => (item.mime == *mime) == *is,
            Self::Trashed(is) => world.is_trashed(item) == *is,
        }
    }
}

fn words(text: &str) -> Option<Vec<Word>> {
    let (mut words, mut chars) = (Vec::new(), text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            ' ' => {}
            '(' | ')' | '=' => words.push(Word::Plain(c.to_string())),
            '\'' => {
                let mut quoted = String::new();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        '\\' => match chars.next()? {
                            c @ ('\'' | '\\') => quoted.push(c),
                            _ => return None,
                        },
                        c => quoted.push(c),
                    }
                }
                words.push(Word::Text(quoted));
            }
            c => {
                let mut plain = c.to_string();
                while let Some(c) = chars.next_if(|c| !" ()'".contains(*c)) {
                    plain.push(c);
                }
                words.push(Word::Plain(plain));
            }
        }
    }
    Some(words)
}

fn any(words: &mut &[Word]) -> Option<Query> {
    let mut all = vec![every(words)?];
    while take(words, "or") {
        all.push(every(words)?);
    }
    Some(Query::Or(all))
}

fn every(words: &mut &[Word]) -> Option<Query> {
    let mut all = vec![term(words)?];
    while take(words, "and") {
        all.push(term(words)?);
    }
    Some(Query::And(all))
}

fn term(words: &mut &[Word]) -> Option<Query> {
    if take(words, "(") {
        let inner = any(words)?;
        return take(words, ")").then_some(inner);
    }
    let (query, rest) = match words {
        [
            Word::Text(id),
            Word::Plain(of),
            Word::Plain(what),
            rest @ ..,
        ] if of == "in" && what == "parents" => (Query::Parent(id.clone()), rest),
        [
            Word::Plain(what),
            Word::Plain(is),
            Word::Text(text),
            rest @ ..,
        ] => {
            let query = match (&**what, &**is) {
                ("name", "=") => Query::Name(text.clone()),
                ("mimeType", "=") => Query::Mime(text.clone(), true),
                ("mimeType", "!=") => Query::Mime(text.clone(), false),
                _ => return None,
            };
            (query, rest)
        }
        [
            Word::Plain(what),
            Word::Plain(is),
            Word::Plain(flag),
            rest @ ..,
        ] if what == "trashed" && is == "=" => (Query::Trashed(flag.parse().ok()?), rest),
        _ => return None,
    };
    *words = rest;
    Some(query)
}

fn take(words: &mut &[Word], plain: &str) -> bool {
    match words {
        [Word::Plain(first), rest @ ..] if first == plain => {
            *words = rest;
            true
        }
        _ => false,
    }
}
