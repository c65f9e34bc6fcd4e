//! The scanner itself: on small houses, it finds what is wrong, and nothing where nothing is.

use std::collections::BTreeMap;

use crate::TABLE;
use crate::house::{Findings, House};
use crate::lexer::{Token, tokens, without_tests};

fn house(files: &[(&str, &str)]) -> House {
    let sources: BTreeMap<String, String> = files
        .iter()
        .map(|(path, source)| ((*path).to_owned(), (*source).to_owned()))
        .collect();
    House::new(TABLE, &sources)
}

fn imports(files: &[(&str, &str)]) -> Findings {
    house(files).wrong_imports()
}

#[track_caller]
fn one(findings: &Findings, says: &str) {
    assert!(
        findings.len() == 1 && findings[0].contains(says),
        "wanted one with `{says}`, got {findings:#?}"
    );
}

fn words(source: &str) -> Vec<String> {
    without_tests(&tokens(source))
        .iter()
        .filter_map(Token::word)
        .map(str::to_owned)
        .collect()
}

#[test]
fn comments_and_literals_are_no_code() {
    let source = r##"
        // use crate::orchestrator;
        /// [`X`](crate::orchestrator::X)
        /* a /* nested */ crate::engine */
        const A: &str = "crate::server \" todo!()";
        const B: &[u8] = br#"crate::server " "#;
        const C: (char, char, u8) = ('"', '\'', b'\'');
        fn f<'a>(x: &'a str) -> &'a str { x }
    "##;
    let expected = "const A str const B u8 const C char char u8 fn f x str str x";
    assert_eq!(words(source).join(" "), expected);
}

#[test]
fn lines_are_counted_through_comments_and_strings() {
    let all = tokens("/* \n */ a \"\n\n\" b");
    let lines: Vec<_> = all.iter().map(|token| token.line).collect();
    assert_eq!(lines, [2, 2, 4]);
}

#[test]
fn test_items_are_left_out_and_what_follows_stays() {
    let source = "a; #[cfg(test)] #[x] mod tests { fn f() { { } } } b; #[cfg(test)] use z; c; \
                  #[test] fn g() {} d; #[cfg(all(test, unix))] mod h { } e; #[cfg(not(test))] f; \
                  #[cfg(any(test, feature = \"testing\"))] g;";
    assert_eq!(
        words(source).join(" "),
        "a b c d e cfg not test f cfg any test feature g"
    );
}

#[test]
fn down_and_own_room_are_fine() {
    let found = imports(&[
        (
            "lib.rs",
            "mod engine; mod error; pub use error::Error; pub use engine::sync; pub use orchestrator::Orchestrator;",
        ),
        ("error.rs", ""),
        ("connector/mod.rs", "mod path; pub use path::FilePath;"),
        (
            "connector/path.rs",
            "use crate::Error; use super::Thing; pub(in crate::connector) fn f() {}",
        ),
        ("engine/mod.rs", "pub mod sync;"),
        ("engine/sync/mod.rs", "mod plan;"),
        (
            "engine/sync/plan.rs",
            "use crate::connector::FilePath; use crate::sync::Plan; use super::super::sync;",
        ),
        (
            "orchestrator/mod.rs",
            "use crate::{engine::sync::{self, Plan as P}, Error};",
        ),
    ]);
    assert_eq!(found, Findings::new());
}

#[test]
fn up_is_wrong_however_it_is_written() {
    for source in [
        "use crate::engine::sync::Plan;",
        "use crate::{Error, engine::{sync::Plan}};",
        "use crate::{\n    Error,\n    sync,\n};",
        "pub use crate::sync::Plan as P;",
        "fn f() -> crate::engine::sync::Plan { todo() }",
        "fn f() { crate::sync::plan::<u8>(); }",
        "mod inner { use super::super::super::engine::sync; }",
        "use super::super::engine::sync;",
        "macro_rules! m { () => { $crate::sync::plan() } }",
        "use crate::engine;",
    ] {
        let found = imports(&[
            (
                "lib.rs",
                "mod engine; mod error; pub use error::Error; pub use engine::sync;",
            ),
            ("error.rs", ""),
            ("engine/mod.rs", "pub mod sync;"),
            ("engine/sync/mod.rs", ""),
            ("connector/mod.rs", "mod path;"),
            ("connector/path.rs", source),
        ]);
        one(&found, "up from floor 2 to floor 3");
    }
}

#[test]
fn a_re_export_hides_nothing() {
    let found = imports(&[
        ("lib.rs", "pub use engine::Plan; mod engine; mod error;"),
        ("error.rs", "use crate::Plan;"),
        ("engine/mod.rs", "mod sync; pub use sync::Plan;"),
        ("engine/sync.rs", ""),
    ]);
    one(&found, "up from floor 0 to floor 3");
}

#[test]
fn what_leads_nowhere_is_told() {
    one(
        &imports(&[("lib.rs", ""), ("error.rs", "use crate::Nowhere;")]),
        "cannot tell the room",
    );
}

#[test]
fn the_line_is_that_of_the_branch() {
    let found = imports(&[
        ("lib.rs", "pub use clock::Clock;"),
        ("clock.rs", ""),
        (
            "error.rs",
            "use crate::{\n    Clock,\n    storage::Store,\n};",
        ),
        ("storage/mod.rs", ""),
    ]);
    one(&found, "src/error.rs:3:");
}

