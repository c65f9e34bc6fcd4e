//! What a studio works with: the sections of a workspace, and who is let into them.

pub mod section;
