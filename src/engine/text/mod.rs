//! Text that people hand in: kept as written, and encoded where it comes out.
//!
//! Everything here is a small, total function: it takes any text and never panics.
//!
//! - [`DisplayName`]: the name of a file as people see it. Never a path.
//! - [`relative_path`]: a path that somebody hands in, such as that of an archive's entry.
//! - [`escape_html`], [`escape_attribute`], [`csv_field`], [`csv_row`], [`LogValue`]: one for each place that text goes to.
//! - `RichText` (feature `html`): formatted text through an allow list.

mod csv;
mod escape;
mod hazards;
mod log;
mod name;
mod path;
#[cfg(feature = "html")]
#[cfg_attr(docsrs, doc(cfg(feature = "html")))]
mod rich;

pub use csv::{csv_field, csv_row};
pub use escape::{escape_attribute, escape_html};
pub use hazards::Hazard;
#[cfg(feature = "upload")]
pub(crate) use hazards::is_program_name;
pub use log::LogValue;
pub use name::DisplayName;
pub use path::relative_path;
#[cfg(feature = "html")]
pub use rich::RichText;
