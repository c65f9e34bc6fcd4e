//! What connectors are made of.

mod api;
mod streamed;
