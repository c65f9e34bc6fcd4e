//! Prints the public API of the crate whose rustdoc JSON is named, one item a line.
//!
//! Left out, because it follows from the lines that stay: blanket and auto-trait impls, and the methods of derived
//! impls (the impls themselves stay: to lose a `Clone` breaks callers).

use std::collections::HashSet;
use std::error::Error;
use std::io::Write as _;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let json = std::env::args_os()
        .nth(1)
        .ok_or("name the rustdoc JSON file")?;
    let written: HashSet<String> = items(Path::new(&json), true)?.into_iter().collect();
    let mut out = std::io::stdout().lock();
    for item in items(Path::new(&json), false)? {
        let derived_impl = item.starts_with("impl") && !item.contains("StructuralPartialEq");
        if written.contains(&item) || derived_impl {
            writeln!(out, "{item}")?;
        }
    }
    Ok(())
}

/// Every public item in the listing's own order, with or without what `#[derive]` made.
fn items(json: &Path, omit_derived: bool) -> Result<Vec<String>, Box<dyn Error>> {
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(omit_derived)
        .build()?;
    Ok(api.items().map(ToString::to_string).collect())
}
