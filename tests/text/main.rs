//! Text that people hand in: names, paths, markup, tables and logs.

#[path = "../vectors_suite/security/html.rs"]
mod html;
#[path = "../architecture/lexer.rs"]
#[expect(dead_code, reason = "the architecture test uses all of it")]
mod lexer;

mod encodings;
mod names;
mod rich;
mod sql;
