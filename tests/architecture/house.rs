//! The house: the files under `src/`, the floors they stand on, and the rules they are held to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path as FsPath;

use crate::lexer::{self, Token};
use crate::paths::{self, Path, Paths};

/// A file is one idea.
const MOST_LINES: usize = 600;

/// Where a room stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// A floor and its number; rooms on it are folders or files of `src/`.
    Floor(u8),
    /// Plugs into the seams; no floor names it, and it knows floors 0 to 2.
    Wing,
    /// Sees everything; nobody sees it.
    Outside,
}

/// One row of the table: a name directly under `src/`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    /// What stands in it as rooms of their own; empty if it is one room.
    pub(crate) rooms: &'static [&'static str],
}

/// Sources by their path below `src/`, with `/` between the parts.
#[derive(Debug)]
pub(crate) struct House {
    table: &'static [Row],
    files: BTreeMap<String, Vec<Token>>,
    lines: BTreeMap<String, usize>,
    bindings: BTreeMap<Path, BTreeMap<String, Path>>,
}

/// Everything found wrong, one readable line each.
pub(crate) type Findings = Vec<String>;

impl House {
    /// Takes the sources as they are, and reads what they say.
    pub(crate) fn new(table: &'static [Row], sources: &BTreeMap<String, String>) -> Self {
        let all: BTreeMap<&String, Vec<Token>> = sources
            .iter()
            .map(|(path, source)| (path, lexer::tokens(source)))
            .collect();
        let test_modules: BTreeSet<Path> = all
            .iter()
            .flat_map(|(path, tokens)| test_only_children(tokens, &module_of(path)))
            .collect();
        let files: BTreeMap<String, Vec<Token>> = all
            .iter()
            .filter(|(path, _)| {
                !test_modules
                    .iter()
                    .any(|test| module_of(path).starts_with(test))
            })
            .map(|(path, tokens)| ((*path).clone(), lexer::without_tests(tokens)))
            .collect();
        let bindings = files
            .iter()
            .map(|(path, tokens)| {
                let module = module_of(path);
                let bound = paths::paths(tokens, &module).bindings.into_iter().collect();
                (module, bound)
            })
            .collect();
        let lines = sources
            .iter()
            .map(|(path, source)| (path.clone(), source.lines().count()))
            .collect();
        Self {
            table,
            files,
            lines,
            bindings,
        }
    }

