//! The queries of the embedded database are constants; what is not constant is bound.

use std::fs;
use std::path::Path;

use crate::lexer::{Token, end_of_group, tokens, without_tests};

/// Where text is put together in the room that speaks SQL: file, function, and what goes in. A new place
/// has to be read before it is added here.
const READ: &[(&str, &str, &[&str])] = &[
    // Two constants each, chosen by a flag.
    ("reader.rs", "sql_by_id", &["below", "order"]),
    ("reader.rs", "sql_by_index", &["below", "order", "order"]),
    // The name of a table, given twice as a literal a few lines below.
    ("schema.rs", "clear_leases", &["table", "table", "table"]),
    // A pragma takes no parameters; the value is a number.
    ("schema.rs", "limit", &["pages"]),
    // A view takes no parameters; a collection's name has only a–z, 0–9 and `_` by its type.
    ("schema.rs", "make_view", &["collection", "collection"]),
];

/// Whatever turns values into text or joins texts.
const BUILDERS: &[&str] = &[
    "format",
    "format_args",
    "concat",
    "write",
    "writeln",
    "push_str",
    "insert_str",
    "join",
    "replace",
    "repeat",
    "extend",
    "collect_str",
    "to_owned",
    "Add",
];

#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Place {
    file: String,
    function: String,
    parts: Vec<String>,
}

#[test]
fn i1_no_sql_is_built_from_text() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/backends/sqlite");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let source = fs::read_to_string(&path).unwrap();
        assert!(
            file.ends_with(".rs"),
            "{file}: a folder would not be looked into"
        );
        found.extend(places(&file, &source));
    }
    found.sort();
    let read: Vec<Place> = READ
        .iter()
        .map(|(file, function, parts)| Place {
            file: (*file).to_owned(),
            function: (*function).to_owned(),
            parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        })
        .collect();
    assert_eq!(found, read);
}

/// Where one source puts text together that could be SQL.
fn places(file: &str, source: &str) -> Vec<Place> {
    let product = without_tests(&tokens(source));
    let lines: Vec<&str> = source.lines().collect();
    let mut function = String::new();
    let mut out = Vec::new();
    for (at, token) in product.iter().enumerate() {
        if token.is("fn") {
            function = product
                .get(at + 1)
                .and_then(Token::word)
                .unwrap_or_default()
                .to_owned();
        }
        let called = product
            .get(at + 1)
            .is_some_and(|next| next.is_mark('!') || next.is_mark('('));
        let builds = token.word().is_some_and(|word| BUILDERS.contains(&word)) && called;
        // A `+` beside a literal joins texts.
        let joins = token.is_mark('+') && beside_text(&product, at, &lines);
        if !builds && !joins {
            continue;
        }
        let open = at + if product[at + 1].is_mark('!') { 2 } else { 1 };
        let end = if builds {
            end_of_group(&product, open)
        } else {
            at + 1
        };
        let (from, to) = (token.line - 1, product[end - 1].line);
        let text = lines[from..to].join("\n");
        // Messages for people are no queries.
        if joins || speaks_sql(&text) {
            out.push(Place {
                file: file.to_owned(),
                function: function.clone(),
                parts: parts(&text),
            });
        }
    }
    out
}

fn beside_text(product: &[Token], at: usize, lines: &[&str]) -> bool {
    let near = [product.get(at.wrapping_sub(1)), product.get(at + 1)];
    let literal = near
        .into_iter()
        .flatten()
        .any(|token| token.kind == crate::lexer::Kind::Literal);
    literal && lines[product[at].line - 1].contains('"')
}

fn speaks_sql(text: &str) -> bool {
    let upper = text.to_uppercase();
    [
        "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "PRAGMA", "WHERE",
        "ATTACH", "FROM", "ORDER BY",
    ]
    .iter()
    .any(|word| upper.contains(word))
}

/// What stands between braces, in order.
fn parts(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for piece in text.split('{').skip(1) {
        if let Some((name, _)) = piece.split_once('}') {
            out.push(name.trim().to_owned());
        }
    }
    out
}

#[test]
fn the_test_sees_what_it_looks_for() {
    let source = r#"
        fn find(name: &str) { run(&format!("SELECT 1 WHERE name = '{name}'")) }
        fn add(name: &str) -> String { "DELETE FROM x WHERE y = ".to_owned() + name }
        fn push(mut sql: String) { sql.push_str("WHERE 1"); }
        fn fine() {
            run("SELECT ?1", [1]);
            let rows = 1 + 2;
            log(&format!("{rows} rows"));
        }
        #[cfg(test)] mod tests { fn t() { format!("SELECT {x}"); } }
    "#;
    let functions: Vec<_> = places("a.rs", source)
        .into_iter()
        .map(|place| place.function)
        .collect();
    assert_eq!(functions, ["find", "add", "push"]);
}
