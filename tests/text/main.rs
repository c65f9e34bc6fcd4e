//! Text that people hand in: names, paths, markup, tables and logs.

#[path = "../vectors_suite/security/html.rs"]
mod html;
#[path = "../architecture/lexer.rs"]
mod lexer;

mod encodings;
mod names;
mod rich;
mod sql;
