//! Verified sync between any number of places.
