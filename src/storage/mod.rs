//! The seam to the database that holds garland's own state.
