//! What one replica holds, as a compact ordered map from path to version.

mod builder;
mod codec;
mod cursor;
mod table;

pub use builder::InventoryBuilder;
pub use table::{Inventory, InventoryDigest};

pub(crate) use cursor::Cursor;