#[test]
fn a_wing_is_never_named_and_knows_the_seams_only() {
    let files = |path: &'static str, source: &'static str| {
        imports(&[
            ("lib.rs", "pub use error::Error;"),
            ("error.rs", ""),
            ("connector/mod.rs", ""),
            ("engine/mod.rs", ""),
            ("engine/transfer.rs", ""),
            ("platforms/mod.rs", "mod local; pub use local::LocalFolder;"),
            ("platforms/local.rs", ""),
            ("platforms/memory.rs", ""),
            ("backends/mod.rs", ""),
            ("backends/sqlite.rs", ""),
            ("testing/mod.rs", ""),
            (path, source),
        ])
    };
    one(
        &files(
            "orchestrator/build.rs",
            "use crate::platforms::LocalFolder;",
        ),
        "is a wing",
    );
    one(
        &files(
            "server/routes.rs",
            "fn f(x: crate::backends::sqlite::Sqlite) {}",
        ),
        "is a wing",
    );
    one(
        &files("platforms/local.rs", "use crate::backends::sqlite;"),
        "is a wing",
    );
    one(
        &files("platforms/local.rs", "use crate::engine::transfer;"),
        "a wing knows floors 0 to 2",
    );
    one(
        &files("orchestrator/build.rs", "use crate::testing::Faults;"),
        "nobody sees it",
    );
    one(
        &files("platforms/memory.rs", "use crate::testing::Faults;"),
        "nobody sees it",
    );
    let fine = files(
        "platforms/local.rs",
        "use crate::{Error, connector::Platform};",
    );
    assert_eq!(fine, Findings::new());
    let fine = files(
        "testing/connector.rs",
        "use crate::{platforms::LocalFolder, engine::transfer, backends::sqlite};",
    );
    assert_eq!(fine, Findings::new());
    let fine = files(
        "engine/transfer.rs",
        "#[cfg(test)] mod tests { use crate::platforms::LocalFolder; }",
    );
    assert_eq!(fine, Findings::new());
}

#[test]
fn rooms_of_one_floor_form_no_circle() {
    let files = |cache: &'static str| {
        imports(&[
            ("lib.rs", ""),
            ("engine/mod.rs", ""),
            ("engine/sync.rs", "use crate::engine::transfer::Mover;"),
            ("engine/transfer.rs", "use super::cache::Cache;"),
            ("engine/cache.rs", cache),
        ])
    };
    assert_eq!(files(""), Findings::new());
    one(
        &files("fn f() { crate::engine::sync::plan() }"),
        "a circle: `engine::cache` → `engine::sync`",
    );
    one(&files("use crate::engine;"), "name the room");
}

#[test]
fn a_room_without_a_row_fails() {
    let found = house(&[
        ("lib.rs", ""),
        ("util.rs", ""),
        ("engine/mod.rs", ""),
        ("engine/helpers/x.rs", ""),
        ("platforms/cloud/s3.rs", ""),
    ]);
    assert_eq!(
        found.rooms_without_a_row(),
        [
            "src/engine/helpers/x.rs: no row names `engine::helpers`",
            "src/util.rs: no row names `util`"
        ]
    );
}

#[test]
fn a_long_file_fails() {
    let at_most = "\n".repeat(600);
    let over = "\n".repeat(601);
    one(
        &house(&[("error.rs", &at_most), ("id.rs", &over)]).long_files(),
        "src/id.rs: 601 lines",
    );
}

#[test]
fn logic_in_mod_rs_fails() {
    let fine = "//! fn\nmod a;\npub use a::A;\n#[cfg(test)]\nmod tests { fn f() {} }";
    let found = house(&[
        ("storage/mod.rs", fine),
        ("connector/mod.rs", "mod a;\nimpl A {}"),
        ("id.rs", "fn f() {}"),
    ]);
    one(&found.logic_in_mod_rs(), "src/connector/mod.rs:2: `impl`");
}

#[test]
fn an_allow_without_reason_fails() {
    for source in [
        "#[allow(dead_code)] fn f() {}",
        "#![allow(dead_code)]",
        "#[cfg_attr(unix, allow(dead_code))] fn f() {}",
    ] {
        one(
            &house(&[("id.rs", source)]).allows_without_reason(),
            "src/id.rs:1",
        );
    }
    let fine =
        "#[allow(dead_code, reason = \"x\")] #[expect(unused)] fn f() { allow(1); a[allow(2)]; }";
    assert_eq!(
        house(&[("id.rs", fine)]).allows_without_reason(),
        Findings::new()
    );
}

#[test]
fn printing_and_gaps_fail() {
    one(
        &house(&[("id.rs", "fn f() { println!(\"x\") }")]).forbidden_macros(),
        "`println!`",
    );
    one(
        &house(&[("id.rs", "fn f() { std::todo!() }")]).forbidden_macros(),
        "`todo!`",
    );
    let fine =
        "fn todo() { todo(); /* todo!() */ } #[cfg(test)] mod tests { fn f() { println!() } }";
    assert_eq!(
        house(&[("id.rs", fine)]).forbidden_macros(),
        Findings::new()
    );
}

#[test]
fn a_test_module_in_its_own_file_is_no_product() {
    let found = house(&[
        ("lib.rs", ""),
        ("storage/mod.rs", "#[cfg(test)]\nmod tests;\nmod store;"),
        (
            "storage/tests.rs",
            "use crate::backends::Memory; fn f() { println!() }",
        ),
        ("storage/store.rs", "use crate::backends::Memory;"),
        ("backends/mod.rs", "mod memory; pub use memory::Memory;"),
        ("backends/memory.rs", ""),
    ]);
    one(&found.wrong_imports(), "src/storage/store.rs:1");
    assert_eq!(found.forbidden_macros(), Findings::new());
}
