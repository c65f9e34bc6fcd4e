//! Which entry leaves when room is needed: pure, without keys, values or time.

mod ghosts;
mod links;
mod segments;
mod sketch;

pub(crate) use ghosts::AsItIs;
pub(crate) use segments::Policy;
