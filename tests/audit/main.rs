//! The record of what happened cannot be bent unseen: heads, proofs, side records, exports.

#[path = "../common/root.rs"]
mod root;

mod auditors;
mod crashes;
mod exports;
mod heads;
mod proofs;
mod sides;
mod tampering;
mod world;
