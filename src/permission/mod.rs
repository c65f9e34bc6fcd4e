//! The seam to whoever decides what an actor may do.
