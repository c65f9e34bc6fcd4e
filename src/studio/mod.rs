//! The trade of a studio.

pub mod section;
pub mod team;
