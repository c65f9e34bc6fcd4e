//! Values kept near, bounded by weight.

mod policy;
