//! The trade of a studio.

pub mod team;
