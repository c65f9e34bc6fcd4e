//! Which paths of its own crate a file names, and which names its `use` lines bind.

use crate::lexer::{Token, end_of_group};

/// A path inside the crate, without the leading `crate`.
pub(crate) type Path = Vec<String>;

/// One mention of a path of the crate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Mention {
    pub(crate) path: Path,
    pub(crate) line: usize,
}

/// What one file says about paths.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// Every path that begins with `crate`, `self` or `super`, in `use` lines and in code, made absolute.
    pub(crate) mentions: Vec<Mention>,
    /// Names that the file's own `use` lines bind, with what they stand for. The path of an item that begins with
    /// neither of those three is taken as relative to the module: it is that or another crate's.
    pub(crate) bindings: Vec<(String, Path)>,
}

/// Reads the `tokens` of the file that is module `module`.
pub(crate) fn paths(tokens: &[Token], module: &[String]) -> Paths {
    let mut out = Paths::default();
    scan(tokens, module, true, &mut out);
    out
}

fn scan(tokens: &[Token], module: &[String], outermost: bool, out: &mut Paths) {
    let mut at = 0;
    while at < tokens.len() {
        if let Some((name, open)) = inline_module(tokens, at) {
            let end = end_of_group(tokens, open);
            let inner: Path = module.iter().cloned().chain([name.to_owned()]).collect();
            scan(&tokens[open + 1..end - 1], &inner, false, out);
            at = end;
        } else if tokens[at].is("use") && !tokens.get(at + 1).is_some_and(|next| next.is_mark('<'))
        {
            let end = (at..tokens.len())
                .find(|&index| tokens[index].is_mark(';'))
                .unwrap_or(tokens.len());
            let mut leaves = Vec::new();
            use_tree(&tokens[at + 1..end], &[], &mut leaves);
            for leaf in leaves {
                let (absolute, own) = absolute(&leaf.path, module);
                if own {
                    out.mentions.push(Mention {
                        path: absolute.clone(),
                        line: leaf.line,
                    });
                }
                if outermost && let Some(name) = leaf.name {
                    out.bindings.push((name, absolute));
                }
            }
            at = end;
        } else if let Some(end) = inline_path(tokens, at) {
            let written: Path = tokens[at..end]
                .iter()
                .filter_map(Token::word)
                .map(str::to_owned)
                .collect();
            out.mentions.push(Mention {
                path: absolute(&written, module).0,
                line: tokens[at].line,
            });
            at = end;
        } else {
            at += 1;
        }
    }
}

/// The name and the opening brace of the module with a body that begins at `at`.
fn inline_module(tokens: &[Token], at: usize) -> Option<(&str, usize)> {
    let name = tokens.get(at + 1)?.word()?;
    (tokens[at].is("mod") && tokens.get(at + 2)?.is_mark('{')).then_some((name, at + 2))
}

/// The end of the path that begins with `crate`, `self` or `super` at `at`, if it goes on after that.
fn inline_path(tokens: &[Token], at: usize) -> Option<usize> {
    let begins = ["crate", "self", "super"]
        .iter()
        .any(|word| tokens[at].is(word));
    // `pub(in crate::engine)` says who may look in, not what is used.
    let visibility = at > 0 && tokens[at - 1].is("in");
    if !begins || visibility {
        return None;
    }
    let mut end = at + 1;
    while colons(tokens, end)
        && tokens
            .get(end + 2)
            .is_some_and(|next| next.word().is_some())
    {
        end += 3;
    }
    (end > at + 1).then_some(end)
}

fn colons(tokens: &[Token], at: usize) -> bool {
    tokens
        .get(at..at + 2)
        .is_some_and(|pair| pair.iter().all(|token| token.is_mark(':')))
}

struct Leaf {
    path: Path,
    /// None for a glob and for `as _`.
    name: Option<String>,
    line: usize,
}

/// Adds the leaves of the use tree that `tokens` are, below `prefix`.
fn use_tree(tokens: &[Token], prefix: &[String], leaves: &mut Vec<Leaf>) {
    let mut path = prefix.to_vec();
    let mut name = None;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if token.is_mark('{') {
            let end = end_of_group(tokens, at);
            for branch in split_at_commas(&tokens[at + 1..end - 1]) {
                use_tree(branch, &path, leaves);
            }
            return;
        }
        if token.is("as") {
            name = tokens.get(at + 1).and_then(Token::word).map(str::to_owned);
            break;
        }
        match token.word() {
            Some("self") if !path.is_empty() => name = path.last().cloned(),
            Some(word) => {
                path.push(word.to_owned());
                name = Some(word.to_owned());
            }
            None if token.is_mark('*') => name = None,
            None => {}
        }
        at += 1;
    }
    if let Some(first) = tokens.first() {
        leaves.push(Leaf {
            path,
            name: name.filter(|name| name != "_"),
            line: first.line,
        });
    }
}

fn split_at_commas(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut branches, mut start, mut at) = (Vec::new(), 0, 0);
    while at < tokens.len() {
        if tokens[at].is_mark('{') {
            at = end_of_group(tokens, at);
        } else {
            if tokens[at].is_mark(',') {
                branches.push(&tokens[start..at]);
                start = at + 1;
            }
            at += 1;
        }
    }
    branches.push(&tokens[start..]);
    branches.retain(|branch| !branch.is_empty());
    branches
}

/// The path from the root of the crate, and whether it was written so that it is certainly of this crate.
fn absolute(written: &[String], module: &[String]) -> (Path, bool) {
    let mut path = module.to_vec();
    let mut own = false;
    for (at, segment) in written.iter().enumerate() {
        match segment.as_str() {
            "crate" if at == 0 => path.clear(),
            "self" if at == 0 => {}
            "super" => drop(path.pop()),
            _ => {
                path.push(segment.clone());
                continue;
            }
        }
        own = true;
    }
    (path, own)
}
