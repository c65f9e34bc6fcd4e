//! What connectors are made of.

mod api;
