//! What a studio works with: its people and weddings, the sections of a workspace, and who is let into them.

pub mod section;
pub mod team;