    /// Reads every `.rs` file below `root`.
    pub(crate) fn read(table: &'static [Row], root: &FsPath) -> io::Result<Self> {
        let mut sources = BTreeMap::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let below = path.strip_prefix(root).map_err(io::Error::other)?;
                    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
                    sources.insert(parts.join("/"), fs::read_to_string(&path)?);
                }
            }
        }
        Ok(Self::new(table, &sources))
    }

    /// How many files it has.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Names directly under `src/`, and rooms of a floor, that no row names.
    pub(crate) fn rooms_without_a_row(&self) -> Findings {
        let mut found = BTreeSet::new();
        for path in self.lines.keys().filter(|path| *path != "lib.rs") {
            let module = module_of(path);
            match self.row(&module) {
                None => _ = found.insert(format!("src/{path}: no row names `{}`", module[0])),
                Some(row) => {
                    if let Some(room) = module.get(1)
                        && !row.rooms.is_empty()
                        && !row.rooms.contains(&room.as_str())
                    {
                        found.insert(format!("src/{path}: no row names `{}::{room}`", row.name));
                    }
                }
            }
        }
        found.into_iter().collect()
    }

    /// Imports that run up, into a wing, out of a wing to where it must not look, or in a circle.
    pub(crate) fn wrong_imports(&self) -> Findings {
        let mut found = Vec::new();
        let mut sideways: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for (path, tokens) in self.files.iter().filter(|(path, _)| *path != "lib.rs") {
            let module = module_of(path);
            let Some(from) = self.room(&module) else {
                continue;
            };
            let Paths { mentions, .. } = paths::paths(tokens, &module);
            for mention in mentions {
                let name = mention.path.join("::");
                let place = format!("src/{path}:{}", mention.line);
                match self.room(&mention.path) {
                    None => found.push(format!("{place}: cannot tell the room of `crate::{name}`")),
                    Some(to) if to.name == from.name => {}
                    Some(to) => match verdict(&from, &to) {
                        Verdict::Fine => {}
                        Verdict::Sideways => {
                            sideways
                                .entry(from.name.clone())
                                .or_default()
                                .entry(to.name)
                                .or_insert(place);
                        }
                        Verdict::Wrong(why) => found.push(format!(
                            "{place}: `{}` names `crate::{name}`: {why}",
                            from.name
                        )),
                    },
                }
            }
        }
        found.extend(circles(&sideways));
        found
    }

    /// Files too long to be one idea.
    pub(crate) fn long_files(&self) -> Findings {
        self.lines
            .iter()
            .filter(|(_, lines)| **lines > MOST_LINES)
            .map(|(path, lines)| {
                format!("src/{path}: {lines} lines, at most {MOST_LINES}: split it by idea")
            })
            .collect()
    }

    /// Items in a `mod.rs` that are neither modules nor re-exports.
    pub(crate) fn logic_in_mod_rs(&self) -> Findings {
        const ITEMS: [&str; 9] = [
            "fn",
            "impl",
            "struct",
            "enum",
            "union",
            "trait",
            "const",
            "static",
            "macro_rules",
        ];
        self.product()
            .filter(|(path, ..)| path.ends_with("mod.rs"))
            .filter_map(|(path, at, tokens)| {
                let word = tokens[at].word().filter(|word| ITEMS.contains(word))?;
                Some(format!(
                    "src/{path}:{}: `{word}` in a mod.rs, which holds `mod` and `use` only",
                    tokens[at].line
                ))
            })
            .collect()
    }

    /// `allow` attributes that do not say why.
    pub(crate) fn allows_without_reason(&self) -> Findings {
        self.product()
            .filter(|(_, at, tokens)| in_attribute(tokens, *at, "allow"))
            .filter(|(_, at, tokens)| {
                let end = lexer::end_of_group(tokens, at + 1);
                !tokens[*at..end].iter().any(|token| token.is("reason"))
            })
            .map(|(path, at, tokens)| {
                format!("src/{path}:{}: `allow` without a reason", tokens[at].line)
            })
            .collect()
    }

    /// Macros that print, or that stand for code not written.
    pub(crate) fn forbidden_macros(&self) -> Findings {
        const MACROS: [&str; 7] = [
            "println",
            "print",
            "eprintln",
            "eprint",
            "dbg",
            "todo",
            "unimplemented",
        ];
        self.product()
            .filter_map(|(path, at, tokens)| {
                let word = tokens[at].word().filter(|word| MACROS.contains(word))?;
                tokens
                    .get(at + 1)?
                    .is_mark('!')
                    .then(|| format!("src/{path}:{}: `{word}!` in the product", tokens[at].line))
            })
            .collect()
    }

    /// Every token of the product, as file, index and the file's tokens.
    fn product(&self) -> impl Iterator<Item = (&str, usize, &[Token])> {
        self.files.iter().flat_map(|(path, tokens)| {
            (0..tokens.len()).map(move |at| (path.as_str(), at, tokens.as_slice()))
        })
    }

    fn row(&self, path: &[String]) -> Option<&'static Row> {
        self.table
            .iter()
            .find(|row| path.first().is_some_and(|first| first == row.name))
    }

    /// The room that a path leads to, through the re-exports of the crate root and of the floors.
    fn room(&self, path: &[String]) -> Option<Room> {
        let mut path = path.to_vec();
        // A chain of re-exports is short; this only ends a circle of them.
        for _ in 0..16 {
            let (module, next) = match self.row(&path) {
                Some(row) if row.rooms.is_empty() && row.place != Place::Wing => {
                    return Some(Room {
                        name: row.name.to_owned(),
                        row,
                    });
                }
                Some(row) => match path.get(1) {
                    Some(room) if self.is_module(&path[..2]) => {
                        return Some(Room {
                            name: format!("{}::{room}", row.name),
                            row,
                        });
                    }
                    Some(_) => (&path[..1], &path[1..]),
                    None => {
                        return Some(Room {
                            name: row.name.to_owned(),
                            row,
                        });
                    }
                },
                None => (&path[..0], path.as_slice()),
            };
            let target = self.bindings.get(module)?.get(next.first()?)?;
            path = target.iter().chain(&next[1..]).cloned().collect();
        }
        None
    }

    fn is_module(&self, path: &[String]) -> bool {
        self.bindings.contains_key(path)
    }
}

#[derive(Debug)]
struct Room {
    name: String,
    row: &'static Row,
}

enum Verdict {
    Fine,
    Sideways,
    Wrong(String),
}

/// Whether one room may name another.
fn verdict(from: &Room, to: &Room) -> Verdict {
    let same_row = from.row.name == to.row.name;
    match (from.row.place, to.row.place) {
        (Place::Outside, _) => Verdict::Fine,
        (_, Place::Outside) => {
            Verdict::Wrong(format!("`{}` is for tests, nobody sees it", to.row.name))
        }
        (Place::Wing, Place::Wing) if same_row => Verdict::Sideways,
        (_, Place::Wing) => {
            Verdict::Wrong(format!("`{}` is a wing, it is never named", to.row.name))
        }
        (Place::Wing, Place::Floor(floor)) if floor > 2 => {
            Verdict::Wrong(format!("a wing knows floors 0 to 2, that is floor {floor}"))
        }
        (Place::Floor(own), Place::Floor(floor)) if floor > own => {
            Verdict::Wrong(format!("up from floor {own} to floor {floor}"))
        }
        (Place::Floor(own), Place::Floor(floor)) if floor == own => {
            if same_row && to.name == to.row.name {
                return Verdict::Wrong("name the room, not its floor".to_owned());
            }
            Verdict::Sideways
        }
        (Place::Wing | Place::Floor(_), Place::Floor(_)) => Verdict::Fine,
    }
}

/// Each circle among the imports from room to room of one floor, once.
fn circles(edges: &BTreeMap<String, BTreeMap<String, String>>) -> Findings {
    let mut found = Vec::new();
    for start in edges.keys() {
        let Some(way) = way_back(edges, start) else {
            continue;
        };
        // The circle is told by its first room only.
        if way.iter().all(|(room, _)| start <= room) {
            let steps: Vec<_> = way
                .iter()
                .map(|(room, place)| format!("`{room}` ({place})"))
                .collect();
            found.push(format!("a circle: `{start}` → {}", steps.join(" → ")));
        }
    }
    found
}

/// The shortest way from `start` back to itself, as the rooms gone to and where each import stands.
fn way_back(
    edges: &BTreeMap<String, BTreeMap<String, String>>,
    start: &str,
) -> Option<Vec<(String, String)>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![(start.to_owned(), Vec::new())];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for (at, way) in ways {
            for (next, place) in edges.get(&at).into_iter().flatten() {
                let mut way: Vec<(String, String)> = way.clone();
                way.push((next.clone(), place.clone()));
                if next == start {
                    return Some(way);
                }
                if seen.insert(next.clone()) {
                    longer.push((next.clone(), way));
                }
            }
        }
        ways = longer;
    }
    None
}

/// The module that a file below `src/` is.
fn module_of(path: &str) -> Path {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" {
        Vec::new()
    } else {
        path.split('/').map(str::to_owned).collect()
    }
}

/// Modules in files of their own that a file declares under `#[cfg(test)]`.
fn test_only_children(tokens: &[Token], module: &[String]) -> Vec<Path> {
    let declared = |tokens: &[Token]| -> BTreeSet<String> {
        let triples = tokens
            .windows(3)
            .filter(|three| three[0].is("mod") && three[2].is_mark(';'));
        triples
            .filter_map(|three| three[1].word())
            .map(str::to_owned)
            .collect()
    };
    let product = declared(&lexer::without_tests(tokens));
    let only_tests = declared(tokens)
        .into_iter()
        .filter(|name| !product.contains(name));
    only_tests
        .map(|name| module.iter().cloned().chain([name]).collect())
        .collect()
}

/// Whether the token at `at` is `word(` inside an attribute.
fn in_attribute(tokens: &[Token], at: usize, word: &str) -> bool {
    if !tokens[at].is(word) || !tokens.get(at + 1).is_some_and(|next| next.is_mark('(')) {
        return false;
    }
    let open = (0..at).rev().find(|&index| {
        let hash = index.checked_sub(1).map(|before| &tokens[before]);
        tokens[index].is_mark('[')
            && hash.is_some_and(|hash| hash.is_mark('#') || hash.is_mark('!'))
    });
    open.is_some_and(|open| lexer::end_of_group(tokens, open) > at)
}
